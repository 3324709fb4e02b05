/**
 * Compacting: the compacted and the fresh rows of a slice become one row per group. A slice is one family's rows of an
 * hour, a day or a week. It is due once it has as many fresh as compacted rows. So readers find about twice the rows
 * that they need at most, and each row is written only a few times, however often its group is merged.
 */
import { sql } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compile, compileNamed, type Database, DatabaseUnavailable, type Row } from "../db/client.ts";
import { amongThem, byShard, idsOf, isDistributed, projects } from "../db/shards.ts";
import { constants, param } from "../db/sql.ts";
import { BY_HASH, columnsOfRows, grouped } from "./grouped.ts";
import { FORMAT, FRESHNESS, LEVEL, LEVELS } from "../ledger/levels.ts";

/** A slice with fewer fresh rows than this waits until its hour, day or week is over. */
const FEW = 500;
/** An hour, day or week counts as over this long after its end. */
const GRACE = "10 minutes";
/** The number of rows that one step compacts, roughly. */
const STEP_ROWS = 50_000;
const LEAST_STEP_ROWS = 1_000;

/**
 * A slice, or a part of one that is too large for one statement. A part holds the groups whose hash modulo `parts` is
 * `part`.
 */
interface Slice {
  level: number;
  projectId: string;
  family: string;
  /** The start of the hour, day or week, as Postgres writes it. */
  start: string;
  rows: number;
  parts: number;
  part: number;
  shard: number;
}

const DUE = compile(
  sql`
select f.level, f.project_id, f.label as family, f.bucket::text as bucket, f.rows + s.rows as rows
from (
  select level, project_id, label, bucket, count(*)::int as rows
  from rollup where level in (${LEVEL.freshHour}, ${LEVEL.freshDay}, ${LEVEL.freshWeek})
  group by 1, 2, 3, 4
) f,
lateral (
  select count(*)::int as rows from (
    select 1 from rollup r
    where r.level = f.level - ${FRESHNESS} and r.project_id = f.project_id and r.label = f.label and r.bucket = f.bucket
    limit f.rows + 1
  ) compacted
) s
where f.rows >= s.rows and (f.rows >= ${FEW}
  or f.bucket < now() - ${GRACE}::interval
    - case f.level when ${LEVEL.freshHour} then interval '1 hour' when ${LEVEL.freshDay} then interval '1 day' else interval '7 days' end)
order by 1, 2, 3, 4`.inlineParams(),
  [],
);

const ofLevels = (levels: readonly number[]) =>
  grouped(sql`(select * from taken where level in (${constants(levels)})) as t`);

const compacting = (distributed: boolean) =>
  compileNamed(
    sql`
with taken as (
  delete from rollup t where t.ctid = any(array(
    select r.ctid from unnest(${param("levels")}::smallint[], ${projects}, ${param("families")}::text[],
      ${param("buckets")}::timestamptz[], ${param("parts")}::int[], ${param("part")}::int[])
      as s (level, project_id, family, bucket, parts, part)
    join rollup r on r.level in (s.level, s.level - ${FRESHNESS}) and r.project_id = s.project_id and r.label = s.family and r.bucket = s.bucket
      and (s.parts = 1 or (hashtext(r.value || r.application || r.model) & 2147483647) % s.parts = s.part)${amongThem(distributed, sql`r`)}
    for update of r skip locked
  ))${amongThem(distributed, sql`t`)} returning *
),
hours as (${ofLevels(LEVELS.hour)}),
days as (${ofLevels(LEVELS.day)}),
weeks as (${ofLevels(LEVELS.week)})
insert into rollup (level, format, ${columnsOfRows})
select ${LEVEL.hour}, ${FORMAT}, * from hours
union all
select ${LEVEL.day}, ${FORMAT}, * from days
union all
select ${LEVEL.week}, ${FORMAT}, * from weeks`,
  );
const COMPACT = compacting(false);
/** All slices are of one shard. */
const COMPACT_SHARD = compacting(true);

/**
 * Compacts the slices that are due, until `deadlineMs`.
 *
 * @returns whether all of them are compacted.
 */
export async function compact(
  db: Database,
  now: () => number,
  deadlineMs: number,
  stepRows = STEP_ROWS,
): Promise<boolean> {
  const statement = (await isDistributed(db)) ? COMPACT_SHARD : COMPACT;
  let waiting = await dueSlices(db, stepRows);
  while (waiting.length > 0) {
    if (now() >= deadlineMs) return false;
    const step = firstOf(waiting, stepRows);
    try {
      await db.batch([BY_HASH, statement(valuesOf(step))]);
      waiting = waiting.slice(step.length);
    } catch (error) {
      // The step may have taken too long. Then nothing was changed, and a smaller step may succeed.
      if (!(error instanceof DatabaseUnavailable) || stepRows <= LEAST_STEP_ROWS) throw error;
      stepRows = Math.floor(stepRows / 4);
      waiting = await dueSlices(db, stepRows);
    }
  }
  return true;
}

/** The slices that are due, those of a shard together. */
async function dueSlices(db: Database, stepRows: number): Promise<Slice[]> {
  const due = await db.run(DUE, []);
  const shards = await byShard(db, [...new Set(idsOf(due))]);
  const shardOf = new Map(shards.flatMap((projects, shard) => projects.map((projectId) => [projectId, shard])));
  return due
    .flatMap((row) => inParts(row, stepRows, shardOf.get(String(row["project_id"]))!))
    .toSorted((a, b) => a.shard - b.shard);
}

function inParts(row: Row, stepRows: number, shard: number): Slice[] {
  const rows = Number(row["rows"]);
  const parts = Math.ceil(rows / stepRows);
  return Array.from({ length: parts }, (_, part) => ({
    level: Number(row["level"]),
    projectId: String(row["project_id"]),
    family: String(row["family"]),
    start: String(row["bucket"]),
    rows: Math.ceil(rows / parts),
    parts,
    part,
    shard,
  }));
}

/** The first slices of one shard that have at most `rows` rows together, but at least one slice. */
function firstOf(slices: readonly Slice[], rows: number): Slice[] {
  let sum = 0;
  const end = slices.findIndex((slice) => slice.shard !== slices[0]!.shard || (sum += slice.rows) > rows);
  return slices.slice(0, end < 0 ? slices.length : Math.max(end, 1));
}

function valuesOf(slices: readonly Slice[]): Record<string, unknown> {
  const column = (of: (slice: Slice) => string | number): string | null =>
    textArray(slices.map((slice) => String(of(slice))));
  return {
    levels: column(({ level }) => level),
    projects: column(({ projectId }) => projectId),
    families: column(({ family }) => family),
    buckets: column(({ start }) => start),
    parts: column(({ parts }) => parts),
    part: column(({ part }) => part),
  };
}
