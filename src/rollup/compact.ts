/**
 * Compacting: the settled and the fresh rows of a slice, which is one label's rows of an hour, a day or a week, become one
 * row a group. A slice is due when its fresh rows are as many as its settled ones: so readers find twice the rows they need at
 * most, and each row is written a few times only, however often a group is merged.
 */
import { sql } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compile, type Database, DatabaseUnavailable, type Row } from "../db/client.ts";
import { BY_HASH, columnsOfRows, grouped } from "./grouped.ts";
import { constants, FORMAT, FRESHNESS, LEVEL, LEVELS } from "./measures.ts";

/** Fewer fresh rows than these can wait, until their hour, day or week is over. */
const FEW = 500;
/** So long after its end it is taken to be over. */
const GRACE = "10 minutes";
/** A step compacts about so many rows. */
const STEP_ROWS = 50_000;
const LEAST_STEP_ROWS = 1_000;

/** A slice, or those of its groups whose hash leaves `part` when divided by `parts`: it may be too large for one statement. */
interface Slice {
  level: number;
  projectId: string;
  label: string;
  bucket: string;
  rows: number;
  parts: number;
  part: number;
}

const DUE = compile(
  sql`
select f.level, f.project_id, f.label, f.bucket::text as bucket, f.rows + s.rows as rows
from (
  select level, project_id, label, bucket, count(*)::int as rows
  from rollup where level in (${LEVEL.freshHour}, ${LEVEL.freshDay}, ${LEVEL.freshWeek})
  group by 1, 2, 3, 4
) f,
lateral (
  select count(*)::int as rows from (
    select from rollup r
    where r.level = f.level - ${FRESHNESS} and r.project_id = f.project_id and r.label = f.label and r.bucket = f.bucket
    limit f.rows + 1
  ) settled
) s
where f.rows >= s.rows and (f.rows >= ${FEW}
  or f.bucket < now() - ${GRACE}::interval
    - case f.level when ${LEVEL.freshHour} then interval '1 hour' when ${LEVEL.freshDay} then interval '1 day' else interval '7 days' end)
order by 1, 2, 3, 4`.inlineParams(),
  [],
);

const ofLevels = (levels: readonly number[]) =>
  grouped(sql`(select * from taken where level in (${constants(levels)})) as t`);

const COMPACT = compile(
  sql`
with taken as (
  delete from rollup where ctid = any(array(
    select r.ctid from unnest(${sql.placeholder("levels")}::smallint[], ${sql.placeholder("projects")}::uuid[], ${sql.placeholder("labels")}::text[],
      ${sql.placeholder("buckets")}::timestamptz[], ${sql.placeholder("parts")}::int[], ${sql.placeholder("part")}::int[])
      as s (level, project_id, label, bucket, parts, part)
    join rollup r on r.level in (s.level, s.level - ${FRESHNESS}) and r.project_id = s.project_id and r.label = s.label and r.bucket = s.bucket
      and (s.parts = 1 or (hashtext(r.value || r.application || r.model) & 2147483647) % s.parts = s.part)
    for update of r skip locked
  )) returning *
),
hours as (${ofLevels(LEVELS.hour)}),
days as (${ofLevels(LEVELS.day)}),
weeks as (${ofLevels(LEVELS.week)})
insert into rollup (level, format, ${columnsOfRows})
select ${LEVEL.hour}, ${FORMAT}, * from hours
union all
select ${LEVEL.day}, ${FORMAT}, * from days
union all
select ${LEVEL.week}, ${FORMAT}, * from weeks`.inlineParams(),
  ["levels", "projects", "labels", "buckets", "parts", "part"],
);

/** Compacts what is due, until time is up. Returns whether all is. */
export async function compact(
  db: Database,
  now: () => number,
  deadlineMs: number,
  stepRows = STEP_ROWS,
): Promise<boolean> {
  let waiting = (await db.run(DUE, [])).flatMap((row) => inParts(row, stepRows));
  while (waiting.length > 0) {
    if (now() >= deadlineMs) return false;
    const step = firstOf(waiting, stepRows);
    try {
      await db.batch([BY_HASH, { statement: COMPACT, values: valuesOf(step) }]);
      waiting = waiting.slice(step.length);
    } catch (error) {
      // Perhaps cut off for taking too long; nothing was changed then, and a smaller step may do.
      if (!(error instanceof DatabaseUnavailable) || stepRows <= LEAST_STEP_ROWS) throw error;
      stepRows = Math.floor(stepRows / 4);
      waiting = (await db.run(DUE, [])).flatMap((row) => inParts(row, stepRows));
    }
  }
  return true;
}

function inParts(row: Row, stepRows: number): Slice[] {
  const rows = Number(row["rows"]);
  const parts = Math.ceil(rows / stepRows);
  return Array.from({ length: parts }, (_, part) => ({
    level: Number(row["level"]),
    projectId: String(row["project_id"]),
    label: String(row["label"]),
    bucket: String(row["bucket"]),
    rows: Math.ceil(rows / parts),
    parts,
    part,
  }));
}

/** At least one, and as many as have `rows` rows together. */
function firstOf(slices: readonly Slice[], rows: number): Slice[] {
  let sum = 0;
  const end = slices.findIndex((slice) => (sum += slice.rows) > rows);
  return slices.slice(0, end < 0 ? slices.length : Math.max(end, 1));
}

function valuesOf(slices: readonly Slice[]): unknown[] {
  const column = (of: (slice: Slice) => string | number): string | null =>
    textArray(slices.map((slice) => String(of(slice))));
  return [
    column(({ level }) => level),
    column(({ projectId }) => projectId),
    column(({ label }) => label),
    column(({ bucket }) => bucket),
    column(({ parts }) => parts),
    column(({ part }) => part),
  ];
}
