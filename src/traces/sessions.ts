/** Sessions. A session is the calls with the same session id, added up. */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import { IS_INEXACT } from "../ledger/measures.ts";
import { picoToUsd } from "../money.ts";
import { readRaw } from "../retention/kept.ts";
import { count, time, usd } from "../wire.ts";
import { readPage } from "./page.ts";
import type { TracesQuery } from "./query.ts";
import { matching } from "./matching.ts";
import { listTraces } from "./read.ts";
import type { ShownTrace } from "./shown.ts";

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
    inexact_requests: count.describe(
      "Calls with a cost that is not exact. `cost_is` of a call says in which direction.",
    ),
    inexact_cost_usd: usd.describe("The part of `cost_usd` that these calls have."),
    users: z.array(z.string()).describe("At most ten."),
    applications: z.array(z.string()).describe("At most ten."),
    tags: z
      .record(z.string(), z.array(z.string()))
      .describe(
        "The values of each tag of its calls, such as `agent`, `repository` and `branch`: at most ten values of at most twenty tags.",
      ),
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

/** The tags by which most people look for a session. They are shown before others. */
const FIRST_TAGS = ["agent", "team", "repository", "branch", "pull_request", "skill", "subagent", "query_source"];
const MOST_TAGS = 20;
const MOST_VALUES = 10;

/** A page of the sessions that have calls in the range. The session with the latest call comes first. */
export async function listSessions(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ sessions: Session[]; next_cursor: string | null }> {
  const [after, before] = keyRange(query.fromMs, query.toMs);
  // Sessions are in the order of their last calls, and only all calls of a session tell which one is the last.
  const which = matching(projectId, query, { after, before });
  const latest = sql`
    select * from (
      select t.session_id, ${sums} from traces t where ${which} and t.session_id is not null group by t.session_id
    ) s
    ${query.cursor === null ? sql`` : sql`where last_id < ${query.cursor}`}
    order by last_id desc limit ${query.limit + 1}`;
  const { limit, fromMs } = query;
  const { page, next_cursor } = await readPage(db, withTags(latest, which), { key: "last_id", limit, fromMs });
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
  const which = matching(projectId, own, { after, before });
  const added = sql`select t.session_id, ${sums} from traces t where ${which} group by t.session_id`;
  const [row] = await readRaw(db, withTags(added, which), query.fromMs);
  return row ? { ...shown(row), ...(await listTraces(db, projectId, own)) } : null;
}

/** Only the calls between the first and the last one of these sessions are read again. */
function withTags(sessions: SQL, which: SQL): SQL {
  return sql`
    with found as materialized (${sessions})
    select f.*, g.tags from found f left join (
      select session_id, jsonb_object_agg(key, shown) as tags from (
        select session_id, key, shown, row_number() over (
          partition by session_id order by array_position(${textArray(FIRST_TAGS)}::text[], key), key collate "C"
        ) as place
        from (
          select t.session_id, e.key, (array_agg(distinct e.value))[1:${MOST_VALUES}] as shown
          from traces t cross join lateral jsonb_each_text(t.tags) e
          where ${which} and t.session_id in (select session_id from found)
            and t.id >= (select min(first_id)::uuid from found) and t.id <= (select max(last_id)::uuid from found)
          group by t.session_id, e.key
        ) v
      ) p
      where place <= ${MOST_TAGS} group by session_id
    ) g using (session_id)`;
}

const sums = sql`
  min(t.id::text collate "C") as first_id, max(t.id::text collate "C") as last_id,
  min(t.started_at) as first_at, max(t.started_at) as last_at, count(*)::int as requests,
  count(*) filter (where t.status = 'error')::int as errors,
  coalesce(sum(t.input_tokens), 0)::bigint as input_tokens, coalesce(sum(t.output_tokens), 0)::bigint as output_tokens,
  sum(t.cost_pico) as cost_pico,
  sum(case when t.covered_by = 'plan' then t.cost_pico when t.cost_pico is not null then 0 end) as plan_cost_pico,
  sum(t.reported_cost_pico) as reported_cost_pico,
  count(*) filter (where t.cost_pico is null)::int as unpriced_requests,
  count(*) filter (where ${IS_INEXACT})::int as inexact_requests,
  coalesce(sum(t.cost_pico) filter (where ${IS_INEXACT}), 0) as inexact_cost_pico,
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
    inexact_requests: Number(row["inexact_requests"]),
    inexact_cost_usd: picoToUsd(BigInt(String(row["inexact_cost_pico"]))),
    users: (row["users"] ?? []) as string[],
    applications: row["applications"] as string[],
    tags: (row["tags"] ?? {}) as Record<string, string[]>,
  };
}

function usdOf(pico: unknown): string | null {
  return pico === null ? null : picoToUsd(BigInt(String(pico)));
}
