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
import { compile, type Database, DatabaseUnavailable } from "../db/client.ts";
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

const SUMMED = [...DIMENSIONS, ...MEASURE_NAMES, "latency_buckets", "latency_counts"] as const;
const rows = columns(["project_id", "bucket", "label", "value", ...SUMMED]);
const rowsByDay = sql`project_id, ${DAY} as bucket, ${columns(["label", "value", ...SUMMED])}`;

/** One row a group of the rows in `source`: the sums, and the histograms added up. */
function grouped(source: SQL): SQL {
  return sql`
  select s.*, h.latency_buckets, h.latency_counts
  from (
    select ${group}, ${sums(({ name }) => sql`${sql.identifier(name)}`)} from ${source} group by ${group}
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

const PUT = sql`insert into rollup (level, ${group}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)`;

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
by_hour as materialized (${grouped(sql`spread`)}),
by_day as materialized (${grouped(sql`(select ${rowsByDay} from by_hour) d`)}),
hours as (${taken(LEVEL.hour, sql`by_hour`)}),
days as (${taken(LEVEL.day, sql`by_day`)}),
hours_put as (
  ${PUT} select ${LEVEL.hour}, m.* from (${grouped(sql`(select ${rows} from by_hour union all select ${rows} from hours) a`)}) m
),
days_put as (
  ${PUT} select ${LEVEL.day}, m.* from (${grouped(sql`(select ${rows} from by_day union all select ${rows} from days) a`)}) m
)
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
  let merged = 0;
  let limit = FIRST_LIMIT;
  while (now() < deadlineMs) {
    const beganMs = now();
    try {
      const step = await mergeStep(db, limit);
      merged += step;
      if (step < limit) return { merged, drained: true };
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
  return { merged, drained: false };
}
