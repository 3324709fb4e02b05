/**
 * What a rollup row holds, declared once: the dimensions it is grouped by and the measures it
 * sums. The table, the write, the merge, the audit and the summary all derive from these lists.
 *
 * Every measure is a function of one stored trace `t` and the price `p` it was given (or none), so
 * that rollup rows can be derived, checked and corrected from stored traces alone.
 */
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS, type Bucket } from "../pricing/buckets.ts";

export const DIMENSIONS = ["application", "environment", "provider", "model", "operation", "service_tier"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/**
 * Partial rows come with each write. Merging turns them into fresh rows of their hours, days and weeks, and compacting
 * turns the fresh rows of one of those, when there are many, with the settled ones into one row a group.
 */
export const LEVEL = { partial: 0, hour: 1, day: 2, freshHour: 3, freshDay: 4, week: 5, freshWeek: 7 } as const;
/** A fresh level less this is its settled one, for each of them. */
export const FRESHNESS = LEVEL.freshHour - LEVEL.hour;
/** What is merged into hours, into UTC days, or into weeks of those from Monday on. */
export const LEVELS = {
  hour: [LEVEL.hour, LEVEL.freshHour],
  day: [LEVEL.day, LEVEL.freshDay],
  week: [LEVEL.week, LEVEL.freshWeek],
} as const;

/** Start of the day, or the week, of an instant. */
export const dayOf = (instant: SQL): SQL => sql`date_bin('1 day', ${instant}, 'epoch'::timestamptz)`;
export const weekOf = (instant: SQL): SQL => sql`date_bin('7 days', ${instant}, '1970-01-05Z'::timestamptz)`;
/** The same Monday. */
export const FIRST_WEEK_MS = Date.UTC(1970, 0, 5);

/**
 * Merged rows say what merging makes by now: in 2, grouping sets and weeks. The table refuses those of a Worker that is
 * older, and so would leave something out.
 */
export const FORMAT = 2;

/** The label of main rows, which count every call once. */
export const MAIN = "";

/**
 * Coarser main rows, so that common questions read a tenth of the rows or fewer: those of a set tell only its dimensions
 * apart. All but partial rows come in sets; merging makes them. The set with the fewest rows comes first. Main rows, in
 * sets and not, are all that weeks have: there may be almost as many rows of a user in a week as in its days.
 */
const SETS: readonly (readonly Dimension[])[] = [["environment", "operation"], ["application"], ["provider", "model"]];

/** The label of a set's rows. Labels of calls are `user` or begin with `tag.`. */
const labelOfSet = (set: readonly Dimension[]): string => `(${set.join()})`;

/** By label, the dimensions that the set's rows tell apart; the others are `''` in them. */
export const GROUPING_SETS: ReadonlyMap<string, readonly Dimension[]> = new Map(
  SETS.map((set) => [labelOfSet(set), set]),
);

/** The labels of main rows, in sets and not. */
export const MAIN_LABELS: readonly string[] = [MAIN, ...GROUPING_SETS.keys()];

/** The label of the coarsest rows that count every call once and tell these dimensions apart. */
export function mainRowsWith(dimensions: readonly Dimension[]): string {
  const set = SETS.find((set) => dimensions.every((name) => set.includes(name)));
  return set ? labelOfSet(set) : MAIN;
}

/**
 * The label of a partial row that stands for all labels of one call: it carries the call's user and tags, and is
 * spread over them by whoever reads it. Writing one row instead of one a label halves the cost of a write.
 */
export const UNSPREAD = "*";

/** Stands for the values of a label that are not told apart, because they are very many. */
export const OTHER = "(other)";
/** A label has at most about so many values of its own a day. */
export const MOST_LABEL_VALUES = 10_000;

export interface Measure {
  name: string;
  /** `bigint` for counts, `numeric` for money (pico-USD) sums. */
  type: "bigint" | "numeric";
  /** Its value for one trace `t` with price `p`; null and 0 are the same. */
  of: SQL;
}

const RARE_COUNTS = [
  "cache_write_1h_tokens",
  "input_audio_tokens",
  "output_audio_tokens",
  "input_image_tokens",
  "output_image_tokens",
  "web_searches",
] as const;

const count = (name: string): SQL => sql`t.${sql.identifier(name)}`;
const minus = (whole: SQL, ...parts: SQL[]): SQL =>
  sql.join(
    [whole, ...parts].map((part) => sql`coalesce(${part}, 0)`),
    sql` - `,
  );

/** How much each price bucket holds, by the same subtraction as `quantities`; null and 0 are the same. */
export const QUANTITIES: Record<Bucket, SQL> = {
  input: minus(
    count("input_tokens"),
    count("cache_read_tokens"),
    count("cache_write_tokens"),
    count("input_audio_tokens"),
    count("input_image_tokens"),
  ),
  cache_read: count("cache_read_tokens"),
  cache_write: minus(count("cache_write_tokens"), count("cache_write_1h_tokens")),
  cache_write_1h: count("cache_write_1h_tokens"),
  input_audio: count("input_audio_tokens"),
  input_image: count("input_image_tokens"),
  output: minus(
    count("output_tokens"),
    count("reasoning_tokens"),
    count("output_audio_tokens"),
    count("output_image_tokens"),
  ),
  reasoning: count("reasoning_tokens"),
  output_audio: count("output_audio_tokens"),
  output_image: count("output_image_tokens"),
  request: sql`1`,
  web_search: count("web_searches"),
};

/**
 * Rows store 0 as null, in all but `requests`: most measures are 0 in most rows, and null takes neither room nor time.
 * What questions read most comes first, for Postgres walks through a row up to the last column that it needs.
 */
export const MEASURES: readonly Measure[] = [
  { name: "requests", type: "bigint", of: sql`1` },
  { name: "input_tokens", type: "bigint", of: count("input_tokens") },
  { name: "output_tokens", type: "bigint", of: count("output_tokens") },
  { name: "cost_pico", type: "numeric", of: sql`t.cost_pico` },
  { name: "recorded_cost_pico", type: "numeric", of: sql`t.recorded_cost_pico` },
  { name: "cache_read_tokens", type: "bigint", of: count("cache_read_tokens") },
  { name: "cache_write_tokens", type: "bigint", of: count("cache_write_tokens") },
  { name: "reasoning_tokens", type: "bigint", of: count("reasoning_tokens") },
  { name: "errors", type: "bigint", of: sql`(case when t.status = 'error' then 1 end)` },
  { name: "unpriced_requests", type: "bigint", of: sql`(case when t.cost_pico is null then 1 end)` },
  {
    name: "unpriced_tokens",
    type: "bigint",
    of: sql`(case when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0) end)`,
  },
  /** Calls that had no price when they were first seen; `recorded_cost_pico` leaves them out. */
  { name: "unrecorded_requests", type: "bigint", of: sql`(case when t.recorded_cost_pico is null then 1 end)` },
  { name: "latency_count", type: "bigint", of: sql`(case when t.duration_us is not null then 1 end)` },
  { name: "latency_sum_us", type: "numeric", of: sql`t.duration_us` },
  ...RARE_COUNTS.map((name): Measure => ({ name, type: "bigint", of: count(name) })),
  ...BUCKETS.map((bucket): Measure => ({
    name: `cost_${bucket}_pico`,
    type: "numeric",
    of: sql`((${QUANTITIES[bucket]}) * p.${sql.identifier(`${bucket}_pico`)})`,
  })),
];

/** `a, b, c` as quoted identifiers, each with an optional table alias in front. */
export function columns(names: readonly string[], alias?: string): SQL {
  const prefix = alias === undefined ? sql`` : sql`${sql.identifier(alias)}.`;
  return list(names.map((name) => sql`${prefix}${sql.identifier(name)}`));
}

/**
 * Each measure's sum over a group of rows, by `of` (a measure's value in one row).
 *
 * @param few whether most groups have few rows: Postgres' own sum of numerics is made for many.
 */
export function sums(of: (measure: Measure) => SQL, measures: readonly Measure[] = MEASURES, few = false): SQL {
  return list(measures.map((measure) => sql`coalesce(${sumOf(measure, of(measure), few)}, 0)${typed(measure)}`));
}

/** The same as rows store them. */
export function storedSums(of: (measure: Measure) => SQL, few = false): SQL {
  return list(MEASURES.map((measure) => sql`${stored(measure, sumOf(measure, of(measure), few))}${typed(measure)}`));
}

/** `total` is an aggregate of our own: the sum of bigints as a bigint, and of numerics at no cost for each group. */
function sumOf({ type }: Measure, value: SQL, few = false): SQL {
  return type === "bigint" ? sql`total(${value}::bigint)` : few ? sql`total(${value}::numeric)` : sql`sum(${value})`;
}

/** A measure's value as rows store it. */
export function stored({ name }: Measure, value: SQL): SQL {
  return name === "requests" ? value : sql`nullif(${value}, 0)`;
}

function typed({ name, type }: Measure): SQL {
  return sql`::${type === "bigint" ? sql`bigint` : sql`numeric`} as ${sql.identifier(name)}`;
}

/** A measure's column. */
export const own = ({ name }: Measure): SQL => sql`${sql.identifier(name)}`;

/** Values that are no parameters, with commas between. */
export function constants(values: Iterable<string | number>): SQL {
  return list([...values].map((value) => sql`${value}`)).inlineParams();
}

/** SQL fragments with commas between. */
export function list(fragments: SQL[]): SQL {
  return sql.join(fragments, sql`, `);
}

export const MEASURE_NAMES = MEASURES.map(({ name }) => name);
