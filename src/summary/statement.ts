/**
 * The summary's SQL: rollup rows for whole days and hours, traces for the ragged edges, added up in one statement and
 * so in one snapshot. Partial rows stand beside both levels and count in either.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { keyRange } from "../ingest/key.ts";
import { labelsOf } from "../rollup/derive.ts";
import { latencyBucketOf } from "../rollup/latency.ts";
import { columns, LEVEL, list, MAIN, type Measure, MOST_LABEL_VALUES, OTHER, UNSPREAD } from "../rollup/measures.ts";
import { isLabel, PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import { type Range, rangesOf, type Window } from "./windows.ts";

export interface StatementOptions {
  projectId: string;
  query: SummaryQuery;
  windows: readonly Window[];
  /** Starts of the interval's buckets, ascending; empty without an interval. */
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
  const parts = partsOf(options);
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
  const summed = measures.map(
    ({ name, type }) =>
      sql`sum(${sql.identifier(name)})::${type === "bigint" ? sql`bigint` : sql`numeric`} as ${sql.identifier(name)}`,
  );
  const groups = sql`
select ${list([...constant, ...names.map((name) => sql`${sql.identifier(name)}`), ...summed])}
from ${source} ${by} having sum(requests) <> 0 limit ${maxRows}`;
  if (!withLatency(query)) return sql`${part} ${groups}`;
  const own = names.length > 0 ? sql`${keys}, ` : sql``;
  return sql`
${part}
select s.*, h.latency_buckets, h.latency_counts
from (${groups}) s
left join (
  select ${own}array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${own}latency_bucket, sum(coalesce(calls, 1))::bigint as calls
    from (
      select ${own}unnest(latency_buckets) as latency_bucket, unnest(latency_counts) as calls from ${source}
    ) one
    group by ${own}latency_bucket
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
export function partsOf(options: StatementOptions): SQL[] {
  const { query, windows } = options;
  const label = labelOf(query);
  const parts: SQL[] = [];
  for (const source of ["day", "hour"] as const) {
    const ranges = rangesOf(windows, source);
    if (ranges.length === 0) continue;
    parts.push(rollupPart(options, LEVEL[source], ranges, label));
    if (label !== MAIN) parts.push(unspreadPart(options, ranges, label));
    if (hasRest(query)) parts.push(rollupPart(options, LEVEL[source], ranges, MAIN));
  }
  const ragged = rangesOf(windows, "raw");
  if (ragged.length > 0) {
    parts.push(rawPart(options, ragged, label));
    if (hasRest(query)) parts.push(rawPart(options, ragged, MAIN));
  }
  return parts;
}

/** The parts with the lesser values of a label as one; null is no value, but all calls. */
function folding({ query, measures }: StatementOptions): SQL {
  const rest = columns([...query.groupBy.filter((key) => !isLabel(key)), ...carried(query, measures)]);
  return sql`,
kept as (
  select value from (
    select value, row_number() over (order by sum(cost_pico) desc, sum(requests) desc, value) as place, count(*) over () as "values"
    from part where value is not null group by value
  ) ranked
  where "values" <= ${MOST_LABEL_VALUES} or place <= ${KEPT_LABEL_VALUES}
),
folded as (
  select bucket_no, case when value is null or value in (select value from kept) then value else ${OTHER} end as value, ${rest}
  from part
)`;
}

/** The rollup rows of one label, or of the main rollup, at one level. */
function rollupPart(options: StatementOptions, level: number, ranges: readonly Range[], label: string): SQL {
  return sql`
  select ${bucketNo(options, sql`t.bucket`)}, ${shown(options, valueOf(options.query, label, sql`t.value`))}
  from rollup t
  where t.level in (${LEVEL.partial}, ${level}) and t.project_id = ${options.projectId}::uuid and t.label = ${label}
    and ${bucketIn(ranges)}${label === MAIN ? sql`` : valueFilter(options.query, sql`t.value`)}${dimensionFilters(options.query)}`;
}

/** The same from partial rows that are not spread over their labels yet. */
function unspreadPart(options: StatementOptions, ranges: readonly Range[], label: string): SQL {
  return sql`
  select ${bucketNo(options, sql`t.bucket`)}, ${shown(options, valueOf(options.query, label, sql`l.value`))}
  from rollup t, lateral ${labelsOf} as l
  where t.level = ${LEVEL.partial} and t.project_id = ${options.projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${label}
    and ${bucketIn(ranges)}${valueFilter(options.query, sql`l.value`)}${dimensionFilters(options.query)}`;
}

/** The traces themselves; ranges are compared by key, so that Postgres skips other months' partitions. */
export function rawPart(options: StatementOptions, ranges: readonly Range[], label: string): SQL {
  const { projectId, query, measures } = options;
  const labels = label === MAIN ? sql`` : sql`, lateral ${labelsOf} as l`;
  const labelFilter = label === MAIN ? sql`` : sql` and l.label = ${label}${valueFilter(query, sql`l.value`)}`;
  const inRange = ranges.map(({ fromMs, toMs }) => {
    const [lowest, highest] = keyRange(fromMs, toMs);
    return sql`(t.id >= ${lowest}::uuid and t.id < ${highest}::uuid)`;
  });
  return sql`
  select ${bucketNo(options, sql`t.started_at`)}, ${columns(PUBLIC_DIMENSIONS, "t")}, ${valueOf(query, label, sql`l.value`)} as value,
    ${list(measures.map(({ name, of }) => sql`${of} as ${sql.identifier(name)}`))}${
      withLatency(query)
        ? sql`, case when t.duration_us is not null then array[${latencyBucketOf}] end as latency_buckets, null::integer[] as latency_counts`
        : sql``
    }
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id${labels}
  where t.project_id = ${projectId}::uuid and t.billable and (${sql.join(inRange, sql` or `)})${labelFilter}${dimensionFilters(query)}`;
}

function bucketNo({ bucketStartsMs }: StatementOptions, instant: SQL): SQL {
  if (bucketStartsMs.length === 0) return sql`0 as bucket_no`;
  const starts = textArray(bucketStartsMs.map((ms) => new Date(ms).toISOString()));
  return sql`width_bucket(${instant}, ${starts}::timestamptz[]) as bucket_no`;
}

function shown({ query, measures }: StatementOptions, value: SQL): SQL {
  return sql`${columns(PUBLIC_DIMENSIONS, "t")}, ${value} as value, ${columns(carried(query, measures), "t")}`;
}

function carried(query: SummaryQuery, measures: readonly Measure[]): string[] {
  return [...measures.map(({ name }) => name), ...(withLatency(query) ? ["latency_buckets", "latency_counts"] : [])];
}

/** What a part's rows are grouped by beside dimensions: the label's value, if the question groups by it. */
function valueOf(query: SummaryQuery, label: string, value: SQL): SQL {
  if (!query.groupBy.some(isLabel)) return sql`''`;
  return label === MAIN ? sql`null::text` : value;
}

function bucketIn(ranges: readonly Range[]): SQL {
  const within = ranges.map(
    ({ fromMs, toMs }) =>
      sql`(t.bucket >= ${new Date(fromMs).toISOString()}::timestamptz and t.bucket < ${new Date(toMs).toISOString()}::timestamptz)`,
  );
  return sql`(${sql.join(within, sql` or `)})`;
}

function valueFilter({ label }: SummaryQuery, value: SQL): SQL {
  return label ? sql` and ${value} = any(${textArray(label.values)}::text[])` : sql``;
}

function dimensionFilters({ dimensions }: SummaryQuery): SQL {
  return sql.join(
    PUBLIC_DIMENSIONS.flatMap((name) => {
      const values = dimensions[name];
      return values ? [sql` and t.${sql.identifier(name)} = any(${textArray(values)}::text[])`] : [];
    }),
    sql``,
  );
}
