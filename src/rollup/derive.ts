/**
 * The SQL that turns stored traces `t`, each with its price `p`, into rollup rows. The write, the
 * audit and the raw edges of a summary all use this one derivation, so that "rollup = raw" has one
 * meaning.
 */
import { sql, type SQL } from "drizzle-orm";
import { COUNT_FIELDS, COUNT_NAMES, MAX_ROLLED_TAGS } from "../ingest/trace.ts";
import { latencyBucketOf } from "./latency.ts";
import {
  columns,
  DIMENSIONS,
  LEVEL,
  list,
  MAIN,
  MEASURE_NAMES,
  MEASURES,
  stored,
  storedSums,
  UNSPREAD,
} from "./measures.ts";

/** The columns of a trace that rollup rows derive from. */
export const ROLLED_UP: readonly string[] = [
  "project_id",
  "started_at",
  "duration_us",
  ...COUNT_FIELDS.map((field) => COUNT_NAMES[field]),
  "cost_pico",
  "recorded_cost_pico",
  "price_id",
  "billable",
  "status",
  ...DIMENSIONS,
  "user_id",
  "tags",
];

const userOf = sql`select 'user' as label, t.user_id as value where t.user_id is not null`;
const tagsOf =
  sql`(select 'tag.' || key as label, value from jsonb_each_text(t.tags) limit ${MAX_ROLLED_TAGS})`.inlineParams();

/** The labels of `t` (a trace, or an unspread partial row) as rows of (label, value): its user, its first tags. */
export const labelsOf = sql`(${userOf} union all ${tagsOf})`;

/** Those of them among which this label is, if `t` has it. */
export const labelsWith = (label: string): SQL => (label === "user" ? sql`(${userOf})` : tagsOf);

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

/** -1 takes a trace out of the rollups again; `t.sign` where the traces themselves say which. */
type Sign = 1 | -1 | "t.sign";

/** Traces as they were, to be taken off, and as they are, to be put there: with their `sign`. */
export function difference(before: SQL, after: SQL): SQL {
  return sql`select *, -1 as sign from ${before} union all select *, 1 from ${after}`;
}

/** The insert of main partials for the traces `t` with prices `p` in `source` (what follows FROM): one row a group. */
export function insertMainPartials(source: SQL, sign: Sign = 1): SQL {
  const grouping = columns(
    DIMENSIONS.filter((name) => name !== "service_tier"),
    "t",
  );
  return sql`
  insert into rollup (project_id, level, bucket, label, value, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select t.project_id, ${LEVEL.partial}, ${hourOf} as bucket, ${MAIN}, '', ${dimensionsOf},
    ${storedSums(({ of }) => signed(of, sign))},
    array_agg(${latencyBucketOf}) filter (where t.duration_us is not null),
    ${sign === 1 ? sql`null::integer[]` : sql`array_agg(${factor(sign)}) filter (where t.duration_us is not null)`}
  from ${source}
  where t.billable
  group by 1, 3, ${grouping}, coalesce(t.service_tier, '')`;
}

/** The same for label partials: one unspread row for each trace that has labels; its user is its value, too, so that it is found by it. */
export function insertLabelPartials(source: SQL, sign: Sign = 1): SQL {
  return sql`
  insert into rollup (project_id, level, bucket, label, value, user_id, tags, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select t.project_id, ${LEVEL.partial}, ${hourOf}, ${UNSPREAD}, coalesce(t.user_id, ''), t.user_id, t.tags, ${dimensionsOf},
    ${list(MEASURES.map((measure) => stored(measure, signed(measure.of, sign))))},
    case when t.duration_us is not null then array[${latencyBucketOf}] end,
    ${sign === 1 ? sql`null::integer[]` : sql`case when t.duration_us is not null then array[${factor(sign)}] end`}
  from ${source}
  where t.billable and ${isLabelled}`;
}

function signed(value: SQL, sign: Sign): SQL {
  return sign === 1 ? value : sql`${factor(sign)} * (${value})`;
}

function factor(sign: Sign): SQL {
  return sign === "t.sign" ? sql`t.sign` : sql`${sign}`.inlineParams();
}

/** Traces in the order in which all who change them lock them. */
export function lockTraces(which: SQL): SQL {
  return sql`select from traces t where ${which} order by t.id for update of t`;
}
