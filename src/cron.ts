/** The scheduled run, every minute: merge, keep partitions ahead, drop old ones, go on with what was left half done. */
import { sql } from "drizzle-orm";
import type { Deps, KeepAlive } from "./deps.ts";
import { decideHeld } from "./ingest/held.ts";
import { FORGOTTEN_AT_ONCE, forgetLinks } from "./ingest/trace-nodes.ts";
import { healProject } from "./reprice/heal.ts";
import { runJobs } from "./reprice/job.ts";
import { retain } from "./retention/retain.ts";
import { merge } from "./rollup/merge.ts";
import { moveEpoch } from "./summary/cache.ts";

/** How long one run may merge; the next goes on where it stopped. */
const MERGE_MS = 40_000;
/** How long one run may decide about wrappers. */
const HELD_MS = 10_000;
/** How long one run may remove what is kept no longer. */
const RETAIN_MS = 20_000;
/** How long the daily sweep may look for prices of calls that had none. */
const HEAL_MS = 60_000;
/** Minute of the UTC day at which everything is done whatever the flag says. */
const SWEEP_MINUTE = 3 * 60;

/**
 * @returns what was done, or null when nothing was due and the database was left asleep.
 */
export async function runScheduled(
  deps: Deps,
  scheduledMs: number,
  keepAlive: KeepAlive,
): Promise<{ merged: number; drained: boolean } | null> {
  const sweep = Math.floor(scheduledMs / 60_000) % 1_440 === SWEEP_MINUTE;
  const due = await deps.mergeSignal.take(deps.now());
  if (!due && !sweep) return null;
  const result = { merged: 0, drained: false };
  let left = false;
  const errors: unknown[] = [];
  // What fails keeps nothing else from being done.
  for (const stage of stagesOf(deps, keepAlive, sweep, result)) {
    try {
      if (!(await stage())) left = true;
    } catch (error) {
      errors.push(error);
    }
  }
  if (left || errors.length > 0) await deps.mergeSignal.keep(deps.now());
  if (errors.length > 0) throw errors[0];
  return result;
}

/** Each says whether it has nothing left to do. */
function stagesOf(
  deps: Deps,
  keepAlive: KeepAlive,
  sweep: boolean,
  result: { merged: number; drained: boolean },
): (() => Promise<boolean>)[] {
  const always = [
    async () => {
      await deps.db.query(
        sql`select create_trace_partitions(current_date, (current_date + interval '3 months')::date)`,
      );
      return true;
    },
    async () => {
      await repeatEpochMoves(deps);
      return true;
    },
    async () => Object.assign(result, await merge(deps.db, deps.now, deps.now() + MERGE_MS)).drained,
    () => decideHeld(deps, deps.now() + HELD_MS, keepAlive),
    () => runJobs(deps, keepAlive),
    () => retain(deps, deps.now() + RETAIN_MS),
  ];
  const daily = [
    async () => {
      await healAll(deps, keepAlive);
      return true;
    },
    async () => {
      while ((await deps.db.query(forgetLinks)).length === FORGOTTEN_AT_ONCE);
      return true;
    },
  ];
  return sweep ? [...always, ...daily] : always;
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

/** A new version may bring a catalogue with prices that were not known before. */
async function healAll(deps: Deps, keepAlive: KeepAlive): Promise<void> {
  const deadlineMs = deps.now() + HEAL_MS;
  for (const { id } of await deps.db.query(sql`select id from projects order by id`)) {
    if (deps.now() < deadlineMs) await healProject(deps, String(id), deadlineMs, keepAlive);
  }
}
