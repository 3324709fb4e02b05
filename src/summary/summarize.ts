/** One summary: rollup rows for whole hours and days, traces for ragged edges, in one statement. */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { ApiError } from "../errors.ts";
import { keyRange } from "../ingest/key.ts";
import { picoToUsd } from "../money.ts";
import { labelsOf } from "../rollup/derive.ts";
import { latencyBucketOf, latencyOf, type Latency } from "../rollup/latency.ts";
import { columns, LEVEL, list, MAIN, MEASURE_NAMES, MEASURES, sums, UNSPREAD } from "../rollup/measures.ts";
import { formatInstant } from "../time.ts";
import { isLabel, PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import { windowsOf, type Window } from "./windows.ts";
import { formatInZone } from "./zone.ts";

/** The sums that every row and the totals carry. Money in USD, null where calls exist and none is priced. */
export interface Sums {
  requests: number;
  errors: number;
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  cost_usd: string | null;
  recorded_cost_usd: string | null;
  unpriced_requests: number;
  unpriced_tokens: number;
  latency_ms?: Latency | null;
}

export interface Summary {
  /** RFC 3339. */
  from: string;
  to: string;
  tz: string;
  interval: string;
  as_of: string;
  totals: Sums;
  /** Group keys at top level, `bucket` where there is an interval, and the sums. */
  rows: (Sums & Record<string, unknown>)[];
}

const MAX_ROWS = 10_000;

/**
 * @throws ApiError `too_many_rows` past 10,000 rows.
 */
export async function summarize(db: Database, projectId: string, query: SummaryQuery, nowMs: number): Promise<Summary> {
  const windows = windowsOf(query.fromMs, query.toMs, query.interval, query.zone);
  if (!windows) throw tooMany(query);
  const rows = await db.query(statement(projectId, query, windows));
  if (rows.length > MAX_ROWS) throw tooMany(query);
  const groups = rows.map((row) => readGroup(query, row)).sort(inOrder);
  return {
    from: formatInstant(query.fromMs),
    to: formatInstant(query.toMs),
    tz: query.zone.name,
    interval: query.interval,
    as_of: formatInstant(nowMs),
    totals: show(totalOf(groups), query.latency),
    rows: groups.map((group) => ({
      ...(query.interval === "none" ? {} : { bucket: formatInZone(query.zone, group.bucketMs) }),
      ...Object.fromEntries(query.groupBy.map((key, i) => [key, group.keys[i]])),
      ...show(group, query.latency),
    })),
  };
}

function tooMany(query: SummaryQuery): ApiError {
  const coarser = { none: "", hour: "interval=day, ", day: "interval=week, ", week: "interval=month, ", month: "" }[
    query.interval
  ];
  return new ApiError(
    "too_many_rows",
    `more than ${MAX_ROWS} rows; ask for ${coarser}fewer groups, or a shorter range`,
  );
}

/** Windows as a table `w`; `level` is what stands beside the partials for that source. */
function windowTable(windows: readonly Window[]): SQL {
  return sql`(
    select to_timestamp(u.from_ms::float8 / 1000) as starts, to_timestamp(u.to_ms::float8 / 1000) as ends, u.bucket_ms, u.level
    from unnest(
      ${plainArray(windows.map(({ fromMs }) => fromMs))}::bigint[], ${plainArray(windows.map(({ toMs }) => toMs))}::bigint[],
      ${plainArray(windows.map(({ bucketMs }) => bucketMs))}::bigint[],
      ${plainArray(windows.map(({ source }) => (source === "day" ? LEVEL.day : LEVEL.hour)))}::smallint[]
    ) as u (from_ms, to_ms, bucket_ms, level)
  ) w`;
}

function statement(projectId: string, query: SummaryQuery, windows: readonly Window[]): SQL {
  const label = query.label?.name ?? query.groupBy.find(isLabel) ?? MAIN;
  const grouped = query.groupBy.some(isLabel);
  // Calls without the label are what the main rollup has beyond the label's rows.
  const withRest = grouped && query.label === null;

  const whole = windows.filter(({ source }) => source !== "raw");
  const ragged = windows.filter(({ source }) => source === "raw");
  const parts: SQL[] = [];
  if (whole.length > 0) {
    const ask = { projectId, query, windows: whole, label };
    if (label === MAIN) parts.push(rollupPart({ ...ask, counted: COUNTED }));
    else {
      const counted = withRest ? COUNTED_AND_TAKEN_FROM_REST : COUNTED;
      parts.push(rollupPart({ ...ask, counted }), unspreadPart({ ...ask, counted }));
      if (withRest) parts.push(rollupPart({ ...ask, label: MAIN, counted: COUNTED_AS_REST }));
    }
  }
  if (ragged.length > 0) parts.push(rawPart(projectId, query, ragged, label, withRest));

  // `labelled` and `value` stand for the label without nulls, so that groups can be joined.
  const keys = list([
    sql`bucket_ms`,
    ...query.groupBy.filter((key) => !isLabel(key)).map((key) => sql`${sql.identifier(key)}`),
    ...(grouped ? [sql`labelled`, sql`value`] : []),
  ]);
  const own = ({ name }: { name: string }): SQL => sql`sign * ${sql.identifier(name)}`;
  const latency = query.latency
    ? sql`
left join (
  select ${keys}, array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${keys}, u.latency_bucket, sum(sign * coalesce(u.calls, 1))::bigint as calls
    from part, unnest(latency_buckets, latency_counts) as u (latency_bucket, calls)
    group by ${keys}, u.latency_bucket
  ) by_bucket
  group by ${keys}
) h using (${keys})`
    : sql``;
  return sql`
with part as (${sql.join(parts, sql` union all `)})
select * from (
  select ${keys}, ${sums(own)} from part group by ${keys} having sum(sign * requests) <> 0 limit ${MAX_ROWS + 1}
) s ${latency}`;
}

const dimensionFilters = (query: SummaryQuery): SQL =>
  sql.join(
    PUBLIC_DIMENSIONS.flatMap((name) => {
      const values = query.dimensions[name];
      return values ? [sql` and t.${sql.identifier(name)} = any(${textArray(values)}::text[])`] : [];
    }),
    sql``,
  );

/** How often, and with which sign, a row counts for its label's value (`labelled`) and for the calls without one. */
const COUNTED = sql`(values (true, 1)) as c (labelled, sign)`;
const COUNTED_AS_REST = sql`(values (false, 1)) as c (labelled, sign)`;
const COUNTED_AND_TAKEN_FROM_REST = sql`(values (true, 1), (false, -1)) as c (labelled, sign)`;

interface RollupAsk {
  projectId: string;
  query: SummaryQuery;
  windows: readonly Window[];
  label: string;
  counted: SQL;
}

/** The rollup rows of one label, or of the main rollup. */
function rollupPart({ projectId, query, windows, label, counted }: RollupAsk): SQL {
  const valueFilter = query.label ? sql` and t.value = any(${textArray(query.label.values)}::text[])` : sql``;
  return sql`
  select ${rollupColumns(sql`t.value`)}
  from ${windowTable(windows)}
  join rollup t on t.level = any(array[${LEVEL.partial}::smallint, w.level]) and t.bucket >= w.starts and t.bucket < w.ends,
  ${counted}
  where t.project_id = ${projectId}::uuid and t.label = ${label}${valueFilter}${dimensionFilters(query)}`;
}

/** The same from partial rows that are not spread over their labels yet. */
function unspreadPart({ projectId, query, windows, label, counted }: RollupAsk): SQL {
  const valueFilter = query.label ? sql` and l.value = any(${textArray(query.label.values)}::text[])` : sql``;
  return sql`
  select ${rollupColumns(sql`l.value`)}
  from ${windowTable(windows)}
  join rollup t on t.level = ${LEVEL.partial} and t.bucket >= w.starts and t.bucket < w.ends,
  lateral ${labelsOf} as l, ${counted}
  where t.project_id = ${projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${label}${valueFilter}${dimensionFilters(query)}`;
}

function rollupColumns(value: SQL): SQL {
  return sql`w.bucket_ms, c.labelled, case when c.labelled then ${value} else '' end as value, c.sign,
    ${columns(PUBLIC_DIMENSIONS, "t")}, ${columns(MEASURE_NAMES, "t")}, t.latency_buckets, t.latency_counts`;
}

function rawPart(
  projectId: string,
  query: SummaryQuery,
  windows: readonly Window[],
  label: string,
  withRest: boolean,
): SQL {
  const ranges = windows.map(({ fromMs, toMs }) => keyRange(fromMs, toMs));
  const labelFilter = query.label ? sql` and l.value = any(${textArray(query.label.values)}::text[])` : sql``;
  const ofLabel = sql`lateral (select l.value from ${labelsOf} as l where l.label = ${label}${labelFilter}) as l on true`;
  const labels =
    label === MAIN
      ? sql`cross join (select '' as value) as l`
      : withRest
        ? sql`left join ${ofLabel}`
        : sql`join ${ofLabel}`;
  return sql`
  select w.bucket_ms, l.value is not null as labelled, coalesce(l.value, '') as value, 1 as sign,
    ${columns(PUBLIC_DIMENSIONS, "t")}, ${list(MEASURES.map(({ name, of }) => sql`${of} as ${sql.identifier(name)}`))},
    case when t.duration_us is not null then array[${latencyBucketOf}] end as latency_buckets, null::integer[] as latency_counts
  from unnest(
    ${plainArray(ranges.map(([lowest]) => lowest))}::uuid[], ${plainArray(ranges.map(([, highest]) => highest))}::uuid[],
    ${plainArray(windows.map(({ bucketMs }) => bucketMs))}::bigint[]
  ) as w (lowest, highest, bucket_ms)
  join traces t on t.id >= w.lowest and t.id < w.highest
  left join prices p on p.project_id = t.project_id and p.id = t.price_id
  ${labels}
  where t.project_id = ${projectId}::uuid and t.billable${dimensionFilters(query)}`;
}

/** One row of the answer before it is shown: exact sums and the whole histogram. */
interface Group {
  bucketMs: number;
  /** The values of `query.groupBy`, in its order. */
  keys: (string | null)[];
  sums: Map<string, bigint>;
  latency: Map<number, number>;
}

function readGroup(query: SummaryQuery, row: Row): Group {
  const buckets = (row["latency_buckets"] ?? []) as number[];
  const counts = (row["latency_counts"] ?? []) as (string | number)[];
  return {
    bucketMs: Number(row["bucket_ms"]),
    keys: query.groupBy.map((key) =>
      isLabel(key) ? (row["labelled"] ? String(row["value"]) : null) : String(row[key]),
    ),
    sums: new Map(MEASURE_NAMES.map((name) => [name, BigInt(String(row[name]))])),
    latency: new Map(buckets.map((bucket, i) => [bucket, Number(counts[i])])),
  };
}

function totalOf(groups: readonly Group[]): Group {
  const total: Group = {
    bucketMs: 0,
    keys: [],
    sums: new Map(MEASURE_NAMES.map((name) => [name, 0n])),
    latency: new Map(),
  };
  for (const { sums, latency } of groups) {
    for (const [name, sum] of sums) total.sums.set(name, total.sums.get(name)! + sum);
    for (const [bucket, calls] of latency) total.latency.set(bucket, (total.latency.get(bucket) ?? 0) + calls);
  }
  return total;
}

/** By bucket, then cost descending, then keys; null keys last. */
function inOrder(a: Group, b: Group): number {
  if (a.bucketMs !== b.bucketMs) return a.bucketMs - b.bucketMs;
  const difference = b.sums.get("cost_pico")! - a.sums.get("cost_pico")!;
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  for (const [i, key] of a.keys.entries()) {
    const other = b.keys[i] ?? null;
    if (key !== other) return key === null ? 1 : other === null || key < other ? -1 : 1;
  }
  return 0;
}

function show({ sums, latency }: Group, withLatency: boolean): Sums {
  const of = (name: string): bigint => sums.get(name)!;
  const count = (name: string): number => Number(of(name));
  const money = (sum: string, without: string): string | null =>
    of("requests") > 0n && of("requests") === of(without) ? null : picoToUsd(of(sum));
  return {
    requests: count("requests"),
    errors: count("errors"),
    input_tokens: count("input_tokens"),
    output_tokens: count("output_tokens"),
    total_tokens: Number(of("input_tokens") + of("output_tokens")),
    cache_read_tokens: count("cache_read_tokens"),
    cache_write_tokens: count("cache_write_tokens"),
    reasoning_tokens: count("reasoning_tokens"),
    cost_usd: money("cost_pico", "unpriced_requests"),
    recorded_cost_usd: money("recorded_cost_pico", "unrecorded_requests"),
    unpriced_requests: count("unpriced_requests"),
    unpriced_tokens: count("unpriced_tokens"),
    ...(withLatency ? { latency_ms: latencyOf(latency, of("latency_sum_us")) } : {}),
  };
}
