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
import { compile, type Database } from "../db/client.ts";
import { labelsOf } from "./derive.ts";
import { columns, DIMENSIONS, LEVEL, MEASURE_NAMES, sums, UNSPREAD } from "./measures.ts";

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

/** Puts the sums of the rows in `source` back, as rows at `level`. */
function put(level: number, source: SQL): SQL {
  return sql`
  insert into rollup (level, ${group}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select ${level}, s.*, h.latency_buckets, h.latency_counts
  from (
    select ${group}, ${sums(({ name }) => sql`${sql.identifier(name)}`)}
    from ${source} group by ${group}
  ) s
  left join (
    select ${group}, array_agg(latency_bucket order by latency_bucket) as latency_buckets, array_agg(calls order by latency_bucket) as latency_counts
    from (
      select ${group}, u.latency_bucket, sum(coalesce(u.calls, 1))::integer as calls
      from ${source}, unnest(latency_buckets, latency_counts) as u (latency_bucket, calls)
      group by ${group}, u.latency_bucket
    ) by_bucket
    group by ${group}
  ) h using (${group})
  order by ${group}`;
}

const SUMMED = [...DIMENSIONS, ...MEASURE_NAMES, "latency_buckets", "latency_counts"] as const;
const rows = columns(["project_id", "bucket", "label", "value", ...SUMMED]);
const rowsByDay = sql`project_id, ${DAY} as bucket, ${columns(["label", "value", ...SUMMED])}`;

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
  select t.project_id, t.bucket, l.label, l.value, ${columns(SUMMED, "t")}
  from moved t, lateral ${labelsOf} as l where t.label = ${UNSPREAD}
),
hour_groups as (select distinct ${group} from spread),
day_groups as (select distinct project_id, ${DAY} as bucket, ${columns(["label", "value", ...DIMENSIONS])} from spread),
hours as (${taken(LEVEL.hour, sql`hour_groups`)}),
days as (${taken(LEVEL.day, sql`day_groups`)}),
by_hour as (select ${rows} from spread union all select ${rows} from hours),
by_day as (select ${rowsByDay} from spread union all select ${rows} from days),
hours_put as (${put(LEVEL.hour, sql`by_hour`)}),
days_put as (${put(LEVEL.day, sql`by_day`)})
select count(*)::int as merged from moved`.inlineParams(),
  ["limit"],
);

/**
 * One step: merges up to `limit` partial rows.
 *
 * @returns how many there were; fewer than `limit` means that none are left but what other merges hold.
 */
export async function mergeStep(db: Database, limit: number): Promise<number> {
  const [row] = await db.run(MERGE, [limit]);
  return Number(row!["merged"]);
}

/** Merges step by step until nothing is left or time is up. Returns the rows merged, and whether all are. */
export async function merge(
  db: Database,
  now: () => number,
  deadlineMs: number,
  limit = 10_000,
): Promise<{ merged: number; drained: boolean }> {
  let merged = 0;
  while (now() < deadlineMs) {
    const step = await mergeStep(db, limit);
    merged += step;
    if (step < limit) return { merged, drained: true };
  }
  return { merged, drained: false };
}
