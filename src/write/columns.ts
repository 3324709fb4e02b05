/** The columns of the table `traces` that a write fills: the name, the type, and the value for a call and its cost. */
import { instantAt } from "../db/sql.ts";
import { sql, type SQL } from "drizzle-orm";
import { jsonColumn, plainArray, plainColumn, textColumn } from "../db/array-literal.ts";
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
  /** True if calls of a batch mostly have few values here. */
  shared?: true;
}

const said = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: true });
const inherited = (name: string, type: Column["type"], of: Column["of"]): Column => ({
  ...said(name, type, of),
  said: "inherited",
});
const derived = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: false });

const shared = (column: Column): Column => ({ ...column, shared: true });

export const COLUMNS: readonly Column[] = [
  derived("id", "uuid", ({ call }) => call.id),
  derived("started_at", "timestamptz", ({ call }) => call.startedAtMs),
  said("duration_us", "bigint", ({ call }) => call.durationUs),
  ...COUNT_FIELDS.map((field) => said(COUNT_NAMES[field], "integer", ({ call }) => call[field])),
  derived("cost_pico", "bigint", ({ cost }) => cost.costPico),
  { ...derived("recorded_cost_pico", "bigint", ({ cost }) => cost.costPico), sameAs: "cost_pico" },
  said("reported_cost_pico", "bigint", ({ call }) => call.reportedCostPico),
  shared(derived("price_id", "uuid", ({ cost }) => cost.price?.id ?? null)),
  shared(derived("billable", "boolean", ({ call }) => call.billable)),
  shared(derived("wrapper", "boolean", ({ call }) => call.wrapper)),
  shared(said("status", "text", ({ call }) => call.status)),
  shared(said("application", "text", ({ call }) => call.application)),
  shared(said("environment", "text", ({ call }) => call.environment)),
  shared(said("provider", "text", ({ cost }) => cost.provider)),
  shared(said("model", "text", ({ call }) => call.model)),
  shared(said("operation", "text", ({ call }) => call.operation)),
  shared(said("service_tier", "text", ({ call }) => call.serviceTier)),
  shared(said("request_model", "text", ({ call }) => call.requestModel)),
  shared(derived("request_provider", "text", ({ call }) => call.requestProvider)),
  shared(derived("unknown_usage_members", "text[]", ({ call }) => membersOf(call.unknownUsageMembers))),
  said("client_id", "text", ({ call }) => call.clientId),
  said("trace_id", "text", ({ call }) => call.traceId),
  said("span_id", "text", ({ call }) => call.spanId),
  said("parent_id", "text", ({ call }) => call.parentId),
  said("response_id", "text", ({ call }) => call.responseId),
  derived("other_ids", "text[]", ({ call }) => membersOf(call.otherIds)),
  inherited("user_id", "text", ({ call }) => call.userId),
  inherited("session_id", "text", ({ call }) => call.sessionId),
  inherited("tags", "jsonb", ({ call }) => tagsJson(call.tags)),
  shared(said("error_type", "text", ({ call }) => call.errorType)),
  shared(derived("unpriced_reason", "text", ({ cost }) => cost.unpricedReason)),
  shared(derived("rule", "text", ({ call }) => call.rule)),
  shared(derived("usage_semantics", "text", ({ call }) => call.usageSemantics)),
  shared(derived("cost_is", "text", ({ call }) => call.costIs)),
  // Calls that were stored before the ledger knew it are sent again by imports, and are the same.
  shared(derived("covered_by", "text", ({ call }) => storedCover(call.coveredBy))),
];

const SENT = COLUMNS.filter(({ sameAs }) => sameAs === undefined);
/** The columns that are sent with a write for each call. */
export const OWN_COLUMNS = SENT.filter(({ shared, name }) => !shared && name !== "tags");
/** The columns that are sent once for each kind of calls, which are those with the same values in all of them. */
export const SHARED_COLUMNS = SENT.filter(({ shared }) => shared);

/**
 * The values of a write: the different tags, `OWN_COLUMNS`, each call's place in the lists of kinds and of tags, and
 * `SHARED_COLUMNS` of the kinds.
 */
export function sentValues(batch: readonly PricedCall[]): (string | null)[] {
  const kinds: PricedCall[] = [];
  const kindOf = placesIn(kinds, batch);
  const tags = new Map<string | null, number>();
  const tagsOf = batch.map(({ call }) => {
    const json = tagsJson(call.tags);
    const known = tags.get(json);
    if (known === undefined) tags.set(json, tags.size + 1);
    return known ?? tags.size;
  });
  return [
    jsonColumn([...tags.keys()], (json) => json),
    ...OWN_COLUMNS.map((column) => columnLiteral(column, batch)),
    plainArray(kindOf),
    plainArray(tagsOf),
    ...SHARED_COLUMNS.map((column) => columnLiteral(column, kinds)),
  ];
}

/** The kinds that begin with the same values, by the next value. The last value leads to the kind's place. */
type Kinds = Map<Value, Kinds | number>;

/** The place in `kinds` of each call's kind, from 1 on. The first call of each kind is added there. */
function placesIn(kinds: PricedCall[], batch: readonly PricedCall[]): number[] {
  const differing = SHARED_COLUMNS.filter(({ of }) => batch.some((priced) => of(priced) !== of(batch[0]!)));
  const last = differing.pop() ?? SHARED_COLUMNS[0]!;
  const known: Kinds = new Map();
  return batch.map((priced) => {
    let at = known;
    for (const { of } of differing) {
      const value = of(priced);
      let next = at.get(value) as Kinds | undefined;
      if (next === undefined) at.set(value, (next = new Map()));
      at = next;
    }
    const value = last.of(priced);
    let place = at.get(value) as number | undefined;
    if (place === undefined) at.set(value, (place = kinds.push(priced)));
    return place;
  });
}

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
