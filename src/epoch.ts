/**
 * A project's epoch. A cached answer carries the epoch that held when it was asked for. Once the epoch has moved, the
 * answer is stale. A write that changes a closed hour moves the epoch before the write is acknowledged.
 *
 * If Redis does not take the move, the write marks its project in the database before it is acknowledged. Closed ranges
 * are answered from the cache only under a lease in Redis, which one isolate renews for all, after it has made the moves
 * that are due. So a cached answer is older than such a write for `LEASE_MS` at most, and without a query per answer.
 */
import { sql } from "drizzle-orm";
import type { Database } from "./db/client.ts";
import { holdOpen, type KeepAlive } from "./keep-alive.ts";
import type { RedisClient } from "./redis.ts";
import { HOUR_MS } from "./time.ts";

export const epochKey = (projectId: string): string => `epoch:${projectId}`;

/** The lease: until when (epoch ms) cached answers may be used. It lives as long. */
export const LEASE_KEY = "epochs:moved";
export const LEASE_MS = 5_000;
/** After a renewal that failed, an isolate waits this long before the next one. */
const PAUSE_MS = 1_000;
/** A request waits this long for a renewal that another request began. */
const PATIENCE_MS = 2_000;

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
 * @throws DatabaseUnavailable if neither Redis nor the database took note. The change must not be acknowledged then.
 */
export async function announceChange(
  { db, redis, mergeSignal, now }: AnnounceDeps,
  projectId: string,
  earliestMs: number,
  keepAlive: KeepAlive,
): Promise<void> {
  mergeSignal.raise(now(), keepAlive);
  if (!touchesClosedHour(earliestMs, now()) || (await moveEpoch(redis, projectId))) return;
  await db.query(sql`update projects set epoch_move_due_at = now() where id = ${projectId}::uuid`);
}

/**
 * Moves the epochs that writes could not move.
 *
 * @returns false if Redis refused one. It would refuse the others, too.
 */
export async function repeatEpochMoves({ db, redis }: Pick<AnnounceDeps, "db" | "redis">): Promise<boolean> {
  const due = await db.query(
    sql`select id, epoch_move_due_at::text as due from projects where epoch_move_due_at is not null`,
  );
  for (const { id, due: dueAt } of due) {
    if (!(await moveEpoch(redis, String(id)))) return false;
    await db.query(
      sql`update projects set epoch_move_due_at = null where id = ${id}::uuid and epoch_move_due_at = ${dueAt}::timestamptz`,
    );
  }
  return true;
}

export interface EpochLease {
  /** Returns whether the lease is renewed, and so every move that was due before it is made. */
  renew(keepAlive: KeepAlive): Promise<boolean>;
}

export function createEpochLease({ db, redis, now }: Pick<AnnounceDeps, "db" | "redis" | "now">): EpochLease {
  let renewal: Promise<boolean> | null = null;
  let failedMs = -Infinity;

  async function run(): Promise<boolean> {
    const untilMs = now() + LEASE_MS;
    try {
      if (!(await repeatEpochMoves({ db, redis }))) return false;
      const leftMs = untilMs - now();
      return leftMs > 0 && !(await redis.set(LEASE_KEY, String(untilMs), leftMs)).down;
    } catch {
      return false;
    }
  }

  return {
    async renew(keepAlive) {
      if (now() < failedMs + PAUSE_MS) return false;
      const own = (renewal ??= run());
      keepAlive(own);
      const renewed = await holdOpen(own, PATIENCE_MS);
      if (renewal === own) renewal = null;
      if (renewed !== true) failedMs = now();
      return renewed === true;
    },
  };
}
