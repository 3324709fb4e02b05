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

/** Partial rows come with each write; merging turns them into one hour row and one day row a group. */
export const LEVEL = { partial: 0, hour: 1, day: 2 } as const;

/** The label of main rows, which count every call once. */
export const MAIN = "";
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
  /** Its value for one trace `t` with price `p`; never null. */
  of: SQL;
}

const COUNTS = {
  input_tokens: sql`coalesce(t.input_tokens, 0)`,
  output_tokens: sql`coalesce(t.output_tokens, 0)`,
  cache_read_tokens: sql`coalesce(t.cache_read_tokens, 0)`,
  cache_write_tokens: sql`coalesce(t.cache_write_tokens, 0)`,
  cache_write_1h_tokens: sql`coalesce(t.cache_write_1h_tokens, 0)`,
  reasoning_tokens: sql`coalesce(t.reasoning_tokens, 0)`,
  input_audio_tokens: sql`coalesce(t.input_audio_tokens, 0)`,
  output_audio_tokens: sql`coalesce(t.output_audio_tokens, 0)`,
  input_image_tokens: sql`coalesce(t.input_image_tokens, 0)`,
  output_image_tokens: sql`coalesce(t.output_image_tokens, 0)`,
  web_searches: sql`coalesce(t.web_searches, 0)`,
};

/** How much each price bucket holds, by the same subtraction as `quantities`. */
export const QUANTITIES: Record<Bucket, SQL> = {
  input: sql`${COUNTS.input_tokens} - ${COUNTS.cache_read_tokens} - ${COUNTS.cache_write_tokens} - ${COUNTS.input_audio_tokens} - ${COUNTS.input_image_tokens}`,
  cache_read: COUNTS.cache_read_tokens,
  cache_write: sql`${COUNTS.cache_write_tokens} - ${COUNTS.cache_write_1h_tokens}`,
  cache_write_1h: COUNTS.cache_write_1h_tokens,
  input_audio: COUNTS.input_audio_tokens,
  input_image: COUNTS.input_image_tokens,
  output: sql`${COUNTS.output_tokens} - ${COUNTS.reasoning_tokens} - ${COUNTS.output_audio_tokens} - ${COUNTS.output_image_tokens}`,
  reasoning: COUNTS.reasoning_tokens,
  output_audio: COUNTS.output_audio_tokens,
  output_image: COUNTS.output_image_tokens,
  request: sql`1`,
  web_search: COUNTS.web_searches,
};

/** Counts come first: Postgres finds columns of fixed width, at the start of a row, without walking through it. */
export const MEASURES: readonly Measure[] = [
  { name: "requests", type: "bigint", of: sql`1` },
  { name: "errors", type: "bigint", of: sql`(t.status = 'error')::int` },
  { name: "unpriced_requests", type: "bigint", of: sql`(t.cost_pico is null)::int` },
  /** Calls that had no price when they were first seen; `recorded_cost_pico` leaves them out. */
  { name: "unrecorded_requests", type: "bigint", of: sql`(t.recorded_cost_pico is null)::int` },
  {
    name: "unpriced_tokens",
    type: "bigint",
    of: sql`case when t.cost_pico is null then ${COUNTS.input_tokens}::bigint + ${COUNTS.output_tokens} else 0 end`,
  },
  ...Object.entries(COUNTS).map(([name, of]): Measure => ({ name, type: "bigint", of })),
  { name: "latency_count", type: "bigint", of: sql`(t.duration_us is not null)::int` },
  { name: "cost_pico", type: "numeric", of: sql`coalesce(t.cost_pico, 0)` },
  { name: "recorded_cost_pico", type: "numeric", of: sql`coalesce(t.recorded_cost_pico, 0)` },
  { name: "latency_sum_us", type: "numeric", of: sql`coalesce(t.duration_us, 0)` },
  ...BUCKETS.map((bucket): Measure => ({
    name: `cost_${bucket}_pico`,
    type: "numeric",
    of: sql`coalesce((${QUANTITIES[bucket]}) * p.${sql.identifier(`${bucket}_pico`)}, 0)`,
  })),
];

/** `a, b, c` as quoted identifiers, each with an optional table alias in front. */
export function columns(names: readonly string[], alias?: string): SQL {
  const prefix = alias === undefined ? sql`` : sql`${sql.identifier(alias)}.`;
  return list(names.map((name) => sql`${prefix}${sql.identifier(name)}`));
}

/** Each measure's sum over a group of rows, by `of` (a measure's value in one row). */
export function sums(of: (measure: Measure) => SQL): SQL {
  return list(
    MEASURES.map(
      (measure) =>
        sql`sum(${of(measure)})::${measure.type === "bigint" ? sql`bigint` : sql`numeric`} as ${sql.identifier(measure.name)}`,
    ),
  );
}

/** SQL fragments with commas between. */
export function list(fragments: SQL[]): SQL {
  return sql.join(fragments, sql`, `);
}

export const MEASURE_NAMES = MEASURES.map(({ name }) => name);
