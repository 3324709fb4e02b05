/** The scheduled run, every minute: merge, keep partitions ahead, repeat what a write could not do. */
import { sql } from "drizzle-orm";
import type { Deps } from "./deps.ts";
import { merge } from "./rollup/merge.ts";
import { moveEpoch } from "./summary/cache.ts";

/** How long one run may merge; the next goes on where it stopped. */
const MERGE_MS = 40_000;
/** Minute of the UTC day at which everything is done whatever the flag says. */
const SWEEP_MINUTE = 3 * 60;

/**
 * @returns what was done, or null when nothing was due and the database was left asleep.
 */
export async function runScheduled(
  deps: Deps,
  scheduledMs: number,
): Promise<{ merged: number; drained: boolean } | null> {
  const sweep = Math.floor(scheduledMs / 60_000) % 1_440 === SWEEP_MINUTE;
  const due = await deps.mergeSignal.take(deps.now());
  if (!due && !sweep) return null;
  let drained = false;
  try {
    await deps.db.query(sql`select create_trace_partitions(current_date, (current_date + interval '3 months')::date)`);
    await repeatEpochMoves(deps);
    const result = await merge(deps.db, deps.now, deps.now() + MERGE_MS);
    drained = result.drained;
    return result;
  } finally {
    if (!drained) await deps.mergeSignal.keep(deps.now());
  }
}

async function repeatEpochMoves({ db, redis }: Deps): Promise<void> {
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
