/**
 * Merging: partial rows become fresh rows of their hours and days, and main rows of their weeks too. A step makes one
 * row per group. At every instant, in every snapshot, this holds:
 *
 *   partial + hour rows = partial + day rows = partial + week rows = the calls.
 *
 * One statement takes rows out and puts their sums back. Rows that another merge has locked are left to it, so merges
 * may overlap, be killed, or not run for hours. A merge appends fresh rows without reading existing ones, because
 * reading them would cost many times as much. Once an hour, day or week has as many fresh as compacted rows, compacting
 * rewrites them.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray } from "../db/array-literal.ts";
import { compile, compileNamed, type Database, DatabaseUnavailable } from "../db/client.ts";
import { amongThem, byShard, idsOf, isDistributed, projects } from "../db/shards.ts";
import { compact } from "./compact.ts";
import { isToldApart, markCrowded } from "./crowded.ts";
import { labelsOf } from "./derive.ts";
import { BY_HASH, columnsOfRows, GROUP, grouped } from "./grouped.ts";
import { columns, constants, dayOf, list, param, project, weekOf } from "../db/sql.ts";
import { DIMENSIONS, MEASURE_NAMES } from "../ledger/measures.ts";
import { FORMAT, LEVEL } from "../ledger/levels.ts";
import { GROUPING_SETS, MAIN, MAIN_FAMILIES, OTHER, UNSPREAD } from "./families.ts";
import { own, storedSums } from "./sums.ts";

const bucket = sql`bucket`;
const group = columns(GROUP);

/** The main rows in `source` once for each grouping set. */
export function inSets(source: SQL): SQL {
  const sets = [...GROUPING_SETS].map(([family, set]) => {
    const dimensions = DIMENSIONS.map(
      (name) => sql`${set.includes(name) ? sql.identifier(name) : sql`''`} as ${sql.identifier(name)}`,
    );
    return sql`
  select project_id, bucket, ${family} as label, value, ${list(dimensions)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts
  from ${source} where label = ${MAIN}`;
  });
  return sql`(${sql.join(sets, sql` union all `)})`;
}

const PUT = sql`
put as (
  insert into rollup (level, format, ${columnsOfRows})
  select l.level, ${FORMAT}, project_id,
    case l.level when ${LEVEL.freshDay} then ${dayOf(bucket)} when ${LEVEL.freshWeek} then ${weekOf(bucket)} else bucket end,
    ${columns([...GROUP.slice(2), ...MEASURE_NAMES, "latency_buckets", "latency_counts"])}
  from (values (${LEVEL.freshHour}), (${LEVEL.freshDay}), (${LEVEL.freshWeek})) as l (level), fresh
  where l.level <> ${LEVEL.freshWeek} or label in (${constants(MAIN_FAMILIES)})
),
noted as (
  insert into days_to_repair (project_id, day)
  select distinct project_id, ${dayOf(bucket)} from moved where coalesce(format, 0) < ${FORMAT} order by 1, 2
  on conflict (project_id, day) do update set noted_at = excluded.noted_at
)`;

/** A CTE that takes the first partial rows of one project out. */
const movedOf = (which: SQL): SQL => sql`
moved as (
  delete from rollup where ctid = any(array(
    select ctid from rollup where level = ${LEVEL.partial}${which}
    order by project_id, label, bucket limit ${param("limit")}::int
    for update skip locked
  ))${which} returning *
)`;

/** The same for some projects, one after another. Each is looked up in the index, however many rows the others have. */
const movedAmong = (distributed: boolean): SQL => sql`
moved as (
  delete from rollup t where t.ctid = any(array(
    select r.ctid from unnest(${projects}) as p (project_id) cross join lateral (
      select t.ctid from rollup t
      where t.level = ${LEVEL.partial} and t.project_id = p.project_id${amongThem(distributed, sql`t`)}
      order by t.label, t.bucket limit ${param("limit")}::int
      for update skip locked
    ) r limit ${param("limit")}::int
  ))${amongThem(distributed, sql`t`)} returning *
)`;

/**
 * The merge of the partial rows that `moved` takes out. An unspread row becomes one row for each label of its call. It
 * has one latency at most, so the histogram of a label's group is the list of these.
 *
 * @param toldApart says which values of labels are kept.
 */
const merging = (moved: SQL, toldApart: SQL): SQL => sql`
with ${moved},
spread as (
  select t.project_id, t.bucket, l.label,
    case when ${toldApart} then l.value else ${OTHER} end as value,
    ${columns([...DIMENSIONS, ...MEASURE_NAMES], "t")}, t.latency_buckets[1] as latency_bin, t.latency_counts[1] as calls
  from moved t cross join lateral ${labelsOf} as l
  where t.label = ${UNSPREAD}
),
labelled as (
  select ${group}, ${storedSums(own, true)},
    array_agg(latency_bin) filter (where latency_bin is not null) as latency_buckets,
    case when count(calls) > 0
      then array_agg(coalesce(calls, 1)) filter (where latency_bin is not null)
    end as latency_counts
  from spread group by ${group}
),
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved where label <> ${UNSPREAD}) as m`)}),
fresh as materialized (
  select * from labelled
  union all select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${PUT}
select count(*)::int as merged,
  (select jsonb_agg(jsonb_build_array(project_id, label, day)) from (select distinct project_id, label, ${dayOf(bucket)} as day from labelled) d) as label_days
from moved`;

/** Merges partial rows of some projects. Where the database is distributed, all of them are on one shard. */
const mergingAmong = (distributed: boolean) =>
  compileNamed(merging(movedAmong(distributed), isToldApart(distributed ? "shard" : "projects")));
export const MERGE = mergingAmong(false);
const MERGE_SHARD = mergingAmong(true);

/** Merges partial rows of one project: those of which `which` holds, after AND. */
export const mergingOf = (which: SQL): SQL =>
  merging(movedOf(sql` and project_id = ${project}${which}`), isToldApart("project"));

/** Merges the main partial rows of one project. */
const MERGE_MAIN = compileNamed(
  sql`
with ${movedOf(sql` and project_id = ${project} and label = ${MAIN}`)},
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved) as m`)}),
fresh as materialized (
  select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${PUT}
select count(*)::int as merged from moved`,
);

/**
 * Merges up to `limit` main partial rows of a project, which every question reads. Label partials cost many times as
 * much to merge, so cron merges them.
 *
 * @returns how many rows were merged.
 */
export async function mergeMain(db: Database, projectId: string, limit: number): Promise<number> {
  const [, [row] = []] = await db.batch([BY_HASH, MERGE_MAIN({ project: projectId, limit })]);
  return Number(row!["merged"]);
}

/**
 * One step: merges up to `limit` partial rows, and adds the label days in them to `labelDays`.
 *
 * @returns how many rows were merged. If fewer than `limit`, only rows that other merges have locked are left.
 */
export async function mergeStep(db: Database, limit: number, labelDays = new Set<string>()): Promise<number> {
  const statement = (await isDistributed(db)) ? MERGE_SHARD : MERGE;
  let merged = 0;
  for (const projects of await partialProjects(db)) {
    if (merged === limit) break;
    const values = { projects: plainArray(projects), limit: limit - merged };
    const [, [row] = []] = await db.batch([BY_HASH, statement(values)]);
    for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
    merged += Number(row!["merged"]);
  }
  return merged;
}

/** The projects that have partial rows, in lists for one statement each. */
async function partialProjects(db: Database): Promise<string[][]> {
  const found = await db.run((await isDistributed(db)) ? WITH_PARTIAL_ROWS_ANYWHERE : WITH_PARTIAL_ROWS, []);
  return await byShard(db, idsOf(found));
}

const nextProject = (after = sql``): SQL => sql`
(select r.project_id from rollup r where r.level = ${LEVEL.partial}${after} order by r.project_id limit 1)`;

/** Each project takes one look-up in the index, however many rows it has. */
const WITH_PARTIAL_ROWS = compile(
  sql`
with recursive found (project_id) as (
  select ${nextProject()}
  union all
  select ${nextProject(sql` and r.project_id > found.project_id`)} from found where found.project_id is not null
)
select project_id from found where project_id is not null`.inlineParams(),
  [],
);

/** Citus takes no recursion over all shards. */
const WITH_PARTIAL_ROWS_ANYWHERE = compile(
  sql`select distinct project_id from rollup where level = ${LEVEL.partial}`.inlineParams(),
  [],
);

/** Steps grow while they are quick and shrink if they are slow, because the cost of a row depends on its labels. */
const FIRST_LIMIT = 2_000;
const LEAST_LIMIT = 50;
const MOST_LIMIT = 100_000;
const QUICK_MS = 1_000;
const SLOW_MS = 4_000;

/**
 * Merges step by step until nothing is left or `deadlineMs` has passed, then compacts.
 *
 * @returns how many rows were merged, and whether nothing is left to merge or compact.
 * @throws DatabaseUnavailable if not even the smallest step succeeds.
 */
export async function merge(
  db: Database,
  now: () => number,
  deadlineMs: number,
): Promise<{ merged: number; drained: boolean }> {
  const labelDays = new Set<string>();
  const { merged, drained } = await mergeSteps(db, now, deadlineMs, labelDays);
  await markCrowded(db, labelDays);
  return { merged, drained: (await compact(db, now, deadlineMs)) && drained };
}

async function mergeSteps(
  db: Database,
  now: () => number,
  deadlineMs: number,
  labelDays: Set<string>,
): Promise<{ merged: number; drained: boolean }> {
  let merged = 0;
  let limit = FIRST_LIMIT;
  while (now() < deadlineMs) {
    const beganMs = now();
    try {
      const step = await mergeStep(db, limit, labelDays);
      merged += step;
      if (step < limit) return { merged, drained: true };
    } catch (error) {
      // The step may have taken too long. Then nothing was changed, and a smaller step may succeed.
      if (!(error instanceof DatabaseUnavailable) || limit === LEAST_LIMIT) throw error;
      limit = Math.max(Math.floor(limit / 4), LEAST_LIMIT);
      continue;
    }
    const tookMs = now() - beganMs;
    if (tookMs < QUICK_MS) limit = Math.min(limit * 2, MOST_LIMIT);
    else if (tookMs > SLOW_MS) limit = Math.max(Math.floor(limit / 2), LEAST_LIMIT);
  }
  return { merged, drained: false };
}
