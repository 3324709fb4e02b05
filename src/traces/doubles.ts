/**
 * Suspects: pairs of calls that count both and may be one. They are of one session (of one trace or user, if they have
 * none), have the same model and tokens, and begin within seconds of each other. Nothing joined them: neither do their
 * ids, nor has anybody said that they are the same, or different.
 */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "../db/client.ts";
import { columns, list } from "../db/sql.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { picoToUsd } from "../money.ts";
import { once, readParameters, upTo } from "../parameters.ts";
import { readRaw } from "../retention/kept.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { zoneOf, type Zones } from "../summary/zone.ts";
import { count, id, time, usd } from "../wire.ts";

const WITHIN_MS = 10_000;
/** A call is compared with this many that follow it. */
const NEXT = 3;
/** A page looks at this many calls at most. It may have fewer pairs than asked for, and others may follow. */
const LOOKED_AT = 20_000;

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const CURSOR = new RegExp(`^${UUID}:${UUID}$`);
const LOWEST = "00000000-0000-0000-0000-000000000000";

export const DOUBLES_PARAMETERS = {
  ...RANGE_PARAMETERS,
  limit: once(upTo(1_000), "Maximum number of items on a page.", { example: "10", fallback: "100" }),
  cursor: once(z.string().regex(CURSOR, "is not a cursor of this list"), "The `next_cursor` of the previous page."),
};

export interface DoublesQuery {
  fromMs: number;
  toMs: number;
  limit: number;
  cursor: string | null;
}

const Suspect = z.object({
  id,
  timestamp: time,
  rule: z.string().describe("By which rule the report was read. It names the emitter's kind of report."),
  application: z.string(),
  cost_usd: usd.nullable(),
});

export const Double = z
  .object({
    calls: z.array(Suspect).length(2).describe("The two calls, the one that began first before the other."),
    model: z.string(),
    input_tokens: count.nullable(),
    output_tokens: count.nullable(),
    session_id: z.string().nullable(),
    trace_id: z.string().nullable(),
    user_id: z.string().nullable(),
  })
  .meta({ id: "Double" });
export type Double = z.infer<typeof Double>;

/** @throws ApiError 400 that names the wrong parameter. */
export function parseDoublesQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): DoublesQuery {
  const asked = readParameters(DOUBLES_PARAMETERS, params);
  const { fromMs, toMs } = rangeOf(asked, nowMs, zones);
  return { fromMs, toMs, limit: asked.limit, cursor: asked.cursor ?? null };
}

/**
 * A page of suspects, oldest first.
 *
 * @throws Expired if calls of the range have been deleted for their age.
 */
export async function listDoubles(
  db: Database,
  projectId: string,
  { fromMs, toMs, limit, cursor }: DoublesQuery,
): Promise<{ doubles: Double[]; next_cursor: string | null }> {
  const [lowest, highest] = keyRange(fromMs, toMs);
  const [after, afterSecond] = (cursor ?? `${lowest}:${LOWEST}`).split(":") as [string, string];
  const from = after > lowest ? after : lowest;
  const rows = await readRaw(db, suspects(projectId, [from, highest], [after, afterSecond], limit + 1), fromMs);
  const { looked, last_looked: last } = rows[0]!;
  // The calls that follow the last ones have not been looked at.
  const isCut = Number(looked) > LOOKED_AT;
  const resumeMs = isCut ? Math.max(startOfKey(String(last)) - WITHIN_MS, startOfKey(from) + 1) : Infinity;
  const pairs = rows.filter((row) => row["first"] !== null && startOfKey(String(row["first"])) < resumeMs);
  const page = pairs.slice(0, limit);
  const end = page.at(-1);
  const next = pairs.length > limit ? `${String(end!["first"])}:${String(end!["second"])}` : null;
  const onward = isCut ? `${keyRange(resumeMs, resumeMs)[0]}:${LOWEST}` : null;
  return { doubles: page.map(shown), next_cursor: next ?? onward };
}

/** What is shown of the second call, or decides about the pair. */
const FOLLOWED = ["id", "started_at", "rule", "application", "cost_pico", "response_id"];
const NTHS = Array.from({ length: NEXT }, (_, i) => String(i + 1));
const FOLLOWING = NTHS.flatMap((nth) => FOLLOWED.map((field) => [field, nth] as const));

function column(of: string, name: string): SQL {
  return sql`${sql.identifier(of)}.${sql.identifier(name)}`;
}

const suspects = (
  projectId: string,
  [from, highest]: readonly [string, string],
  [after, afterSecond]: readonly [string, string],
  limit: number,
) => sql`
with looked as materialized (
  select t.id, t.started_at, t.rule, t.application, t.model, t.input_tokens, t.output_tokens, t.cost_pico, t.response_id,
    t.session_id, t.trace_id, t.user_id,
    case
      when t.session_id is not null then 's' || t.session_id
      when t.trace_id is not null then 't' || t.trace_id
      else 'u' || t.user_id end as owner
  from traces t
  where t.project_id = ${projectId}::uuid and t.id >= ${from}::uuid and t.id < ${highest}::uuid
    and t.billable and not t.wrapper and t.status = 'ok'
    and coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0) > 0
  order by t.id limit ${LOOKED_AT + 1}
),
-- What is asked of the calls that follow comes along: a join would compare each call with each, if few are expected.
followed as (
  select l.*, ${list(FOLLOWING.map(([field, nth]) => sql`lead(${column("l", field)}, ${Number(nth)}::integer) over w as ${sql.identifier(field + nth)}`))}
  from looked l where l.owner is not null
  window w as (partition by l.owner, l.model, l.input_tokens, l.output_tokens order by l.id)
),
pairs as (
  select a.id as first, b.id as second, a.started_at as first_at, b.started_at as second_at, a.rule as first_rule,
    b.rule as second_rule, a.application as first_application, b.application as second_application,
    a.cost_pico as first_cost, b.cost_pico as second_cost, a.model, a.input_tokens, a.output_tokens, a.session_id,
    a.trace_id, a.user_id
  from followed a
  cross join lateral (values ${list(
    NTHS.map((nth) => sql`(${list(FOLLOWED.map((field) => column("a", field + nth)))})`),
  )}) as b (${columns(FOLLOWED)})
  left join doubles d on d.project_id = ${projectId}::uuid and d.first = a.id and d.second = b.id
  where d.verdict is null and b.started_at <= a.started_at + make_interval(secs => ${WITHIN_MS / 1_000})
    and (a.id, b.id) > (${after}::uuid, ${afterSecond}::uuid)
    -- Two ids that one provider gave are of two responses.
    and (a.response_id = b.response_id
      or substring(a.response_id from '^[A-Za-z]+[_-]') = substring(b.response_id from '^[A-Za-z]+[_-]')) is not true
  order by a.id, b.id limit ${limit}
)
select p.*, e.looked, e.last_looked
from (select count(*)::int as looked, max(l.id::text collate "C") as last_looked from looked l) e
left join pairs p on true
order by p.first, p.second`;

function shown(row: Row): Double {
  const call = (which: "first" | "second"): z.infer<typeof Suspect> => ({
    id: String(row[which]),
    timestamp: (row[`${which}_at`] as Date).toISOString(),
    rule: String(row[`${which}_rule`]),
    application: String(row[`${which}_application`]),
    cost_usd: row[`${which}_cost`] === null ? null : picoToUsd(BigInt(String(row[`${which}_cost`]))),
  });
  return {
    calls: [call("first"), call("second")],
    model: String(row["model"]),
    input_tokens: row["input_tokens"] as number | null,
    output_tokens: row["output_tokens"] as number | null,
    session_id: row["session_id"] as string | null,
    trace_id: row["trace_id"] as string | null,
    user_id: row["user_id"] as string | null,
  };
}
