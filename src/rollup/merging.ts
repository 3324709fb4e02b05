/**
 * The statements that merge: each takes partial rows out and puts their sums back, one row per group, as rows of their
 * hours and days, and main rows as those of their weeks too.
 */
import { sql, type SQL } from "drizzle-orm";
import { compileNamed } from "../db/client.ts";
import { amongThem, projects } from "../db/shards.ts";
import { columns, constants, dayOf, hashOf, list, param, project, weekOf } from "../db/sql.ts";
import { FORMAT, FRESHNESS, LEVEL } from "../ledger/levels.ts";
import { DIMENSIONS, MEASURE_NAMES } from "../ledger/measures.ts";
import { isToldApart, type Whose } from "./crowded.ts";
import { labelsOf } from "./derive.ts";
import { GROUPING_SETS, MAIN, MAIN_FAMILIES, OTHER, UNSPREAD } from "./families.ts";
import { columnsOfRows, GROUP, grouped, groupedApart, isPlain } from "./grouped.ts";

const bucket = sql`bucket`;
const limit = sql`${param("limit")}::int`;

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

/** What shows Citus where a row `r` of a project that a CTE names is. */
const AMONG: Record<Whose, SQL> = {
  project: sql` and r.project_id = ${project}`,
  projects: sql``,
  shard: amongThem(true, sql`r`),
};

/** The order keeps Postgres to the index. It would read a young table whole. */
const firstOf = (level: SQL, whose: Whose): SQL => sql`(
      select r.value from rollup r
      where r.level = ${level} and r.project_id = s.project_id and r.label = s.label and r.bucket = s.start${AMONG[whose]} order by r.value limit 1
    )`;

/**
 * Puts the sums in. The first rows of a slice are put in as compacted ones if they are one per group already: those of
 * several hours are not one per group of their day. A slice that two merges begin at once has two rows of some groups
 * until it is compacted.
 */
const put = (whose: Whose): SQL => sql`
slices as materialized (
  select s.*, coalesce(${firstOf(sql`s.level`, whose)}, ${firstOf(sql`s.level - ${FRESHNESS}`, whose)}) is not null or s.hours > 1 as is_fresh
  from (
    select l.level, f.project_id, f.label, f.bucket, l.start,
      count(*) over (partition by l.level, f.project_id, f.label, l.start) as hours
    from (select distinct project_id, label, bucket from fresh) f
    cross join lateral (values ${list(STARTS.map(([level, start]) => sql`(${level}, ${start})`))}) as l (level, start)
    where l.level <> ${LEVEL.freshWeek} or f.label in (${constants(MAIN_FAMILIES)})
  ) s
),
put as (
  insert into rollup (level, format, ${columnsOfRows})
  select case when s.is_fresh then s.level else s.level - ${FRESHNESS} end, ${FORMAT}, f.project_id, s.start,
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
    order by project_id, label, bucket limit ${limit}
    for update skip locked
  ))${which} returning ${isPlain}, *
)`;

/**
 * The first partial rows `t` of some projects, one after another. Each is looked up in the index, however many rows the
 * others have.
 */
const firstAmong = (distributed: boolean, columns: SQL, which: SQL, locking = sql``): SQL => sql`
    unnest(${projects}) as p (project_id) cross join lateral (
      select ${columns} from rollup t
      where t.level = ${LEVEL.partial} and t.project_id = p.project_id${which}${amongThem(distributed, sql`t`)}
      order by t.label, t.bucket limit ${limit}${locking}
    ) r limit ${limit}`;

const movedAmong = (distributed: boolean, which: SQL): SQL => sql`
moved as (
  delete from rollup t where t.ctid = any(array(
    select r.ctid from${firstAmong(distributed, sql`t.ctid`, which, sql` for update skip locked`)}
  ))${amongThem(distributed, sql`t`)} returning ${isPlain}, *
)`;

const isUnspread = sql` and t.label = ${UNSPREAD}`;

/**
 * A CTE that takes out the unspread rows that are still at these places. No index is searched for IS NOT DISTINCT FROM.
 * Postgres 15 would otherwise read all unspread rows.
 */
const movedFrom = (distributed: boolean): SQL => sql`
moved as (
  delete from rollup t where t.ctid = any(array(
    select t.ctid from rollup t
    where t.ctid = any(${param("places")}::tid[])
      and t.level is not distinct from ${LEVEL.partial} and t.label is not distinct from ${UNSPREAD}${amongThem(distributed, sql`t`)}
    for update skip locked
  ))${amongThem(distributed, sql`t`)} returning ${isPlain}, *
)`;

/** Unspread rows, spread over the labels of their calls. */
const spread = (toldApart: SQL): SQL => sql`
  select t.project_id, t.bucket, l.label,
    case when ${toldApart} then l.value else ${OTHER} end as value,
    ${columns([...DIMENSIONS, ...MEASURE_NAMES, "latency_buckets", "latency_counts"], "t")}
  from moved t cross join lateral ${labelsOf} as l
  where t.label = ${UNSPREAD}`;

const labelDays = sql`(
  select jsonb_agg(jsonb_build_array(project_id, label, day)) from (
    select distinct project_id, label, start as day from slices where level = ${LEVEL.freshDay} and label not in (${constants(MAIN_FAMILIES)})
  ) d
)`;

/**
 * The merge of the partial rows that `moved` takes out. An unspread row becomes one row for each label of its call.
 */
const merging = (moved: SQL, whose: Whose): SQL => sql`
with ${moved},
labelled as (${groupedApart(spread(isToldApart(whose)))}),
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved where label <> ${UNSPREAD}) as m`)}),
fresh as materialized (
  select * from labelled
  union all select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${put(whose)}
select count(*)::int as merged, ${labelDays} as label_days from moved`;

/** The same where `moved` takes unspread rows alone. Postgres plans it in a fifth of the time. */
const mergingLabels = (moved: SQL, whose: Whose): SQL => sql`
with ${moved},
fresh as materialized (${groupedApart(spread(isToldApart(whose)))}),${put(whose)}
select count(*)::int as merged, ${labelDays} as label_days from moved`;

const mergingMain = (moved: SQL, whose: Whose): SQL => sql`
with ${moved},
main as materialized (${grouped(sql`(select ${columnsOfRows} from moved) as m`)}),
fresh as materialized (
  select * from main
  union all ${grouped(sql`${inSets(sql`main`)} as in_sets`)}
),${put(whose)}
select count(*)::int as merged from moved`;

/**
 * The places of the first unspread rows of some projects. Rows of one hour with the same dimensions come together, so
 * a merge of some of them makes few rows of tags.
 */
const findingUnspread = (distributed: boolean): SQL => sql`
select string_agg(u.ctid::text, ' ' order by u.project_id, u.bucket, u.alike) as places from (
  select r.* from${firstAmong(
    distributed,
    sql`t.ctid, t.project_id, t.bucket, ${hashOf(DIMENSIONS, "t")} as alike`,
    isUnspread,
  )}
) u`;

/** Merges partial rows of some projects. Where the database is distributed, all of them are on one shard. */
const mergingAmong = (distributed: boolean) => {
  const whose = distributed ? "shard" : "projects";
  return {
    all: compileNamed(merging(movedAmong(distributed, sql``), whose)),
    main: compileNamed(mergingMain(movedAmong(distributed, sql` and t.label = ${MAIN}`), whose)),
    unspread: compileNamed(findingUnspread(distributed)),
    labels: compileNamed(mergingLabels(movedFrom(distributed), whose)),
  };
};
export const MERGE_OF = mergingAmong(false);
export const MERGE_SHARD = mergingAmong(true);

/** Merges partial rows of one project: those of which `which` holds, after AND. */
export const mergingOf = (which: SQL): SQL => merging(movedOf(sql` and project_id = ${project}${which}`), "project");

/** Merges the main partial rows of one project. */
export const MERGE_MAIN = compileNamed(
  mergingMain(movedOf(sql` and project_id = ${project} and label = ${MAIN}`), "project"),
);
