/**
 * Compacting: the compacted and the fresh rows of a slice become one row per group. A slice is one family's rows of an
 * hour, a day or a week. It is due once it has as many fresh as compacted rows, and compacting would save rows. So
 * readers find about twice the rows that they need at most, and each row is written only a few times, however often its
 * group is merged.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compileNamed, type Database, DatabaseUnavailable, type Row } from "../db/client.ts";
import {
  type Among,
  amongThem,
  atOnce,
  byShard,
  compiledQuestion,
  type Everywhere,
  idsOf,
  isDistributed,
  projects,
} from "../db/shards.ts";
import { BY_HASH, columnsOfRows, grouped, groupedFew } from "./grouped.ts";
import { constants, hashOf, param } from "../db/sql.ts";
import { DIMENSIONS } from "../ledger/measures.ts";
import { FORMAT, FRESHNESS, LEVEL, LEVELS } from "../ledger/levels.ts";
import { MAIN_FAMILIES } from "./families.ts";
import type { Paced } from "./pace.ts";

/** A slice with fewer fresh rows than this waits until its hour, day or week is over. */
const FEW = 500;
/** An hour, day or week counts as over this long after its end. */
const GRACE = "10 minutes";
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

const ofSlice = (among: Among): SQL =>
  sql`r.project_id = f.project_id and r.label = f.label and r.bucket = f.bucket${among(sql`r`)}`;
/**
 * Fresh rows of a label may all be of new groups. Then compacting would save no row. So groups are counted among the
 * first values of the slice, those of its first fresh rows.
 */
const areTwiceTheGroups = (among: Among): SQL => sql`(
  select count(*) >= 2 * count(distinct ${hashOf(["value", ...DIMENSIONS], "r")})
  from rollup r
  where r.level in (f.level, f.level - ${FRESHNESS}) and ${ofSlice(among)} and r.value <= (
    select r.value from rollup r where r.level = f.level and ${ofSlice(among)} order by r.value offset ${FEW - 1} limit 1
  )
)`;

/** The slices of main families that are due, or those of labels. */
const due = (labels: boolean) =>
  compiledQuestion(
    (among) => sql`
select f.level, f.project_id, f.label as family, f.bucket::text as bucket, f.rows + s.rows as rows
from (
  select level, project_id, label, bucket, count(*)::int as rows
  from rollup
  where level in (${LEVEL.freshHour}, ${LEVEL.freshDay}, ${LEVEL.freshWeek}) and label ${labels ? sql`not in` : sql`in`} (${constants(MAIN_FAMILIES)})${among(sql`rollup`)}
  group by 1, 2, 3, 4
) f,
lateral (
  select count(*)::int as rows from (
    select 1 from rollup r
    where r.level = f.level - ${FRESHNESS} and ${ofSlice(among)}
    limit f.rows + 1
  ) compacted
) s
where f.rows >= s.rows and (f.rows >= ${FEW} and ${labels ? areTwiceTheGroups(among) : sql`true`}
  or f.bucket < now() - ${GRACE}::interval
    - case f.level when ${LEVEL.freshHour} then interval '1 hour' when ${LEVEL.freshDay} then interval '1 day' else interval '7 days' end)
order by 1, 2, 3, 4`,
  );
const DUE = due(false);
const DUE_LABELS = due(true);

/**
 * Takes the rows of slices out and puts one per group back. Each level of a slice is looked up by all columns of the
 * index. Asked for both levels at once, Postgres would read all rows of either. Joined to the slices, it would read all
 * there are where it takes few slices for many rows.
 */
const compacting = (distributed: boolean, units: readonly (keyof typeof LEVELS)[], added: (source: SQL) => SQL) =>
  compileNamed(
    sql`
with taken as (
  delete from rollup t where t.ctid = any(array(
    select r.ctid from unnest(${param("levels")}::smallint[], ${projects}, ${param("families")}::text[],
      ${param("buckets")}::timestamptz[], ${param("parts")}::int[], ${param("part")}::int[])
      as s (level, project_id, family, bucket, parts, part)
    cross join lateral (values (s.level), (s.level - ${FRESHNESS})) as either (level)
    cross join lateral (
      select r.ctid from rollup r
      where r.level = either.level and r.project_id = s.project_id and r.label = s.family and r.bucket = s.bucket
        and (s.parts = 1 or (hashtext(r.value || r.application || r.model) & 2147483647) % s.parts = s.part)${amongThem(distributed, sql`r`)}
      order by r.value
      for update skip locked
    ) r
  ))${amongThem(distributed, sql`t`)} returning *
)
insert into rollup (level, format, ${columnsOfRows})
${sql.join(
  units.map(
    (unit) => sql`select ${LEVEL[unit]}, ${FORMAT}, ${columnsOfRows}
from (${added(sql`(select * from taken where level in (${constants(LEVELS[unit])})) as t`)}) as ${sql.identifier(unit)}`,
  ),
  sql`
union all
`,
)}`,
  );

/** Groups of main families have many rows. Those of labels have few, and no weeks. */
const kinds = (distributed: boolean) => ({
  main: compacting(distributed, ["hour", "day", "week"], grouped),
  label: compacting(distributed, ["hour", "day"], groupedFew),
});
const KINDS = kinds(false);
/** All slices are of one shard. */
const KINDS_SHARD = kinds(true);

export interface CompactOptions {
  /** False for the main families alone. */
  labels?: boolean;
  /** The number of rows that one step compacts, roughly. */
  stepRows?: number;
  paced?: Paced;
  all?: Everywhere;
}

const unpaced: Paced = async (work) => ({ result: await work(), tookMs: 0 });

/**
 * Compacts the slices that are due, until `deadlineMs`.
 *
 * @returns whether all of them are compacted.
 */
export async function compact(
  db: Database,
  now: () => number,
  deadlineMs: number,
  { labels = true, stepRows = STEP_ROWS, paced = unpaced, all = atOnce(db) }: CompactOptions = {},
): Promise<boolean> {
  const { main, label } = (await isDistributed(db)) ? KINDS_SHARD : KINDS;
  for (const statement of labels ? [main, label] : [main]) {
    let waiting = await dueSlices(db, all, statement === label, stepRows);
    while (waiting.length > 0) {
      if (now() >= deadlineMs) return false;
      const step = firstOf(waiting, stepRows);
      try {
        const done = await all.orFailure(() => paced(async () => await db.batch([BY_HASH, statement(valuesOf(step))])));
        const { shard } = step[0]!;
        waiting = done === undefined ? waiting.filter((one) => one.shard !== shard) : waiting.slice(step.length);
      } catch (error) {
        // The step may have taken too long. Then nothing was changed, and a smaller step may succeed.
        if (!(error instanceof DatabaseUnavailable) || stepRows <= LEAST_STEP_ROWS) throw error;
        stepRows = Math.floor(stepRows / 4);
        waiting = await dueSlices(db, all, statement === label, stepRows);
      }
    }
  }
  return true;
}

/** Those of a shard come together. */
async function dueSlices(db: Database, all: Everywhere, labels: boolean, stepRows: number): Promise<Slice[]> {
  const due = await all.ask(labels ? DUE_LABELS : DUE);
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
