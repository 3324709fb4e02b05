/**
 * The dimensions that group rollup rows and the measures that they sum, declared once. The table, the write, the merge,
 * the audit, summaries, exports and the API's description derive from these lists.
 *
 * Each measure is a function of one stored call `t` and its price `p` (or no price). So rollup rows can be derived,
 * checked and corrected from stored calls alone.
 */
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS, type Bucket, CONTENTS } from "./buckets.ts";
import { COUNT_FIELDS, COUNT_NAMES } from "./call.ts";
import { type CountField, COUNTS, type ShownCount } from "./counts.ts";
import { NOT_STORED } from "./covered-by.ts";

export const DIMENSIONS = [
  "application",
  "environment",
  "provider",
  "model",
  "operation",
  "service_tier",
  "covered_by",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The dimensions in which most calls have nothing stored, and what is shown of these. Rollup rows have `''` then. */
const SHOWN_WITHOUT: Partial<Record<Dimension, string>> = { service_tier: "", covered_by: NOT_STORED };

/** The dimension of call `t`, as rollup rows store it. */
export function rolledUp(name: Dimension): SQL {
  return name in SHOWN_WITHOUT ? sql`coalesce(${column(name)}, '')` : column(name);
}

/** The dimension of `t`, a call or a rollup row, as it is shown. */
export function dimensionOf(name: Dimension): SQL {
  const without = SHOWN_WITHOUT[name];
  if (without === undefined) return column(name);
  return without === "" ? rolledUp(name) : sql`coalesce(nullif(${column(name)}, ''), ${without})`.inlineParams();
}

export interface Measure {
  /** The name of the column. */
  name: string;
  /** `bigint` for counts, `numeric` for sums of money (pico-USD) and of time. */
  type: "bigint" | "numeric";
  /** Its value for one call `t` with price `p`. Null and 0 mean the same. */
  of: SQL;
}

/** A sum that every row of a summary shows. */
export interface Shown {
  name: ShownName;
  /** The measures that it adds up. */
  measures: readonly string[];
  /** True for money: pico-USD inside, USD in answers. */
  isMoney: boolean;
  description?: string;
  /** The measure that counts the calls without a value. If it counts every call of the row, the sum is null. */
  nullWithout?: string;
  /** The measure that counts the calls with a value. If it counts none of the row's calls, the sum is null. */
  nullUnless?: string;
}

/**
 * A measure that every row shows, declared by its public name. Money is named `…_usd` in answers, `…_pico` in the
 * table.
 */
type Declared = Pick<Measure, "of"> & Pick<Shown, "description" | "nullWithout" | "nullUnless">;

const column = (name: string): SQL => sql`t.${sql.identifier(name)}`;

/** The units of each price bucket in call `t`, by the same subtraction as `quantities`. Null and 0 mean the same. */
export const QUANTITIES = Object.fromEntries(
  BUCKETS.map((bucket) => [bucket, quantitySql(CONTENTS[bucket])]),
) as Readonly<Record<Bucket, SQL>>;

function quantitySql({ of, less = [] }: { of: CountField | null; less?: readonly CountField[] }): SQL {
  if (of === null) return sql`1`;
  if (less.length === 0) return column(COUNT_NAMES[of]);
  return sql.join(
    [of, ...less].map((field) => sql`coalesce(${column(COUNT_NAMES[field])}, 0)`),
    sql` - `,
  );
}

const BEFORE_COUNTS = {
  requests: { of: sql`1` },
  errors: { of: sql`(case when t.status = 'error' then 1 end)` },
} as const satisfies Record<string, Declared>;

export const IS_INEXACT = sql`t.cost_is <> 'exact' and t.cost_pico is not null`;

const AFTER_COUNTS = {
  cost_usd: {
    of: sql`t.cost_pico`,
    description:
      "The cost at the prices that held when the calls were made, as far as they are known today. Null if there are calls and none has a price.",
    nullWithout: "unpriced_requests",
  },
  recorded_cost_usd: {
    of: sql`t.recorded_cost_pico`,
    description: "The cost as first recorded. Repricing never changes it.",
    nullWithout: "unrecorded_requests",
  },
  reported_cost_usd: {
    of: sql`t.reported_cost_pico`,
    description: "As the callers or providers reported it, over the calls for which they did. Null where none did.",
    nullUnless: "reported_requests",
  },
  reported_requests: { of: sql`(case when t.reported_cost_pico is not null then 1 end)` },
  unpriced_requests: { of: sql`(case when t.cost_pico is null then 1 end)` },
  unpriced_tokens: {
    of: sql`(case when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0) end)`,
  },
  inexact_requests: {
    of: sql`(case when ${IS_INEXACT} then 1 end)`,
    description:
      "Calls with a cost that is not exact, because their emitter leaves out what is priced or estimates it. `cost_is` of a call says in which direction.",
  },
  inexact_cost_usd: {
    of: sql`(case when ${IS_INEXACT} then t.cost_pico end)`,
    description: "The part of `cost_usd` that these calls have.",
  },
  plan_cost_usd: {
    of: sql`(case when t.covered_by = 'plan' then t.cost_pico end)`,
    description: "The part of `cost_usd` that a plan covers: what an API would have billed for it.",
    nullWithout: "unpriced_requests",
  },
} as const satisfies Record<string, Declared>;

export type ShownName = keyof typeof BEFORE_COUNTS | ShownCount | "total_tokens" | keyof typeof AFTER_COUNTS;

/** The measures that are stored but not shown in every row. */
const NOT_SHOWN: readonly Measure[] = [
  // Calls that had no price when they were first stored. `recorded_cost_pico` does not include them.
  { name: "unrecorded_requests", type: "bigint", of: sql`(case when t.recorded_cost_pico is null then 1 end)` },
  { name: "latency_count", type: "bigint", of: sql`(case when t.duration_us is not null then 1 end)` },
  { name: "latency_sum_us", type: "numeric", of: sql`t.duration_us` },
  ...countsSummed("stored").map(countMeasure),
  ...BUCKETS.map((bucket): Measure => ({
    name: `cost_${bucket}_pico`,
    type: "numeric",
    of: sql`((${QUANTITIES[bucket]}) * p.${sql.identifier(`${bucket}_pico`)})`,
  })),
];

function countsSummed(how: "shown" | "stored"): string[] {
  return COUNT_FIELDS.filter((field) => COUNTS[field].summed === how).map((field) => COUNT_NAMES[field]);
}

function countMeasure(name: string): Measure {
  return { name, type: "bigint", of: column(name) };
}

const isMoney = (name: string): boolean => name.endsWith("_usd");
const columnOf = (name: string): string => name.replace(/_usd$/, "_pico");

function measuresOf(declared: Readonly<Record<string, Declared>>): Measure[] {
  return Object.entries(declared).map(([name, { of }]) => ({
    name: columnOf(name),
    type: isMoney(name) ? "numeric" : "bigint",
    of,
  }));
}

function shownOf(declared: Readonly<Record<string, Declared>>): Shown[] {
  return Object.entries(declared).map(([name, { description, nullWithout, nullUnless }]) => ({
    name: name as ShownName,
    measures: [columnOf(name)],
    isMoney: isMoney(name),
    ...(description !== undefined && { description }),
    ...(nullWithout !== undefined && { nullWithout }),
    ...(nullUnless !== undefined && { nullUnless }),
  }));
}

/**
 * All measures, in the order of the columns. Every column except `requests` stores 0 as null: most measures are 0 in
 * most rows, and a null takes neither room nor time.
 */
export const MEASURES: readonly Measure[] = [
  ...measuresOf(BEFORE_COUNTS),
  ...countsSummed("shown").map(countMeasure),
  ...measuresOf(AFTER_COUNTS),
  ...NOT_SHOWN,
];
export const MEASURE_NAMES = MEASURES.map(({ name }) => name);

const COMMON_NAMES: ReadonlySet<string> = new Set([
  "requests",
  "errors",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_pico",
  "recorded_cost_pico",
  "reported_cost_pico",
  "reported_requests",
  "unpriced_requests",
  "unpriced_tokens",
  "unrecorded_requests",
  "latency_count",
  "latency_sum_us",
  "cost_input_pico",
  "cost_cache_read_pico",
  "cost_cache_write_pico",
  "cost_output_pico",
  "cost_reasoning_pico",
]);
/** Most calls have no other measures than these. Rows that have others are added up apart. */
export const COMMON: ReadonlySet<string> = new Set(MEASURE_NAMES.filter((name) => COMMON_NAMES.has(name)));
export const RARE = MEASURE_NAMES.filter((name) => !COMMON.has(name));

/** The counts that rollups sum. */
export const SUMMED_COUNTS: ReadonlySet<string> = new Set([...countsSummed("shown"), ...countsSummed("stored")]);

const TOTAL_TOKENS: Shown = { name: "total_tokens", measures: ["input_tokens", "output_tokens"], isMoney: false };

/** The sums that each row of a summary shows, in order. */
export const SHOWN: readonly Shown[] = [
  ...shownOf(BEFORE_COUNTS),
  ...countsSummed("shown").flatMap((name): Shown[] => {
    const shown: Shown = { name: name as ShownName, measures: [name], isMoney: false };
    return name === "output_tokens" ? [shown, TOTAL_TOKENS] : [shown];
  }),
  ...shownOf(AFTER_COUNTS),
];

/** The measures from which these sums are made. */
export const SHOWN_MEASURES: ReadonlySet<string> = new Set(
  SHOWN.flatMap(({ measures, nullWithout = [], nullUnless = [] }) => [measures, nullWithout, nullUnless].flat()),
);

/** The dimensions by which counters of calls tell them apart, behind the project. */
export const COUNTED_DIMENSIONS = ["application", "environment", "provider", "model"] as const satisfies Dimension[];
export const CORRECTED_GROUP = ["project_id", ...COUNTED_DIMENSIONS] as const;

const COUNTED_NAMES: ReadonlySet<string> = new Set([
  "requests",
  "errors",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_pico",
  "latency_count",
  "latency_sum_us",
]);
/** The measures that counters of calls show, and that corrections therefore keep. */
export const CORRECTED_MEASURES: readonly Measure[] = MEASURES.filter(({ name }) => COUNTED_NAMES.has(name));
