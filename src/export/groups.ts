/**
 * The groups of a summary in the order of their keys, from any group on. Every value of a label is a group, and so are
 * the calls without the label. One statement reads them, and so one snapshot.
 */
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS } from "../ledger/buckets.ts";
import { columns, list } from "../db/sql.ts";
import { type Measure, QUANTITIES } from "../ledger/measures.ts";
import { own, sums } from "../rollup/sums.ts";
import { isLabel, type SummaryQuery } from "../summary/query.ts";
import { hasRest, rawSummaryParts, type StatementOptions, summaryParts } from "../summary/statement.ts";
import type { Position } from "./cursor.ts";

export interface From extends Pick<Position, "keys"> {
  inclusive: boolean;
}

export interface GroupsOptions extends StatementOptions {
  /** The group of the first interval to begin with; null to begin with its first group. */
  from: From | null;
  /** If true, rows also have `SPLIT_MEASURES`. */
  split: boolean;
}

/**
 * The quantity of each price bucket in the calls without a cost, if the group also has calls with one; else 0. These
 * measures are made from calls, because rollup rows do not tell the two apart.
 */
export const SPLIT_MEASURES: readonly Measure[] = BUCKETS.filter((bucket) => bucket !== "request").map((bucket) => ({
  name: `unpriced_${bucket}`,
  type: "bigint",
  of: QUANTITIES[bucket],
}));
/** The sums of the calls without a cost: their number, and `SPLIT_MEASURES`. */
const LOOSE_MEASURES: readonly Measure[] = [{ name: "requests", type: "bigint", of: sql`1` }, ...SPLIT_MEASURES];
const IS_LOOSE: Measure = { name: "is_loose", type: "bigint", of: sql`t.cost_pico is null` };

/**
 * Rows with a null value count all calls. Taking the rows of the label's values off them leaves the calls without it.
 */
const SIGN = sql`(case when value is null then 1 else -1 end)`;

/**
 * Selects the same columns as `summaryStatement`, in the order of the keys, at most `maxRows` rows. A null `value`
 * stands for the calls without the label.
 */
export function groupsStatement(options: GroupsOptions): SQL {
  const { query, measures, split, maxRows } = options;
  const names = ["interval_no", ...query.groupBy.filter((key) => !isLabel(key))];
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
  where is_loose and exists (select 1 from page where unpriced_requests between 1 and requests - 1)
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

/** The SELECTs whose rows a summary adds up, from calls alone. */
function rawPartsOf(options: GroupsOptions): SQL[] {
  const { windows } = options;
  const whole = { fromMs: windows[0]!.fromMs, toMs: windows.at(-1)!.toMs };
  return rawSummaryParts({ ...options, measures: [IS_LOOSE, ...LOOSE_MEASURES] }, whole);
}

function histogramOf(query: SummaryQuery, keys: SQL, skipped: SQL): SQL[] {
  const rest = sql` where value is not null
    union all
    select ${keys}, null, latency_bin, sum(${SIGN} * calls)::bigint from by_latency group by ${keys}, latency_bin`;
  return [
    sql`by_latency as (
  select ${keys}, value, u.latency_bin, sum(coalesce(u.calls, 1))::bigint as calls
  from part, unnest(latency_buckets, latency_counts) as u (latency_bin, calls)
  where ${skipped}
  group by ${keys}, value, u.latency_bin
)`,
    sql`histogram as (
  select ${keys}, value, array_agg(latency_bin) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${keys}, value, latency_bin, calls from by_latency${hasRest(query) ? rest : sql``}
  ) told_by_latency
  group by ${keys}, value
)`,
  ];
}

/** Two conditions: on rows of `part` that the page needs, and on groups of `told` that the page may show. */
function startOf({ query, intervalStartsMs, from }: GroupsOptions): { skipped: SQL; begun: SQL } {
  if (from === null) return { skipped: sql`true`, begun: sql`true` };
  const intervalNo = sql`${intervalStartsMs.length === 0 ? 0 : 1}::int`;
  const dimensions = query.groupBy.flatMap((key, i) => (isLabel(key) ? [] : [sql`${from.keys[i]}::text`]));
  const label = query.groupBy.findIndex(isLabel);
  const value = label < 0 ? "" : from.keys[label]!;
  const parent = list([intervalNo, ...dimensions]);
  const whole = list([parent, sql`${value !== null}::boolean`, sql`${value ?? ""}::text`]);
  return {
    // Once the page lies behind the calls without the label, the rows that they derive from are not needed.
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

/** The order is bytewise, so it does not depend on the database's locale. */
function parentOf(query: SummaryQuery, table: SQL): SQL {
  const dimensions = query.groupBy.filter((key) => !isLabel(key));
  return list([
    sql`${table}.interval_no`,
    ...dimensions.map((key) => sql`${table}.${sql.identifier(key)} collate "C"`),
  ]);
}
