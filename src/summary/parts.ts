/**
 * The SELECTs whose rows a summary or explanation adds up. They go into one statement and so read one snapshot: week,
 * day and hour rows for whole weeks, days and hours, partial rows that are not merged yet, and calls for ragged edges.
 *
 * The statement ends with `Expired` if it reads hour rows that have been deleted. `readWindows` checks the same for
 * calls.
 */
import type { SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Bound, Database, Row as StoredRow } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import { hoursKept, readRaw } from "../retention/kept.ts";
import { labelsWith } from "../rollup/derive.ts";
import { asText } from "../db/render.ts";
import { constants, sql } from "../db/sql.ts";
import { type Dimension, dimensionOf } from "../ledger/measures.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { MAIN, mainFamilyWith, NOT_ROLLED_UP, UNSPREAD } from "../rollup/families.ts";
import { type Filters, PUBLIC_DIMENSIONS } from "./query.ts";
import { type Range, rangesOf, type Window } from "./windows.ts";
import { WEEK_MS, DAY_MS, HOUR_MS } from "../time.ts";

export interface Parts {
  projectId: string;
  windows: readonly Window[];
  filters: Filters;
  /** The family of rollup rows to read: a label's, or the main one. */
  family: string;
  /** The dimensions that the question groups by. */
  dimensions: readonly Dimension[];
  /** The columns that a part selects from a rollup row `t` or a call `t`. */
  shown: (row: Row) => SQL;
}

export interface Row {
  of: "rollup" | "traces";
  /** The start of the rollup row's unit of time, or of the call. */
  instant: SQL;
  /** The label's value; `''` in main rows. */
  value: SQL;
  /** If true, each of its measures is subtracted. */
  negative: boolean;
}

/** A measure's value, with a minus if its row is subtracted. */
export function signed({ negative }: Pick<Row, "negative">, value: SQL): SQL {
  return negative ? sql`-(${value})` : value;
}

// What parts have in common is made once.
const NOTHING = sql``;
const OF_ROLLUP: Row = { of: "rollup", instant: asText(sql`t.bucket`), value: asText(sql`t.value`), negative: false };
const OF_UNSPREAD: Row = { ...OF_ROLLUP, value: asText(sql`l.value`) };
const PARTIAL = asText(constants([LEVEL.partial]));
const LEVELS_OF = {
  week: asText(constants(LEVELS.week)),
  day: asText(constants(LEVELS.day)),
  hour: asText(constants(LEVELS.hour)),
};

export function partsOf(asked: Parts): SQL[] {
  const { windows, filters, family } = asked;
  const parts: SQL[] = [];
  const filtered = PUBLIC_DIMENSIONS.filter((name) => filters.dimensions[name]);
  const rows = family === MAIN ? mainFamilyWith([...asked.dimensions, ...filtered]) : family;
  const { ragged, hours, beyond } = raggedOf(windows, family);
  // Labels have no week rows.
  const ranges = {
    week: family === MAIN ? rangesOf(windows, "week") : [],
    day: family === MAIN ? rangesOf(windows, "day") : rangesOf(windows, "week", "day"),
    hour: [...rangesOf(windows, "hour"), ...hours],
  };
  const all = [...rangesOf(windows, "week", "day"), ...ranges.hour];
  const shown = asked.shown(OF_ROLLUP);
  const filter = dimensionFilters(filters);
  const rollupPart = (levels: SQL, inRanges: SQL, family: string): SQL => sql`
  select ${shown}
  from rollup t
  where t.level in (${levels}) and t.project_id = ${asked.projectId}::uuid and t.label = ${family}
    and ${inRanges}${family === filters.label?.name ? valueFilter(filters, OF_ROLLUP.value) : NOTHING}${filter}`;
  if (all.length > 0) {
    parts.push(rollupPart(PARTIAL, startsIn(all), family));
    if (family !== MAIN) parts.push(unspreadPart(asked, startsIn(all)));
  }
  if (ranges.week.length > 0) parts.push(rollupPart(LEVELS_OF.week, isStartIn(ranges.week, WEEK_MS), rows));
  if (ranges.day.length > 0) parts.push(rollupPart(LEVELS_OF.day, isStartIn(ranges.day, DAY_MS), rows));
  if (ranges.hour.length > 0) {
    const firstMs = Math.min(...ranges.hour.map(({ fromMs }) => fromMs));
    parts.push(sql`${rollupPart(LEVELS_OF.hour, startsIn(ranges.hour), rows)} and ${hoursKept(firstMs)}`);
  }
  if (ragged.length > 0) parts.push(rawPart(asked, ragged));
  if (beyond.length > 0) parts.push(rawPart(asked, beyond, true));
  return parts;
}

/**
 * Decides how ragged ranges are read. Usually calls are read. If the first or the last range covers most of its hour,
 * the hour's rows are read instead, and the calls beyond the edge are subtracted, because these are fewer. Two cases
 * always read calls: a label's family, as the hour's rows may count a value in `(other)`; and a day of which no other
 * hour is read, as its hour rows may have been deleted earlier than its calls.
 */
function raggedOf(windows: readonly Window[], family: string): { ragged: Range[]; hours: Range[]; beyond: Range[] } {
  const [first, last] = [windows[0], windows.at(-1)];
  const hours: Range[] = [];
  const beyond: Range[] = [];
  const ragged = rangesOf(windows, "raw").filter(({ fromMs, toMs }) => {
    const hourMs = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
    const endMs = hourMs + HOUR_MS;
    if (family !== MAIN || toMs > endMs || toMs - fromMs <= HOUR_MS / 2) return true;
    // The whole hour must lie in the edge's interval, because its rows cannot be split over two intervals.
    const atStart = first!.toMs === toMs && toMs === endMs && first!.intervalMs <= hourMs;
    const atEnd = last!.fromMs === fromMs && fromMs === hourMs;
    const dayMs = Math.floor(hourMs / DAY_MS) * DAY_MS;
    const readsHours = rangesOf(windows, "hour").some((hour) => hour.fromMs < dayMs + DAY_MS && hour.toMs > dayMs);
    if (!(atStart || atEnd) || !readsHours) return true;
    hours.push({ fromMs: hourMs, toMs: endMs });
    beyond.push(atStart ? { fromMs: hourMs, toMs: fromMs } : { fromMs: toMs, toMs: endMs });
    return false;
  });
  return { ragged, hours, beyond };
}

/**
 * Runs a statement that reads these windows, of one period or several.
 *
 * @throws Expired if the statement needs hour rows or calls that have been deleted.
 */
export async function readWindows(
  db: Database,
  statement: SQL | Bound,
  windows: readonly Window[],
): Promise<StoredRow[]> {
  const rawMs = windows.filter(({ source }) => source === "raw").map(({ fromMs }) => fromMs);
  if (rawMs.length === 0) return (await db.batch([statement]))[0]!;
  return await readRaw(db, statement, Math.floor(Math.min(...rawMs) / HOUR_MS) * HOUR_MS);
}

/** Unspread partial rows, spread over their labels while they are read. */
function unspreadPart({ projectId, filters, family, shown }: Parts, inRanges: SQL): SQL {
  return sql`
  select ${shown(OF_UNSPREAD)}
  from rollup t, lateral ${labelsWith(family)} as l
  where t.level = ${LEVEL.partial} and t.project_id = ${projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${family}
    and ${inRanges}${unspreadFilter(filters)}${valueFilter(filters, sql`l.value`)}${dimensionFilters(filters)}`;
}

/**
 * A necessary condition for unspread rows that match a label filter. It is cheaper than spreading the row. Rows that an
 * earlier version wrote have an empty `value`.
 */
export function unspreadFilter({ label }: Filters): SQL {
  if (!label) return sql``;
  if (label.name === "user") return sql` and t.value = any(${textArray([...label.values, ""])}::text[])`;
  // A tag that is not rolled up has its own value in the row.
  if (label.values.includes(NOT_ROLLED_UP)) return sql` and t.tags ? ${label.name.slice("tag.".length)}::text`;
  return sql` and t.tags->>${label.name.slice("tag.".length)}::text = any(${textArray(label.values)}::text[])`;
}

/**
 * Calls that are added or subtracted. Ranges are compared by key, so that Postgres skips the partitions of other
 * months.
 */
export function rawPart(
  { projectId, filters, family, shown }: Omit<Parts, "windows">,
  ranges: readonly Range[],
  negative = false,
): SQL {
  const inRange = ranges.map(({ fromMs, toMs }) => {
    const [lowest, highest] = keyRange(fromMs, toMs);
    return sql`(t.id >= ${lowest}::uuid and t.id < ${highest}::uuid)`;
  });
  const isMain = family === MAIN;
  const value = isMain ? sql`''` : sql`l.value`;
  return sql`
  select ${shown({ of: "traces", instant: sql`t.started_at`, value, negative })}
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id${
    isMain ? sql`` : sql`, lateral ${labelsWith(family)} as l`
  }
  where t.project_id = ${projectId}::uuid and t.billable and (${sql.join(inRange, sql` or `)})${
    isMain ? sql`` : sql` and l.label = ${family}${valueFilter(filters, sql`l.value`)}`
  }${dimensionFilters(filters)}`;
}

/** True for rollup rows whose unit of time starts in one of the ranges. */
export function startsIn(ranges: readonly Range[]): SQL {
  const within = ranges.map(
    ({ fromMs, toMs }) =>
      sql`(t.bucket >= ${new Date(fromMs).toISOString()}::timestamptz and t.bucket < ${new Date(toMs).toISOString()}::timestamptz)`,
  );
  return sql`(${sql.join(within, sql` or `)})`;
}

/**
 * The same for day or week rows, whose unit of time is `stepMs` long. Days beside weeks are few days in many ranges.
 * Each day is then looked up by its start, because several ranges would not bound the index scan.
 */
function isStartIn(ranges: readonly Range[], stepMs: number): SQL {
  if (ranges.length === 1) return startsIn(ranges);
  const starts = ranges.flatMap(({ fromMs, toMs }) =>
    Array.from({ length: (toMs - fromMs) / stepMs }, (_, i) => new Date(fromMs + i * stepMs).toISOString()),
  );
  return sql`t.bucket = any(${textArray(starts)}::timestamptz[])`;
}

export function valueFilter({ label }: Filters, value: SQL): SQL {
  return label ? sql` and ${value} = any(${textArray(label.values)}::text[])` : NOTHING;
}

export function dimensionFilters({ dimensions }: Filters): SQL {
  if (!PUBLIC_DIMENSIONS.some((name) => dimensions[name])) return NOTHING;
  return sql.join(
    PUBLIC_DIMENSIONS.flatMap((name) => {
      const values = dimensions[name];
      return values ? [sql` and ${dimensionOf(name)} = any(${textArray(values)}::text[])`] : [];
    }),
    sql``,
  );
}
