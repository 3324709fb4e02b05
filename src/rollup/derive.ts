/**
 * The SQL that turns stored traces `t`, each with its price `p`, into rollup rows. The write, the
 * audit and the raw edges of a summary all use this one derivation, so that "rollup = raw" has one
 * meaning.
 */
import { sql, type SQL } from "drizzle-orm";
import { MAX_ROLLED_TAGS } from "../ingest/trace.ts";
import { latencyBucketOf } from "./latency.ts";
import { columns, DIMENSIONS, LEVEL, list, MAIN, MEASURE_NAMES, MEASURES, sums, UNSPREAD } from "./measures.ts";

/** The labels of `t` (a trace, or an unspread partial row) as rows of (label, value): its user, its first tags. */
export const labelsOf = sql`(
    select 'user' as label, t.user_id as value where t.user_id is not null
    union all
    (select 'tag.' || key, value from jsonb_each_text(t.tags) limit ${MAX_ROLLED_TAGS})
  )`.inlineParams();

/** Has `t` any label at all? */
const isLabelled = sql`(t.user_id is not null or t.tags is not null)`;

/** The dimensions of trace `t`, named as in a rollup row. */
const dimensionsOf: SQL = list(
  DIMENSIONS.map((name) =>
    name === "service_tier" ? sql`coalesce(t.service_tier, '') as service_tier` : sql`t.${sql.identifier(name)}`,
  ),
);

/** Start of the hour of trace `t`. */
const hourOf = sql`date_bin('1 hour', t.started_at, 'epoch'::timestamptz)`;

/**
 * The insert of main partials for the traces `t` with prices `p` in `source` (what follows FROM): one row a group.
 *
 * @param sign -1 takes the traces out of the rollups again.
 */
export function insertMainPartials(source: SQL, sign: 1 | -1 = 1): SQL {
  const grouping = columns(
    DIMENSIONS.filter((name) => name !== "service_tier"),
    "t",
  );
  return sql`
  insert into rollup (project_id, level, bucket, label, value, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select t.project_id, ${LEVEL.partial}, ${hourOf} as bucket, ${MAIN}, '', ${dimensionsOf},
    ${sums(({ of }) => signed(of, sign))},
    array_agg(${latencyBucketOf}) filter (where t.duration_us is not null),
    ${sign === 1 ? sql`null::integer[]` : sql`array_agg(-1) filter (where t.duration_us is not null)`}
  from ${source}
  where t.billable
  group by 1, 3, ${grouping}, coalesce(t.service_tier, '')`;
}

/** The same for label partials: one unspread row for each trace that has labels. */
export function insertLabelPartials(source: SQL, sign: 1 | -1 = 1): SQL {
  return sql`
  insert into rollup (project_id, level, bucket, label, value, user_id, tags, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select t.project_id, ${LEVEL.partial}, ${hourOf}, ${UNSPREAD}, '', t.user_id, t.tags, ${dimensionsOf},
    ${list(MEASURES.map(({ of }) => signed(of, sign)))},
    case when t.duration_us is not null then array[${latencyBucketOf}] end,
    ${sign === 1 ? sql`null::integer[]` : sql`case when t.duration_us is not null then array[-1] end`}
  from ${source}
  where t.billable and ${isLabelled}`;
}

function signed(value: SQL, sign: 1 | -1): SQL {
  return sign === 1 ? value : sql`-(${value})`;
}

/**
 * Is the price of the locked trace `t` visible to this statement? Locking reads a row's newest version, which another
 * change may have given a price after this statement's snapshot: taking it off would then take off too little. Such a
 * trace is left alone, and the caller tries again.
 */
export const priceVisible = sql`(
    t.price_id is null or exists (select from prices p where p.project_id = t.project_id and p.id = t.price_id)
  )`;
