/**
 * What a question adds up, as SELECTs for one statement and so one snapshot: day and hour rows for whole days and hours,
 * partial rows beside both, and the traces themselves for ragged edges. Where hours are kept no longer the statement ends
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
import { type Range, rangesOf, type Window } from "./windows.ts";

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
}

export function partsOf(asked: Parts): SQL[] {
  const { windows, filters, label } = asked;
  const parts: SQL[] = [];
  const filtered = PUBLIC_DIMENSIONS.filter((name) => filters.dimensions[name]);
  const rows = label === MAIN ? mainRowsWith([...asked.dimensions, ...filtered]) : label;
  const ranges = { day: rangesOf(windows, "day"), hour: rangesOf(windows, "hour") };
  const both = [...ranges.day, ...ranges.hour];
  if (both.length > 0) {
    parts.push(rollupPart(asked, [LEVEL.partial], both, label));
    if (label !== MAIN) parts.push(unspreadPart(asked, both));
  }
  if (ranges.day.length > 0) parts.push(rollupPart(asked, LEVELS.day, ranges.day, rows));
  const [hour] = ranges.hour;
  if (hour) parts.push(sql`${rollupPart(asked, LEVELS.hour, ranges.hour, rows)} and ${hoursKept(hour.fromMs)}`);
  const ragged = rangesOf(windows, "raw");
  if (ragged.length > 0) parts.push(rawPart(asked, ragged));
  return parts;
}

/**
 * Runs a statement over windows, of one period or several.
 *
 * @throws Expired where it needs hours or traces that are kept no longer.
 */
export async function readWindows(db: Database, statement: SQL, windows: readonly Window[]): Promise<StoredRow[]> {
  const rawMs = windows.filter(({ source }) => source === "raw").map(({ fromMs }) => fromMs);
  return await (rawMs.length > 0 ? readRaw(db, statement, Math.min(...rawMs)) : db.query(statement));
}

function rollupPart(
  { projectId, filters, shown }: Parts,
  levels: readonly number[],
  ranges: Range[],
  label: string,
): SQL {
  return sql`
  select ${shown({ of: "rollup", instant: sql`t.bucket`, value: sql`t.value` })}
  from rollup t
  where t.level in (${constants(levels)}) and t.project_id = ${projectId}::uuid and t.label = ${label}
    and ${bucketIn(ranges)}${label === filters.label?.name ? valueFilter(filters, sql`t.value`) : sql``}${dimensionFilters(filters)}`;
}

/** Partial rows that are not spread over their labels yet. */
function unspreadPart({ projectId, filters, label, shown }: Parts, ranges: Range[]): SQL {
  return sql`
  select ${shown({ of: "rollup", instant: sql`t.bucket`, value: sql`l.value` })}
  from rollup t, lateral ${labelsWith(label)} as l
  where t.level = ${LEVEL.partial} and t.project_id = ${projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${label}
    and ${bucketIn(ranges)}${unspreadFilter(filters)}${valueFilter(filters, sql`l.value`)}${dimensionFilters(filters)}`;
}

/** What an unspread row cannot do without; cheaper to look at than its labels. Rows that an earlier version wrote have no value. */
function unspreadFilter({ label }: Filters): SQL {
  if (!label) return sql``;
  if (label.name === "user") return sql` and t.value = any(${textArray([...label.values, ""])}::text[])`;
  return sql` and t.tags->>${label.name.slice("tag.".length)}::text = any(${textArray(label.values)}::text[])`;
}

/** Ranges are compared by key, so that Postgres skips other months' partitions. */
export function rawPart({ projectId, filters, label, shown }: Omit<Parts, "windows">, ranges: readonly Range[]): SQL {
  const inRange = ranges.map(({ fromMs, toMs }) => {
    const [lowest, highest] = keyRange(fromMs, toMs);
    return sql`(t.id >= ${lowest}::uuid and t.id < ${highest}::uuid)`;
  });
  const isMain = label === MAIN;
  const value = isMain ? sql`''` : sql`l.value`;
  return sql`
  select ${shown({ of: "traces", instant: sql`t.started_at`, value })}
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
