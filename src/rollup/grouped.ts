/** The SQL that adds rollup rows up: one row per group. */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compile } from "../db/client.ts";
import { columns } from "../db/sql.ts";
import { DIMENSIONS, MEASURE_NAMES } from "../ledger/measures.ts";
import { own, storedSums } from "./sums.ts";

/**
 * Runs before a statement with `grouped`, in its transaction. Postgres underestimates the number of rows and would sort
 * them by ten texts, which costs many times as much as hashing them.
 */
export const BY_HASH: Bound = {
  statement: compile(
    sql`select set_config('enable_sort', 'off', true), set_config('work_mem', '64MB', true)`.inlineParams(),
    [],
  ),
  values: [],
};

/** The columns that tell groups of one level apart. */
export const GROUP = ["project_id", "bucket", "label", "value", ...DIMENSIONS] as const;
const group = columns(GROUP);

/** The columns of `grouped`, in its order. */
export const columnsOfRows = columns([...GROUP, ...MEASURE_NAMES, "latency_buckets", "latency_counts"]);

/**
 * One row per group of the rows in `source`, with their sums and the sum of their histograms. A left join would give
 * the same result, because each group with a histogram has sums. But Postgres expects one or two groups, and would loop
 * over all histograms for each of thousands. It can only hash a full join.
 */
export function grouped(source: SQL): SQL {
  return sql`
  select s.*, h.latency_buckets, h.latency_counts
  from (select ${group}, ${storedSums(own, true)} from ${source} group by ${group}) s
  full join (
    select ${group}, array_agg(latency_bin) as latency_buckets, array_agg(calls) as latency_counts
    from (
      select ${group}, latency_bin, sum(coalesce(calls, 1))::integer as calls
      from (
        select ${group}, unnest(latency_buckets) as latency_bin, unnest(latency_counts) as calls from ${source}
      ) one
      group by ${group}, latency_bin
    ) by_bin
    where calls <> 0
    group by ${group}
  ) h using (${group})`;
}
