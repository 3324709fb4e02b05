/**
 * A project's epoch. A cached answer carries the epoch that held when it was asked for. Once the epoch has moved, the
 * answer is stale. A write that changes a closed hour moves the epoch before the write is acknowledged.
 */
import { sql } from "drizzle-orm";
import type { Database } from "./db/client.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { RedisClient } from "./redis.ts";
import { HOUR_MS } from "./time.ts";

export const epochKey = (projectId: string): string => `epoch:${projectId}`;

/** Makes every cached answer of the project stale. Returns whether Redis took the new epoch. */
export async function moveEpoch(redis: RedisClient, projectId: string): Promise<boolean> {
  return !(await redis.set(epochKey(projectId), crypto.randomUUID())).down;
}

/** Tells whether a write whose earliest call started at `startedAtMs` has to move the epoch. */
export function touchesClosedHour(startedAtMs: number, nowMs: number): boolean {
  return startedAtMs < Math.floor(nowMs / HOUR_MS) * HOUR_MS;
}

export interface AnnounceDeps {
  db: Database;
  redis: RedisClient;
  /** Tells cron that there is something to merge. */
  mergeSignal: { raise(nowMs: number, keepAlive: KeepAlive): void };
  now: () => number;
}

/**
 * Announces that rollups have changed: tells cron that there is something to merge, and makes cached answers stale.
 *
 * @param earliestMs the start of the earliest call that changed.
 */
export async function announceChange(
  { db, redis, mergeSignal, now }: AnnounceDeps,
  projectId: string,
  earliestMs: number,
  keepAlive: KeepAlive,
): Promise<void> {
  mergeSignal.raise(now(), keepAlive);
  if (!touchesClosedHour(earliestMs, now()) || (await moveEpoch(redis, projectId))) return;
  // Cron repeats the move. Until then cached answers may be stale, at most until they expire.
  const due = db.query(sql`update projects set epoch_move_due_at = now() where id = ${projectId}::uuid`);
  keepAlive(due.catch(() => undefined));
}

/** Moves the epochs that writes could not move. */
export async function repeatEpochMoves({ db, redis }: Pick<AnnounceDeps, "db" | "redis">): Promise<void> {
  const due = await db.query(
    sql`select id, epoch_move_due_at::text as due from projects where epoch_move_due_at is not null`,
  );
  for (const { id, due: dueAt } of due) {
    if (!(await moveEpoch(redis, String(id)))) continue;
    await db.query(
      sql`update projects set epoch_move_due_at = null where id = ${id}::uuid and epoch_move_due_at = ${dueAt}::timestamptz`,
    );
  }
}
