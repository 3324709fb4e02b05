/**
 * The explanation's SQL: the sums of both periods by every main dimension, from day and hour rows, and from the traces
 * for ragged edges, in one statement and so in one snapshot. Partial rows stand beside both levels and count in either.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { keyRange } from "../ingest/key.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { labelsOf } from "../rollup/derive.ts";
import {
  columns,
  DIMENSIONS,
  LEVEL,
  list,
  MAIN,
  type Measure,
  MEASURES,
  QUANTITIES,
  UNSPREAD,
} from "../rollup/measures.ts";
import { PUBLIC_DIMENSIONS } from "../summary/query.ts";
import { type Range, rangesOf, windowsOf } from "../summary/windows.ts";
import type { ExplainQuery } from "./query.ts";

/** Buckets whose quantity is a sum of counts; of `request` it is the number of calls. */
export const COUNTED_BUCKETS = BUCKETS.filter((bucket) => bucket !== "request");

const SUMMED = new Set([
  "requests",
  "errors",
  "unpriced_requests",
  "unrecorded_requests",
  "unpriced_tokens",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_pico",
  "recorded_cost_pico",
  ...BUCKETS.map((bucket) => `cost_${bucket}_pico`),
]);
const READ: readonly Measure[] = MEASURES.filter(({ name }) => SUMMED.has(name));

/** What each row of the statement sums, by column. */
export const READ_NAMES: readonly string[] = [
  ...READ.map(({ name }) => name),
  ...COUNTED_BUCKETS.map((bucket) => `held_${bucket}`),
];

/** Quantities of the price buckets, alike in a trace and in a rollup row `t`: both have the same counts. */
const held = list(COUNTED_BUCKETS.map((bucket) => sql`${QUANTITIES[bucket]} as ${sql.identifier(`held_${bucket}`)}`));

/** Rows of `side` (`before`, `after`), the main dimensions and the sums named by `READ_NAMES`. */
export function explainStatement(projectId: string, query: ExplainQuery, maxRows: number): SQL {
  const parts = (["before", "after"] as const).flatMap((side) => partsOf(projectId, query, side));
  const keys = columns(["side", ...DIMENSIONS]);
  const summed = list(READ_NAMES.map((name) => sql`sum(${sql.identifier(name)})::numeric as ${sql.identifier(name)}`));
  return sql`
with part as (${sql.join(parts, sql` union all `)})
select ${keys}, ${summed} from part group by ${keys} having sum(requests) <> 0 limit ${maxRows}`;
}

function partsOf(projectId: string, query: ExplainQuery, side: "before" | "after"): SQL[] {
  const { fromMs, toMs } = query[side];
  const windows = windowsOf(fromMs, toMs, "none", query.zone)!;
  const label = query.label?.name ?? MAIN;
  const parts: SQL[] = [];
  for (const source of ["day", "hour"] as const) {
    const ranges = rangesOf(windows, source);
    if (ranges.length === 0) continue;
    const rolledUp = sql`${columns(
      READ.map(({ name }) => name),
      "t",
    )}, ${held}`;
    parts.push(sql`
  select ${side} as side, ${columns(DIMENSIONS, "t")}, ${rolledUp}
  from rollup t
  where t.level in (${LEVEL.partial}, ${LEVEL[source]}) and t.project_id = ${projectId}::uuid and t.label = ${label}
    and ${bucketIn(ranges)}${valueFilter(query, sql`t.value`)}${dimensionFilters(query)}`);
    if (label === MAIN) continue;
    parts.push(sql`
  select ${side}, ${columns(DIMENSIONS, "t")}, ${rolledUp}
  from rollup t, lateral ${labelsOf} as l
  where t.level = ${LEVEL.partial} and t.project_id = ${projectId}::uuid and t.label = ${UNSPREAD} and l.label = ${label}
    and ${bucketIn(ranges)}${valueFilter(query, sql`l.value`)}${dimensionFilters(query)}`);
  }
  const ragged = rangesOf(windows, "raw");
  if (ragged.length > 0) parts.push(rawPart(projectId, query, side, ragged));
  return parts;
}

/** The traces themselves; ranges are compared by key, so that Postgres skips other months' partitions. */
function rawPart(projectId: string, query: ExplainQuery, side: string, ranges: readonly Range[]): SQL {
  const { label } = query;
  const inRange = ranges.map(({ fromMs, toMs }) => {
    const [lowest, highest] = keyRange(fromMs, toMs);
    return sql`(t.id >= ${lowest}::uuid and t.id < ${highest}::uuid)`;
  });
  return sql`
  select ${side} as side, ${columns(PUBLIC_DIMENSIONS, "t")}, coalesce(t.service_tier, '') as service_tier,
    ${list(READ.map(({ name, of }) => sql`${of} as ${sql.identifier(name)}`))}, ${held}
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id${
    label ? sql`, lateral ${labelsOf} as l` : sql``
  }
  where t.project_id = ${projectId}::uuid and t.billable and (${sql.join(inRange, sql` or `)})${
    label ? sql` and l.label = ${label.name}` : sql``
  }${valueFilter(query, sql`l.value`)}${dimensionFilters(query)}`;
}

function bucketIn(ranges: readonly Range[]): SQL {
  const within = ranges.map(
    ({ fromMs, toMs }) =>
      sql`(t.bucket >= ${new Date(fromMs).toISOString()}::timestamptz and t.bucket < ${new Date(toMs).toISOString()}::timestamptz)`,
  );
  return sql`(${sql.join(within, sql` or `)})`;
}

function valueFilter({ label }: ExplainQuery, value: SQL): SQL {
  return label ? sql` and ${value} = any(${textArray(label.values)}::text[])` : sql``;
}

function dimensionFilters({ dimensions }: ExplainQuery): SQL {
  return sql.join(
    PUBLIC_DIMENSIONS.flatMap((name) => {
      const values = dimensions[name];
      return values ? [sql` and t.${sql.identifier(name)} = any(${textArray(values)}::text[])`] : [];
    }),
    sql``,
  );
}
