/** One summary: rollup rows for whole hours, days and weeks, traces for ragged edges, in one statement a period. */
import { z } from "zod";
import { type Database, Expired, type Row } from "../db/client.ts";
import { ApiError } from "../errors.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { type Latency, latencyOf } from "../rollup/latency.ts";
import { type Measure, MEASURES, OTHER } from "../rollup/measures.ts";
import { formatInstant } from "../time.ts";
import { count, time, usd, usdDifference } from "../wire.ts";
import { BucketSums, bucketsOf, Rates, ratesOf } from "./details.ts";
import { foldedTo, type Group, inOrder, paired, totalOf, withRest } from "./group.ts";
import { readWindows } from "./parts.ts";
import { isLabel, type Period, PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import { hasRest, summaryStatement } from "./statement.ts";
import { edgeAt, MAX_BUCKETS, windowsOf } from "./windows.ts";
import { formatInZone, INTERVALS } from "./zone.ts";

const latency: z.ZodType<Latency> = z.object({
  mean: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});

const sums = z.object({
  requests: count,
  errors: count,
  input_tokens: count,
  output_tokens: count,
  total_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  reasoning_tokens: count,
  cost_usd: usd.nullable().describe("At today's prices for then; null where there are calls and none is priced."),
  recorded_cost_usd: usd.nullable().describe("As first priced."),
  unpriced_requests: count,
  unpriced_tokens: count,
  latency_ms: latency.nullable().exactOptional().describe("With `include=latency`; percentiles are within 1%."),
  buckets: z
    .partialRecord(z.enum(BUCKETS), BucketSums)
    .exactOptional()
    .describe("With `include=buckets`: by price bucket, those that hold anything."),
  ...Rates.extend({ cache_hit_rate: Rates.shape.cache_hit_rate.describe("With `include=rates`.") }).partial().shape,
});

/** The sums that every row and the totals carry. */
export const Sums = sums
  .extend({
    previous: sums
      .exactOptional()
      .describe("The same of the period compared with, bucket by bucket; the last has what that period has more."),
    difference_usd: usdDifference.exactOptional().describe("How much more this period cost than that."),
  })
  .meta({ id: "Sums" });
export type Sums = z.infer<typeof Sums>;

/** A row has its group keys at top level, too. */
export const SummaryRow = Sums.extend({
  bucket: z.string().optional().describe("Start of the interval's bucket with the zone's offset; not cut by `from`."),
  ...Object.fromEntries(PUBLIC_DIMENSIONS.map((name) => [name, z.string().optional()])),
  user: z.string().nullable().optional().describe("Null for calls without one."),
}).meta({ id: "SummaryRow", patternProperties: { "^tag\\.": { type: ["string", "null"] } } });

export const Summary = z
  .object({
    from: time,
    to: time,
    tz: z.string(),
    interval: z.enum(INTERVALS),
    as_of: time,
    compare: z.object({ from: time, to: time }).exactOptional().describe("The period that rows are compared with."),
    capped: z
      .literal(true)
      .exactOptional()
      .describe("There are more values of the label than are told apart: the rest is in rows of `(other)`."),
    approximate: z
      .literal(true)
      .exactOptional()
      .describe("Calls from then are kept no longer: what should begin or end within an hour does so at its start."),
    totals: Sums.describe("Of all calls that the filters match in the range, whatever groups and limit."),
    rows: z.array(SummaryRow as z.ZodType<Sums & Record<string, unknown>>),
  })
  .meta({ id: "Summary" });
export type Summary = z.infer<typeof Summary>;

const MAX_ROWS = 10_000;
/** With a limit so many groups may be read to find those that are shown. */
const MAX_READ = 40_000;

/** The measures that every row shows. */
export const SHOWN = new Set([
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
export function measuresFor({ include }: SummaryQuery): readonly Measure[] {
  if (include.includes("buckets")) return MEASURES;
  return MEASURES.filter(({ name }) => SHOWN.has(name) || (include.includes("latency") && LATENCY.has(name)));
}

/**
 * @throws ApiError `too_many_rows` past 10,000 rows.
 * @throws Expired when it needs hours that are kept no longer, or a part of an hour alone of which no traces are.
 */
export async function summarize(db: Database, projectId: string, query: SummaryQuery, nowMs: number): Promise<Summary> {
  const measures = measuresFor(query);
  const [own, before] = await Promise.all([
    readPeriod(db, projectId, query, query, measures),
    query.compare && readPeriod(db, projectId, query, query.compare, measures),
  ]);
  const all = before === null ? own.groups : paired(own, before, measures);
  const groups = query.limit === null ? all : foldedTo(query.limit, all, query, measures);
  if (groups.length > MAX_ROWS) throw tooManyRows(query);
  const total = totalOf(groups, measures);
  groups.sort(inOrder(query));
  const capped = own.capped || before?.capped;
  const approximate = own.approximate || before?.approximate;
  return {
    from: formatInstant(query.fromMs),
    to: formatInstant(query.toMs),
    tz: query.zone.name,
    interval: query.interval,
    as_of: formatInstant(nowMs),
    ...(query.compare && {
      compare: { from: formatInstant(query.compare.fromMs), to: formatInstant(query.compare.toMs) },
    }),
    ...(capped && { capped }),
    ...(approximate && { approximate }),
    totals: show(total, query),
    rows: rowsOf(groups, query),
  };
}

/** Rows of groups in the order of their buckets: each bucket's start is written once. */
function rowsOf(groups: readonly Group[], query: SummaryQuery): (Sums & Record<string, unknown>)[] {
  let [bucketMs, bucket] = [Number.NaN, ""];
  return groups.map((group) => {
    if (group.bucketMs !== bucketMs) [bucketMs, bucket] = [group.bucketMs, formatInZone(query.zone, group.bucketMs)];
    return rowOf(group, query, bucket);
  });
}

export function rowOf(
  group: Group,
  query: SummaryQuery,
  bucket = formatInZone(query.zone, group.bucketMs),
): Sums & Record<string, unknown> {
  const row: Record<string, unknown> = query.interval === "none" ? {} : { bucket };
  for (const [i, key] of query.groupBy.entries()) row[key] = group.keys[i];
  return Object.assign(row, show(group, query));
}

/** What is read of one period. */
export interface ReadPeriod {
  groups: Group[];
  /** Starts of the interval's buckets, ascending, also of empty ones. */
  bucketStartsMs: number[];
  capped?: true;
  approximate?: true;
}

async function readPeriod(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  period: Period,
  measures: readonly Measure[],
): Promise<ReadPeriod> {
  try {
    return await readFrom(db, projectId, query, period, measures, 0);
  } catch (error) {
    if (!(error instanceof Expired) || error.what !== "raw") throw error;
    const { sinceMs } = error;
    if (edgeAt(period.fromMs, sinceMs) === edgeAt(period.toMs, sinceMs)) throw error;
    return { ...(await readFrom(db, projectId, query, period, measures, sinceMs)), approximate: true };
  }
}

async function readFrom(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  { fromMs, toMs }: Period,
  measures: readonly Measure[],
  rawSinceMs: number,
): Promise<ReadPeriod> {
  const windows = windowsOf(fromMs, toMs, query.interval, query.zone, rawSinceMs);
  if (!windows) throw tooMany(query, MAX_BUCKETS, "buckets", "interval");
  const bucketStartsMs = query.interval === "none" ? [] : [...new Set(windows.map(({ bucketMs }) => bucketMs))];
  const edgesMs = bucketStartsMs.map((ms) => edgeAt(ms, rawSinceMs));
  // With a rest there are two rows a group at most: a label's value, and all calls.
  const mostRows = query.limit === null ? 2 * MAX_ROWS + 1 : MAX_READ;
  const statement = summaryStatement({
    projectId,
    query,
    windows,
    bucketStartsMs: edgesMs,
    measures,
    maxRows: mostRows,
  });
  const rows = await readWindows(db, statement, windows);
  if (rows.length === mostRows)
    throw query.limit === null
      ? tooManyRows(query)
      : tooMany(query, MAX_READ, "groups to take the first of", "group_by");
  const read = rows.map((row) => readGroup(query, measures, bucketStartsMs, row));
  const groups = hasRest(query) ? withRest(read) : read;
  const label = query.groupBy.findIndex(isLabel);
  const capped = label >= 0 && groups.some(({ keys }) => keys[label] === OTHER);
  return { groups, bucketStartsMs, ...(capped && { capped }) };
}

const COARSER = { none: null, hour: "day", day: "week", week: "month", month: null } as const;

function tooManyRows(query: SummaryQuery): ApiError {
  return tooMany(query, MAX_ROWS, "rows", query.groupBy.length > 0 ? "group_by" : "interval");
}

function tooMany({ interval, groupBy }: SummaryQuery, most: number, what: string, parameter: string): ApiError {
  const coarser = COARSER[interval];
  const instead = [
    ...(coarser === null ? [] : [`interval=${coarser}`]),
    ...(groupBy.length > 0 ? ["fewer groups"] : []),
    "a shorter range",
  ];
  const detail = `more than ${most.toLocaleString("en-US")} ${what}; ask for ${instead.join(", ").replace(/, (?=[^,]*$)/, " or ")}`;
  return new ApiError("too_many_rows", detail, { parameter });
}

export function readGroup(
  query: SummaryQuery,
  measures: readonly Measure[],
  bucketStartsMs: readonly number[],
  row: Row,
): Group {
  const sums: Record<string, bigint> = {};
  for (const { name } of measures) sums[name] = BigInt(row[name] as string | number);
  return {
    bucketMs: bucketStartsMs[Number(row["bucket_no"]) - 1] ?? 0,
    keys: query.groupBy.map((key) => (isLabel(key) ? (row["value"] as string | null) : String(row[key]))),
    sums,
    latency: readLatency(row),
  };
}

function readLatency(row: Row): Group["latency"] {
  const buckets = row["latency_buckets"] as number[] | null | undefined;
  if (!buckets) return null;
  const counts = row["latency_counts"] as (string | number)[];
  return new Map(buckets.map((bucket, i) => [bucket, Number(counts[i])]));
}

export function show(group: Pick<Group, "sums" | "latency" | "previous">, query: SummaryQuery): Sums {
  const { sums, latency, previous } = group;
  const of = (name: string): bigint => sums[name]!;
  const sum = (name: string): number => Number(of(name));
  const money = (name: string, without: string): string | null =>
    of("requests") > 0n && of("requests") === of(without) ? null : picoToUsd(of(name));
  return {
    requests: sum("requests"),
    errors: sum("errors"),
    input_tokens: sum("input_tokens"),
    output_tokens: sum("output_tokens"),
    total_tokens: Number(of("input_tokens") + of("output_tokens")),
    cache_read_tokens: sum("cache_read_tokens"),
    cache_write_tokens: sum("cache_write_tokens"),
    reasoning_tokens: sum("reasoning_tokens"),
    cost_usd: money("cost_pico", "unpriced_requests"),
    recorded_cost_usd: money("recorded_cost_pico", "unrecorded_requests"),
    unpriced_requests: sum("unpriced_requests"),
    unpriced_tokens: sum("unpriced_tokens"),
    ...(query.include.includes("latency") ? { latency_ms: latencyOf(latency ?? new Map(), of("latency_sum_us")) } : {}),
    ...(query.include.includes("buckets") ? { buckets: bucketsOf(of) } : {}),
    ...(query.include.includes("rates") ? ratesOf(of) : {}),
    ...(previous && {
      previous: show(previous, query),
      difference_usd: picoToUsd(of("cost_pico") - previous.sums["cost_pico"]!),
    }),
  };
}
