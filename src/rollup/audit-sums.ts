/**
 * Reads what the audit compares, in as many statements as keep each of them short. A statement has some days and
 * families, so that what is compared is of one snapshot.
 */
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { constants, dayOf, instantAt, weekOf } from "../db/sql.ts";
import { keyRange } from "../ledger/key.ts";
import { FORMAT, LEVEL, LEVELS } from "../ledger/levels.ts";
import { readRaw } from "../retention/kept.ts";
import { DAY_MS, mondayOf, WEEK_MS } from "../time.ts";
import { sql, type SQL } from "drizzle-orm";
import { labelsOf } from "./derive.ts";
import { GROUPING_SETS, MAIN, MAIN_FAMILIES, UNSPREAD } from "./families.ts";
import { own, sums } from "./sums.ts";

/** Days, or weeks if `weekly`, and the families that one statement compares. */
interface Part {
  startMs: number;
  endMs: number;
  weekly: boolean;
  /** Null for all. */
  families: readonly string[] | null;
}

/**
 * Reads the sums as rows of (source, day, family) and the measures. Several rows may have one source, day and family.
 *
 * @param maxRead about how many rows and calls one statement adds up. A family of a day is one statement at least.
 * @throws Expired if calls of the first day are no longer kept.
 */
export async function readSums(
  db: Database,
  projectId: string,
  startMs: number,
  endMs: number,
  maxRead: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  const counted = await db.query(sizes(projectId, startMs, endMs));
  for (const part of partsOf(counted, startMs, endMs, maxRead)) {
    const query = statement(projectId, part);
    rows.push(...(part.weekly ? await db.query(query) : await readRaw(db, query, part.startMs)));
  }
  return rows;
}

/** Joins days up to `maxRead`, and takes a larger one apart by families. Weeks likewise. */
function partsOf(counted: readonly Row[], startMs: number, endMs: number, maxRead: number): Part[] {
  const parts: Part[] = [];
  for (const weekly of [false, true]) {
    const own = counted.filter((row) => row["weekly"] === weekly);
    const starts = Map.groupBy(own, (row) => (row["start"] as Date).getTime());
    let open: (Part & { rows: number }) | null = null;
    const [firstMs, stepMs] = weekly ? [mondayOf(startMs), WEEK_MS] : [startMs, DAY_MS];
    for (let ms = firstMs; ms < endMs; ms += stepMs) {
      const families = starts.get(ms) ?? [];
      const rows = families.reduce((sum, row) => sum + Number(row["rows"]), 0);
      const unit = { startMs: ms, endMs: ms + stepMs, weekly };
      if (rows > maxRead) {
        open = null;
        parts.push(...byFamily(families, maxRead).map((names) => ({ ...unit, families: names })));
      } else if (open !== null && open.rows + rows <= maxRead) {
        open.endMs = unit.endMs;
        open.rows += rows;
      } else {
        open = { ...unit, families: null, rows };
        parts.push(open);
      }
    }
  }
  return parts;
}

function byFamily(families: readonly Row[], maxRead: number): string[][] {
  const parts: { rows: number; names: string[] }[] = [];
  for (const row of families) {
    const [name, rows, last] = [String(row["family"]), Number(row["rows"]), parts.at(-1)];
    if (last && last.rows + rows <= maxRead) {
      last.names.push(name);
      last.rows += rows;
    } else parts.push({ rows, names: [name] });
  }
  return parts.map(({ names }) => names);
}

/**
 * The rows that a sum is taken from, or "pending" for a day without sums. "week's days" are the day rows that week rows
 * are compared with.
 */
export type Source = "pending" | "raw" | "hour" | "day" | "week" | "week's days";

const SETS = sql.join(
  [...GROUPING_SETS.keys()].map((family) => sql`select ${family}`),
  sql` union all `,
);
const OF_DAY = sql`t.level in (${constants([LEVEL.partial, ...LEVELS.day])})`;
// If hours are no longer kept, day rows stand in for them.
const OF_HOUR = sql`(t.level = ${LEVEL.partial}
  or t.level in (${constants(LEVELS.hour)}) and t.bucket >= (select hour_since from retention)
  or t.level in (${constants(LEVELS.day)}) and t.bucket < (select hour_since from retention))`;
/** The families `l` that a rollup row `t` or a call `t` is of. */
const OF_ROW = sql`lateral (
  select t.label where t.label <> ${UNSPREAD}
  union all (select label from ${labelsOf} as labels where t.label = ${UNSPREAD})
  union all (select label from (${SETS}) as sets (label) where t.level = ${LEVEL.partial} and t.label = ${MAIN})
) as l (label)`;
const OF_CALL = sql`lateral (select ${MAIN} as label union all ${SETS} union all select label from ${labelsOf} as labels) as l`;

const rowsIn = (projectId: string, startMs: number, endMs: number): SQL =>
  sql`t.project_id = ${projectId} and t.bucket >= ${instantAt(startMs)} and t.bucket < ${instantAt(endMs)}`;

function callsIn(projectId: string, startMs: number, endMs: number): SQL {
  const [lowest, highest] = keyRange(startMs, endMs);
  return sql`t.project_id = ${projectId} and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid and t.billable`;
}

/** Counts what a comparison of each day (or week) and family reads. */
function sizes(projectId: string, startMs: number, endMs: number): SQL {
  const inRange = rowsIn(projectId, startMs, endMs);
  const inWeeks = rowsIn(projectId, mondayOf(startMs), mondayOf(endMs - 1) + WEEK_MS);
  return sql`
select weekly, start, family, sum(rows)::bigint as rows from (
  select false as weekly, ${dayOf(sql`t.started_at`)} as start, l.label as family, count(*) as rows
  from traces t, ${OF_CALL} where ${callsIn(projectId, startMs, endMs)} group by 2, 3
  union all
  select false, ${dayOf(sql`t.bucket`)}, l.label, count(*)
  from rollup t, ${OF_ROW} where t.level in (${constants([LEVEL.partial, ...LEVELS.hour, ...LEVELS.day])}) and ${inRange} group by 2, 3
  union all
  select true, ${weekOf(sql`t.bucket`)}, t.label, count(*)
  from rollup t
  where t.level in (${constants([...LEVELS.day, ...LEVELS.week])}) and t.label in (${constants(MAIN_FAMILIES)}) and ${inWeeks}
  group by 2, 3
) counted
group by 1, 2, 3 order by 1, 2, 3`;
}

function statement(projectId: string, { startMs, endMs, weekly, families }: Part): SQL {
  const inRange = rowsIn(projectId, startMs, endMs);
  const dateOf = (instant: SQL): SQL => sql`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD') as day`;
  const isOne = (label: SQL): SQL => (families ? sql` and ${label} = any(${textArray(families)}::text[])` : sql``);
  // Only partial rows are of other families than their own.
  const mayBeOne = families
    ? sql` and (t.level = ${LEVEL.partial} or t.label = any(${textArray(families)}::text[]))`
    : sql``;
  const ofLevel = (source: Source, levels: SQL): SQL => sql`
select ${source} as source, ${dateOf(sql`t.bucket`)}, l.label as family, ${sums(own)}
from rollup t, ${OF_ROW}
where ${levels} and ${inRange}${mayBeOne}${isOne(sql`l.label`)}
group by 2, 3`;
  const ofWeek = (source: Source, levels: readonly number[]): SQL => sql`
select ${source} as source, ${dateOf(weekOf(sql`t.bucket`))}, t.label as family, ${sums(own)}
from rollup t
where t.level in (${constants(levels)}) and t.label in (${constants(MAIN_FAMILIES)})${isOne(sql`t.label`)} and ${inRange}
group by 2, 3`;
  if (weekly) return sql`${ofWeek("week", LEVELS.week)} union all ${ofWeek("week's days", LEVELS.day)}`;
  return sql`
select 'raw' as source, ${dateOf(sql`t.started_at`)}, l.label as family, ${sums(({ of }) => of)}
from traces t
left join prices p on p.project_id = t.project_id and p.id = t.price_id, ${OF_CALL}
where ${callsIn(projectId, startMs, endMs)}${isOne(sql`l.label`)}
group by 2, 3
union all ${ofLevel("day", OF_DAY)}
union all ${ofLevel("hour", OF_HOUR)}
union all
select 'pending', ${dateOf(sql`t.day`)}, '', ${sums(() => sql`0`)}
from (
  select t.day from days_to_repair t where t.project_id = ${projectId} and t.day >= ${instantAt(startMs)} and t.day < ${instantAt(endMs)}
  union
  select ${dayOf(sql`t.bucket`)} from rollup t where t.level = ${LEVEL.partial} and coalesce(t.format, 0) < ${FORMAT} and ${inRange}
) t
group by 2`;
}
