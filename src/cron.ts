/** The scheduled run, once a minute: it merges, makes and drops partitions, and finishes work that was left. */
import { repeatEpochMoves } from "./epoch.ts";
import { type MergeSignal } from "./rollup/signal.ts";
import { type RetainDeps, retain } from "./retention/retain.ts";
import { type HeldDeps, decideHeld } from "./write/held.ts";
import { type RepriceDeps } from "./reprice/step.ts";
import { sql } from "drizzle-orm";
import { type Everywhere, type KnownNodes, throughFailures } from "./db/shards.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { forgetLinks } from "./write/trace-nodes.ts";
import type { CurrentCatalogue } from "./catalogue/current.ts";
import { markHealed, unhealedSince } from "./catalogue/store.ts";
import { refreshCatalogue, type RefreshDeps } from "./catalogue/refresh.ts";
import { openAllHealing, openHealing } from "./reprice/heal.ts";
import { runErasures } from "./erase/job.ts";
import { forgetPageSessions } from "./page-sessions.ts";
import { runJobs } from "./reprice/job.ts";
import { noteAliases, relabel } from "./reprice/relabel.ts";
import { addUpCorrections } from "./rollup/corrections.ts";
import { sampleSizes } from "./insight/growth.ts";
import { merge } from "./rollup/merge.ts";
import { auditYesterday, type SnapshotDeps, takeSnapshot } from "./monitoring/take-snapshot.ts";
import { keepRuns, readKept, type Runs } from "./telemetry/snapshot.ts";
import type { Counters } from "./telemetry/counters.ts";
import { repairNoted } from "./rollup/repair-noted.ts";
import { fillDay } from "./write/fill-day.ts";

export interface CronDeps extends RepriceDeps, HeldDeps, RetainDeps, RefreshDeps, Omit<SnapshotDeps, "redis"> {
  counters: Counters;
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
/** In minutes between, labels are merged only if there are many. */
const LABELS_EVERY = 5;

/** How long one run may audit the day before. */
const AUDIT_MS = 20_000;

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
  const minute = Math.floor(scheduledMs / 60_000) % 1_440;
  const sweep = minute === SWEEP_MINUTE;
  const labelsWait = minute % LABELS_EVERY !== 0;
  const due = await deps.mergeSignal.take(deps.now());
  const run = beginRun(deps);
  const newer = await run.stage("catalogue", () => refreshCatalogue(deps));
  if (!due && !sweep && newer !== true && run.errors.length === 0) {
    // Nothing was written since nothing was left to merge.
    run.found.mergedMs = deps.now();
    await run.end();
    return null;
  }
  const result = { merged: 0, drained: false };
  // If one stage fails, the others still run.
  for (const [name, stage] of Object.entries(stagesOf(deps, keepAlive, { sweep, labelsWait }, result, run))) {
    if ((await run.stage(name, stage)) === false) run.left = true;
  }
  await run.stage("snapshot", run.snapshot);
  if (run.left || run.errors.length > 0) await deps.mergeSignal.keep(deps.now());
  await run.end();
  if (run.errors.length > 0) throw run.errors[0];
  return result;
}

/** A run: what failed in it, and what it tells monitoring. */
function beginRun(deps: CronDeps) {
  const succeededMs: Record<string, number> = {};
  const errors: unknown[] = [];
  const known: KnownNodes = { down: null };
  const found: Partial<Runs> = {};
  const kept = readKept(deps.redis);
  return {
    errors,
    found,
    /** One stage tells the next ones, which need not wait for a node that is down. */
    known,
    /** True if a stage left something for the next run. */
    left: false,
    /** Runs a stage, which returns null if it could do nothing. Returns undefined if it failed. */
    async stage<T>(name: string, work: (all: Everywhere) => Promise<T>): Promise<T | undefined> {
      try {
        const done = await throughFailures(deps.db, work, known);
        if (done !== null) succeededMs[name] = deps.now();
        return done;
      } catch (error) {
        errors.push(error);
        deps.counters.count("llm_cost_cron_failures_total", [name]);
        return undefined;
      }
    },
    async snapshot(): Promise<true | null> {
      const before = await kept;
      return !before.down && (await takeSnapshot(deps, before.value.snapshot)) ? true : null;
    },
    async end(): Promise<void> {
      if (errors.length === 0) succeededMs["run"] = deps.now();
      else deps.counters.count("llm_cost_cron_failures_total", ["run"]);
      const before = await kept;
      if (!before.down) {
        const { runs } = before.value;
        await keepRuns(deps.redis, { ...runs, ...found, succeededMs: { ...runs.succeededMs, ...succeededMs } });
      }
      await deps.counters.send();
    },
  };
}

type Run = ReturnType<typeof beginRun>;

type Stage = (all: Everywhere) => Promise<boolean | void>;

/** Each stage returns whether it has nothing left to do. What a daily one leaves waits for the next day. */
function stagesOf(
  deps: CronDeps,
  keepAlive: KeepAlive,
  { sweep, labelsWait }: { sweep: boolean; labelsWait: boolean },
  result: { merged: number; drained: boolean },
  run: Run,
): Record<string, Stage> {
  const always: Record<string, (all: Everywhere) => Promise<boolean>> = {
    async partitions() {
      await deps.db.query(
        sql`select create_trace_partitions(current_date, (current_date + interval '3 months')::date)`,
      );
      return true;
    },
    epochs: () => repeatEpochMoves(deps),
    async merge() {
      const { waiting, ...done } = await merge(
        deps.db,
        deps.now,
        deps.now() + MERGE_MS,
        { labelsWait, leavesRoom: true },
        run.known,
      );
      Object.assign(result, done);
      if (result.drained) run.found.mergedMs = deps.now();
      return result.drained && !waiting;
    },
    async held(all) {
      const { done, unpriced } = await decideHeld(deps, deps.now() + HELD_MS, keepAlive, all);
      for (const projectId of unpriced) await openHealing(deps, projectId);
      return done;
    },
    heal: () => healByNewer(deps),
    jobs: (all) => runJobs(deps, keepAlive, null, all),
    erase: (all) => runErasures(deps, keepAlive, null, all),
    repair: (all) => repairNoted(deps, deps.now() + REPAIR_MS, keepAlive, fillDay, all),
    relabel: (all) => relabel(deps, deps.now() + RELABEL_MS, keepAlive, all),
    retain: () => retain(deps, deps.now() + RETAIN_MS),
    async corrections(all) {
      await addUpCorrections(deps.db, all);
      return true;
    },
  };
  const daily: Record<string, (all: Everywhere) => Promise<void>> = {
    async heal_all(all) {
      await openAllHealing(deps, deps.now() + HEAL_MS);
      await runJobs(deps, keepAlive, null, all);
    },
    aliases: () => noteAliases(deps.db),
    async sizes() {
      await sampleSizes(deps.db, deps.now());
    },
    links: (all) => forgetLinks(deps.db, all),
    page_sessions: () => forgetPageSessions(deps.db, deps.now()),
    async audit() {
      run.found.audit = await auditYesterday(deps.db, deps.now, deps.now() + AUDIT_MS);
    },
  };
  return sweep ? { ...always, ...daily } : always;
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
