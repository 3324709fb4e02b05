/**
 * The SQL that turns stored calls `t`, each with its price `p`, into rollup rows. The write, the audit and the raw
 * edges of a summary use this one derivation, so that "rollup = calls" has one meaning.
 */
import type { SQL } from "drizzle-orm";
import { AGENT, AGENT_TAGS } from "../ledger/agent-tags.ts";
import { COUNT_FIELDS, COUNT_NAMES, MAX_ROLLED_TAGS } from "../ledger/call.ts";
import { latencyBinOf } from "./latency.ts";
import { columns, constants, list, hourOf, sql } from "../db/sql.ts";
import { DIMENSIONS, MEASURE_NAMES, MEASURES, rolledUp } from "../ledger/measures.ts";
import { FORMAT, LEVEL } from "../ledger/levels.ts";
import { MAIN, NOT_ROLLED_UP, UNSPREAD } from "./families.ts";
import { stored, storedSums } from "./sums.ts";

/** The columns of the table `traces` that rollup rows derive from. */
export const ROLLED_UP: readonly string[] = [
  "project_id",
  "started_at",
  "duration_us",
  ...COUNT_FIELDS.map((field) => COUNT_NAMES[field]),
  "cost_pico",
  "recorded_cost_pico",
  "reported_cost_pico",
  "price_id",
  "cost_is",
  "billable",
  "status",
  ...DIMENSIONS,
  "user_id",
  "tags",
];

const userOf = sql`select 'user' as label, t.user_id as value where t.user_id is not null`;
const isOfAgent = sql`t.tags ? ${constants([AGENT])}`;
/** The tags of `t`, where those that are not rolled up have no value: after the first ten, the caller's own first. */
const tagsOfAgent = sql`
    t.tags || (select jsonb_object_agg(o.key, ${NOT_ROLLED_UP}) from (
      select k.key from jsonb_object_keys(t.tags) with ordinality as k (key, place)
      order by coalesce(array_position(array[${constants(AGENT_TAGS)}], k.key), 0), k.place offset ${MAX_ROLLED_TAGS}
    ) o)`;
/** Others are not looked at twice, because merging spends most of its time here. */
const tagsOf = sql`(
  select 'tag.' || g.key as label,
    case when g.place > ${MAX_ROLLED_TAGS} and not ${isOfAgent} then ${NOT_ROLLED_UP} else g.value end as value
  from jsonb_each_text(
    case when ${isOfAgent} and exists (select jsonb_object_keys(t.tags) offset ${MAX_ROLLED_TAGS}) then ${tagsOfAgent} else t.tags end
  ) with ordinality as g (key, value, place)
)`.inlineParams();

/**
 * The labels of `t` (a call, or an unspread partial row) as rows of (label, value): its user and its tags. A tag after
 * the first ten has the value `NOT_ROLLED_UP`.
 */
export const labelsOf = sql`(${userOf} union all ${tagsOf})`;

/** The part of `labelsOf` that contains this label if `t` has it. */
export const labelsWith = (label: string): SQL => (label === "user" ? sql`(${userOf})` : tagsOf);

/** True if `t` has any label. */
const isLabelled = sql`(t.user_id is not null or t.tags is not null)`;

/** The dimensions of call `t`, named as in a rollup row. */
const dimensionsOf: SQL = list(DIMENSIONS.map((name) => sql`${rolledUp(name)} as ${sql.identifier(name)}`));

const startHour = hourOf(sql`t.started_at`);

/** 1 adds calls to the rollups, -1 takes them out again, and `t.sign` reads the sign from each row. */
type Sign = 1 | -1 | "t.sign";

/** Calls as they were with the sign -1, and as they are now with the sign 1. */
export function difference(before: SQL, after: SQL): SQL {
  return sql`select *, -1 as sign from ${before} union all select *, 1 from ${after}`;
}

/**
 * The INSERT of main partials for calls `t` with prices `p`: one row per group.
 *
 * @param source the text after FROM.
 */
export function insertMainPartials(source: SQL, sign: Sign = 1): SQL {
  return sql`
  insert into rollup (project_id, level, format, bucket, label, value, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  select t.project_id, ${LEVEL.partial}, ${FORMAT}, ${startHour} as bucket, ${MAIN}, '', ${dimensionsOf},
    ${storedSums(({ of }) => signed(of, sign))},
    array_agg(${latencyBinOf}) filter (where t.duration_us is not null),
    ${sign === 1 ? sql`null::integer[]` : sql`array_agg(${factor(sign)}) filter (where t.duration_us is not null)`}
  from ${source}
  where t.billable
  group by 1, 4, ${list(DIMENSIONS.map(rolledUp))}`;
}

/**
 * The INSERT of label partials: one unspread row per call that has labels. Its `value` is its user, so that the index
 * finds it by the user.
 */
export function insertLabelPartials(source: SQL, sign: Sign = 1): SQL {
  return sql`
  insert into rollup (project_id, level, format, bucket, label, value, user_id, tags, ${columns(DIMENSIONS)}, ${columns(MEASURE_NAMES)}, latency_buckets, latency_counts)
  ${unspreadRows(source, sign)} and ${isLabelled}`;
}

/** The SELECT of one unspread row for each call of `source` that counts. It ends in its conditions. */
export function unspreadRows(source: SQL, sign: Sign = 1): SQL {
  return sql`select t.project_id, ${LEVEL.partial} as level, ${FORMAT} as format, ${startHour} as bucket, ${UNSPREAD} as label, coalesce(t.user_id, '') as value, t.user_id, t.tags, ${dimensionsOf},
    ${list(MEASURES.map((measure) => sql`${stored(measure, signed(measure.of, sign))} as ${sql.identifier(measure.name)}`))},
    case when t.duration_us is not null then array[${latencyBinOf}] end as latency_buckets,
    ${sign === 1 ? sql`null::integer[]` : sql`case when t.duration_us is not null then array[${factor(sign)}] end`} as latency_counts
  from ${source}
  where t.billable`;
}

function signed(value: SQL, sign: Sign): SQL {
  return sign === 1 ? value : sql`${factor(sign)} * (${value})`;
}

function factor(sign: Sign): SQL {
  return sign === "t.sign" ? sql`t.sign` : sql`${sign}`.inlineParams();
}

/** Locks calls, in the order that every statement which changes calls uses. So such statements do not deadlock. */
export function lockTraces(which: SQL): SQL {
  return sql`select 1 from traces t where ${which} order by t.id for update of t`;
}
