/** The SQL that adds rollup rows up: one row per group. */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compile } from "../db/client.ts";
import { columns } from "../db/sql.ts";
import { COMMON, DIMENSIONS, MEASURE_NAMES, MEASURES, RARE } from "../ledger/measures.ts";
import { own, plainSums, storedSums } from "./sums.ts";

const before = (settings: SQL): Bound => ({
  statement: compile(sql`select ${settings}`.inlineParams(), []),
  values: [],
});

const hashed = sql`set_config('enable_sort', 'off', true), set_config('work_mem', '64MB', true)`;
/**
 * Runs before a statement with `grouped`, in its transaction. Postgres underestimates the number of rows and would sort
 * them by ten texts, which costs many times as much as hashing them.
 */
export const BY_HASH = before(hashed);
/** The same where rows are taken by their places. Postgres would rather read a whole table of 100 MB. */
export const BY_HASH_AND_PLACE = before(sql`${hashed}, set_config('enable_seqscan', 'off', true)`);

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

/** A histogram with more entries than this is summed bin by bin. */
const MANY_BINS = 64;

/** A row with a larger sum is not added up as bigints, which have room for 900,000 of these. */
const MOST_PLAIN = sql`1e13`;

const numerics = columns(
  MEASURES.filter(({ name, type }) => type === "numeric" && COMMON.has(name)).map(({ name }) => name),
);

/**
 * What `groupedApart` asks of a row: a row is plain if it has common measures alone, no large sums and no counts of bins.
 * Most are. They are added up in half the time, over fewer columns and as bigints.
 */
export const isPlain = sql`(num_nonnulls(${columns([...RARE, "latency_counts"])}) = 0
    and coalesce(greatest(${numerics}), 0) < ${MOST_PLAIN} and coalesce(least(${numerics}), 0) > -${MOST_PLAIN}) as is_plain`;

/**
 * The same as `groupedFew`, where plain rows are added up apart from others. So a group may have two rows.
 *
 * @param rows a SELECT of rows `t`, which have `isPlain`. It ends in its conditions.
 */
export function groupedApart(rows: SQL): SQL {
  return sql`${groupedFew(sql`(${rows} and t.is_plain) as plain`, true)}
  union all
  ${groupedFew(sql`(${rows} and not t.is_plain) as other`)}`;
}

/**
 * The same as `grouped`, cheaper where groups have few rows. Histograms are joined: they may name a bin several times, and
 * that costs a third of summing them. Only long ones are summed.
 *
 * @param plain true if all rows are.
 */
export function groupedFew(source: SQL, plain = false): SQL {
  const one = plain
    ? sql`select latency_bin, count(*)::integer as calls from unnest(g.latency_bins) as latency_bin group by 1`
    : sql`
        select latency_bin, sum(calls)::integer as calls
        from unnest(g.latency_bins, g.latency_calls) as one (latency_bin, calls) group by 1`;
  const summed = (column: SQL): SQL =>
    sql`(select array_agg(${column} order by latency_bin) from (${one}) by_bin where calls <> 0)`;
  const isLong = sql`cardinality(g.latency_bins) > ${MANY_BINS}`.inlineParams();
  const calls = sql`,
    count(latency_counts) as counted,
    joined(case when latency_buckets is not null
      then coalesce(latency_counts, array_fill(1, array[cardinality(latency_buckets)]))
    end) as latency_calls`;
  return sql`
  select ${columns([...GROUP, ...MEASURE_NAMES], "g")},
    case when ${isLong} then ${summed(sql`latency_bin`)} else g.latency_bins end as latency_buckets,
    case when ${isLong} then ${summed(sql`calls`)}${plain ? sql`` : sql` when g.counted > 0 then g.latency_calls`} end as latency_counts
  from (
    select ${group}, ${plain ? plainSums(own, COMMON) : storedSums(own, true)},
    joined(latency_buckets) as latency_bins${plain ? sql`` : calls}
    from ${source} group by ${group}
  ) g`;
}
