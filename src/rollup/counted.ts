/**
 * What was counted, ever, as it was when it was first counted: sums that never fall, for counters of monitoring.
 * They are the rollups without the corrections of calls that had been counted before (`corrections.ts`). They are read
 * from week rows, which are kept for ever, and from partial rows, in one snapshot.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { columns, constants, instantAt, list } from "../db/sql.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { CORRECTED_MEASURES, COUNTED_DIMENSIONS } from "../ledger/measures.ts";
import { MAIN, OTHER } from "./families.ts";
import { DAY_MS } from "../time.ts";
import { latencyBin } from "./latency.ts";

/** `input` and `output` include the other three: cached tokens and reasoning. */
export type TokenType = "input" | "output" | "cache_read" | "cache_write" | "reasoning";

export interface CountedGroup {
  projectId: string;
  /** Identifies the group if it is told apart; else empty. */
  key: string;
  application: string;
  environment: string;
  provider: string;
  model: string;
  requests: number;
  errors: number;
  tokens: Record<TokenType, number>;
  costPico: bigint;
  durationCount: number;
  durationSumSeconds: number;
  /** The number of calls that took up to each of `DURATION_BOUNDS` (seconds), and longer than the one before. */
  durations: number[];
}

export interface Counted {
  groups: CountedGroup[];
  /** By project: the cost that corrections added, and the cost that they took. */
  corrections: { projectId: string; addedPico: bigint; takenPico: bigint }[];
  /** The calls of the current UTC day as they stand. */
  today: { projectId: string; costPico: bigint; requests: number; unpricedRequests: number }[];
}

/** Upper bounds of the histogram, in seconds. A call is at most 1% off, as in the rollups' histograms. */
export const DURATION_BOUNDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** How many groups of a project are told apart. The others are one group, whose names are all `(other)`. */
export const MOST_GROUPS = 100;
/** How many are in all projects together. */
const MOST_IN_ALL = 1_000;
/** How many projects are. The others are one project, `(other)`. */
export const MOST_PROJECTS = 100;

const GROUP = ["project_id", ...COUNTED_DIMENSIONS];
const group = columns(GROUP);
const NAMES = CORRECTED_MEASURES.map(({ name }) => name);
const BINS = `{${DURATION_BOUNDS.map((seconds) => latencyBin(seconds * 1e6) + 1).join()}}`;

const each = (of: (name: SQL) => SQL): SQL =>
  list(NAMES.map((name) => sql`${of(columns([name]))} as ${sql.identifier(name)}`));

/**
 * A group that is told apart stays so, because `(other)` would fall otherwise. So those that were told apart before
 * come first.
 *
 * @param kept the keys of the groups that were told apart the last time.
 */
function countedSince(kept: readonly string[]): SQL {
  return sql`
with parts as materialized (
  select ${group}, ${each((name) => sql`coalesce(${name}, 0)`)}, latency_buckets, latency_counts, 1 as sign
  from rollup where level in (${constants([LEVEL.partial, ...LEVELS.week])}) and label = ${MAIN}
  union all
  select ${group}, ${each((name) => sql`-${name}`)}, latency_buckets, latency_counts, -1 from corrections
),
sums as (
  select ${group}, md5(concat_ws(chr(1), ${group})) as key, ${each((name) => sql`sum(${name})`)}
  from parts group by ${group}
),
known as (select *, key = any(${textArray(kept)}::text[]) as was_apart from sums),
projects as (
  select project_id, row_number() over (order by bool_or(was_apart) desc, sum(cost_pico) desc, project_id) as place
  from known group by project_id
),
shown as materialized (
  select ${columns([...GROUP, "key", ...NAMES], "k")},
    case when p.place <= ${MOST_PROJECTS}::int then k.project_id::text else ${OTHER} end as shown_project,
    p.place <= ${MOST_PROJECTS}::int and row_number() over (
      partition by k.project_id order by k.was_apart desc, k.cost_pico desc, k.key
    ) <= ${MOST_GROUPS}::int
      and row_number() over (order by k.was_apart desc, k.cost_pico desc, k.project_id, k.key) <= ${MOST_IN_ALL}::int as apart
  from known k join projects p using (project_id)
),
-- A number tells groups apart faster than their names, and there are many bins.
named as materialized (
  select *, case when apart then key else '' end as shown_key,
    dense_rank() over (order by shown_project, case when apart then key else '' end)::int as number
  from shown
),
durations as (
  select number, jsonb_object_agg(bin, calls) as durations
  from (
    select n.number, width_bucket(one.bin::integer, ${BINS}::integer[]) as bin, sum(r.sign * coalesce(one.calls, 1)) as calls
    from parts r join named n using (${group})
    cross join lateral unnest(r.latency_buckets, r.latency_counts) as one (bin, calls)
    group by 1, 2
  ) binned
  group by 1
)
select s.*, d.durations from (
  select number, min(shown_project) as project_id, min(shown_key) as key,
    ${list(COUNTED_DIMENSIONS.map((name) => sql`min(case when apart then ${sql.identifier(name)} else ${OTHER} end) as ${sql.identifier(name)}`))},
    ${each((name) => sql`sum(${name})::text`)}
  from named group by 1
) s left join durations d using (number)
order by number`;
}

const CORRECTIONS = sql`
select project_id, sum(cost_added_pico)::text as added, sum(cost_taken_pico)::text as taken
from corrections group by 1 order by 1`;

const today = (dayMs: number): SQL => sql`
select project_id, sum(requests)::text as requests, coalesce(sum(cost_pico), 0)::text as cost,
  coalesce(sum(unpriced_requests), 0)::text as unpriced
from rollup
where level in (${constants([LEVEL.partial, ...LEVELS.day])}) and label = ${MAIN}
  and bucket >= ${instantAt(dayMs)} and bucket < ${instantAt(dayMs + DAY_MS)}
group by 1 order by 1`;

/** @param kept the keys of the groups that were told apart the last time. */
export async function readCounted(db: Database, nowMs: number, kept: readonly string[]): Promise<Counted> {
  const dayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const [groups = [], corrections = [], days = []] = await db.batch([countedSince(kept), CORRECTIONS, today(dayMs)]);
  const known = new Set(groups.map((row) => String(row["project_id"])));
  const corrected = Map.groupBy(corrections, ({ project_id: id }) => (known.has(String(id)) ? String(id) : OTHER));
  const sumOf = (rows: readonly Row[], column: string): bigint =>
    rows.reduce((sum, row) => sum + BigInt(String(row[column])), 0n);
  return {
    groups: groups.map(groupOf),
    corrections: [...corrected].map(([projectId, rows]) => ({
      projectId,
      addedPico: sumOf(rows, "added"),
      takenPico: sumOf(rows, "taken"),
    })),
    today: days.map((row) => ({
      projectId: String(row["project_id"]),
      costPico: BigInt(String(row["cost"])),
      requests: Number(row["requests"]),
      unpricedRequests: Number(row["unpriced"]),
    })),
  };
}

function groupOf(row: Row): CountedGroup {
  const text = (name: string): string => String(row[name]);
  const number = (name: string): number => Number(row[name]);
  const durations = (row["durations"] ?? {}) as Record<string, number>;
  return {
    projectId: text("project_id"),
    key: text("key"),
    application: text("application"),
    environment: text("environment"),
    provider: text("provider"),
    model: text("model"),
    requests: number("requests"),
    errors: number("errors"),
    tokens: {
      input: number("input_tokens"),
      output: number("output_tokens"),
      cache_read: number("cache_read_tokens"),
      cache_write: number("cache_write_tokens"),
      reasoning: number("reasoning_tokens"),
    },
    costPico: BigInt(text("cost_pico")),
    durationCount: number("latency_count"),
    durationSumSeconds: number("latency_sum_us") / 1e6,
    durations: [...DURATION_BOUNDS, Infinity].map((_, bin) => durations[bin] ?? 0),
  };
}
