/**
 * The write: one statement stores traces and their rollup partials, so that a retry, a duplicate
 * or a kill can never leave one without the other. Partials derive from the rows that the insert
 * returned; a trace that was there already adds nothing.
 */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compile, type Database } from "../db/client.ts";
import type { Cost } from "../pricing/cost.ts";
import type { Price } from "../pricing/catalogue.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { insertLabelPartials, insertMainPartials } from "../rollup/derive.ts";
import { columns, list } from "../rollup/measures.ts";
import type { Trace } from "./trace.ts";

export interface PricedTrace {
  trace: Trace;
  cost: Cost;
}

/** What became of each trace passed in, by position. */
export type Outcome = "inserted" | "duplicate" | "conflict";

type Value = string | number | bigint | boolean | null;

/** A stored column: its name, Postgres type, and value for a trace. */
interface Column {
  name: string;
  type: "uuid" | "timestamptz" | "bigint" | "integer" | "boolean" | "text" | "jsonb";
  of: (trace: Trace, cost: Cost) => Value;
  /** Part of what the caller said, which a second sending must repeat. */
  said: boolean;
}

const said = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: true });
const derived = (name: string, type: Column["type"], of: Column["of"]): Column => ({ name, type, of, said: false });

const COLUMNS: readonly Column[] = [
  derived("id", "uuid", (t) => t.id),
  derived("started_at", "timestamptz", (t) => t.startedAtMs),
  said("duration_us", "bigint", (t) => t.durationUs),
  said("input_tokens", "integer", (t) => t.inputTokens),
  said("output_tokens", "integer", (t) => t.outputTokens),
  said("cache_read_tokens", "integer", (t) => t.cacheReadTokens),
  said("cache_write_tokens", "integer", (t) => t.cacheWriteTokens),
  said("cache_write_5m_tokens", "integer", (t) => t.cacheWrite5mTokens),
  said("cache_write_1h_tokens", "integer", (t) => t.cacheWrite1hTokens),
  said("reasoning_tokens", "integer", (t) => t.reasoningTokens),
  said("input_audio_tokens", "integer", (t) => t.inputAudioTokens),
  said("output_audio_tokens", "integer", (t) => t.outputAudioTokens),
  derived("cost_pico", "bigint", (_, cost) => cost.costPico),
  derived("recorded_cost_pico", "bigint", (_, cost) => cost.costPico),
  said("reported_cost_pico", "bigint", (t) => t.reportedCostPico),
  derived("price_id", "uuid", (_, cost) => cost.price?.id ?? null),
  derived("billable", "boolean", (t) => t.billable),
  said("status", "text", (t) => t.status),
  said("application", "text", (t) => t.application),
  said("environment", "text", (t) => t.environment),
  said("provider", "text", (_, cost) => cost.provider),
  said("model", "text", (t) => t.model),
  said("operation", "text", (t) => t.operation),
  said("service_tier", "text", (t) => t.serviceTier),
  said("request_model", "text", (t) => t.requestModel),
  said("client_id", "text", (t) => t.clientId),
  said("trace_id", "text", (t) => t.traceId),
  said("span_id", "text", (t) => t.spanId),
  said("parent_id", "text", (t) => t.parentId),
  said("response_id", "text", (t) => t.responseId),
  said("user_id", "text", (t) => t.userId),
  said("session_id", "text", (t) => t.sessionId),
  said("tags", "jsonb", (t) => tagsJson(t.tags)),
  said("error_type", "text", (t) => t.errorType),
  derived("unpriced_reason", "text", (_, cost) => cost.unpricedReason),
  derived("rule", "text", (t) => t.rule),
  derived("usage_semantics", "text", (t) => t.usageSemantics),
];

function tagsJson(tags: Record<string, string>): string | null {
  for (const _ in tags) return JSON.stringify(tags);
  return null;
}

const PRICE_TEXTS = ["source", "version", "provider", "model"] as const;
const PRICE_PARAMS = [
  "price.id",
  ...PRICE_TEXTS.map((name) => `price.${name}`),
  ...BUCKETS.map((bucket) => `price.${bucket}`),
];
const priceColumns = columns(["id", ...PRICE_TEXTS, ...BUCKETS.map((bucket) => `${bucket}_pico`)]);

/** Times travel as epoch ms and JSON as text; all else in its own type. */
const input = sql`unnest(${list(
  COLUMNS.map(({ name, type }) => {
    const array = {
      timestamptz: sql`bigint`,
      jsonb: sql`text`,
      uuid: sql`uuid`,
      bigint: sql`bigint`,
      integer: sql`integer`,
      boolean: sql`boolean`,
      text: sql`text`,
    }[type];
    return sql`${sql.placeholder(name)}::${array}[]`;
  }),
)}) as i (${columns(COLUMNS.map(({ name }) => name))})`;

const values = list(
  COLUMNS.map(({ name, type }) => {
    const column = sql`i.${sql.identifier(name)}`;
    if (type === "timestamptz") return sql`to_timestamp(${column}::float8 / 1000)`;
    return type === "jsonb" ? sql`${column}::jsonb` : column;
  }),
);

const names = columns(COLUMNS.map(({ name }) => name));

/** The new traces with the prices that came along: those in the table are not visible to their own statement. */
const INSERTED = sql`inserted t left join price p on p.id = t.price_id`;

const WRITE = compile(
  sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id),
price as (
  select batch.project_id, i.* from batch, unnest(
    ${sql.placeholder("price.id")}::uuid[],
    ${list(PRICE_TEXTS.map((name) => sql`${sql.placeholder(`price.${name}`)}::text[]`))},
    ${list(BUCKETS.map((bucket) => sql`${sql.placeholder(`price.${bucket}`)}::bigint[]`))}
  ) as i (${priceColumns})
),
priced as (
  insert into prices (project_id, ${priceColumns})
  select project_id, ${priceColumns} from price order by id
  on conflict do nothing
),
inserted as (
  insert into traces (project_id, ${names})
  select batch.project_id, ${values} from batch, ${input}
  on conflict do nothing
  returning *
),
main_partials as (${insertMainPartials(INSERTED)}),
label_partials as (${insertLabelPartials(INSERTED)})
select count(*)::int as inserted, case when count(*) < ${sql.placeholder("sent")}::int then array_agg(id) end as ids from inserted`.inlineParams(),
  ["project", ...PRICE_PARAMS, ...COLUMNS.map(({ name }) => name), "sent"],
);

const SAID = COLUMNS.filter((column) => column.said);

/** Which of the traces sent are stored with other content than was sent now? */
const CONFLICTS = compile(
  sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id)
select i.position::int - 1 as position
from batch cross join unnest(${list(
    COLUMNS.filter(({ name, said }) => said || name === "id").map(({ name, type }) => {
      const array =
        type === "jsonb"
          ? sql`text`
          : type === "uuid"
            ? sql`uuid`
            : type === "bigint"
              ? sql`bigint`
              : type === "integer"
                ? sql`integer`
                : sql`text`;
      return sql`${sql.placeholder(name)}::${array}[]`;
    }),
  )}) with ordinality as i (id, ${columns(SAID.map(({ name }) => name))}, position)
join traces t on t.project_id = batch.project_id and t.id = i.id
where ${sql.join(
    SAID.map(
      ({ name, type }) =>
        sql`t.${sql.identifier(name)} is distinct from i.${sql.identifier(name)}${type === "jsonb" ? sql`::jsonb` : sql``}`,
    ),
    sql` or `,
  )}
order by 1`,
  ["project", "id", ...SAID.map(({ name }) => name)],
);

const ID = COLUMNS[0]!;
/** A statement carries at most this much, so that its bytes stay under the 10 MB that Neon takes. */
const MAX_STATEMENT_CHARS = 3_000_000;

/**
 * Stores priced traces of one project, each exactly once. Of several with one identity the first is stored; the
 * others are duplicates, and conflicts where they say something else than what is stored.
 *
 * @throws DatabaseUnavailable when it is not known to be stored; sending again is safe.
 */
export async function writeTraces(db: Database, projectId: string, batch: readonly PricedTrace[]): Promise<Outcome[]> {
  if (batch.length === 0) return [];
  const unique = inKeyOrder(batch);
  const prices = new Map<string, Price>();
  for (const { cost } of unique) if (cost.price) prices.set(cost.price.id, cost.price);
  const params = [...priceParams([...prices.values()]), ...COLUMNS.map((column) => literal(column, unique))];
  if (batch.length > 1 && params.reduce((chars, param) => chars + (param?.length ?? 0), 0) > MAX_STATEMENT_CHARS) {
    const half = Math.ceil(batch.length / 2);
    const first = await writeTraces(db, projectId, batch.slice(0, half));
    return [...first, ...(await writeTraces(db, projectId, batch.slice(half)))];
  }

  const [row] = await db.run(WRITE, [projectId, ...params, batch.length]);
  if (row!["inserted"] === batch.length) return batch.map(() => "inserted");

  const inserted = new Set((row!["ids"] ?? []) as string[]);
  const outcomes = batch.map(({ trace }): Outcome => (inserted.delete(trace.id) ? "inserted" : "duplicate"));
  const again = [...batch.keys()].filter((position) => outcomes[position] === "duplicate");
  const sentAgain = again.map((position) => batch[position]!);
  for (const at of await conflicting(db, projectId, sentAgain)) outcomes[again[at]!] = "conflict";
  return outcomes;
}

/** Positions of those whose stored content differs. */
async function conflicting(db: Database, projectId: string, batch: readonly PricedTrace[]): Promise<number[]> {
  const rows = await db.run(CONFLICTS, [projectId, ...[ID, ...SAID].map((column) => literal(column, batch))]);
  return rows.map(({ position }) => Number(position));
}

/**
 * Sorted by key, so that two writes of the same traces wait for each other instead of deadlocking; of several with
 * one key only the first.
 */
function inKeyOrder(batch: readonly PricedTrace[]): PricedTrace[] {
  const sorted = batch.toSorted((a, b) => (a.trace.id < b.trace.id ? -1 : a.trace.id > b.trace.id ? 1 : 0));
  return sorted.filter(({ trace }, i) => i === 0 || trace.id !== sorted[i - 1]!.trace.id);
}

function literal({ type, of }: Column, batch: readonly PricedTrace[]): string | null {
  const column = batch.map(({ trace, cost }) => of(trace, cost));
  return type === "text" || type === "jsonb" ? textArray(column as (string | null)[]) : plainArray(column);
}

function priceParams(prices: readonly Price[]): (string | null)[] {
  return [
    plainArray(prices.map(({ id }) => id)),
    ...PRICE_TEXTS.map((name) => textArray(prices.map((price) => price[name]))),
    ...BUCKETS.map((_, i) => plainArray(prices.map(({ unitPico }) => unitPico[i] ?? null))),
  ];
}
