/** Stored traces as the API shows them: pages of them, newest first, and one with its receipt. */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ingest/key.ts";
import { CACHE_HIT_RULE, COUNT_FIELDS, COUNT_NAMES, usageBy } from "../ingest/trace.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { columns } from "../rollup/measures.ts";
import type { TracesQuery } from "./query.ts";
import { type Receipt, receiptOf } from "./receipt.ts";

/** Times in RFC 3339, durations in ms, money in USD; null where the caller did not say or nothing is known. */
export type ShownTrace = Record<string, unknown> & { id: string };

const TEXTS = [
  "client_id",
  "trace_id",
  "span_id",
  "parent_id",
  "response_id",
  "application",
  "environment",
  "provider",
  "model",
  "request_model",
  "operation",
  "service_tier",
  "user_id",
  "session_id",
  "status",
  "error_type",
] as const;

/** A page, newest first; `next_cursor` is null on the last. */
export async function listTraces(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ traces: ShownTrace[]; next_cursor: string | null }> {
  const [lowest, highest] = keyRange(query.fromMs, query.toMs);
  const conditions = [
    sql`t.project_id = ${projectId}::uuid`,
    sql`t.id >= ${lowest}::uuid`,
    sql`t.id < ${query.cursor !== null && query.cursor < highest ? query.cursor : highest}::uuid`,
    ...Object.entries(query.columns).map(
      ([name, values]) => sql`t.${sql.identifier(name)} = any(${textArray(values)}::text[])`,
    ),
    ...query.labels.map(({ name, values }) => sql`${labelColumn(name)} = any(${textArray(values)}::text[])`),
    ...(query.unpricedOnly ? [sql`t.cost_pico is null`] : []),
    ...(query.all ? [] : [sql`t.billable`]),
  ];
  const rows = await db.query(sql`
    select t.* from traces t where ${sql.join(conditions, sql` and `)} order by t.id desc limit ${query.limit + 1}`);
  const page = rows.slice(0, query.limit).map(shown);
  return { traces: page, next_cursor: rows.length > query.limit ? page.at(-1)!.id : null };
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
  if (!row) return null;
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
  const texts = Object.fromEntries(TEXTS.map((name) => [name, row[name] ?? null]));
  const counts = Object.fromEntries(COUNT_FIELDS.map((field) => [COUNT_NAMES[field], row[COUNT_NAMES[field]] ?? null]));
  return {
    id: String(row["id"]),
    timestamp: (row["started_at"] as Date).toISOString(),
    received_at: (row["received_at"] as Date).toISOString(),
    duration_ms: row["duration_us"] === null ? null : Number(row["duration_us"]) / 1_000,
    ...texts,
    tags: row["tags"] ?? {},
    ...counts,
    cost_usd: usd(row["cost_pico"]),
    recorded_cost_usd: usd(row["recorded_cost_pico"]),
    reported_cost_usd: usd(row["reported_cost_pico"]),
    unpriced_reason: row["unpriced_reason"] ?? null,
    billable: row["billable"],
    rule: ruleOf(row),
  };
}

function pico(value: unknown): bigint | null {
  return value === null || value === undefined ? null : BigInt(String(value));
}

function usd(value: unknown): string | null {
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
