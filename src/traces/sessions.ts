/** Sessions. A session is the calls with the same session id, added up. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import { picoToUsd } from "../money.ts";
import { readRaw } from "../retention/kept.ts";
import { count, time, usd } from "../wire.ts";
import { readPage } from "./page.ts";
import type { TracesQuery } from "./query.ts";
import { listTraces, matching, type ShownTrace } from "./read.ts";

export const Session = z
  .object({
    session_id: z.string(),
    first_at: time.describe("Start of the first call."),
    last_at: time.describe("Start of the last call."),
    requests: count,
    errors: count,
    input_tokens: count,
    output_tokens: count,
    total_tokens: count,
    cost_usd: usd.nullable().describe("Null if no call of the session has a price."),
    plan_cost_usd: usd.nullable().describe("The part of the cost that a plan covers."),
    reported_cost_usd: usd.nullable().describe("As callers or providers reported it. Null if none did."),
    unpriced_requests: count,
    users: z.array(z.string()).describe("At most ten."),
    applications: z.array(z.string()).describe("At most ten."),
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

/** A page of the sessions that have calls in the range. The session with the latest call comes first. */
export async function listSessions(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ sessions: Session[]; next_cursor: string | null }> {
  const [after, before] = keyRange(query.fromMs, query.toMs);
  // Sessions are in the order of their last calls, and only all calls of a session tell which one is the last.
  const latest = sql`
    select * from (
      select t.session_id, max(t.id::text collate "C") as last_id, ${sums}
      from traces t where ${matching(projectId, query, { after, before })} and t.session_id is not null
      group by t.session_id
    ) s
    ${query.cursor === null ? sql`` : sql`where last_id < ${query.cursor}`}
    order by last_id desc limit ${query.limit + 1}`;
  const { limit, fromMs } = query;
  const { page, next_cursor } = await readPage(db, latest, { key: "last_id", limit, fromMs });
  return { sessions: page.map(shown), next_cursor };
}

/** One session with a page of its calls, newest first; null if it has no calls in the range. */
export async function readSession(
  db: Database,
  projectId: string,
  sessionId: string,
  query: TracesQuery,
): Promise<(Session & { traces: ShownTrace[]; next_cursor: string | null }) | null> {
  const [after, before] = keyRange(query.fromMs, query.toMs);
  const own = { ...query, columns: { ...query.columns, session_id: [sessionId] } };
  const added = sql`
    select t.session_id, ${sums} from traces t where ${matching(projectId, own, { after, before })} group by t.session_id`;
  const [row] = await readRaw(db, added, query.fromMs);
  return row ? { ...shown(row), ...(await listTraces(db, projectId, own)) } : null;
}

const sums = sql`
  min(t.started_at) as first_at, max(t.started_at) as last_at, count(*)::int as requests,
  count(*) filter (where t.status = 'error')::int as errors,
  coalesce(sum(t.input_tokens), 0)::bigint as input_tokens, coalesce(sum(t.output_tokens), 0)::bigint as output_tokens,
  sum(t.cost_pico) as cost_pico,
  sum(case when t.covered_by = 'plan' then t.cost_pico when t.cost_pico is not null then 0 end) as plan_cost_pico,
  sum(t.reported_cost_pico) as reported_cost_pico,
  count(*) filter (where t.cost_pico is null)::int as unpriced_requests,
  (array_agg(distinct t.user_id) filter (where t.user_id is not null))[1:10] as users,
  (array_agg(distinct t.application))[1:10] as applications`;

function shown(row: Row): Session {
  const [input, output] = [Number(row["input_tokens"]), Number(row["output_tokens"])];
  return {
    session_id: String(row["session_id"]),
    first_at: (row["first_at"] as Date).toISOString(),
    last_at: (row["last_at"] as Date).toISOString(),
    requests: Number(row["requests"]),
    errors: Number(row["errors"]),
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    cost_usd: usdOf(row["cost_pico"]),
    plan_cost_usd: usdOf(row["plan_cost_pico"]),
    reported_cost_usd: usdOf(row["reported_cost_pico"]),
    unpriced_requests: Number(row["unpriced_requests"]),
    users: (row["users"] ?? []) as string[],
    applications: row["applications"] as string[],
  };
}

function usdOf(pico: unknown): string | null {
  return pico === null ? null : picoToUsd(BigInt(String(pico)));
}
