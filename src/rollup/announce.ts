/** After rollups changed: cron has something to merge, and caches may hold what is true no longer. */
import { sql } from "drizzle-orm";
import type { Deps, KeepAlive } from "../deps.ts";
import { moveEpoch, touchesClosedHour } from "../summary/cache.ts";

/** @param earliestMs start of the earliest call that changed. */
export async function announceChange(
  { db, redis, mergeSignal, now }: Deps,
  projectId: string,
  earliestMs: number,
  keepAlive: KeepAlive,
): Promise<void> {
  mergeSignal.raise(now(), keepAlive);
  if (!touchesClosedHour(earliestMs, now()) || (await moveEpoch(redis, projectId))) return;
  // Cron repeats the move; until then what is cached may be as old as it may get.
  const due = db.query(sql`update projects set epoch_move_due_at = now() where id = ${projectId}::uuid`);
  keepAlive(due.catch(() => undefined));
}
