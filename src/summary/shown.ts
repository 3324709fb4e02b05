/** The form of a summary's answer: its schemas, and the conversion of groups of exact sums to rows. */
import { z } from "zod";
import { shapeOf } from "../db/shape.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import { type Shown, SHOWN, type ShownName } from "../ledger/measures.ts";
import { picoToUsd } from "../money.ts";
import { type Latency, LATENCY_NAMES, latencyOf } from "../rollup/latency.ts";
import { count, time, usd, usdDifference } from "../wire.ts";
import { BucketSums, bucketsOf, Rates, ratesOf } from "./details.ts";
import type { Group } from "./group.ts";
import { PUBLIC_DIMENSIONS, type SummaryQuery } from "./query.ts";
import { formatInZone, INTERVALS } from "./zone.ts";

const latency = z.object(
  Object.fromEntries(LATENCY_NAMES.map((name) => [name, z.number()])) as Record<keyof Latency, z.ZodNumber>,
);

function schemaOf({ isMoney, nullWithout, nullUnless, description }: Shown): z.ZodType<number | string | null> {
  const value = isMoney ? (nullWithout === undefined && nullUnless === undefined ? usd : usd.nullable()) : count;
  return description === undefined ? value : value.describe(description);
}

/** Counts are numbers, and money is a decimal string of USD or null. */
type ShownSums = { [N in ShownName]: N extends `${string}_usd` ? string | null : number };
type Schemas = { [N in ShownName]: z.ZodType<ShownSums[N]> };

const sums = z.object({
  ...(Object.fromEntries(SHOWN.map((shown) => [shown.name, schemaOf(shown)])) as Schemas),
  latency_ms: latency
    .nullable()
    .exactOptional()
    .describe("Only with `include=latency`. Percentiles are within 1%; null without measured calls."),
  buckets: z
    .partialRecord(z.enum(BUCKETS), BucketSums)
    .exactOptional()
    .describe("Only with `include=buckets`: the price buckets that hold anything."),
  ...Rates.partial().shape,
});

/** The sums that every row and the totals carry. */
export const Sums = sums
  .extend({
    previous: sums
      .exactOptional()
      .describe(
        "The sums of the period compared with, interval by interval. If that period has more intervals, the last row has the rest.",
      ),
    difference_usd: usdDifference.exactOptional().describe("This period's cost less that of the period compared with."),
  })
  .meta({ id: "Sums" });
export type Sums = z.infer<typeof Sums>;

/** A row also has its group keys at the top level. */
export const SummaryRow = Sums.extend({
  bucket: z.string().optional().describe("Start of the interval, with the zone's offset. It may lie before `from`."),
  ...Object.fromEntries(PUBLIC_DIMENSIONS.map((name) => [name, z.string().optional()])),
  user: z.string().nullable().optional().describe("Null for calls without a user."),
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
      .describe("The grouped label has too many values. Its lesser values are combined into rows of `(other)`."),
    not_rolled_up: z
      .record(z.string(), count)
      .exactOptional()
      .describe(
        "By the tag that the question groups or filters by: how many calls have it, but more than ten tags, of which it is not among the ten that are rolled up. In groups they are under `(not rolled up)`; a filter by a value leaves them out. `/v1/traces` finds them by any tag. With `compare`, those of both periods.",
      ),
    approximate: z
      .literal(true)
      .exactOptional()
      .describe("Calls at an edge of the range have been deleted. The edge was moved to the start of its hour."),
    totals: Sums.describe(
      "The sums of all calls in the range that match the filters. Groups and limit do not change them.",
    ),
    rows: z.array(SummaryRow as z.ZodType<Sums & Record<string, unknown>>),
  })
  .meta({ id: "Summary" });
export type Summary = z.infer<typeof Summary>;

/** One sum of `SHOWN`, exactly; null if there are calls and none has a value. Money is in pico-USD. */
export function shownSum({ measures, nullWithout, nullUnless }: Shown, of: (measure: string) => bigint): bigint | null {
  if (nullWithout !== undefined && of("requests") > 0n && of("requests") === of(nullWithout)) return null;
  if (nullUnless !== undefined && of("requests") > 0n && of(nullUnless) === 0n) return null;
  let sum = of(measures[0]!);
  for (let i = 1; i < measures.length; i++) sum += of(measures[i]!);
  return sum;
}

/** All sums of `SHOWN` in the form of an answer. @param row takes them. */
export function showSums(of: (measure: string) => bigint, row: Record<string, unknown> = { ...SHAPE }): ShownSums {
  for (const shown of SHOWN) {
    const sum = shownSum(shown, of);
    row[shown.name] = sum === null ? null : shown.isMoney ? picoToUsd(sum) : Number(sum);
  }
  return row as ShownSums;
}

/** @param row takes the sums. */
export function show(
  group: Pick<Group, "sums" | "latency" | "previous">,
  query: Pick<SummaryQuery, "include">,
  row?: Record<string, unknown>,
): Sums {
  const { sums, latency, previous } = group;
  const of = (name: string): bigint => sums[name]!;
  const shown: Sums = showSums(of, row);
  for (const part of query.include) {
    if (part === "latency") shown.latency_ms = latencyOf(latency ?? new Map(), of("latency_sum_us"));
    else if (part === "buckets") shown.buckets = bucketsOf(of);
    else if (part === "rates") Object.assign(shown, ratesOf(of));
  }
  if (previous) {
    shown.previous = show(previous, query);
    shown.difference_usd = picoToUsd(of("cost_pico") - previous.sums["cost_pico"]!);
  }
  return shown;
}

const NAMES = SHOWN.map(({ name }) => name);
const SHAPE = shapeOf(NAMES);

/** The members that every row of an answer has, in order. */
function shapeOfRows({ interval, groupBy }: SummaryQuery): Record<string, null> {
  return shapeOf([...(interval === "none" ? [] : ["bucket"]), ...groupBy, ...NAMES]);
}

export function rowOf(
  group: Group,
  query: SummaryQuery,
  intervalStart = formatInZone(query.zone, group.intervalMs),
  shape = shapeOfRows(query),
): Sums & Record<string, unknown> {
  const row: Record<string, unknown> = { ...shape };
  if (query.interval !== "none") row["bucket"] = intervalStart;
  for (const [i, key] of query.groupBy.entries()) row[key] = group.keys[i];
  return show(group, query, row) as Sums & Record<string, unknown>;
}

/** Converts groups that are ordered by interval. Each interval's start is formatted once. */
export function rowsOf(groups: readonly Group[], query: SummaryQuery): (Sums & Record<string, unknown>)[] {
  const shape = shapeOfRows(query);
  let [intervalMs, intervalStart] = [Number.NaN, ""];
  return groups.map((group) => {
    if (group.intervalMs !== intervalMs)
      [intervalMs, intervalStart] = [group.intervalMs, formatInZone(query.zone, group.intervalMs)];
    return rowOf(group, query, intervalStart, shape);
  });
}
