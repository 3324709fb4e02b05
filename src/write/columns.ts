/** The columns of the table `traces` that a write fills: the name, the type, and the value for a call and its cost. */
import { instantAt } from "../db/sql.ts";
import { sql, type SQL } from "drizzle-orm";
import { jsonColumn, plainColumn, textColumn } from "../db/array-literal.ts";
import type { Cost } from "../pricing/cost.ts";
import { storedCover } from "../ledger/covered-by.ts";
import { COUNT_FIELDS, COUNT_NAMES, type Call } from "../ledger/call.ts";
import { own } from "./filled.ts";

export interface PricedCall {
  call: Call;
  cost: Cost;
}

type Value = string | number | bigint | boolean | null;

export interface Column {
  name: string;
  type: "uuid" | "timestamptz" | "bigint" | "integer" | "boolean" | "text" | "text[]" | "jsonb";
  of: (priced: PricedCall) => Value;
  /**
   * True if the value is the caller's, so a second sending that differs is a conflict. `inherited` if the value may
   * also come from a span above the call.
   */
  said: boolean | "inherited";
  /** The column whose value a new row takes here too. This column is not sent. */
  sameAs?: string;
}

const said = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: true });
const inherited = (name: string, type: Column["type"], of: Column["of"]): Column => ({
  ...said(name, type, of),
  said: "inherited",
});
const derived = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: false });

export const COLUMNS: readonly Column[] = [
  derived("id", "uuid", ({ call }) => call.id),
  derived("started_at", "timestamptz", ({ call }) => call.startedAtMs),
  said("duration_us", "bigint", ({ call }) => call.durationUs),
  ...COUNT_FIELDS.map((field) => said(COUNT_NAMES[field], "integer", ({ call }) => call[field])),
  derived("cost_pico", "bigint", ({ cost }) => cost.costPico),
  { ...derived("recorded_cost_pico", "bigint", ({ cost }) => cost.costPico), sameAs: "cost_pico" },
  said("reported_cost_pico", "bigint", ({ call }) => call.reportedCostPico),
  derived("price_id", "uuid", ({ cost }) => cost.price?.id ?? null),
  derived("billable", "boolean", ({ call }) => call.billable),
  derived("wrapper", "boolean", ({ call }) => call.wrapper),
  said("status", "text", ({ call }) => call.status),
  said("application", "text", ({ call }) => call.application),
  said("environment", "text", ({ call }) => call.environment),
  said("provider", "text", ({ cost }) => cost.provider),
  said("model", "text", ({ call }) => call.model),
  said("operation", "text", ({ call }) => call.operation),
  said("service_tier", "text", ({ call }) => call.serviceTier),
  said("request_model", "text", ({ call }) => call.requestModel),
  derived("request_provider", "text", ({ call }) => call.requestProvider),
  derived("unknown_usage_members", "text[]", ({ call }) => membersOf(call.unknownUsageMembers)),
  said("client_id", "text", ({ call }) => call.clientId),
  said("trace_id", "text", ({ call }) => call.traceId),
  said("span_id", "text", ({ call }) => call.spanId),
  said("parent_id", "text", ({ call }) => call.parentId),
  said("response_id", "text", ({ call }) => call.responseId),
  derived("other_ids", "text[]", ({ call }) => membersOf(call.otherIds)),
  inherited("user_id", "text", ({ call }) => call.userId),
  inherited("session_id", "text", ({ call }) => call.sessionId),
  inherited("tags", "jsonb", ({ call }) => tagsJson(call.tags)),
  said("error_type", "text", ({ call }) => call.errorType),
  derived("unpriced_reason", "text", ({ cost }) => cost.unpricedReason),
  derived("rule", "text", ({ call }) => call.rule),
  derived("usage_semantics", "text", ({ call }) => call.usageSemantics),
  derived("cost_is", "text", ({ call }) => call.costIs),
  // Calls that were stored before the ledger knew it are sent again by imports, and are the same.
  derived("covered_by", "text", ({ call }) => storedCover(call.coveredBy)),
];

/** The columns that are sent with a write. */
export const SENT_COLUMNS = COLUMNS.filter(({ sameAs }) => sameAs === undefined);

/** One name a line: an array of arrays cannot be unnested row by row. */
function membersOf(names: readonly string[]): string | null {
  return names.length === 0 ? null : names.join("\n");
}

function tagsJson(tags: Record<string, string>): string | null {
  for (const _ in tags) return JSON.stringify(tags);
  return null;
}

/** Instants are sent as epoch ms, JSON and lists as text. All other columns are sent in their own type. */
const SENT_AS = {
  timestamptz: sql`bigint[]`,
  jsonb: sql`text[]`,
  "text[]": sql`text[]`,
  uuid: sql`uuid[]`,
  bigint: sql`bigint[]`,
  integer: sql`integer[]`,
  boolean: sql`boolean[]`,
  text: sql`text[]`,
};

/** The placeholder for one whole column, as an array. */
export function columnParam({ name, type }: Column): SQL {
  return sql`${sql.placeholder(name)}::${SENT_AS[type]}`;
}

/** A column's value in the sent row `i`, in the type that is stored. */
export function sentValue({ name, type, sameAs = name }: Column): SQL {
  const column = sql`i.${sql.identifier(sameAs)}`;
  if (type === "timestamptz") return instantAt(column);
  if (type === "text[]") return sql`string_to_array(${column}, chr(10))`;
  return type === "jsonb" ? sql`${column}::jsonb` : column;
}

/** True if the sent row `i` contradicts the stored call `t` in this column. */
export function differs(column: Column): SQL {
  const stored = column.name in own ? own[column.name as keyof typeof own] : sql`t.${sql.identifier(column.name)}`;
  const sent = sentValue(column);
  const differs = sql`${stored} is distinct from ${sent}`;
  if (column.said !== "inherited") return differs;
  // If the span did not say it, the stored value may come from a span above it.
  const contradicts =
    column.type === "jsonb" ? sql`not coalesce(${stored}, '{}') @> coalesce(${sent}, '{}')` : sql`${stored} <> ${sent}`;
  return sql`case when t.span_id is null then ${differs} else coalesce(${contradicts}, ${sent} is not null) end`;
}

/** One whole column of a batch, as a Postgres array literal. */
export function columnLiteral({ type, of }: Column, batch: readonly PricedCall[]): string | null {
  const textOf = of as (priced: PricedCall) => string | null;
  if (type === "jsonb") return jsonColumn(batch, textOf);
  return type === "text" || type === "text[]" ? textColumn(batch, textOf) : plainColumn(batch, of);
}
