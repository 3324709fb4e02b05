/**
 * Stored traces as the API shows them: pages of them, newest first, and one with its receipt. What asks for some from
 * before they are kept ends with `Expired`.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { keyRange, startOfKey } from "../ingest/key.ts";
import { CACHE_HIT_RULE, COUNT_FIELDS, COUNT_NAMES, usageBy } from "../ingest/trace.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { expectRaw, readRaw } from "../retention/kept.ts";
import { columns } from "../rollup/measures.ts";
import { count, id, time, usd } from "../wire.ts";
import type { TraceFilters, TracesQuery } from "./query.ts";
import { type Receipt, receiptOf } from "./receipt.ts";

export interface TraceField {
  name: string;
  /** Of the stored row. */
  of: (row: Row) => unknown;
  /** What callers sent as text, or as tags. */
  said: boolean;
  /** Of the value. */
  schema: z.ZodType;
}

const own = (name: string, schema: z.ZodType, of: TraceField["of"] = (row) => row[name] ?? null): TraceField => ({
  name,
  of,
  said: false,
  schema,
});
const said = (name: string, schema: z.ZodType = z.string()): TraceField => ({ ...own(name, schema), said: true });
const text = z.string().nullable();
const money = (name: string, description: string): TraceField =>
  own(`${name}_usd`, usd.nullable().describe(description), (row) => usdOf(row[`${name}_pico`]));

/** What is shown of a trace, in order; null where the caller did not say or nothing is known. */
export const TRACE_FIELDS: readonly TraceField[] = [
  own("id", id.describe("The ledger's own."), (row) => String(row["id"])),
  own("timestamp", time.describe("Start of the call."), (row) => (row["started_at"] as Date).toISOString()),
  own("received_at", time, (row) => (row["received_at"] as Date).toISOString()),
  own("duration_ms", z.number().min(0).nullable(), (row) =>
    row["duration_us"] === null ? null : Number(row["duration_us"]) / 1_000,
  ),
  said("client_id"),
  said("trace_id", text),
  said("span_id", text),
  said("parent_id", text),
  said("response_id", text),
  said("application"),
  said("environment"),
  said("provider"),
  said("model"),
  said("request_model", text),
  said("operation"),
  said("service_tier", text),
  said("user_id", text),
  said("session_id", text),
  said("status", z.enum(["ok", "error"])),
  said("error_type", text),
  { ...said("tags", z.record(z.string(), z.string())), of: (row) => row["tags"] ?? {} },
  ...COUNT_FIELDS.map((field) => own(COUNT_NAMES[field], count.nullable())),
  money("cost", "At what is known today of the price at that time; null for an unpriced call."),
  money("recorded_cost", "As first priced; never changes."),
  money("reported_cost", "As the caller saw it."),
  own("unpriced_reason", text),
  own("billable", z.boolean().describe("Does it count?")),
  own("rule", z.string().describe("By which rule it does or does not."), ruleOf),
];

export const ShownTrace = z.object(Object.fromEntries(TRACE_FIELDS.map(({ name, schema }) => [name, schema]))).meta({
  id: "Trace",
  description: "A stored call. Fields are null where the caller did not say or nothing is known.",
});
export type ShownTrace = Record<string, unknown> & { id: string };

/** A page, newest first; `next_cursor` is null on the last. */
export async function listTraces(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ traces: ShownTrace[]; next_cursor: string | null }> {
  const [after, highest] = keyRange(query.fromMs, query.toMs);
  const before = query.cursor !== null && query.cursor < highest ? query.cursor : highest;
  const rows = await readTraces(db, projectId, query, { after, before }, sql`desc`, query.limit + 1);
  const page = rows.slice(0, query.limit);
  return { traces: page, next_cursor: rows.length > query.limit ? page.at(-1)!.id : null };
}

/** Ids between two others, both left out; the lowest id of a millisecond (`keyRange`) is no trace's own. */
export interface Span {
  after: string;
  before: string;
}

/** The first traces of a span that the query's filters let through, oldest first. */
export function readOldest(
  db: Database,
  projectId: string,
  filters: TraceFilters,
  span: Span,
  limit: number,
): Promise<ShownTrace[]> {
  return readTraces(db, projectId, filters, span, sql`asc`, limit);
}

/** The two ids where a span is cut after its first `count` traces; null when it has no more than those. */
export async function cutAfter(
  db: Database,
  projectId: string,
  span: Span,
  count: number,
): Promise<{ last: string; next: string } | null> {
  const ids = sql`select t.id from traces t where ${within(projectId, span)} order by t.id offset ${count - 1} limit 2`;
  const [last, next] = await readRaw(db, ids, startOfKey(span.after));
  return last && next ? { last: String(last["id"]), next: String(next["id"]) } : null;
}

async function readTraces(
  db: Database,
  projectId: string,
  filters: TraceFilters,
  span: Span,
  order: SQL,
  limit: number,
): Promise<ShownTrace[]> {
  // Walked in the order of ids until there are enough. Left to itself, Postgres reads and sorts all calls of the span
  // where it takes a filter to let few through, as it does with values that came after it last looked.
  const byTrace = filters.columns.trace_id ? sql` and ${inColumn("trace_id", filters.columns.trace_id)}` : sql``;
  const page = sql`
    select t.* from (
      select t.* from traces t where ${within(projectId, span)}${byTrace} order by t.id ${order} offset 0
    ) t
    where ${matching(projectId, filters, span)} order by t.id ${order} limit ${limit}`;
  const rows = await readRaw(db, page, startOfKey(span.after));
  return rows.map(shown);
}

/** The condition on `t` for what the filters let through of a span. */
export function matching(projectId: string, filters: TraceFilters, span: Span): SQL {
  const conditions = [
    within(projectId, span),
    ...Object.entries(filters.columns).map(([name, values]) => inColumn(name, values)),
    ...filters.labels.map(({ name, values }) => sql`${labelColumn(name)} = any(${textArray(values)}::text[])`),
    ...(filters.unpricedOnly ? [sql`t.cost_pico is null`] : []),
    ...(filters.all ? [] : [sql`t.billable`]),
  ];
  return sql.join(conditions, sql` and `);
}

function inColumn(name: string, values: readonly string[]): SQL {
  return sql`t.${sql.identifier(name)} = any(${textArray(values)}::text[])`;
}

function within(projectId: string, { after, before }: Span): SQL {
  return sql`t.project_id = ${projectId}::uuid and t.id > ${after}::uuid and t.id < ${before}::uuid`;
}

/** One trace with its receipt; null when the project has none of that id. */
export async function readTrace(
  db: Database,
  projectId: string,
  id: string,
): Promise<(ShownTrace & { receipt: Receipt }) | null> {
  const units = columns(
    BUCKETS.map((bucket) => `${bucket}_pico`),
    "p",
  );
  const [row] = await db.query(sql`
    select t.*, p.source as price_source, p.version as price_version, p.provider as price_provider, p.model as price_model, ${units}
    from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id
    where t.project_id = ${projectId}::uuid and t.id = ${id}::uuid`);
  if (!row) {
    await expectRaw(db, startOfKey(id));
    return null;
  }
  const price =
    row["price_source"] === null
      ? null
      : {
          source: String(row["price_source"]),
          version: String(row["price_version"]),
          provider: String(row["price_provider"]),
          model: String(row["price_model"]),
          unitPico: BUCKETS.map((bucket) => pico(row[`${bucket}_pico`])),
        };
  const usage = usageBy((name) => (row[name] ?? null) as number | null);
  const receipt = receiptOf(usage, price, pico(row["cost_pico"]), String(row["usage_semantics"]));
  return { ...shown(row), receipt };
}

function labelColumn(name: string): SQL {
  return name === "user" ? sql`t.user_id` : sql`t.tags->>${name.slice("tag.".length)}::text`;
}

function shown(row: Row): ShownTrace {
  const trace: Record<string, unknown> = {};
  for (const { name, of } of TRACE_FIELDS) trace[name] = of(row);
  return trace as ShownTrace;
}

function pico(value: unknown): bigint | null {
  return value === null || value === undefined ? null : BigInt(String(value));
}

function usdOf(value: unknown): string | null {
  const amount = pico(value);
  return amount === null ? null : picoToUsd(amount);
}

/** The rule by which the span was read, and what its neighbours changed about it. */
function ruleOf(row: Row): string {
  const rule = String(row["rule"]);
  if (row["wrapper"] === true) return row["billable"] === true ? `${rule}; no call below` : rule;
  if (row["nested"] === true) return `${rule}; another span of the call counts`;
  return row["billable"] === true || rule === CACHE_HIT_RULE ? rule : `${rule}; seen twice`;
}
