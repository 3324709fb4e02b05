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
import { BY_HASH, columnsOfRows, GROUP, grouped, groupedApart, isPlain } from "./grouped.ts";
import { columns, constants, dayOf, list, param, project, weekOf } from "../db/sql.ts";
import { DIMENSIONS, MEASURE_NAMES } from "../ledger/measures.ts";
import { FORMAT, FRESHNESS, LEVEL } from "../ledger/levels.ts";
import { GROUPING_SETS, MAIN, MAIN_FAMILIES, OTHER, UNSPREAD } from "./families.ts";

const bucket = sql`bucket`;

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

const STARTS = [
  [LEVEL.freshHour, bucket],
  [LEVEL.freshDay, dayOf(bucket)],
  [LEVEL.freshWeek, weekOf(bucket)],
] as const;

/** The order keeps Postgres to the index. It would read a young table whole. */
const firstOf = (level: SQL): SQL => sql`(
      select r.value from rollup r
      where r.level = ${level} and r.project_id = s.project_id and r.label = s.label and r.bucket = s.start order by r.value limit 1
    )`;

/**
 * Puts the sums in. The first rows of a slice are put in as compacted ones, because they are one per group already. A
 * slice that two merges begin at once has two rows of some groups until it is compacted.
 */
const PUT = sql`
slices as materialized (
  select s.*, coalesce(${firstOf(sql`s.level`)}, ${firstOf(sql`s.level - ${FRESHNESS}`)}) is not null as has_begun
  from (
    select l.level, f.project_id, f.label, f.bucket, l.start
    from (select distinct project_id, label, bucket from fresh) f
    cross join lateral (values ${list(STARTS.map(([level, start]) => sql`(${level}, ${start})`))}) as l (level, start)
    where l.level <> ${LEVEL.freshWeek} or f.label in (${constants(MAIN_FAMILIES)})
  ) s
),
put as (
  insert into rollup (level, format, ${columnsOfRows})
  select case when s.has_begun then s.level else s.level - ${FRESHNESS} end, ${FORMAT}, f.project_id, s.start,
    ${columns([...GROUP.slice(2), ...MEASURE_NAMES, "latency_buckets", "latency_counts"], "f")}
  from fresh f join slices s on s.project_id = f.project_id and s.label = f.label and s.bucket = f.bucket
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
  ))${which} returning *, ${isPlain}
)`;

/** The same for some projects, one after another; `which` is of `t`. Each is looked up in the index, however many rows the others have. */
const movedAmong = (distributed: boolean, which: SQL): SQL => sql`
moved as (
  delete from rollup t where t.ctid = any(array(
    select r.ctid from unnest(${projects}) as p (project_id) cross join lateral (
      select t.ctid from rollup t
      where t.level = ${LEVEL.partial} and t.project_id = p.project_id${which}${amongThem(distributed, sql`t`)}
      order by t.label, t.bucket limit ${param("limit")}::int
      for update skip locked
    ) r limit ${param("limit")}::int
  ))${amongThem(distributed, sql`t`)} returning *, ${isPlain}
)`;

/** Unspread rows, spread over the labels of their calls. */
const spread = (toldApart: SQL): SQL => sql`
  select t.project_id, t.bucket, l.label,
    case when ${toldApart} then l.value else ${OTHER} end as value,
    ${columns([...DIMENSIONS, ...MEASURE_NAMES, "latency_buckets", "latency_counts"], "t")}
  from moved t cross join lateral ${labelsOf} as l
  where t.label = ${UNSPREAD}`;

/**
 * The merge of the partial rows that `moved` takes out. An unspread row becomes one row for each label of its call.
 *
 * @param toldApart says which values of labels are kept.
 */
const merging = (moved: SQL, toldApart: SQL): SQL => sql`
with ${moved},
labelled as (${groupedApart(spread(toldApart))}),
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved where label <> ${UNSPREAD}) as m`)}),
fresh as materialized (
  select * from labelled
  union all select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${PUT}
select count(*)::int as merged,
  (select jsonb_agg(jsonb_build_array(project_id, label, day)) from (
    select distinct project_id, label, start as day from slices where level = ${LEVEL.freshDay} and label not in (${constants(MAIN_FAMILIES)})
  ) d) as label_days
from moved`;

const mergingMain = (moved: SQL): SQL => sql`
with ${moved},
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved) as m`)}),
fresh as materialized (
  select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${PUT}
select count(*)::int as merged from moved`;

/** Which partial rows a statement merges. */
type Which = "all" | "main" | "labels";

/** Merges partial rows of some projects. Where the database is distributed, all of them are on one shard. */
const mergingAmong = (distributed: boolean) => {
  const toldApart = isToldApart(distributed ? "shard" : "projects");
  return {
    all: compileNamed(merging(movedAmong(distributed, sql``), toldApart)),
    main: compileNamed(mergingMain(movedAmong(distributed, sql` and t.label = ${MAIN}`))),
    labels: compileNamed(merging(movedAmong(distributed, sql` and t.label = ${UNSPREAD}`), toldApart)),
  };
};
const MERGE_OF = mergingAmong(false);
const MERGE_SHARD = mergingAmong(true);
export const MERGE = MERGE_OF.all;

/** Merges partial rows of one project: those of which `which` holds, after AND. */
export const mergingOf = (which: SQL): SQL =>
  merging(movedOf(sql` and project_id = ${project}${which}`), isToldApart("project"));

/** Merges the main partial rows of one project. */
const MERGE_MAIN = compileNamed(mergingMain(movedOf(sql` and project_id = ${project} and label = ${MAIN}`)));

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
 * @param which partial rows of every project, or the labels of these.
 * @returns how many rows were merged. If fewer than `limit`, only rows that other merges have locked are left.
 */
export async function mergeStep(
  db: Database,
  limit: number,
  labelDays = new Set<string>(),
  which: { rows: Which; of?: readonly string[] } = { rows: "all" },
): Promise<number> {
  const distributed = await isDistributed(db);
  const statement = (distributed ? MERGE_SHARD : MERGE_OF)[which.rows];
  const ids = which.of ?? idsOf(await db.run(distributed ? WITH_PARTIAL_ROWS_ANYWHERE : WITH_PARTIAL_ROWS, []));
  let merged = 0;
  for (const projects of await byShard(db, ids)) {
    if (merged === limit) break;
    const values = { projects: plainArray(projects), limit: limit - merged };
    const [, [row] = []] = await db.batch([BY_HASH, statement(values)]);
    for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
    merged += Number(row!["merged"]);
  }
  return merged;
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

/** From this many on, unspread rows of a project do not wait. Questions about labels read them all. */
const MANY_UNSPREAD = 20_000;

/** The projects that have unspread rows, and whether these are many. */
const WITH_UNSPREAD_ROWS = compile(
  sql`
select project_id, count(*) >= ${MANY_UNSPREAD} as are_many from rollup
where level = ${LEVEL.partial} and label = ${UNSPREAD} group by 1`.inlineParams(),
  [],
);

/** Steps grow while they are quick and shrink if they are slow, because the cost of a row depends on its labels. */
const FIRST_LIMIT = 20_000;
const LEAST_LIMIT = 50;
const MOST_LIMIT = 100_000;
const QUICK_MS = 2_000;
const SLOW_MS = 4_000;

export interface Merged {
  merged: number;
  /** True if nothing is left to merge or compact, but what waits. */
  drained: boolean;
  /** True if unspread rows wait for more of them. */
  waiting: boolean;
}

/**
 * Merges step by step until nothing is left or `deadlineMs` has passed, then compacts.
 *
 * @param labelsWait true if a project's unspread rows are merged only if they are many, and labels are left alone
 *   otherwise. The more rows a merge takes, the more of them add up to one: merging calls each minute costs three times
 *   as much as merging them every five.
 * @throws DatabaseUnavailable if not even the smallest step succeeds.
 */
export async function merge(db: Database, now: () => number, deadlineMs: number, labelsWait = false): Promise<Merged> {
  const labelDays = new Set<string>();
  const steps = (which: Parameters<typeof mergeStep>[3]) =>
    mergeSteps((limit) => mergeStep(db, limit, labelDays, which), now, deadlineMs);
  let { merged, drained } = await steps({ rows: labelsWait ? "main" : "all" });
  let waiting = false;
  if (labelsWait) {
    const unspread = await db.run(WITH_UNSPREAD_ROWS, []);
    const many = idsOf(unspread.filter((row) => row["are_many"] === true));
    waiting = many.length < unspread.length;
    if (many.length > 0) {
      const labels = await steps({ rows: "labels", of: many });
      merged += labels.merged;
      drained &&= labels.drained;
    }
  }
  await markCrowded(db, labelDays);
  const compacted = await compact(db, now, deadlineMs, { labels: !labelsWait || labelDays.size > 0 });
  return { merged, drained: compacted && drained, waiting };
}

async function mergeSteps(
  step: (limit: number) => Promise<number>,
  now: () => number,
  deadlineMs: number,
): Promise<{ merged: number; drained: boolean }> {
  let merged = 0;
  let limit = FIRST_LIMIT;
  while (now() < deadlineMs) {
    const beganMs = now();
    try {
      const rows = await step(limit);
      merged += rows;
      if (rows < limit) return { merged, drained: true };
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
