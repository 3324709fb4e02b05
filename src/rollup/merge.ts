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
import { textArray } from "../db/array-literal.ts";
import { type Bound, compile, compileNamed, type Database, DatabaseUnavailable } from "../db/client.ts";
import { compact } from "./compact.ts";
import { isToldApart, markCrowded } from "./crowded.ts";
import { labelsOf } from "./derive.ts";
import { BY_HASH, columnsOfRows, GROUP, grouped, groupedApart, isPlain } from "./grouped.ts";
import { columns, constants, dayOf, list, param, weekOf } from "../db/sql.ts";
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

/** A CTE that takes the first partial rows out. */
const moved = (which: SQL): SQL => sql`
moved as (
  delete from rollup where ctid = any(array(
    select ctid from rollup where level = ${LEVEL.partial}${which}
    order by project_id, label, bucket limit ${sql.placeholder("limit")}::int
    for update skip locked
  ))${which} returning *, ${isPlain}
)`;

/** Unspread rows, spread over the labels of their calls. */
const spread = (toldApart: SQL): SQL => sql`
  select t.project_id, t.bucket, l.label,
    case when ${toldApart} then l.value else ${OTHER} end as value,
    ${columns([...DIMENSIONS, ...MEASURE_NAMES, "latency_buckets", "latency_counts"], "t")}
  from moved t cross join lateral ${labelsOf} as l
  where t.label = ${UNSPREAD}`;

/**
 * The merge of partial rows. An unspread row becomes one row for each label of its call. It has one latency at most, so
 * the histogram of a label's group is the list of these.
 *
 * @param which restricts the rows, after AND. All without it.
 * @param toldApart says which values of labels are kept.
 */
export const merging = (which: SQL, toldApart: SQL): SQL => sql`
with ${moved(which)},
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

const nextProject = (after = sql``): SQL => sql`
    (select r.project_id from rollup r where r.level = ${LEVEL.partial}${after} order by r.project_id limit 1)`;
const isUnspreadOf = sql`r.level = ${LEVEL.partial} and r.project_id = f.project_id and r.label = ${UNSPREAD}`;

/** Merges partial rows of every project. */
export const MERGE = compile(merging(sql``, isToldApart()).inlineParams(), ["limit"]);

const PUT_MAIN = sql`
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved) as m`)}),
fresh as materialized (
  select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${PUT}
select count(*)::int as merged from moved`;

/** Merges the main partial rows of every project. */
const MERGE_MAINS = compile(sql`with ${moved(sql` and label = ${MAIN}`)},${PUT_MAIN}`.inlineParams(), ["limit"]);

/** Merges the unspread rows of some projects. */
const MERGE_LABELS = compileNamed(
  merging(sql` and project_id = any(${param("projects")}::uuid[]) and label = ${UNSPREAD}`, isToldApart()),
);

/** From this many on, unspread rows of a project do not wait. Questions about labels read them all. */
const MANY_UNSPREAD = 20_000;

/** The projects that have unspread rows, and whether these are many. Each takes two look-ups in the index. */
const UNSPREAD_PROJECTS = compile(
  sql`
with recursive found (project_id) as (
  select ${nextProject()}
  union all
  select ${nextProject(sql` and r.project_id > f.project_id`)} from found f where f.project_id is not null
),
unspread as (
  select f.project_id, (select 1 from rollup r where ${isUnspreadOf} limit 1) as any_row,
    (select 1 from rollup r where ${isUnspreadOf} offset ${MANY_UNSPREAD - 1} limit 1) as last_of_many
  from found f where f.project_id is not null
)
select project_id, last_of_many is not null as are_many from unspread where any_row is not null`.inlineParams(),
  [],
);

/** Merges the main partial rows of one project. */
const MERGE_MAIN = compileNamed(
  sql`
with ${moved(sql` and project_id = ${sql.placeholder("project")}::uuid and label = ${MAIN}`)},${PUT_MAIN}`,
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
export function mergeStep(db: Database, limit: number, labelDays = new Set<string>()): Promise<number> {
  return step(db, { statement: MERGE, values: [limit] }, labelDays);
}

async function step(db: Database, statement: Bound, labelDays: Set<string>): Promise<number> {
  const [, [row] = []] = await db.batch([BY_HASH, statement]);
  for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
  return Number(row!["merged"]);
}

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
  const steps = (statement: (limit: number) => Bound) =>
    mergeSteps((limit) => step(db, statement(limit), labelDays), now, deadlineMs);
  let { merged, drained } = await steps((limit) => ({ statement: labelsWait ? MERGE_MAINS : MERGE, values: [limit] }));
  let waiting = false;
  if (labelsWait) {
    const unspread = await db.run(UNSPREAD_PROJECTS, []);
    const many = unspread.filter((row) => row["are_many"] === true).map((row) => String(row["project_id"]));
    waiting = many.length < unspread.length;
    if (many.length > 0) {
      const labels = await steps((limit) => MERGE_LABELS({ projects: textArray(many), limit }));
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
