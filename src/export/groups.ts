/**
 * The groups of a summary in the order of their keys, from any of them on: every value of a label by itself, and what
 * the calls without the label add up to, in one statement and so in one snapshot.
 */
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS } from "../pricing/buckets.ts";
import { columns, list, type Measure, own, QUANTITIES, sums } from "../rollup/measures.ts";
import { isLabel, type SummaryQuery } from "../summary/query.ts";
import { hasRest, rawSummaryParts, type StatementOptions, summaryParts } from "../summary/statement.ts";
import type { Position } from "./cursor.ts";

export interface From extends Pick<Position, "keys"> {
  inclusive: boolean;
}

export interface GroupsOptions extends StatementOptions {
  /** A group of the first bucket; null for all of it. */
  from: From | null;
  /** Also `SPLIT_MEASURES`. */
  split: boolean;
}

/**
 * What the calls without a cost hold of each bucket, where a group has calls with and without one; else 0. Made from
 * traces: rollup rows do not tell the two apart.
 */
export const SPLIT_MEASURES: readonly Measure[] = BUCKETS.filter((bucket) => bucket !== "request").map((bucket) => ({
  name: `unpriced_${bucket}`,
  type: "bigint",
  of: QUANTITIES[bucket],
}));
/** Of traces without a cost, beside `SPLIT_MEASURES`. */
const LOOSE_MEASURES: readonly Measure[] = [{ name: "requests", type: "bigint", of: sql`1` }, ...SPLIT_MEASURES];
const IS_LOOSE: Measure = { name: "is_loose", type: "bigint", of: sql`t.cost_pico is null` };

/** All calls are rows with a null value; less the label's values they are the calls without the label. */
const SIGN = sql`(case when value is null then 1 else -1 end)`;

/** Rows as `summaryStatement` has them, `maxRows` at most, in order; a null `value` stands for the calls without the label. */
export function groupsStatement(options: GroupsOptions): SQL {
  const { query, measures, split, maxRows } = options;
  const names = ["bucket_no", ...query.groupBy.filter((key) => !isLabel(key))];
  const keys = columns(names);
  const latency = query.include.includes("latency");
  const { skipped, begun } = startOf(options);

  const grouped = (source: SQL, of: readonly Measure[]): SQL =>
    sql`select ${keys}, value, ${sums(own, of)} from ${source} group by ${keys}, value having sum(requests) <> 0`;
  const told = (source: SQL, of: readonly Measure[]): SQL => {
    const all = sql`select ${keys}, value, ${columns(of.map(({ name }) => name))} from ${source}`;
    if (!hasRest(query)) return all;
    return sql`${all} where value is not null
  union all
  select ${keys}, null, ${sums((measure) => sql`${SIGN} * ${own(measure)}`, of)} from ${source} group by ${keys}
  having bool_or(value is null) and sum(${SIGN} * requests) <> 0`;
  };
  const join = (table: SQL): SQL => sql`
left join ${table} on ${sql.join(
    names.map((name) => sql`page.${sql.identifier(name)} = ${table}.${sql.identifier(name)}`),
    sql` and `,
  )} and page.value is not distinct from ${table}.value`;

  const ctes = [
    sql`part as (${sql.join(summaryParts(options), sql` union all `)})`,
    sql`grouped as (${grouped(sql`part where ${skipped}`, measures)})`,
    sql`told as (${told(sql`grouped`, measures)})`,
    sql`page as (select * from told where ${begun} order by ${orderOf(query, sql`told`)} limit ${maxRows})`,
  ];
  const shown = [sql`page.*`];
  const joins: SQL[] = [];
  if (split) {
    ctes.push(
      sql`loose as (
  select * from (${sql.join(rawPartsOf(options), sql` union all `)}) r
  where is_loose and exists (select from page where unpriced_requests between 1 and requests - 1)
)`,
      sql`loose_grouped as (${grouped(sql`loose`, LOOSE_MEASURES)})`,
      sql`loose_told as (${told(sql`loose_grouped`, LOOSE_MEASURES)})`,
    );
    shown.push(
      ...SPLIT_MEASURES.map(
        ({ name }) => sql`coalesce(loose_told.${sql.identifier(name)}, 0) as ${sql.identifier(name)}`,
      ),
    );
    joins.push(join(sql`loose_told`));
  }
  if (latency) {
    ctes.push(...histogramOf(query, keys, skipped));
    shown.push(sql`histogram.latency_buckets`, sql`histogram.latency_counts`);
    joins.push(join(sql`histogram`));
  }
  return sql`
with ${sql.join(
    ctes,
    sql`,
`,
  )}
select ${list(shown)}
from page${sql.join(joins, sql``)}
order by ${orderOf(query, sql`page`)}`;
}

/** What a summary adds up, from traces alone. */
function rawPartsOf(options: GroupsOptions): SQL[] {
  const { windows } = options;
  const whole = { fromMs: windows[0]!.fromMs, toMs: windows.at(-1)!.toMs };
  return rawSummaryParts({ ...options, measures: [IS_LOOSE, ...LOOSE_MEASURES] }, whole);
}

function histogramOf(query: SummaryQuery, keys: SQL, skipped: SQL): SQL[] {
  const rest = sql` where value is not null
    union all
    select ${keys}, null, latency_bucket, sum(${SIGN} * calls)::bigint from by_latency group by ${keys}, latency_bucket`;
  return [
    sql`by_latency as (
  select ${keys}, value, u.latency_bucket, sum(coalesce(u.calls, 1))::bigint as calls
  from part, unnest(latency_buckets, latency_counts) as u (latency_bucket, calls)
  where ${skipped}
  group by ${keys}, value, u.latency_bucket
)`,
    sql`histogram as (
  select ${keys}, value, array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${keys}, value, latency_bucket, calls from by_latency${hasRest(query) ? rest : sql``}
  ) told_by_latency
  group by ${keys}, value
)`,
  ];
}

/** Conditions for rows of `part` that matter, and for groups of `told` that the page may have. */
function startOf({ query, bucketStartsMs, from }: GroupsOptions): { skipped: SQL; begun: SQL } {
  if (from === null) return { skipped: sql`true`, begun: sql`true` };
  const bucketNo = sql`${bucketStartsMs.length === 0 ? 0 : 1}::int`;
  const dimensions = query.groupBy.flatMap((key, i) => (isLabel(key) ? [] : [sql`${from.keys[i]}::text`]));
  const label = query.groupBy.findIndex(isLabel);
  const value = label < 0 ? "" : from.keys[label]!;
  const parent = list([bucketNo, ...dimensions]);
  const whole = list([parent, sql`${value !== null}::boolean`, sql`${value ?? ""}::text`]);
  return {
    // Behind the calls without the label, what they derive from is not needed any more.
    skipped:
      value === null
        ? sql`(${parentOf(query, sql`part`)}) >= (${parent})`
        : sql`(${orderOf(query, sql`part`)}) >= (${whole})`,
    begun: sql`(${orderOf(query, sql`told`)}) ${from.inclusive ? sql`>=` : sql`>`} (${whole})`,
  };
}

/** The calls without the label come first. */
function orderOf(query: SummaryQuery, table: SQL): SQL {
  return list([parentOf(query, table), sql`${table}.value is not null`, sql`coalesce(${table}.value, '') collate "C"`]);
}

/** Bytewise: the same order whatever the database's locale. */
function parentOf(query: SummaryQuery, table: SQL): SQL {
  const dimensions = query.groupBy.filter((key) => !isLabel(key));
  return list([sql`${table}.bucket_no`, ...dimensions.map((key) => sql`${table}.${sql.identifier(key)} collate "C"`)]);
}
