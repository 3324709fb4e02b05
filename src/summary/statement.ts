/** The summary's SQL: what its parts hold, added up by what is asked. */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { latencyBucketOf } from "../rollup/latency.ts";
import { columns, list, MAIN, type Measure, MOST_LABEL_VALUES, OTHER, own, sums } from "../rollup/measures.ts";
import { type Parts, partsOf, rawPart, type Row, signed } from "./parts.ts";
import { isLabel, PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import type { Range, Window } from "./windows.ts";

export interface StatementOptions {
  projectId: string;
  query: SummaryQuery;
  windows: readonly Window[];
  /** Where the interval's buckets start, ascending; empty without an interval. */
  bucketStartsMs: readonly number[];
  measures: readonly Measure[];
  maxRows: number;
}

/** The label that a question is about, or the main rollup. */
export function labelOf(query: SummaryQuery): string {
  return query.label?.name ?? query.groupBy.find(isLabel) ?? MAIN;
}

/** Grouped by a label that is not filtered: the calls without it are a group too. */
export function hasRest(query: SummaryQuery): boolean {
  return query.label === null && query.groupBy.some(isLabel);
}

/** Where a label has more values than are told apart, so many are: the dearest. */
const KEPT_LABEL_VALUES = 5_000;

/** Has each bucket's histogram been asked for? */
const withLatency = ({ include }: SummaryQuery): boolean => include.includes("latency");

/**
 * Rows of `bucket_no` (1 is the first bucket, 0 without an interval), the dimensions grouped by, `value` of the label
 * grouped by, the measures, and `latency_buckets` with `latency_counts` if asked for. With `hasRest` there are also
 * rows with a null `value`: all calls, with and without the label.
 */
export function summaryStatement(options: StatementOptions): SQL {
  const { query, measures, maxRows } = options;
  const parts = summaryParts(options);
  const grouped = query.groupBy.some(isLabel);
  const source = grouped ? sql`folded` : sql`part`;
  const part = sql`with part as (${sql.join(parts, sql` union all `)})${grouped ? folding(options) : sql``}`;
  // What is the same in all rows is no key: hashing it for each bucket of each histogram would cost as much as the rest.
  const names = [
    ...(options.bucketStartsMs.length > 0 ? ["bucket_no"] : []),
    ...query.groupBy.filter((key) => !isLabel(key)),
    ...(grouped ? ["value"] : []),
  ];
  const keys = columns(names);
  const constant = [
    ...(options.bucketStartsMs.length > 0 ? [] : [sql`0 as bucket_no`]),
    ...(grouped ? [] : [sql`'' as value`]),
  ];
  const by = names.length > 0 ? sql`group by ${keys}` : sql``;
  const groups = sql`
select ${list([...constant, ...names.map((name) => sql`${sql.identifier(name)}`), sums(own, measures, query.interval !== "none")])}
from ${source} ${by} having sum(requests) <> 0 limit ${maxRows}`;
  if (!withLatency(query)) return sql`${part} ${groups}`;
  const keysBefore = names.length > 0 ? sql`${keys}, ` : sql``;
  return sql`
${part}
select s.*, h.latency_buckets, h.latency_counts
from (${groups}) s
left join (
  select ${keysBefore}array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${keysBefore}latency_bucket, sum(coalesce(calls, 1))::bigint as calls
    from (
      select ${keysBefore}unnest(latency_buckets) as latency_bucket, unnest(latency_counts) as calls from ${source}
    ) one
    group by ${keysBefore}latency_bucket
  ) by_bucket
  ${by}
) h on ${names.length === 0 ? sql`true` : sql.join(names.map(sameKey), sql` and `)}`;
}

/** Only a label's value may be null. Equality can be hashed, "is not distinct" cannot. */
function sameKey(name: string): SQL {
  const [s, h] = [sql`s.${sql.identifier(name)}`, sql`h.${sql.identifier(name)}`];
  return name === "value"
    ? sql`coalesce(${s}, '') = coalesce(${h}, '') and (${s} is null) = (${h} is null)`
    : sql`${s} = ${h}`;
}

/** What a summary adds up, each part with the columns of `shown`. */
export function summaryParts(options: StatementOptions): SQL[] {
  return labelsRead(options.query).flatMap((label) => partsOf({ ...partOf(options, label), windows: options.windows }));
}

/** The same from traces alone. */
export function rawSummaryParts(options: StatementOptions, range: Range): SQL[] {
  return labelsRead(options.query).map((label) => rawPart(partOf(options, label), [range]));
}

/** With a rest also the main rows: what they count beside the label's is without the label. */
function labelsRead(query: SummaryQuery): string[] {
  const label = labelOf(query);
  return hasRest(query) ? [label, MAIN] : [label];
}

function partOf(options: StatementOptions, label: string): Omit<Parts, "windows"> {
  const { projectId, query } = options;
  const dimensions = PUBLIC_DIMENSIONS.filter((name) => query.groupBy.includes(name));
  return { projectId, filters: query, label, dimensions, shown: (row) => shown(options, label, row) };
}

/** The parts with the lesser values of a label as one; null is no value, but all calls. */
function folding({ query, measures }: StatementOptions): SQL {
  const rest = columns([...query.groupBy.filter((key) => !isLabel(key)), ...carried(query, measures)]);
  return sql`,
kept as (
  select value from (
    select value, row_number() over (order by coalesce(sum(cost_pico), 0) desc, sum(requests) desc, value) as place, count(*) over () as "values"
    from part where value is not null group by value
  ) ranked
  where "values" <= ${MOST_LABEL_VALUES} or place <= ${KEPT_LABEL_VALUES}
),
folded as (
  select bucket_no, case when value is null or value in (select value from kept) then value else ${OTHER} end as value, ${rest}
  from part
)`;
}

function shown({ query, measures, bucketStartsMs }: StatementOptions, label: string, row: Row): SQL {
  const isRollup = row.of === "rollup";
  const histogram = isRollup
    ? [sql`t.latency_buckets`, sql`t.latency_counts`]
    : [
        sql`case when t.duration_us is not null then array[${latencyBucketOf}] end as latency_buckets`,
        sql`${row.negative ? sql`case when t.duration_us is not null then array[-1] end` : sql`null::integer[]`} as latency_counts`,
      ];
  return list([
    bucketNo(bucketStartsMs, row.instant),
    columns(PUBLIC_DIMENSIONS, "t"),
    sql`${valueOf(query, label, row.value)} as value`,
    ...measures.map(
      ({ name, of }) => sql`${signed(row, isRollup ? sql`t.${sql.identifier(name)}` : of)} as ${sql.identifier(name)}`,
    ),
    ...(withLatency(query) ? histogram : []),
  ]);
}

function bucketNo(bucketStartsMs: readonly number[], instant: SQL): SQL {
  if (bucketStartsMs.length === 0) return sql`0 as bucket_no`;
  const starts = textArray(bucketStartsMs.map((ms) => new Date(ms).toISOString()));
  return sql`width_bucket(${instant}, ${starts}::timestamptz[]) as bucket_no`;
}

function carried(query: SummaryQuery, measures: readonly Measure[]): string[] {
  return [...measures.map(({ name }) => name), ...(withLatency(query) ? ["latency_buckets", "latency_counts"] : [])];
}

/** What a part's rows are grouped by beside dimensions: the label's value, if the question groups by it. */
function valueOf(query: SummaryQuery, label: string, value: SQL): SQL {
  if (!query.groupBy.some(isLabel)) return sql`''`;
  return label === MAIN ? sql`null::text` : value;
}
