/**
 * Merging: partial rows, and the hour and day rows of their groups, become one hour row and one
 * day row a group. What holds at every instant, in every snapshot:
 *
 *   partial + hour rows = partial + day rows = the traces.
 *
 * One statement takes rows out and puts their sums back. Rows that another merge holds are left to
 * it; a group may then have two rows until a later merge, which readers never notice. So merges
 * may overlap, be killed, or not run for hours.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compile, type Database, DatabaseUnavailable } from "../db/client.ts";
import { labelsOf } from "./derive.ts";
import {
  columns,
  DIMENSIONS,
  GROUPING_SETS,
  LEVEL,
  list,
  MAIN,
  MEASURE_NAMES,
  MOST_LABEL_VALUES,
  OTHER,
  own,
  storedSums,
  UNSPREAD,
} from "./measures.ts";

const GROUP = ["project_id", "bucket", "label", "value", ...DIMENSIONS] as const;
const group = columns(GROUP);
const DAY = sql`date_bin('1 day', bucket, 'epoch'::timestamptz)`;

/** Takes out the rows at `level` of the groups in `groups`, except those that another merge holds. */
function taken(level: number, groups: SQL): SQL {
  return sql`
  delete from rollup where ctid = any(array(
    select r.ctid from rollup r join ${groups} g
      on r.level = ${level}
      and ${sql.join(
        GROUP.map((name) => sql`r.${sql.identifier(name)} = g.${sql.identifier(name)}`),
        sql` and `,
      )}
    for update of r skip locked
  )) returning *`;
}

const HISTOGRAM = ["latency_buckets", "latency_counts"] as const;
const SUMMED = [...DIMENSIONS, ...MEASURE_NAMES, ...HISTOGRAM] as const;
const rows = columns(["project_id", "bucket", "label", "value", ...SUMMED]);
const rowsByDay = sql`project_id, ${DAY} as bucket, ${columns(["label", "value", ...SUMMED])}`;

/** One row a group of the rows in `source`: the sums, and the histograms added up. */
function grouped(source: SQL): SQL {
  return sql`
  select s.*, h.latency_buckets, h.latency_counts
  from (
    select ${group}, ${storedSums(own)} from ${source} group by ${group}
  ) s
  left join (
    select ${group}, array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
    from (
      select ${group}, u.latency_bucket, sum(coalesce(u.calls, 1))::integer as calls
      from ${source}, unnest(latency_buckets, latency_counts) as u (latency_bucket, calls)
      group by ${group}, u.latency_bucket
    ) by_bucket
    group by ${group}
  ) h using (${group})`;
}

/** The main rows in `source` once for each grouping set. */
function inSets(source: SQL): SQL {
  const sets = [...GROUPING_SETS].map(([label, set]) => {
    const dimensions = DIMENSIONS.map(
      (name) => sql`${set.includes(name) ? sql.identifier(name) : sql`''`} as ${sql.identifier(name)}`,
    );
    return sql`select project_id, bucket, ${label} as label, value, ${list(dimensions)}, ${columns([...MEASURE_NAMES, ...HISTOGRAM])} from ${source} where label = ${MAIN}`;
  });
  return sql`(${sql.join(sets, sql` union all `)})`;
}

const PUT = sql`insert into rollup (level, ${group}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)`;

const ofLabelDay = sql`r.level = ${LEVEL.day} and r.project_id = d.project_id and r.label = d.label and r.bucket = d.day`;

/** Has the value of label `l` rows of its own on the crowded day `c`? */
const isKnownValue = sql`exists (
    select from rollup r
    where r.level = ${LEVEL.day} and r.project_id = c.project_id and r.label = c.label and r.bucket = c.day and r.value = l.value
  )`;

const MERGE = compile(
  sql`
with moved as (
  delete from rollup where ctid = any(array(
    select ctid from rollup where level = ${LEVEL.partial}
    order by project_id, label, bucket limit ${sql.placeholder("limit")}::int
    for update skip locked
  )) returning *
),
spread as (
  select ${rows} from moved where label <> ${UNSPREAD}
  union all
  select t.project_id, t.bucket, l.label, case when c.day is null or ${isKnownValue} then l.value else ${OTHER} end, ${columns(SUMMED, "t")}
  from moved t cross join lateral ${labelsOf} as l
  left join crowded_labels c on c.project_id = t.project_id and c.label = l.label and c.day = ${DAY}
  where t.label = ${UNSPREAD}
),
fine as materialized (${grouped(sql`spread`)}),
by_hour as materialized (select * from fine union all ${grouped(sql`${inSets(sql`fine`)} as in_sets`)}),
by_day as materialized (${grouped(sql`(select ${rowsByDay} from by_hour) d`)}),
hours as (${taken(LEVEL.hour, sql`by_hour`)}),
days as (${taken(LEVEL.day, sql`by_day`)}),
hours_put as (
  ${PUT} select ${LEVEL.hour}, m.* from (${grouped(sql`(select ${rows} from by_hour union all select ${rows} from hours) a`)}) m
),
days_put as (
  ${PUT} select ${LEVEL.day}, m.* from (${grouped(sql`(select ${rows} from by_day union all select ${rows} from days) a`)}) m
)
select count(*)::int as merged,
  (select jsonb_agg(distinct jsonb_build_array(project_id, label, bucket)) from by_day where label <> ${MAIN} and label <> all(array[${list([...GROUPING_SETS.keys()].map((label) => sql`${label}`))}])) as label_days
from moved`.inlineParams(),
  ["limit"],
);

/** Of the label days named, finds those with too many values; stops counting there. One index look-up a value. */
const MARK_CROWDED = compile(
  sql`
insert into crowded_labels (project_id, label, day)
select d.project_id, d.label, d.day
from unnest(${sql.placeholder("projects")}::uuid[], ${sql.placeholder("labels")}::text[], ${sql.placeholder("days")}::timestamptz[])
  as d (project_id, label, day)
where (
  with recursive known (value, place) as (
    (select value, 1 from rollup r where ${ofLabelDay} order by value limit 1)
    union all
    select (select r.value from rollup r where ${ofLabelDay} and r.value > k.value order by r.value limit 1), k.place + 1
    from known k where k.value is not null and k.place <= ${MOST_LABEL_VALUES}
  )
  select count(value) from known
) >= ${MOST_LABEL_VALUES}
order by 1, 2, 3
on conflict do nothing`.inlineParams(),
  ["projects", "labels", "days"],
);

/**
 * One step: merges up to `limit` partial rows, and adds the days of the labels in them to `labelDays`.
 *
 * @returns how many there were; fewer than `limit` means that none are left but what other merges hold.
 */
export async function mergeStep(db: Database, limit: number, labelDays = new Set<string>()): Promise<number> {
  const [row] = await db.run(MERGE, [limit]);
  for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
  return Number(row!["merged"]);
}

/** Marks those of the label days, each as JSON of project, label and day, that have too many values. */
async function markCrowded(db: Database, labelDays: ReadonlySet<string>): Promise<void> {
  if (labelDays.size === 0) return;
  const days = [...labelDays].map((day) => JSON.parse(day) as [project: string, label: string, day: string]);
  await db.run(
    MARK_CROWDED,
    [0, 1, 2].map((i) => textArray(days.map((day) => day[i]!))),
  );
}

/** Steps grow while they are quick and shrink when they are slow: what a row costs depends on its labels. */
const FIRST_LIMIT = 2_000;
const LEAST_LIMIT = 50;
const MOST_LIMIT = 20_000;
const QUICK_MS = 1_000;
const SLOW_MS = 3_000;

/**
 * Merges step by step until nothing is left or time is up. Returns the rows merged, and whether all are.
 *
 * @throws DatabaseUnavailable when not even the smallest step succeeds.
 */
export async function merge(
  db: Database,
  now: () => number,
  deadlineMs: number,
): Promise<{ merged: number; drained: boolean }> {
  const labelDays = new Set<string>();
  let merged = 0;
  let limit = FIRST_LIMIT;
  while (now() < deadlineMs) {
    const beganMs = now();
    try {
      const step = await mergeStep(db, limit, labelDays);
      merged += step;
      if (step < limit) {
        await markCrowded(db, labelDays);
        return { merged, drained: true };
      }
    } catch (error) {
      // Perhaps cut off for taking too long; nothing was changed then, and a smaller step may do.
      if (!(error instanceof DatabaseUnavailable) || limit === LEAST_LIMIT) throw error;
      limit = Math.max(Math.floor(limit / 4), LEAST_LIMIT);
      continue;
    }
    const tookMs = now() - beganMs;
    if (tookMs < QUICK_MS) limit = Math.min(limit * 2, MOST_LIMIT);
    else if (tookMs > SLOW_MS) limit = Math.max(Math.floor(limit / 2), LEAST_LIMIT);
  }
  await markCrowded(db, labelDays);
  return { merged, drained: false };
}
