/**
 * Restates the cost of stored calls. Each call is priced again, with today's knowledge of the price that held at its
 * time. The statement that changes the call adds the difference to the rollups. The recorded cost never changes.
 */
import { type PriceBooks } from "../pricing/price-books.ts";
import { type AnnounceDeps } from "../epoch.ts";
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compileNamed, type Database, type Row, StatementTooLarge } from "../db/client.ts";
import { columns, param, project } from "../db/sql.ts";
import { PRICE_CTES, PRICE_PARAMS, priceValues } from "../write/price-rows.ts";
import { keyRange } from "../ledger/key.ts";
import { CACHE_HIT_RULE, COUNT_NAMES, type PriceableCall, usageBy, type Doubt } from "../ledger/call.ts";
import { UNKNOWN } from "../pricing/provider.ts";
import type { Cost, Pricer } from "../pricing/cost.ts";
import { insertCorrections } from "../rollup/corrections.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";

export interface RepriceDeps extends AnnounceDeps {
  prices: PriceBooks;
}

export interface RepriceScope {
  projectId: string;
  fromMs: number;
  toMs: number;
  /** Only calls of these providers. Empty means all. */
  providers: readonly string[];
  /** Only calls of these models. Empty means all. */
  models: readonly string[];
  /** Only calls that have no cost, but may get one with another price. */
  unpricedOnly: boolean;
  /** Leaves out unpriced calls whose usage is unknown. Only a price that needs no tokens would help them. */
  usageKnown?: boolean;
}

/** One call whose cost changes: its cost before and after. Null if unpriced. */
export interface Restated {
  id: string;
  day: string;
  provider: string;
  model: string;
  beforePico: bigint | null;
  afterPico: bigint | null;
}

export interface RepriceStep {
  looked: number;
  /** The number of calls that keep their cost, because the new one is out of range. */
  outOfRange: number;
  restated: Restated[];
  /** The start of the next step. Null if nothing is left. */
  cursor: string | null;
}

const BEFORE = sql`before t left join prices p on p.project_id = ${project} and p.id = t.price_id`;
const AFTER = sql`after t left join price p on p.id = t.price_id`;

/**
 * Locks the calls, in a statement of its own. So the next statement sees the latest state of the calls that it takes
 * off, and no other transaction changes them.
 */
const LOCK = compileNamed(lockTraces(sql`t.project_id = ${project} and t.id = any(${param("ids")}::uuid[])`));

const RESTATE = compileNamed(sql`
with batch as (select ${project} as project_id),${PRICE_CTES},
change as (
  select * from unnest(
    ${param("ids")}::uuid[], ${param("costs")}::bigint[], ${param("price_ids")}::uuid[],
    ${param("reasons")}::text[], ${param("providers")}::text[]
  ) as c (id, cost_pico, price_id, unpriced_reason, provider)
),
before as materialized (
  select t.* from traces t where t.project_id = ${project} and t.id = any(${param("ids")}::uuid[])
),
after as (
  update traces t
  set cost_pico = c.cost_pico, price_id = c.price_id, unpriced_reason = c.unpriced_reason,
    provider = coalesce(c.provider, b.provider),
    request_provider = coalesce(b.request_provider, case when c.provider is not null then nullif(b.provider, ${UNKNOWN}) end)
  from before b, change c
  where t.project_id = ${project} and t.id = b.id and c.id = b.id
  returning t.*
),
taken_main as (${insertMainPartials(BEFORE, -1)}),
taken_labels as (${insertLabelPartials(BEFORE, -1)}),
put_main as (${insertMainPartials(AFTER)}),
put_labels as (${insertLabelPartials(AFTER)}),
corrected as (${insertCorrections(sql`(${difference(sql`before`, sql`after`)}) t`, sql`t.sign`)}),
progress as (
  update reprice_jobs j
  set looked = j.looked + ${param("looked")}::bigint,
    restated = j.restated + (select count(*) from after where billable),
    out_of_range = j.out_of_range + ${param("out_of_range")}::bigint,
    difference_pico = j.difference_pico + coalesce((select sum(cost_pico) from after where billable), 0)
      - coalesce((select sum(cost_pico) from before where billable), 0),
    cursor = ${param("next")}::uuid,
    stepped_at = now(), failures = 0, error = null, retry_at = null,
    done_at = now() + case when ${param("last")}::boolean then interval '0' end
  where j.project_id = ${project} and j.id = ${param("job")}::uuid
    and j.cursor is not distinct from ${param("cursor")}::uuid and j.done_at is null and j.cancelled_at is null
)
select count(*) from after`);

export interface StepOptions {
  cursor: string | null;
  limit: number;
  apply: boolean;
  /** The job whose progress is stored, in the statement that restates. */
  jobId?: string;
}

/**
 * Looks at up to `limit` calls after `cursor`, and restates those whose price is another now. With `apply: false` it
 * only returns what would change.
 */
export async function repriceStep(
  db: Database,
  pricer: Pricer,
  scope: RepriceScope,
  options: StepOptions,
): Promise<RepriceStep> {
  const { cursor, apply, jobId = null } = options;
  const { rows, limit } = await readCalls(db, scope, cursor, options.limit);
  const changes: { restated: Restated; cost: Cost; billable: boolean; inferred: string | null }[] = [];
  let outOfRange = 0;
  for (const row of rows) {
    const call = callOf(row);
    const cost = costInRange(pricer, call);
    if (cost === null) {
      if (row["billable"] === true) outOfRange++;
      continue;
    }
    const beforePico = row["cost_pico"] === null ? null : BigInt(String(row["cost_pico"]));
    const sameReason = cost.unpricedReason === row["unpriced_reason"] && cost.provider === call.provider;
    if (cost.costPico === beforePico && sameReason) continue;
    const restated = {
      id: String(row["id"]),
      day: new Date(call.startedAtMs).toISOString().slice(0, 10),
      provider: cost.provider,
      model: call.model,
      beforePico,
      afterPico: cost.costPico,
    };
    // Sent only where it changes: it may have been relabelled since it was read.
    const inferred = cost.provider === call.provider ? null : cost.provider;
    changes.push({ restated, cost, billable: row["billable"] === true, inferred });
  }
  const looked = rows.filter((row) => row["billable"] === true).length;
  const next = rows.length < limit ? null : String(rows.at(-1)!["id"]);
  if (apply && (changes.length > 0 || jobId !== null)) {
    const ids = plainArray(changes.map(({ restated }) => restated.id));
    const prices = priceValues(changes.map(({ cost }) => cost.price));
    const values = {
      ...Object.fromEntries(PRICE_PARAMS.map((name, i) => [name, prices[i]])),
      project: scope.projectId,
      ids,
      costs: plainArray(changes.map(({ cost }) => cost.costPico)),
      price_ids: plainArray(changes.map(({ cost }) => cost.price?.id ?? null)),
      reasons: textArray(changes.map(({ cost }) => cost.unpricedReason)),
      providers: textArray(changes.map(({ inferred }) => inferred)),
      looked,
      out_of_range: outOfRange,
      next,
      last: next === null,
      job: jobId,
      cursor,
    };
    await db.batch([LOCK(values), RESTATE(values)]);
  }
  const restated = changes.filter(({ billable }) => billable).map((change) => change.restated);
  return { looked, outOfRange, restated, cursor: next };
}

/** Null if the cost is out of the range that the ledger keeps. */
function costInRange(pricer: Pricer, call: PriceableCall): Cost | null {
  try {
    return pricer.costOf(call);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What a price depends on, and what tells of a call whose cost changes. */
const READ = columns(
  ["id", "started_at", "duration_us", "cost_pico", "provider", "model", "operation", "service_tier", "status"].concat(
    ["billable", "unpriced_reason", "usage_semantics"],
    Object.values(COUNT_NAMES),
  ),
);

/**
 * Reads calls, including those that do not count now but may later: wrappers, other sightings. Cache hits never cost.
 * If they are too large for one answer, it reads half of them.
 */
async function readCalls(
  db: Database,
  scope: RepriceScope,
  cursor: string | null,
  limit: number,
): Promise<{ rows: Row[]; limit: number }> {
  const [lowest, highest] = keyRange(scope.fromMs, scope.toMs);
  const among = (name: string, values: readonly string[]) =>
    values.length === 0 ? sql`` : sql` and t.${sql.identifier(name)} = any(${textArray(values)}::text[])`;
  const read = sql`
    select ${READ} from traces t
    where t.project_id = ${scope.projectId}::uuid and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid and t.rule <> ${CACHE_HIT_RULE}
      ${cursor === null ? sql`` : sql` and t.id > ${cursor}::uuid`}
      ${among("provider", scope.providers)}${among("model", scope.models)}
      ${scope.unpricedOnly ? sql` and t.cost_pico is null` : sql``}
      ${scope.usageKnown ? sql` and t.unpriced_reason is distinct from 'usage_unknown'` : sql``}
    order by t.id limit ${limit}`;
  try {
    return { rows: await db.query(read), limit };
  } catch (error) {
    if (!(error instanceof StatementTooLarge) || limit === 1) throw error;
    return await readCalls(db, scope, cursor, Math.ceil(limit / 2));
  }
}

function callOf(row: Row): PriceableCall {
  const count = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  return {
    provider: String(row["provider"]),
    model: String(row["model"]),
    operation: String(row["operation"]),
    serviceTier: row["service_tier"] === null ? null : String(row["service_tier"]),
    status: row["status"] === "error" ? "error" : "ok",
    startedAtMs: (row["started_at"] as Date).getTime(),
    durationUs: count("duration_us"),
    ...usageBy(count),
    // What made the usage doubtful does not change; the reason may be another one's by now.
    doubt: / (ambiguous|contradictory): /.test(String(row["usage_semantics"])) ? doubtOf(row) : null,
  };
}

function doubtOf(row: Row): Doubt {
  return String(row["usage_semantics"]).includes(" contradictory: ") ? "usage_contradictory" : "usage_ambiguous";
}
