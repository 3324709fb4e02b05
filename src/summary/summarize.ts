/** One summary: rollup rows for whole hours and days, traces for ragged edges, in one statement. */
import type { Database, Row } from "../db/client.ts";
import { ApiError } from "../errors.ts";
import { picoToUsd } from "../money.ts";
import { type Latency, latencyOf } from "../rollup/latency.ts";
import { type Measure, MEASURES } from "../rollup/measures.ts";
import { formatInstant } from "../time.ts";
import { isLabel, type SummaryQuery } from "./query.ts";
import { hasRest, summaryStatement } from "./statement.ts";
import { windowsOf } from "./windows.ts";
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

const SHOWN = new Set([
  "requests",
  "errors",
  "unpriced_requests",
  "unrecorded_requests",
  "unpriced_tokens",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_pico",
  "recorded_cost_pico",
]);
const LATENCY = new Set(["latency_count", "latency_sum_us"]);

/** What a question needs added up, and no more. */
function measuresFor({ latency }: SummaryQuery): Measure[] {
  return MEASURES.filter(({ name }) => SHOWN.has(name) || (latency && LATENCY.has(name)));
}

/**
 * @throws ApiError `too_many_rows` past 10,000 rows.
 */
export async function summarize(db: Database, projectId: string, query: SummaryQuery, nowMs: number): Promise<Summary> {
  const windows = windowsOf(query.fromMs, query.toMs, query.interval, query.zone);
  if (!windows) throw tooMany(query);
  const bucketStartsMs = query.interval === "none" ? [] : [...new Set(windows.map(({ bucketMs }) => bucketMs))];
  const measures = measuresFor(query);
  // With a rest there are two rows a group at most: a label's value, and all calls.
  const statement = summaryStatement({
    projectId,
    query,
    windows,
    bucketStartsMs,
    measures,
    maxRows: 2 * MAX_ROWS + 1,
  });
  const read = (await db.query(statement)).map((row) => readGroup(query, measures, bucketStartsMs, row));
  const groups = hasRest(query) ? withRest(read) : read;
  if (groups.length > MAX_ROWS) throw tooMany(query);
  groups.sort(inOrder);
  return {
    from: formatInstant(query.fromMs),
    to: formatInstant(query.toMs),
    tz: query.zone.name,
    interval: query.interval,
    as_of: formatInstant(nowMs),
    totals: show(totalOf(groups, measures), query.latency),
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

/** One row of the answer before it is shown: exact sums and the whole histogram. */
interface Group {
  bucketMs: number;
  /** The values of `query.groupBy`, in its order; null for the calls without the label. */
  keys: (string | null)[];
  /** The same without the label's value. */
  parent: string;
  sums: Map<string, bigint>;
  latency: Map<number, number>;
}

function readGroup(
  query: SummaryQuery,
  measures: readonly Measure[],
  bucketStartsMs: readonly number[],
  row: Row,
): Group {
  const buckets = (row["latency_buckets"] ?? []) as number[];
  const counts = (row["latency_counts"] ?? []) as (string | number)[];
  const dimensions = query.groupBy.filter((key) => !isLabel(key)).map((key) => String(row[key]));
  const bucketMs = bucketStartsMs[Number(row["bucket_no"]) - 1] ?? 0;
  return {
    bucketMs,
    keys: query.groupBy.map((key) => (isLabel(key) ? (row["value"] as string | null) : String(row[key]))),
    parent: JSON.stringify([bucketMs, ...dimensions]),
    sums: new Map(measures.map(({ name }) => [name, BigInt(String(row[name]))])),
    latency: new Map(buckets.map((bucket, i) => [bucket, Number(counts[i])])),
  };
}

/**
 * Turns the groups of all calls, with and without the label, into those of the calls without it: what remains when
 * the label's values are taken off.
 */
function withRest(groups: readonly Group[]): Group[] {
  const labelled = groups.filter(({ keys }) => !keys.includes(null));
  const rests = new Map(groups.filter(({ keys }) => keys.includes(null)).map((group) => [group.parent, group]));
  for (const group of labelled) {
    const rest = rests.get(group.parent);
    if (rest) addTo(rest, group, -1);
  }
  return [...labelled, ...[...rests.values()].filter(({ sums }) => sums.get("requests") !== 0n)];
}

function totalOf(groups: readonly Group[], measures: readonly Measure[]): Group {
  const sums = new Map(measures.map(({ name }) => [name, 0n]));
  const total: Group = { bucketMs: 0, keys: [], parent: "", sums, latency: new Map() };
  for (const group of groups) addTo(total, group, 1);
  return total;
}

function addTo(target: Group, { sums, latency }: Group, sign: 1 | -1): void {
  for (const [name, sum] of sums) target.sums.set(name, target.sums.get(name)! + BigInt(sign) * sum);
  for (const [bucket, calls] of latency) target.latency.set(bucket, (target.latency.get(bucket) ?? 0) + sign * calls);
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
