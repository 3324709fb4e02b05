/**
 * Stored calls as the API shows them: in pages, or one with its receipt. A question about calls that have been deleted
 * for their age ends with `Expired`.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { textArray } from "../db/array-literal.ts";
import { compileNamed, type Database, type Row } from "../db/client.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { CACHE_HIT_RULE, COSTS_ARE, COUNT_FIELDS, COUNT_NAMES, usageBy } from "../ledger/call.ts";
import { COVERED_BY, NOT_STORED } from "../ledger/covered-by.ts";
import { dimensionOf } from "../ledger/measures.ts";
import { digitsToUsd } from "../money.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import { type Catalogue, embeddedCatalogue } from "../pricing/catalogue.ts";
import { originOf } from "../pricing/origin.ts";
import { expectRaw, readRaw } from "../retention/kept.ts";
import { shapeOf } from "../db/shape.ts";
import { columns, param, project } from "../db/sql.ts";
import { count, id, time, usd } from "../wire.ts";
import { readPage } from "./page.ts";
import type { TraceFilters, TracesQuery } from "./query.ts";
import { type AppliedPrice, Receipt, receiptOf } from "./receipt.ts";
import { Filled, readReports, Report } from "./reports.ts";

export interface TraceField {
  name: string;
  /** Takes the value from the stored row. */
  of: (row: Row) => unknown;
  /** True if callers sent the value, as text or as tags. */
  theirs: boolean;
  /** The schema of the value. */
  schema: z.ZodType;
}

const ours = (name: string, schema: z.ZodType, of: TraceField["of"] = (row) => row[name] ?? null): TraceField => ({
  name,
  of,
  theirs: false,
  schema,
});
const theirs = (name: string, schema: z.ZodType = z.string()): TraceField => ({ ...ours(name, schema), theirs: true });
const text = z.string().nullable();
const money = (name: string, description: string): TraceField =>
  ours(`${name}_usd`, usd.nullable().describe(description), (row) => usdOf(row[`${name}_pico`]));

/** The fields of a call, in order. A field is null if the caller did not send it, or if nothing is known. */
export const TRACE_FIELDS: readonly TraceField[] = [
  ours("id", id.describe("The id that the ledger gave the call."), (row) => String(row["id"])),
  ours("timestamp", time.describe("Start of the call."), (row) => (row["started_at"] as Date).toISOString()),
  ours("received_at", time, (row) => (row["received_at"] as Date).toISOString()),
  ours("duration_ms", z.number().min(0).nullable(), (row) =>
    row["duration_us"] === null ? null : Number(row["duration_us"]) / 1_000,
  ),
  theirs("client_id"),
  theirs("trace_id", text),
  theirs("span_id", text),
  theirs("parent_id", text),
  theirs("response_id", text),
  theirs("application"),
  theirs("environment"),
  theirs("provider"),
  theirs("model"),
  theirs("request_model", text),
  { ...theirs("request_provider", text.describe("The provider as it was sent, if that is another name.")) },
  theirs("operation"),
  theirs("service_tier", text),
  ours(
    "covered_by",
    z.enum(COVERED_BY).describe("What pays for the call. `unknown` if its emitter may use a plan and does not say."),
    (row) => row["covered_by"] ?? NOT_STORED,
  ),
  theirs("user_id", text),
  theirs("session_id", text),
  theirs("status", z.enum(["ok", "error"])),
  theirs("error_type", text),
  { ...theirs("tags", z.record(z.string(), z.string())), of: (row) => row["tags"] ?? {} },
  ...COUNT_FIELDS.map((field) => ours(COUNT_NAMES[field], count.nullable())),
  money("cost", "The cost at the price of that time, as it is known today. Null for an unpriced call."),
  money("recorded_cost", "The cost as first priced. It never changes."),
  money("reported_cost", "The cost that the caller reported."),
  ours(
    "cost_is",
    z
      .enum(COSTS_ARE)
      .nullable()
      .describe(
        "How the cost compares with the true one: `exact`, or what it is because the emitter leaves out what is priced. `usage_semantics` of the receipt has the reason. `estimate` if the direction is unknown. Null for an unpriced call, and for calls that were stored before the ledger knew.",
      ),
    (row) => (row["cost_pico"] === null ? null : (row["cost_is"] ?? null)),
  ),
  ours(
    "unpriced_reason",
    text.describe(
      "Why the call has no cost: `usage_unknown`, `usage_ambiguous`, `usage_contradictory`, `model_unknown`, `tier_unknown`, `price_unknown` or `price_zero`. Null if it has one.",
    ),
  ),
  ours(
    "unknown_usage_members",
    z
      .array(z.string())
      .describe(
        "Members of the provider's usage object that no rule reads, and reported costs that are no amounts of USD.",
      ),
    (row) => row["unknown_usage_members"] ?? [],
  ),
  ours("billable", z.boolean().describe("Does it count?")),
  ours("rule", z.string().describe("By which rule it does or does not."), ruleOf),
];

export const ShownTrace = z.object(Object.fromEntries(TRACE_FIELDS.map(({ name, schema }) => [name, schema]))).meta({
  id: "Trace",
  description: "A stored call. A field is null if the caller did not send it, or if nothing is known.",
});
export type ShownTrace = Record<string, unknown> & { id: string };

/** A page of calls, newest first. On the last page `next_cursor` is null. */
export async function listTraces(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ traces: ShownTrace[]; next_cursor: string | null }> {
  const [after, highest] = keyRange(query.fromMs, query.toMs);
  const before = query.cursor !== null && query.cursor < highest ? query.cursor : highest;
  const rows = selectTraces(projectId, query, { after, before }, sql`desc`, query.limit + 1);
  const { page, next_cursor } = await readPage(db, rows, { key: "id", limit: query.limit, fromMs: startOfKey(after) });
  return { traces: page.map(shown), next_cursor };
}

/**
 * The ids between two others, which are excluded. No call has the lowest id of a millisecond, which `keyRange` gives.
 */
export interface IdRange {
  after: string;
  before: string;
}

/** The first calls of a range that the filters let through, oldest first. */
export async function readOldest(
  db: Database,
  projectId: string,
  filters: TraceFilters,
  range: IdRange,
  limit: number,
): Promise<ShownTrace[]> {
  const rows = selectTraces(projectId, filters, range, sql`asc`, limit);
  return (await readRaw(db, rows, startOfKey(range.after))).map(shown);
}

/**
 * Cuts a range after its first `count` calls: gives the ids before and after the cut, or null if the range has no more.
 */
export async function cutAfter(
  db: Database,
  projectId: string,
  range: IdRange,
  count: number,
): Promise<{ last: string; next: string } | null> {
  const ids = sql`select t.id from traces t where ${within(projectId, range)} order by t.id offset ${count - 1} limit 2`;
  const [last, next] = await readRaw(db, ids, startOfKey(range.after));
  return last && next ? { last: String(last["id"]), next: String(next["id"]) } : null;
}

function selectTraces(projectId: string, filters: TraceFilters, range: IdRange, order: SQL, limit: number): SQL {
  // `offset 0` makes Postgres walk the ids in order until the page is full. If it expects a filter to let few calls
  // through, it would otherwise read and sort the whole range. It expects that of all values that are newer than its
  // statistics.
  const byTrace = filters.columns.trace_id ? sql` and ${inColumn("trace_id", filters.columns.trace_id)}` : sql``;
  return sql`
    select t.* from (
      select t.* from traces t where ${within(projectId, range)}${byTrace} order by t.id ${order} offset 0
    ) t
    where ${matching(projectId, filters, range)} order by t.id ${order} limit ${limit}`;
}

/** The condition on `t` for calls of a range that the filters let through. */
export function matching(projectId: string, filters: TraceFilters, range: IdRange): SQL {
  const conditions = [
    within(projectId, range),
    ...Object.entries(filters.columns).map(([name, values]) => inColumn(name, values)),
    ...filters.labels.map(({ name, values }) => sql`${labelColumn(name)} = any(${textArray(values)}::text[])`),
    ...(filters.unpricedOnly ? [sql`t.cost_pico is null`] : []),
    ...(filters.all ? [] : [sql`t.billable`]),
  ];
  return sql.join(conditions, sql` and `);
}

function inColumn(name: string, values: readonly string[]): SQL {
  const column = name === "covered_by" ? dimensionOf(name) : sql`t.${sql.identifier(name)}`;
  return sql`${column} = any(${textArray(values)}::text[])`;
}

function within(projectId: string, { after, before }: IdRange): SQL {
  return sql`t.project_id = ${projectId}::uuid and t.id > ${after}::uuid and t.id < ${before}::uuid`;
}

export const TraceWithReceipt = ShownTrace.extend({
  receipt: Receipt,
  counted_as: id.nullable().describe("The call that counts instead, if several reports of one call were stored."),
  reports: z
    .array(Report)
    .describe("All reports of the call, the one that counts first. Reports join by any id that they share."),
  filled: Filled,
});
export interface CallWithReceipt extends ShownTrace {
  receipt: Receipt;
  counted_as: string | null;
  reports: Report[];
  filled: Record<string, string>;
}

const CALL = compileNamed(sql`
  select t.*, p.source as price_source, p.version as price_version, p.provider as price_provider, p.model as price_model, ${columns(
    BUCKETS.map((bucket) => `${bucket}_pico`),
    "p",
  )}
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id
  where t.project_id = ${project} and t.id = ${param("id")}::uuid`);

/**
 * One call with its receipt; null if the project has no call with that id.
 *
 * @param catalogue is the one in use. It knows how far its prices are to be trusted.
 */
export async function readCall(
  db: Database,
  projectId: string,
  id: string,
  catalogue: Catalogue = embeddedCatalogue,
): Promise<CallWithReceipt | null> {
  const { statement, values } = CALL({ project: projectId, id });
  const [row] = await db.run(statement, values);
  if (!row) {
    await expectRaw(db, startOfKey(id));
    return null;
  }
  const usage = usageBy((name) => (row[name] ?? null) as number | null);
  const price = priceOf(row, catalogue);
  const receipt = receiptOf(usage, price, pico(row["cost_pico"]), String(row["usage_semantics"]));
  const reports = await readReports(db, projectId, row);
  const best = reports[0]!.id;
  const filled = (row["filled"] ?? {}) as Record<string, string>;
  return { ...shown(row), receipt, counted_as: best === id ? null : best, reports, filled };
}

function priceOf(row: Row, catalogue: Catalogue): AppliedPrice | null {
  if (row["price_source"] === null) return null;
  const of = {
    source: String(row["price_source"]),
    version: String(row["price_version"]),
    provider: String(row["price_provider"]),
    model: String(row["price_model"]),
  };
  const endedAtMs = (row["started_at"] as Date).getTime() + Number(row["duration_us"] ?? 0) / 1_000;
  return {
    ...of,
    unitPico: BUCKETS.map((bucket) => pico(row[`${bucket}_pico`])),
    origin: originOf(catalogue, of, endedAtMs),
  };
}

function labelColumn(name: string): SQL {
  return name === "user" ? sql`t.user_id` : sql`t.tags->>${name.slice("tag.".length)}::text`;
}

const SHAPE = shapeOf(TRACE_FIELDS.map(({ name }) => name));

function shown(row: Row): ShownTrace {
  const call: Record<string, unknown> = { ...SHAPE };
  for (const { name, of } of TRACE_FIELDS) call[name] = of(row);
  return call as ShownTrace;
}

function pico(value: unknown): bigint | null {
  return value === null || value === undefined ? null : BigInt(String(value));
}

function usdOf(value: unknown): string | null {
  return value === null || value === undefined ? null : digitsToUsd(String(value));
}

/** The rule by which the span was read, followed by the effect of other spans on it. */
function ruleOf(row: Row): string {
  const rule = String(row["rule"]);
  if (row["wrapper"] === true) return row["billable"] === true ? `${rule}; no call below` : rule;
  if (row["nested"] === true) return `${rule}; another span of the call counts`;
  return row["billable"] === true || rule === CACHE_HIT_RULE ? rule : `${rule}; seen twice`;
}
