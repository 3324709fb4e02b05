/**
 * Repricing a range as a job. Each step is bounded and stores its progress, so that the next run can go on with it. One
 * project's jobs run one after the other, those of several projects by turns.
 */
import { type RepriceDeps, type Restated, repriceStep, type RepriceScope } from "./step.ts";
import { type Actor, entry } from "../admin-log.ts";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Row } from "../db/client.ts";
import { atOnce, type Everywhere } from "../db/shards.ts";
import { instantAt } from "../db/sql.ts";
import { ApiError, idempotencyMismatch } from "../errors.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { picoToUsd } from "../money.ts";
import { announceChange } from "../epoch.ts";
import { formatInstant } from "../time.ts";
import { count, day, id, time, usd, usdDifference } from "../wire.ts";
import type { Pricer } from "../pricing/cost.ts";
import { errorLine } from "../telemetry/log-line.ts";

/** The counts of a job and of a dry run. */
const counted = {
  looked: count.describe("How many calls have been looked at so far."),
  restated: count.describe("How many of these calls have another cost."),
  difference_usd: usdDifference.describe("The new cost of these calls minus their old cost."),
  out_of_range: count.describe("How many calls keep their cost, because the new one is more than the ledger can keep."),
};

/** A job as the API shows it. */
export const RepriceJob = z
  .object({
    id,
    status: z.enum(["running", "failed", "cancelled", "done"]),
    from: time,
    to: time,
    providers: z.array(z.string()),
    models: z.array(z.string()),
    unpriced_only: z.boolean(),
    ...counted,
    error: z.string().nullable().describe("Why the last step failed. Null if it did not."),
    retry_at: time.nullable().describe("When a failed step is tried again, at the earliest."),
    created_at: time,
    cancelled_at: time.nullable(),
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
/** How long one request, or one scheduled run, may work on jobs. */
const RUN_MS = 20_000;
/** The wait after a failed step doubles with each failure. */
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 6 * 3_600_000;

/**
 * Computes what repricing would change, by day and model. Nothing is changed.
 *
 * @param asked is of other prices than the project's own. Null is of these.
 */
export async function foretell(deps: RepriceDeps, scope: RepriceScope, asked: Pricer | null = null): Promise<Foretold> {
  const pricer = asked ?? (await deps.prices.pricerFor(scope.projectId, deps.now()));
  const deadlineMs = deps.now() + RUN_MS;
  const groups = new Map<string, { restated: Restated; requests: number; beforePico: bigint; afterPico: bigint }>();
  let looked = 0;
  let outOfRange = 0;
  let cursor: string | null = null;
  do {
    const step = await repriceStep(deps.db, pricer, scope, { cursor, limit: STEP, apply: false });
    looked += step.looked;
    outOfRange += step.outOfRange;
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
    out_of_range: outOfRange,
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

/** What is neither done nor cancelled. */
const OPEN = sql`done_at is null and cancelled_at is null`;
/** The open jobs that a project may have. */
const MAX_OPEN = 20;

/**
 * Opens a job, unless an open one with this scope has not begun. `runJobs` runs it.
 *
 * @param idempotencyKey of the request, if it has one: a repeated request gets the job that the first one opened.
 * @param actor is logged. Null logs nothing.
 * @param limited false opens it however many jobs are open.
 * @throws ApiError `too_many_jobs`, or `idempotency_mismatch` if the first request asked for something else.
 */
export async function openJob(
  { db }: Pick<RepriceDeps, "db">,
  { projectId, ...rest }: RepriceScope,
  {
    idempotencyKey = null,
    limited = true,
    actor = null,
  }: { idempotencyKey?: string | null; limited?: boolean; actor?: Actor | null } = {},
): Promise<RepriceJob> {
  const scope = sql`${JSON.stringify(rest)}::jsonb`;
  const [, rows] = await db.batch([
    // The next statement sees the jobs of requests that came first.
    sql`select pg_advisory_xact_lock(hashtextextended(${`reprice_jobs ${projectId}`}, 0))`,
    sql`
    with like_it as (
      select * from reprice_jobs
      where project_id = ${projectId}::uuid and ${OPEN} and scope = ${scope} and cursor is null
      order by created_at limit 1
    ),
    opened as (
      insert into reprice_jobs (project_id, id, scope, idempotency_key)
      select ${projectId}::uuid, gen_random_uuid(), ${scope}, ${idempotencyKey}::text
      where (select count(*) from reprice_jobs where project_id = ${projectId}::uuid and ${OPEN})
          < ${limited ? MAX_OPEN : Number.MAX_SAFE_INTEGER}
        and (${idempotencyKey}::text is not null or not exists (select 1 from like_it))
      on conflict (project_id, idempotency_key) do nothing
      returning *
    ),
    logged as (${entry(actor, "reprice.applied", sql`project_id`, sql`id`, sql`opened`)})
    select *, scope = ${scope} as same from (
      select * from opened
      union all
      select * from reprice_jobs where project_id = ${projectId}::uuid and idempotency_key = ${idempotencyKey}::text
      union all
      select * from like_it where ${idempotencyKey}::text is null
    ) job`,
  ]);
  const row = rows![0];
  if (!row) throw new ApiError("too_many_jobs", `a project may have ${MAX_OPEN} open jobs; cancel one or wait`);
  if (row["same"] !== true) throw idempotencyMismatch();
  return shown(row);
}

/** @returns null if the project has no such job. */
export async function readJob(deps: RepriceDeps, projectId: string, id: string): Promise<RepriceJob | null> {
  const [row] = await deps.db.query(sql`
    select * from reprice_jobs where project_id = ${projectId}::uuid and id = ${id}::uuid`);
  return row ? shown(row) : null;
}

/** The jobs that `listJobs` returns at most. */
export const MAX_LISTED = 100;

/** The project's jobs, the newest first. */
export async function listJobs(deps: RepriceDeps, projectId: string): Promise<RepriceJob[]> {
  const rows = await deps.db.query(sql`
    select * from reprice_jobs where project_id = ${projectId}::uuid
    order by created_at desc, id limit ${MAX_LISTED}`);
  return rows.map(shown);
}

/**
 * Cancels a job that is open. What it has restated stays.
 *
 * @returns the job, cancelled or done; null if the project has no such job.
 */
export async function cancelJob(
  deps: RepriceDeps,
  projectId: string,
  id: string,
  actor: Actor | null = null,
): Promise<RepriceJob | null> {
  await deps.db.query(sql`
    with cancelled as (
      update reprice_jobs set cancelled_at = now()
      where project_id = ${projectId}::uuid and id = ${id}::uuid and ${OPEN}
      returning project_id, id
    )
    ${entry(actor, "reprice.cancelled", sql`project_id`, sql`id`, sql`cancelled`)}`);
  return await readJob(deps, projectId, id);
}

/**
 * Runs the open jobs. The oldest of each project takes a step, then the next project has its turn. A job whose step
 * fails waits for its next try, and holds up nobody.
 *
 * @param projectId runs only this project's.
 * @returns whether no job is due.
 * @throws DatabaseUnavailable if not even a failure can be noted.
 */
export async function runJobs(
  deps: RepriceDeps,
  keepAlive: KeepAlive,
  projectId: string | null = null,
  all: Everywhere = atOnce(deps.db),
): Promise<boolean> {
  const deadlineMs = deps.now() + RUN_MS;
  for (;;) {
    const due = await all.ask(
      (among) => sql`
      select * from (
        select distinct on (project_id) * from reprice_jobs j
        where ${OPEN} and (${projectId}::uuid is null or project_id = ${projectId}::uuid) and (retry_at is null or retry_at <= ${instantAt(deps.now())})${among(sql`j`)}
        order by project_id, created_at, id
      ) job
      order by stepped_at nulls first, created_at, id`,
    );
    if (due.length === 0) return true;
    for (const row of due) {
      if (deps.now() >= deadlineMs) return false;
      await takeStep(deps, row, keepAlive);
    }
  }
}

async function takeStep(deps: RepriceDeps, row: Row, keepAlive: KeepAlive): Promise<void> {
  const scope = scopeOf(row);
  const jobId = String(row["id"]);
  // After a failure too: the step may have been committed although its answer was lost.
  let mayDiffer = true;
  try {
    const pricer = await deps.prices.pricerFor(scope.projectId, deps.now());
    const cursor = row["cursor"] as string | null;
    const step = await repriceStep(deps.db, pricer, scope, { cursor, limit: STEP, apply: true, jobId });
    mayDiffer = step.restated.length > 0;
  } catch (error) {
    console.error(errorLine("reprice", { job: jobId }, error));
    const failures = Number(row["failures"]) + 1;
    const retryMs = deps.now() + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    await deps.db.query(sql`
      update reprice_jobs
      set failures = ${failures}, error = ${nameOf(error)}, retry_at = ${instantAt(retryMs)}, stepped_at = now()
      where project_id = ${scope.projectId}::uuid and id = ${jobId}::uuid`);
  } finally {
    if (mayDiffer) await announceChange(deps, scope.projectId, scope.fromMs, keepAlive);
  }
}

/** The kind of error alone: its text may quote the statement. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

function scopeOf(row: Row): RepriceScope {
  return { projectId: String(row["project_id"]), ...(row["scope"] as Omit<RepriceScope, "projectId">) };
}

function shown(row: Row): RepriceJob {
  const scope = scopeOf(row);
  const instant = (name: string): string | null => (row[name] as Date | null)?.toISOString() ?? null;
  const status = row["done_at"] ? "done" : row["cancelled_at"] ? "cancelled" : row["error"] ? "failed" : "running";
  return {
    id: String(row["id"]),
    status,
    from: formatInstant(scope.fromMs),
    to: formatInstant(scope.toMs),
    providers: [...scope.providers],
    models: [...scope.models],
    unpriced_only: scope.unpricedOnly,
    looked: Number(row["looked"]),
    restated: Number(row["restated"]),
    difference_usd: picoToUsd(BigInt(String(row["difference_pico"]))),
    out_of_range: Number(row["out_of_range"]),
    error: row["error"] as string | null,
    retry_at: status === "failed" ? instant("retry_at") : null,
    created_at: instant("created_at")!,
    cancelled_at: instant("cancelled_at"),
    done_at: instant("done_at"),
  };
}
