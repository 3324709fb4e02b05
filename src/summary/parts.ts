/**
 * What a question adds up, as SELECTs for one statement and so one snapshot: week, day and hour rows for whole weeks, days
 * and hours, partial rows beside them, and the traces themselves for ragged edges. Where hours are kept no longer the statement ends
 * with `Expired`; whether traces are is for `readWindows` to ask.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row as StoredRow } from "../db/client.ts";
import { keyRange } from "../ingest/key.ts";
import { hoursKept, readRaw } from "../retention/kept.ts";
import { labelsWith } from "../rollup/derive.ts";
import { constants, type Dimension, LEVEL, LEVELS, MAIN, mainRowsWith, UNSPREAD } from "../rollup/measures.ts";
import { type Filters, PUBLIC_DIMENSIONS } from "./query.ts";
import { type Range, rangesOf, WEEK_MS, type Window } from "./windows.ts";
import { DAY_MS, HOUR_MS } from "./zone.ts";

export interface Parts {
  projectId: string;
  windows: readonly Window[];
  filters: Filters;
  /** The label whose rows count, or the main ones. */
  label: string;
  /** The dimensions that are told apart. */
  dimensions: readonly Dimension[];
  /** The columns of a part: of a rollup row or a trace `t`. */
  shown: (row: Row) => SQL;
}

export interface Row {
  of: "rollup" | "traces";
  /** When it was. */
  instant: SQL;
  /** Of the label; `''` in main rows. */
  value: SQL;
  /** Is it taken off? Then so is each of its measures. */
  negative: boolean;
}

/** A measure's value, as a row is added or taken off. */
export function signed({ negative }: Row, value: SQL): SQL {
  return negative ? sql`-(${value})` : value;
}

export function partsOf(asked: Parts): SQL[] {
  const { windows, filters, label } = asked;
  const parts: SQL[] = [];
  const filtered = PUBLIC_DIMENSIONS.filter((name) => filters.dimensions[name]);
  const rows = label === MAIN ? mainRowsWith([...asked.dimensions, ...filtered]) : label;
  const { ragged, hours, beyond } = raggedOf(windows, label);
  // Labels have no week rows.
  const ranges = {
    week: label === MAIN ? rangesOf(windows, "week") : [],
    day: label === MAIN ? rangesOf(windows, "day") : rangesOf(windows, "week", "day"),
    hour: [...rangesOf(windows, "hour"), ...hours],
  };
  const all = [...rangesOf(windows, "week", "day"), ...ranges.hour];
  if (all.length > 0) {
    parts.push(rollupPart(asked, [LEVEL.partial], bucketIn(all), label));
    if (label !== MAIN) parts.push(unspreadPart(asked, bucketIn(all)));
  }
  if (ranges.week.length > 0) parts.push(rollupPart(asked, LEVELS.week, bucketStartsIn(ranges.week, WEEK_MS), rows));
  if (ranges.day.length > 0) parts.push(rollupPart(asked, LEVELS.day, bucketStartsIn(ranges.day, DAY_MS), rows));
  if (ranges.hour.length > 0) {
    const firstMs = Math.min(...ranges.hour.map(({ fromMs }) => fromMs));
    parts.push(sql`${rollupPart(asked, LEVELS.hour, bucketIn(ranges.hour), rows)} and ${hoursKept(firstMs)}`);
  }
  if (ragged.length > 0) parts.push(rawPart(asked, ragged));
  if (beyond.length > 0) parts.push(rawPart(asked, beyond, true));
  return parts;
}

/**
 * How the ragged ranges are read: as traces; but where the first or the last is most of its hour, that hour's rows are
 * read, and the traces beyond the edge taken off. Not with labels: a value may be part of `(other)` in the hour's rows. Nor
 * where no other hour of the day is read: hours may be kept less long than traces.
 */
function raggedOf(windows: readonly Window[], label: string): { ragged: Range[]; hours: Range[]; beyond: Range[] } {
  const [first, last] = [windows[0], windows.at(-1)];
  const hours: Range[] = [];
  const beyond: Range[] = [];
  const ragged = rangesOf(windows, "raw").filter(({ fromMs, toMs }) => {
    const hourMs = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
    const endMs = hourMs + HOUR_MS;
    if (label !== MAIN || toMs > endMs || toMs - fromMs <= HOUR_MS / 2) return true;
    // All of the hour must be in one of the interval's buckets, and that one be the edge's.
    const atStart = first!.toMs === toMs && toMs === endMs && first!.bucketMs <= hourMs;
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
 * Runs a statement over windows, of one period or several.
 *
 * @throws Expired where it needs hours or traces that are kept no longer.
 */
export async function readWindows(db: Database, statement: SQL, windows: readonly Window[]): Promise<StoredRow[]> {
  const rawMs = windows.filter(({ source }) => source === "raw").map(({ fromMs }) => fromMs);
  if (rawMs.length === 0) return await db.query(statement);
  return await readRaw(db, statement, Math.floor(Math.min(...rawMs) / HOUR_MS) * HOUR_MS);
}

function rollupPart(
  { projectId, filters, shown }: Parts,
  levels: readonly number[],
  inRanges: SQL,
  label: string,
): SQL {
  return sql`
  select ${shown({ of: "rollup", instant: sql`t.bucket`, value: sql`t.value`, negative: false })}
  from rollup t
  where t.level in (${constants(levels)}) and t.project_id = ${projectId}::uuid and t.label = ${label}
    and ${inRanges}${label === filters.label?.name ? valueFilter(filters, sql`t.value`) : sql``}${dimensionFilters(filters)}`;
}

/** Partial rows that are not spread over their labels yet. */
function unspreadPart({ projectId, filters, label, shown }: Parts, inRanges: SQL): SQL {
  return sql`
  select ${shown({ of: "rollup", instant: sql`t.bucket`, value: sql`l.value`, negative: false })}
  from rollup t, lateral ${labelsWith(label)} as l
  where t.level = ${LEVEL.partial} and t.project_id = ${projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${label}
    and ${inRanges}${unspreadFilter(filters)}${valueFilter(filters, sql`l.value`)}${dimensionFilters(filters)}`;
}

/** What an unspread row cannot do without; cheaper to look at than its labels. Rows that an earlier version wrote have no value. */
function unspreadFilter({ label }: Filters): SQL {
  if (!label) return sql``;
  if (label.name === "user") return sql` and t.value = any(${textArray([...label.values, ""])}::text[])`;
  return sql` and t.tags->>${label.name.slice("tag.".length)}::text = any(${textArray(label.values)}::text[])`;
}

/**
 * Traces, added or taken off. Ranges are compared by key, so that Postgres skips other months' partitions.
 */
export function rawPart(
  { projectId, filters, label, shown }: Omit<Parts, "windows">,
  ranges: readonly Range[],
  negative = false,
): SQL {
  const inRange = ranges.map(({ fromMs, toMs }) => {
    const [lowest, highest] = keyRange(fromMs, toMs);
    return sql`(t.id >= ${lowest}::uuid and t.id < ${highest}::uuid)`;
  });
  const isMain = label === MAIN;
  const value = isMain ? sql`''` : sql`l.value`;
  return sql`
  select ${shown({ of: "traces", instant: sql`t.started_at`, value, negative })}
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id${
    isMain ? sql`` : sql`, lateral ${labelsWith(label)} as l`
  }
  where t.project_id = ${projectId}::uuid and t.billable and (${sql.join(inRange, sql` or `)})${
    isMain ? sql`` : sql` and l.label = ${label}${valueFilter(filters, sql`l.value`)}`
  }${dimensionFilters(filters)}`;
}

function bucketIn(ranges: readonly Range[]): SQL {
  const within = ranges.map(
    ({ fromMs, toMs }) =>
      sql`(t.bucket >= ${new Date(fromMs).toISOString()}::timestamptz and t.bucket < ${new Date(toMs).toISOString()}::timestamptz)`,
  );
  return sql`(${sql.join(within, sql` or `)})`;
}

/**
 * The same for rows of units of `stepMs`. Days beside weeks are few in many ranges: then each is looked up by itself, for
 * the index could not be bounded by several ranges.
 */
function bucketStartsIn(ranges: readonly Range[], stepMs: number): SQL {
  if (ranges.length === 1) return bucketIn(ranges);
  const starts = ranges.flatMap(({ fromMs, toMs }) =>
    Array.from({ length: (toMs - fromMs) / stepMs }, (_, i) => new Date(fromMs + i * stepMs).toISOString()),
  );
  return sql`t.bucket = any(${textArray(starts)}::timestamptz[])`;
}

function valueFilter({ label }: Filters, value: SQL): SQL {
  return label ? sql` and ${value} = any(${textArray(label.values)}::text[])` : sql``;
}

function dimensionFilters({ dimensions }: Filters): SQL {
  return sql.join(
    PUBLIC_DIMENSIONS.flatMap((name) => {
      const values = dimensions[name];
      return values ? [sql` and t.${sql.identifier(name)} = any(${textArray(values)}::text[])`] : [];
    }),
    sql``,
  );
}
