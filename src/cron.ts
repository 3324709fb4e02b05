/** The scheduled run, once a minute: it merges, makes and drops partitions, and finishes work that was left. */
import { repeatEpochMoves } from "./epoch.ts";
import { type MergeSignal } from "./rollup/signal.ts";
import { type RetainDeps, retain } from "./retention/retain.ts";
import { type HeldDeps, decideHeld } from "./write/held.ts";
import { type RepriceDeps } from "./reprice/step.ts";
import { sql } from "drizzle-orm";
import type { KeepAlive } from "./keep-alive.ts";
import { FORGOTTEN_AT_ONCE, forgetLinks } from "./write/trace-nodes.ts";
import { healProject } from "./reprice/heal.ts";
import { runJobs } from "./reprice/job.ts";
import { merge } from "./rollup/merge.ts";

export interface CronDeps extends RepriceDeps, HeldDeps, RetainDeps {
  mergeSignal: MergeSignal;
  config: HeldDeps["config"] & RetainDeps["config"];
}

/** How long one run may merge. The next run goes on where it stopped. */
const MERGE_MS = 40_000;
/** How long one run may settle held wrappers. */
const HELD_MS = 10_000;
/** How long one run may remove calls and hour rows that are no longer kept. */
const RETAIN_MS = 20_000;
/** How long the daily sweep may look for prices of unpriced calls. */
const HEAL_MS = 60_000;
/** The minute of the UTC day at which every stage runs, whether or not the flag is up. */
const SWEEP_MINUTE = 3 * 60;

/**
 * Runs every stage that is due.
 *
 * @returns what was merged, or null if nothing was due. The database is not woken then.
 */
export async function runScheduled(
  deps: CronDeps,
  scheduledMs: number,
  keepAlive: KeepAlive,
): Promise<{ merged: number; drained: boolean } | null> {
  const sweep = Math.floor(scheduledMs / 60_000) % 1_440 === SWEEP_MINUTE;
  const due = await deps.mergeSignal.take(deps.now());
  if (!due && !sweep) return null;
  const result = { merged: 0, drained: false };
  let left = false;
  const errors: unknown[] = [];
  // If one stage fails, the others still run.
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

/** Each stage returns whether it has nothing left to do. */
function stagesOf(
  deps: CronDeps,
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
    async () => {
      const deadlineMs = deps.now() + HELD_MS;
      const { done, unpriced } = await decideHeld(deps, deadlineMs, keepAlive);
      for (const projectId of unpriced) await healProject(deps, projectId, deadlineMs, keepAlive);
      return done;
    },
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

/** Heals every project, because a new version may bring a catalogue with new prices. */
async function healAll(deps: CronDeps, keepAlive: KeepAlive): Promise<void> {
  const deadlineMs = deps.now() + HEAL_MS;
  for (const { id } of await deps.db.query(sql`select id from projects order by id`)) {
    if (deps.now() < deadlineMs) await healProject(deps, String(id), deadlineMs, keepAlive);
  }
}
