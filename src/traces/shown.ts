/**
 * A stored call as the API shows it. The database writes it as JSON, in which the Worker rewrites a few values as text.
 * So it makes no object of a call that it only lists.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { asText } from "../db/render.ts";
import { constants, list } from "../db/sql.ts";
import { CACHE_HIT_RULE, COSTS_ARE, COUNT_FIELDS, COUNT_NAMES } from "../ledger/call.ts";
import { COVERED_BY, NOT_STORED } from "../ledger/covered-by.ts";
import { digitsToUsd } from "../money.ts";
import { count, id, time, usd } from "../wire.ts";

export interface TraceField {
  name: string;
  /** The value of the stored call `t`. */
  of: SQL;
  /** What is shown, if it is not the JSON that the database makes of the value. Both are JSON. */
  rewrite?: (json: string) => string;
  /** True if callers sent the value, as text or as tags. */
  theirs: boolean;
  /** The schema of the value. */
  schema: z.ZodType;
}

const column = (name: string): SQL => sql`t.${sql.identifier(name)}`;
const ours = (name: string, schema: z.ZodType, of = column(name)): TraceField => ({ name, of, theirs: false, schema });
const theirs = (name: string, schema: z.ZodType = z.string()): TraceField => ({ ...ours(name, schema), theirs: true });
const text = z.string().nullable();
const money = (name: string, description: string): TraceField => ({
  ...ours(`${name}_usd`, usd.nullable().describe(description), column(`${name}_pico`)),
  rewrite: (pico) => (pico === "null" ? pico : `"${digitsToUsd(pico)}"`),
});
const instant = (name: string, stored: string, schema = time): TraceField => ({
  ...ours(name, schema, column(stored)),
  rewrite: inUtc,
});

/** `"2026-11-30T09:52:35.123456+00:00"`, in the zone of the session. Digits beyond a millisecond are cut off. */
function inUtc(json: string): string {
  if (!json.endsWith('+00:00"')) return JSON.stringify(new Date(json.slice(1, -1)));
  const fraction = json[20] === "." ? json.slice(21, -7) : "";
  return `${json.slice(0, 20)}.${fraction.slice(0, 3).padEnd(3, "0")}Z"`;
}

/** Postgres writes jsonb with spaces, and in an order of its own. */
const asWeWrite = (json: string): string => (json === "{}" ? json : JSON.stringify(JSON.parse(json)));

/** The rule by which the span was read, followed by the effect of other spans on it. */
const rule = sql`t.rule || case
  when t.wrapper then case when t.billable then '; no call below' else '' end
  when t.nested then '; another span of the call counts'
  when t.billable or t.rule = ${constants([CACHE_HIT_RULE])} then ''
  else '; seen twice' end`;

/** The fields of a call, in order. A field is null if the caller did not send it, or if nothing is known. */
export const TRACE_FIELDS: readonly TraceField[] = [
  ours("id", id.describe("The id that the ledger gave the call.")),
  instant("timestamp", "started_at", time.describe("Start of the call.")),
  instant("received_at", "received_at"),
  {
    ...ours("duration_ms", z.number().min(0).nullable(), column("duration_us")),
    rewrite: (us) => (us === "null" ? us : String(Number(us) / 1_000)),
  },
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
    sql`coalesce(t.covered_by, ${constants([NOT_STORED])})`,
  ),
  theirs("user_id", text),
  theirs("session_id", text),
  theirs("status", z.enum(["ok", "error"])),
  theirs("error_type", text),
  { ...theirs("tags", z.record(z.string(), z.string())), of: sql`coalesce(t.tags, '{}')`, rewrite: asWeWrite },
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
    sql`case when t.cost_pico is not null then t.cost_is end`,
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
    sql`coalesce(t.unknown_usage_members, '{}')`,
  ),
  ours("billable", z.boolean().describe("Does it count?")),
  ours("rule", z.string().describe("By which rule it does or does not."), rule),
];

export const ShownTrace = z.object(Object.fromEntries(TRACE_FIELDS.map(({ name, schema }) => [name, schema]))).meta({
  id: "Trace",
  description: "A stored call. A field is null if the caller did not send it, or if nothing is known.",
});
export type ShownTrace = Record<string, unknown> & { id: string };

/** The values of the stored call `t`, by name. `asShown` takes what `row_to_json` makes of them. */
export const STORED_VALUES = asText(list(TRACE_FIELDS.map(({ name, of }) => sql`${of} as ${sql.identifier(name)}`)));

const REWRITTEN = TRACE_FIELDS.flatMap(({ name, rewrite }, i) =>
  rewrite === undefined ? [] : [{ name: `,"${name}":`, next: `,"${TRACE_FIELDS[i + 1]!.name}":`, rewrite }],
);

/**
 * The JSON of a call, as it is shown. Within texts each quote has a backslash before it, so the name of a field is found
 * nowhere else.
 */
export function asShown(json: string): string {
  let shown = "";
  let done = 0;
  for (const { name, next, rewrite } of REWRITTEN) {
    const start = json.indexOf(name, done) + name.length;
    const end = json.indexOf(next, start);
    shown += json.slice(done, start) + rewrite(json.slice(start, end));
    done = end;
  }
  return shown + json.slice(done);
}
