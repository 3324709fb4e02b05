/** Rollup rows added up: one row a group. */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compile } from "../db/client.ts";
import { columns, DIMENSIONS, MEASURE_NAMES, own, storedSums } from "./measures.ts";

/**
 * To be run before, in one transaction: Postgres takes the rows of such statements for few, and would sort them by ten
 * texts, which costs many times as much as to hash them.
 */
export const BY_HASH: Bound = {
  statement: compile(
    sql`select set_config('enable_sort', 'off', true), set_config('work_mem', '64MB', true)`.inlineParams(),
    [],
  ),
  values: [],
};

/** What tells rows of one level apart. */
export const GROUP = ["project_id", "bucket", "label", "value", ...DIMENSIONS] as const;
const group = columns(GROUP);

/** The columns of `grouped`, in its order. */
export const columnsOfRows = columns([...GROUP, ...MEASURE_NAMES, "latency_buckets", "latency_counts"]);

/**
 * One row a group of the rows in `source`: the sums, and the histograms added up. Each group with a histogram has sums, so a
 * left join would give the same; but Postgres, which takes the groups for one or two, would loop over all histograms for
 * each of thousands of groups. A full join it can only hash.
 */
export function grouped(source: SQL): SQL {
  return sql`
  select s.*, h.latency_buckets, h.latency_counts
  from (select ${group}, ${storedSums(own, true)} from ${source} group by ${group}) s
  full join (
    select ${group}, array_agg(latency_bucket) as latency_buckets, array_agg(calls) as latency_counts
    from (
      select ${group}, latency_bucket, sum(coalesce(calls, 1))::integer as calls
      from (
        select ${group}, unnest(latency_buckets) as latency_bucket, unnest(latency_counts) as calls from ${source}
      ) one
      group by ${group}, latency_bucket
    ) by_bucket
    where calls <> 0
    group by ${group}
  ) h using (${group})`;
}
