/** The scheduled run, once a minute: it merges, makes and drops partitions, and finishes work that was left. */
import { repeatEpochMoves } from "./epoch.ts";
import { type MergeSignal } from "./rollup/signal.ts";
import { type RetainDeps, retain } from "./retention/retain.ts";
import { type HeldDeps, decideHeld } from "./write/held.ts";
import { type RepriceDeps } from "./reprice/step.ts";
import { sql } from "drizzle-orm";
import type { KeepAlive } from "./keep-alive.ts";
import { FORGOTTEN_AT_ONCE, forgetLinks } from "./write/trace-nodes.ts";
import type { CurrentCatalogue } from "./catalogue/current.ts";
import { markHealed, unhealedSince } from "./catalogue/store.ts";
import { refreshCatalogue, type RefreshDeps } from "./catalogue/refresh.ts";
import { openAllHealing, openHealing } from "./reprice/heal.ts";
import { runErasures } from "./erase/job.ts";
import { runJobs } from "./reprice/job.ts";
import { noteAliases, relabel } from "./reprice/relabel.ts";
import { merge } from "./rollup/merge.ts";
import { repairNoted } from "./rollup/repair-noted.ts";

export interface CronDeps extends RepriceDeps, HeldDeps, RetainDeps, RefreshDeps {
  mergeSignal: MergeSignal;
  catalogue: CurrentCatalogue;
  config: HeldDeps["config"] & RetainDeps["config"] & RefreshDeps["config"];
}

/** How long one run may merge. The next run goes on where it stopped. */
const MERGE_MS = 40_000;
/** How long one run may settle held wrappers. */
const HELD_MS = 10_000;
/** How long one run may repair days that an older version left behind. */
const REPAIR_MS = 20_000;
/** How long one run may give calls the canonical names of their providers. */
const RELABEL_MS = 20_000;
/** How long one run may remove calls and hour rows that are no longer kept. */
const RETAIN_MS = 20_000;
/** How long one run may look for projects with unpriced calls whose price is known by now. */
const HEAL_MS = 60_000;
/** After this time every isolate prices by a newer catalogue. */
const SPREAD_MS = 2 * 60_000;
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
  const errors: unknown[] = [];
  const newer = await refreshCatalogue(deps).catch((error: unknown) => errors.push(error) > 0);
  if (!due && !sweep && !newer) return null;
  const result = { merged: 0, drained: false };
  let left = false;
  // If one stage fails, the others still run.
  for (const stage of stagesOf(deps, keepAlive, sweep, result)) {
    try {
      if ((await stage()) === false) left = true;
    } catch (error) {
      errors.push(error);
    }
  }
  if (left || errors.length > 0) await deps.mergeSignal.keep(deps.now());
  if (errors.length > 0) throw errors[0];
  return result;
}

/** Each stage returns whether it has nothing left to do. What a daily one leaves waits for the next day. */
function stagesOf(
  deps: CronDeps,
  keepAlive: KeepAlive,
  sweep: boolean,
  result: { merged: number; drained: boolean },
): (() => Promise<boolean | void>)[] {
  const always: (() => Promise<boolean>)[] = [
    async () => {
      await deps.db.query(
        sql`select create_trace_partitions(current_date, (current_date + interval '3 months')::date)`,
      );
      return true;
    },
    () => repeatEpochMoves(deps),
    async () => Object.assign(result, await merge(deps.db, deps.now, deps.now() + MERGE_MS)).drained,
    async () => {
      const { done, unpriced } = await decideHeld(deps, deps.now() + HELD_MS, keepAlive);
      for (const projectId of unpriced) await openHealing(deps, projectId);
      return done;
    },
    () => healByNewer(deps),
    () => runJobs(deps, keepAlive),
    () => runErasures(deps, keepAlive),
    () => repairNoted(deps, deps.now() + REPAIR_MS, keepAlive),
    () => relabel(deps, deps.now() + RELABEL_MS, keepAlive),
    () => retain(deps, deps.now() + RETAIN_MS),
  ];
  const daily: (() => Promise<void>)[] = [
    async () => {
      await openAllHealing(deps, deps.now() + HEAL_MS);
      await runJobs(deps, keepAlive);
    },
    () => noteAliases(deps.db),
    async () => {
      while ((await deps.db.query(forgetLinks)).length === FORGOTTEN_AT_ONCE);
    },
  ];
  return sweep ? [...always, ...daily] : always;
}

/** A newer catalogue may know prices of calls that had none. */
async function healByNewer(deps: CronDeps): Promise<boolean> {
  const storedMs = await unhealedSince(deps.db);
  if (storedMs === null) return true;
  await deps.catalogue.renew(deps.now());
  const done = await openAllHealing(deps, deps.now() + HEAL_MS);
  // Until then isolates may leave calls unpriced by the older one.
  if (!done || deps.now() - storedMs < SPREAD_MS) return false;
  await markHealed(deps.db, storedMs, deps.now());
  return true;
}
