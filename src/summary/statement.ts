/** The summary's SQL: it adds up the rows of its parts by the keys of `group_by` and the interval. */
import type { SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { asText } from "../db/render.ts";
import { latencyBinOf } from "../rollup/latency.ts";
import { columns, list, sql } from "../db/sql.ts";
import { MAIN, MOST_LABEL_VALUES, NOT_ROLLED_UP, OTHER } from "../rollup/families.ts";
import { dimensionOf, type Measure } from "../ledger/measures.ts";
import { MEASURES_OF } from "./group.ts";
import { sumsOf, valuesIn } from "./measured.ts";
import { withMissed } from "./missed.ts";
import { type Parts, partsOf, rawPart, type Row } from "./parts.ts";
import { isLabel, PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import { isOfSavings, partWithSavings, PRICED_BY } from "./savings.ts";
import type { Range, Window } from "./windows.ts";

export interface StatementOptions {
  projectId: string;
  query: SummaryQuery;
  windows: readonly Window[];
  /** The starts of all intervals, ascending, in epoch ms; empty without an interval. */
  intervalStartsMs: readonly number[];
  measures: readonly Measure[];
  maxRows: number;
  /** The groups of dimensions that keep rows of their own; the others become one, `(other)`. Null keeps all. */
  kept?: Kept | null;
}

/** `first` are the first ones by the question's `order`, as many as its `limit`. Others are named by their keys. */
export type Kept = "first" | readonly (readonly string[])[];

/** The family of rollup rows that a question reads: the label's if it filters or groups by one, else the main one. */
export function familyOf(query: SummaryQuery): string {
  return query.label?.name ?? query.groupBy.find(isLabel) ?? MAIN;
}

/**
 * True if the question groups by a label and does not filter by it. The calls without the label are then a group too.
 */
export function hasRest(query: SummaryQuery): boolean {
  return query.label === null && query.groupBy.some(isLabel);
}

/**
 * If a label has more than `MOST_LABEL_VALUES` values, this many keep rows of their own: those with the highest cost.
 */
const KEPT_LABEL_VALUES = 5_000;

/** Does the question need the estimate of what caches saved? */
const hasSavings = ({ measures }: StatementOptions): boolean => measures.some(isOfSavings);

/** Does the question need histograms of latency? */
const withLatency = ({ include }: SummaryQuery): boolean => include.includes("latency");

/**
 * Selects rows of `interval_no` (1 is the first interval; 0 without an interval), the grouped dimensions, `value` of
 * the grouped label, the measures, and with `include=latency` the histogram as `latency_buckets` and `latency_counts`.
 * If `hasRest`, rows with a null `value` count all calls, with and without the label.
 */
export function summaryStatement(options: StatementOptions): SQL {
  return withMissed(groupsStatement(options), options);
}

function groupsStatement(options: StatementOptions): SQL {
  const { query, measures, maxRows } = options;
  const parts = summaryParts(options);
  const grouped = query.groupBy.some(isLabel);
  const source = grouped || options.kept ? sql`folded` : sql`part`;
  const folded = grouped ? folding(options) : options.kept ? foldingGroups(options, options.kept) : sql``;
  const read = sql.join(parts, sql` union all `);
  const once = hasRest(query) ? sql`value is null` : sql`true`;
  const part = sql`with ${hasSavings(options) ? partWithSavings(read, once) : sql`part as (${read})`}${folded}`;
  // A constant column is no key, because hashing it for each bin of each histogram would cost as much as all the rest.
  const names = [
    ...(options.intervalStartsMs.length > 0 ? ["interval_no"] : []),
    ...query.groupBy.filter((key) => !isLabel(key)),
    ...(grouped ? ["value"] : []),
  ];
  const keys = columns(names);
  const constant = [...(options.intervalStartsMs.length > 0 ? [] : [NO_INTERVAL]), ...(grouped ? [] : [NO_VALUE])];
  const by = names.length > 0 ? sql`group by ${keys}` : sql``;
  const groups = sql`
select ${list([...constant, ...names.map((name) => sql`${sql.identifier(name)}`), sumsOf(measures, query.interval !== "none")])}
from ${source} ${by} having sum(requests) <> 0 limit ${maxRows}`;
  if (!withLatency(query)) return sql`${part} ${groups}`;
  const keysBefore = names.length > 0 ? sql`${keys}, ` : sql``;
  return sql`
${part}
select s.*, h.latency_buckets, h.latency_counts
from (${groups}) s
left join (
  select ${keysBefore}array_agg(latency_bin) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${keysBefore}latency_bin, sum(coalesce(calls, 1))::bigint as calls
    from (
      select ${keysBefore}unnest(latency_buckets) as latency_bin, unnest(latency_counts) as calls from ${source}
    ) one
    group by ${keysBefore}latency_bin
  ) by_bin
  ${by}
) h on ${names.length === 0 ? sql`true` : sql.join(names.map(sameKey), sql` and `)}`;
}

/** Only a label's value may be null. Postgres can hash-join on `=`, but not on `is not distinct from`. */
function sameKey(name: string): SQL {
  const [s, h] = [sql`s.${sql.identifier(name)}`, sql`h.${sql.identifier(name)}`];
  return name === "value"
    ? sql`coalesce(${s}, '') = coalesce(${h}, '') and (${s} is null) = (${h} is null)`
    : sql`${s} = ${h}`;
}

/** The SELECTs whose rows the summary adds up, with the columns of `shown`. */
export function summaryParts(options: StatementOptions): SQL[] {
  return familiesRead(options.query).flatMap((family) =>
    partsOf({ ...partOf(options, family), windows: options.windows }),
  );
}

/** The same from calls alone. */
export function rawSummaryParts(options: StatementOptions, range: Range): SQL[] {
  return familiesRead(options.query).map((family) => rawPart(partOf(options, family), [range]));
}

/**
 * If `hasRest`, the main family is read too: its sums less those of the label's family are the calls without the label.
 */
function familiesRead(query: SummaryQuery): string[] {
  const family = familyOf(query);
  return hasRest(query) ? [family, MAIN] : [family];
}

function partOf(options: StatementOptions, family: string): Omit<Parts, "windows"> {
  const { projectId, query } = options;
  const told = new Set<string>([...query.groupBy, ...(hasSavings(options) ? PRICED_BY : [])]);
  const dimensions = PUBLIC_DIMENSIONS.filter((name) => told.has(name));
  return { projectId, filters: query, family, dimensions, shown: (row) => shown(options, family, row) };
}

/** Combines the lesser values of a label into `(other)`. A null stands for all calls, so it stays. */
function folding({ query, measures }: StatementOptions): SQL {
  const rest = columns([...query.groupBy.filter((key) => !isLabel(key)), ...carried(query, measures)]);
  return sql`,
kept as (
  select value from (
    select value, row_number() over (order by coalesce(sum(cost_pico), 0) desc, sum(requests) desc, value) as place, count(*) over () as "values"
    from part where value is not null group by value
  ) ranked
  where "values" <= ${MOST_LABEL_VALUES} or place <= ${KEPT_LABEL_VALUES} or value = ${NOT_ROLLED_UP}
),
folded as (
  select interval_no, case when value is null or value in (select value from kept) then value else ${OTHER} end as value, ${rest}
  from part
)`;
}

/**
 * Combines groups of dimensions into `(other)`, so that few rows leave the database. They are summed before that, except
 * for histograms.
 */
function foldingGroups({ query, measures }: StatementOptions, kept: Kept): SQL {
  const keys = columns(query.groupBy);
  const source = withLatency(query) ? sql`part` : sql`summed`;
  const first = sql`
  select ${keys} from ${source} group by ${keys} having sum(requests) <> 0
  order by ${placesOf(query)} limit ${query.limit}`;
  const named = (keysOf: Exclude<Kept, "first">): SQL => sql`
  select * from unnest(${list(query.groupBy.map((_, i) => sql`${textArray(keysOf.map((group) => group[i]!))}::text[]`))}) as k (${keys})`;
  const shownKeys = query.groupBy.map((name) => {
    const key = sql.identifier(name);
    return sql`case when kept.is_kept then s.${key} else ${OTHER} end as ${key}`;
  });
  const isSame = query.groupBy.map((name) => sql`s.${sql.identifier(name)} = kept.${sql.identifier(name)}`);
  return sql`,
summed as (
  select interval_no, ${keys}, ${sumsOf(measures, query.interval !== "none")} from part group by interval_no, ${keys}
),
kept as (
  select *, true as is_kept from (${kept === "first" ? first : named(kept)}) one
),
folded as (
  select interval_no, ${list([...shownKeys, columns(carried(query, measures), "s")])}
  from ${source} s left join kept on ${sql.join(isSame, sql` and `)}
)`;
}

/** `inOrder` of all intervals together, as SQL. */
function placesOf({ order, groupBy }: SummaryQuery): SQL {
  const direction = order.descending ? sql`desc` : sql`asc`;
  const byText = (name: string): SQL => sql`${sql.identifier(name)} collate "C"`;
  const bySum = (measures: readonly string[]): SQL =>
    sql.join(
      measures.map((name) => sql`coalesce(sum(${sql.identifier(name)}), 0)`),
      sql` + `,
    );
  const first = MEASURES_OF.has(order.key) ? bySum(MEASURES_OF.get(order.key)!) : byText(order.key);
  return list([sql`${first} ${direction}`, sql`${bySum(MEASURES_OF.get("cost_usd")!)} desc`, ...groupBy.map(byText)]);
}

const shownDimensions = asText(
  list(PUBLIC_DIMENSIONS.map((name) => sql`${dimensionOf(name)} as ${sql.identifier(name)}`)),
);

const NO_INTERVAL = sql`0 as interval_no`;
/** Of a question that groups by no label. */
const NO_VALUE = sql`'' as value`;

function shown({ query, measures, intervalStartsMs }: StatementOptions, family: string, row: Row): SQL {
  return list([
    intervalNo(intervalStartsMs, row.instant),
    shownDimensions,
    query.groupBy.some(isLabel) ? sql`${valueOf(family, row.value)} as value` : NO_VALUE,
    valuesIn(row, measures),
    ...(withLatency(query) ? histogramOf(row) : []),
  ]);
}

function histogramOf({ of, negative }: Row): SQL[] {
  if (of === "rollup") return [sql`t.latency_buckets`, sql`t.latency_counts`];
  return [
    sql`case when t.duration_us is not null then array[${latencyBinOf}] end as latency_buckets`,
    sql`${negative ? sql`case when t.duration_us is not null then array[-1] end` : sql`null::integer[]`} as latency_counts`,
  ];
}

function intervalNo(intervalStartsMs: readonly number[], instant: SQL): SQL {
  if (intervalStartsMs.length === 0) return NO_INTERVAL;
  const starts = textArray(intervalStartsMs.map((ms) => new Date(ms).toISOString()));
  return sql`width_bucket(${instant}, ${starts}::timestamptz[]) as interval_no`;
}

function carried(query: SummaryQuery, measures: readonly Measure[]): string[] {
  return [...measures.map(({ name }) => name), ...(withLatency(query) ? ["latency_buckets", "latency_counts"] : [])];
}

/** The label's value; null in the main rows, which count all calls. */
function valueOf(family: string, value: SQL): SQL {
  return family === MAIN ? sql`null::text` : value;
}
