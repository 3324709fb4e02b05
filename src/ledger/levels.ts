/**
 * The levels of rollup rows. Each write adds partial rows. Merging turns them into fresh rows of their hours, days and
 * weeks. Compacting turns the fresh and the compacted rows of an hour, a day or a week into one compacted row per
 * group.
 */

export const LEVEL = { partial: 0, hour: 1, day: 2, freshHour: 3, freshDay: 4, week: 5, freshWeek: 7 } as const;
/** Subtracted from a fresh level, this gives its compacted level. */
export const FRESHNESS = LEVEL.freshHour - LEVEL.hour;
/** The levels of merged rows, by their unit: UTC hours, UTC days, and weeks of UTC days that start on Monday. */
export const LEVELS = {
  hour: [LEVEL.hour, LEVEL.freshHour],
  day: [LEVEL.day, LEVEL.freshDay],
  week: [LEVEL.week, LEVEL.freshWeek],
} as const;

/**
 * Rows name the format in which they were made. Format 2 has grouping sets and weeks, format 3 reported costs, format 4
 * the calls whose cost is not exact, format 5 what a plan covers and the tags of calls with more than ten. Costs that are
 * not exact and plans were known of no call before. The table refuses merged rows of an older format, because the Worker
 * that merges them would leave something out. Partial rows of an older format are taken, and their days are repaired once
 * they are merged.
 */
export const FORMAT = 5;
/** The measures that rows of an older format lack until their days are repaired. */
export const SINCE_FORMAT: readonly string[] = ["reported_cost_pico", "reported_requests"];
