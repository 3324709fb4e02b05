/** Repricing a range as a job. Each step is bounded and stores its progress, so that the next run can go on with it. */
import { type RepriceDeps, type Restated, repriceStep, type RepriceScope } from "./step.ts";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Row } from "../db/client.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { picoToUsd } from "../money.ts";
import { announceChange } from "../epoch.ts";
import { formatInstant } from "../time.ts";
import { count, day, id, time, usd, usdDifference } from "../wire.ts";

/** The counts of a job and of a dry run. */
const counted = {
  looked: count.describe("How many calls have been looked at so far."),
  restated: count.describe("How many of these calls have another cost."),
  difference_usd: usdDifference.describe("The new cost of these calls minus their old cost."),
};

/** A job as the API shows it. */
export const RepriceJob = z
  .object({
    id,
    status: z.enum(["running", "done"]),
    from: time,
    to: time,
    providers: z.array(z.string()),
    models: z.array(z.string()),
    unpriced_only: z.boolean(),
    ...counted,
    created_at: time,
    done_at: time.nullable(),
  })
  .meta({ id: "RepriceJob" });
export type RepriceJob = z.infer<typeof RepriceJob>;

export const Foretold = z
  .object({
    dry_run: z.literal(true),
    complete: z.boolean().describe("False if the time for one answer did not suffice to look at all calls."),
    ...counted,
    changes: z.array(
      z.object({
        day,
        provider: z.string(),
        model: z.string(),
        requests: count,
        before_usd: usd,
        after_usd: usd,
        difference_usd: usdDifference,
      }),
    ),
  })
  .meta({ id: "RepriceDryRun" });
export type Foretold = z.infer<typeof Foretold>;

const STEP = 2_000;
/** How long one request, or one scheduled run, may work on a job. */
const RUN_MS = 20_000;

/** Computes what repricing would change, by day and model. Nothing is changed. */
export async function foretell(deps: RepriceDeps, scope: RepriceScope): Promise<Foretold> {
  const pricer = await deps.prices.pricerFor(scope.projectId, deps.now());
  const deadlineMs = deps.now() + RUN_MS;
  const groups = new Map<string, { restated: Restated; requests: number; beforePico: bigint; afterPico: bigint }>();
  let looked = 0;
  let cursor: string | null = null;
  do {
    const step = await repriceStep(deps.db, pricer, scope, { cursor, limit: STEP, apply: false });
    looked += step.looked;
    for (const restated of step.restated) {
      const key = JSON.stringify([restated.day, restated.provider, restated.model]);
      const group = groups.get(key) ?? { restated, requests: 0, beforePico: 0n, afterPico: 0n };
      group.requests++;
      group.beforePico += restated.beforePico ?? 0n;
      group.afterPico += restated.afterPico ?? 0n;
      groups.set(key, group);
    }
    cursor = step.cursor;
  } while (cursor !== null && deps.now() < deadlineMs);
  const all = [...groups.values()];
  return {
    dry_run: true,
    complete: cursor === null,
    looked,
    restated: all.reduce((sum, { requests }) => sum + requests, 0),
    difference_usd: picoToUsd(all.reduce((sum, { beforePico, afterPico }) => sum + afterPico - beforePico, 0n)),
    changes: all.map(({ restated: { day, provider, model }, requests, beforePico, afterPico }) => ({
      day,
      provider,
      model,
      requests,
      before_usd: picoToUsd(beforePico),
      after_usd: picoToUsd(afterPico),
      difference_usd: picoToUsd(afterPico - beforePico),
    })),
  };
}

/** Opens a job. `runJobs` runs it. */
export async function openJob(deps: RepriceDeps, scope: RepriceScope): Promise<RepriceJob> {
  const { projectId, ...rest } = scope;
  const [row] = await deps.db.query(sql`
    insert into reprice_jobs (project_id, id, scope)
    values (${projectId}::uuid, gen_random_uuid(), ${JSON.stringify(rest)}::jsonb) returning *`);
  return shown(row!);
}

/** @returns null if the project has no such job. */
export async function readJob(deps: RepriceDeps, projectId: string, id: string): Promise<RepriceJob | null> {
  const [row] = await deps.db.query(sql`
    select * from reprice_jobs where project_id = ${projectId}::uuid and id = ${id}::uuid`);
  return row ? shown(row) : null;
}

/** Runs the open jobs, oldest first. Returns whether all are done. */
export async function runJobs(deps: RepriceDeps, keepAlive: KeepAlive): Promise<boolean> {
  const deadlineMs = deps.now() + RUN_MS;
  const rows = await deps.db.query(sql`select * from reprice_jobs where done_at is null order by created_at, id`);
  for (const row of rows) {
    if (!(await runJob(deps, row, deadlineMs, keepAlive))) return false;
  }
  return true;
}

async function runJob(deps: RepriceDeps, row: Row, deadlineMs: number, keepAlive: KeepAlive): Promise<boolean> {
  const scope = scopeOf(row);
  const jobId = String(row["id"]);
  let cursor = row["cursor"] as string | null;
  try {
    const pricer = await deps.prices.pricerFor(scope.projectId, deps.now());
    do {
      if (deps.now() >= deadlineMs) return false;
      ({ cursor } = await repriceStep(deps.db, pricer, scope, { cursor, limit: STEP, apply: true, jobId }));
    } while (cursor !== null);
    return true;
  } finally {
    await announceChange(deps, scope.projectId, scope.fromMs, keepAlive);
  }
}

function scopeOf(row: Row): RepriceScope {
  return { projectId: String(row["project_id"]), ...(row["scope"] as Omit<RepriceScope, "projectId">) };
}

function shown(row: Row): RepriceJob {
  const scope = scopeOf(row);
  const doneAt = row["done_at"] as Date | null;
  return {
    id: String(row["id"]),
    status: doneAt ? "done" : "running",
    from: formatInstant(scope.fromMs),
    to: formatInstant(scope.toMs),
    providers: [...scope.providers],
    models: [...scope.models],
    unpriced_only: scope.unpricedOnly,
    looked: Number(row["looked"]),
    restated: Number(row["restated"]),
    difference_usd: picoToUsd(BigInt(String(row["difference_pico"]))),
    created_at: (row["created_at"] as Date).toISOString(),
    done_at: doneAt?.toISOString() ?? null,
  };
}
