/** Reads both sides of the cross-check by UTC day: what agents say that they used, and the calls of the ledger. */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { dayOf } from "../db/sql.ts";
import { readByWeek } from "../traces/by-week.ts";
import { AGENT_OF_CALL } from "./agents.ts";
import type { Measure } from "./point.ts";
import type { CoverageQuery } from "./query.ts";
import { OTHER } from "./store.ts";

/** What an emitter says of a day. */
export interface Said {
  day: string;
  emitter: string;
  application: string;
  /** Tokens, or pico-USD. Left out: it does not count that. */
  amounts: Partial<Record<Measure, bigint>>;
  sessions: readonly string[];
  lastAtMs: number;
  /** How many differences were negative, and how many counters went back. */
  flagged: number;
  leftOut: number;
  /** True if a counter ran before the first day on which the ledger saw it. */
  ranBefore: boolean;
  /** True if its counters came as differences and as running totals. */
  bothWays: boolean;
}

/** The calls of a day that are an agent's, or an application's. */
export interface Counted {
  day: string;
  agent: string | null;
  application: string;
  requests: number;
  amounts: Partial<Record<Measure, bigint>>;
  reportedPico: bigint | null;
  unpriced: number;
  /** Those of the sessions asked for that have calls. */
  sessions: readonly string[];
  lastAtMs: number;
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export async function readSaid(db: Database, projectId: string, { fromMs, toMs }: CoverageQuery): Promise<Said[]> {
  const rows = await db.query(sql`
with own as (
  select r.*, p.highest,
    case when r.runs_since is null
      then (select coalesce(sum(a.amount), 0) from unnest(r.amounts) as a (amount) where a.amount > 0)
      else greatest(r.amounts[1] - coalesce(p.highest, 0), 0)
    end as used,
    case when r.runs_since is null
      then (select count(*) from unnest(r.amounts) as a (amount) where a.amount < 0)
      else (r.went_back or r.amounts[1] < p.highest)::int
    end as flags
  from reported_usage r
  left join lateral (
    select b.amounts[1] as highest from reported_usage b
    where b.project_id = ${projectId}::uuid and b.series = r.series and b.day < r.day
    order by b.day desc limit 1
  ) p on r.runs_since is not null
  where r.project_id = ${projectId}::uuid and r.day >= ${isoDay(fromMs)}::date and r.day < ${isoDay(toMs)}::date
)
select day::text as day, emitter, application, measures, sum(used)::text as used, sum(flags)::int as flags,
  sum(left_out)::int as left_out, extract(epoch from max(last_at)) * 1000 as last_ms,
  bool_or(highest is null and runs_since < day::timestamp at time zone 'UTC' and used > 0) as ran_before,
  count(distinct runs_since is null) > 1 as both_ways,
  array_agg(distinct session::text) filter (where session is not null) as sessions
from own group by day, emitter, application, measures order by 1, 2, 3, 4`);
  const said = new Map<string, Said>();
  for (const row of rows) addSaid(said, row);
  return [...said.values()];
}

function addSaid(said: Map<string, Said>, row: Row): void {
  const [day, emitter, application] = [String(row["day"]), String(row["emitter"]), String(row["application"])];
  const key = JSON.stringify([day, emitter, application]);
  const before = said.get(key);
  const amounts = { ...before?.amounts };
  if (row["measures"] !== OTHER) {
    for (const measure of String(row["measures"]).split("+") as Measure[])
      amounts[measure] = (amounts[measure] ?? 0n) + BigInt(String(row["used"]));
  }
  said.set(key, {
    day,
    emitter,
    application,
    amounts,
    sessions: [...new Set([...(before?.sessions ?? []), ...((row["sessions"] as string[] | null) ?? [])])],
    lastAtMs: Math.max(before?.lastAtMs ?? 0, Number(row["last_ms"])),
    flagged: (before?.flagged ?? 0) + Number(row["flags"]),
    leftOut: (before?.leftOut ?? 0) + Number(row["left_out"]),
    ranBefore: (before?.ranBefore ?? false) || row["ran_before"] === true,
    bothWays: (before?.bothWays ?? false) || row["both_ways"] === true,
  });
}

/**
 * The calls of agents, and those of applications that count by themselves.
 *
 * @throws Expired if calls of the range are no longer kept.
 */
export async function readCounted(
  db: Database,
  projectId: string,
  query: CoverageQuery,
  { applications, sessions }: { applications: readonly string[]; sessions: readonly string[] },
): Promise<Counted[]> {
  const counted: Counted[] = [];
  const rows = readByWeek(
    db,
    projectId,
    { ...query, columns: {}, labels: [], unpricedOnly: false, all: false },
    (calls) => sql`
select (${dayOf(sql`c.started_at`)} at time zone 'UTC')::date::text as day, c.agent, c.application,
  count(*)::int as requests, count(*) filter (where c.cost_pico is null)::int as unpriced,
  sum(c.input_tokens)::text as input, sum(c.output_tokens)::text as output, sum(c.cache_read_tokens)::text as cache_read,
  sum(c.cache_write_tokens)::text as cache_write, sum(c.reasoning_tokens)::text as reasoning,
  sum(c.cost_pico)::text as cost, sum(c.reported_cost_pico)::text as reported,
  extract(epoch from max(c.started_at)) * 1000 as last_ms,
  array_agg(distinct md5(c.session_id)::uuid::text) filter (
    where md5(c.session_id)::uuid = any(${plainArray(sessions)}::uuid[])
  ) as sessions
from (select t.*, ${AGENT_OF_CALL} as agent from traces t where ${calls}) c
where c.agent is not null or c.application = any(${textArray(applications)}::text[])
group by 1, 2, 3`,
  );
  for await (const row of rows) counted.push(countedOf(row));
  return counted;
}

const COUNTED = ["input", "output", "cache_read", "cache_write", "reasoning", "cost"] as const;

function countedOf(row: Row): Counted {
  const amounts: Counted["amounts"] = {};
  for (const measure of COUNTED) if (row[measure] !== null) amounts[measure] = BigInt(String(row[measure]));
  return {
    day: String(row["day"]),
    agent: row["agent"] as string | null,
    application: String(row["application"]),
    requests: Number(row["requests"]),
    amounts,
    reportedPico: row["reported"] === null ? null : BigInt(String(row["reported"])),
    unpriced: Number(row["unpriced"]),
    sessions: (row["sessions"] as string[] | null) ?? [],
    lastAtMs: Number(row["last_ms"]),
  };
}
