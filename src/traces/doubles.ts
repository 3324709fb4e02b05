/**
 * Suspects: pairs of calls that count both and may be one. They are of one session (of one trace or user, if they have
 * none), have the same model and tokens, and begin within seconds of each other. Nothing joined them: neither do their
 * ids, nor has anybody said that they are the same, or different. Pairs of which somebody has said it are a list beside,
 * so that a verdict can be reversed.
 */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { columns, list } from "../db/sql.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { once, readParameters, upTo } from "../parameters.ts";
import { readRaw } from "../retention/kept.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { zoneOf, type Zones } from "../summary/zone.ts";
import { type Double, DOUBLE_ID, doubleId, shownDouble, VERDICTS, type Verdict, WITHIN_MS } from "./double.ts";

/** A call is compared with this many that follow it. */
const NEXT = 3;
/** A page looks at this many calls at most. It may have fewer pairs than asked for, and others may follow. */
const LOOKED_AT = 20_000;

const LOWEST = "00000000-0000-0000-0000-000000000000";

export const DOUBLES_PARAMETERS = {
  ...RANGE_PARAMETERS,
  verdict: once(
    z.enum(VERDICTS, "must be same or different"),
    "Only pairs of which somebody has said this. Without it, pairs of which nobody has said anything.",
  ),
  limit: once(upTo(1_000), "Maximum number of items on a page.", { example: "10", fallback: "100" }),
  cursor: once(z.string().regex(DOUBLE_ID, "is not a cursor of this list"), "The `next_cursor` of the previous page."),
};

export interface DoublesQuery {
  fromMs: number;
  toMs: number;
  verdict: Verdict | null;
  limit: number;
  cursor: string | null;
}

interface Page {
  doubles: Double[];
  next_cursor: string | null;
}

/** From the first pair after the cursor, up to the end of the range. */
interface Stretch {
  from: string;
  highest: string;
  after: readonly [string, string];
  limit: number;
}

/** @throws ApiError 400 that names the wrong parameter. */
export function parseDoublesQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): DoublesQuery {
  const asked = readParameters(DOUBLES_PARAMETERS, params);
  const { fromMs, toMs } = rangeOf(asked, nowMs, zones);
  return { fromMs, toMs, verdict: asked.verdict ?? null, limit: asked.limit, cursor: asked.cursor ?? null };
}

/**
 * A page of suspects, or of the pairs of one verdict, oldest first.
 *
 * @throws Expired if calls of the range have been deleted for their age.
 */
export async function listDoubles(
  db: Database,
  projectId: string,
  { fromMs, toMs, verdict, limit, cursor }: DoublesQuery,
): Promise<Page> {
  const [lowest, highest] = keyRange(fromMs, toMs);
  const after = (cursor ?? doubleId(lowest, LOWEST)).split(".") as [string, string];
  const stretch = { from: after[0] > lowest ? after[0] : lowest, highest, after, limit: limit + 1 };
  if (verdict === null) return await listSuspects(db, projectId, stretch, fromMs);
  const rows = await readRaw(db, decided(projectId, stretch, verdict), fromMs);
  const pairs = rows.slice(0, limit).map(shownDouble);
  return { doubles: pairs, next_cursor: rows.length > limit ? pairs.at(-1)!.id : null };
}

async function listSuspects(db: Database, projectId: string, stretch: Stretch, fromMs: number): Promise<Page> {
  const rows = await readRaw(db, suspects(projectId, stretch), fromMs);
  const { looked, last_looked: last } = rows[0]!;
  // The calls that follow the last ones have not been looked at.
  const isCut = Number(looked) > LOOKED_AT;
  const resumeMs = isCut ? Math.max(startOfKey(String(last)) - WITHIN_MS, startOfKey(stretch.from) + 1) : Infinity;
  const pairs = rows.filter((row) => row["first"] !== null && startOfKey(String(row["first"])) < resumeMs);
  const page = pairs.slice(0, stretch.limit - 1).map(shownDouble);
  const next = pairs.length > page.length ? page.at(-1)!.id : null;
  const onward = isCut ? `${keyRange(resumeMs, resumeMs)[0]}.${LOWEST}` : null;
  return { doubles: page, next_cursor: next ?? onward };
}

/** What is shown of both calls. */
const SHOWN = sql`
a.id as first, a.started_at as first_at, a.rule as first_rule, a.application as first_application,
a.model as first_model, a.input_tokens as first_input, a.output_tokens as first_output, a.session_id as first_session,
a.trace_id as first_trace, a.user_id as first_user, a.cost_pico as first_cost, a.billable as first_counts,
b.id as second, b.started_at as second_at, b.rule as second_rule, b.application as second_application,
b.model as second_model, b.input_tokens as second_input, b.output_tokens as second_output, b.session_id as second_session,
b.trace_id as second_trace, b.user_id as second_user, b.cost_pico as second_cost, b.billable as second_counts`;

/** What tells the second call from the first. */
const FOLLOWED = [
  "id",
  "started_at",
  "rule",
  "application",
  "session_id",
  "trace_id",
  "user_id",
  "cost_pico",
  "response_id",
];
/** What both have in common. */
const COMMON = ["model", "input_tokens", "output_tokens", "billable"];
const NTHS = Array.from({ length: NEXT }, (_, i) => String(i + 1));
const FOLLOWING = NTHS.flatMap((nth) => FOLLOWED.map((field) => [field, nth] as const));

function column(of: string, name: string): SQL {
  return sql`${sql.identifier(of)}.${sql.identifier(name)}`;
}

const suspects = (projectId: string, { from, highest, after: [after, afterSecond], limit }: Stretch) => sql`
with looked as materialized (
  select t.id, t.started_at, t.rule, t.application, t.model, t.input_tokens, t.output_tokens, t.cost_pico, t.billable,
    t.response_id, t.session_id, t.trace_id, t.user_id,
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
  select ${SHOWN}, d.verdict, d.decided_at
  from followed a
  cross join lateral (
    select ${columns(FOLLOWED, "n")}, ${columns(COMMON, "a")} from (values ${list(
      NTHS.map((nth) => sql`(${list(FOLLOWED.map((field) => column("a", field + nth)))})`),
    )}) as n (${columns(FOLLOWED)})
  ) as b
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

const decided = (
  projectId: string,
  { from, highest, after: [after, afterSecond], limit }: Stretch,
  verdict: Verdict,
) => sql`
select ${SHOWN}, d.verdict, d.decided_at
from doubles d
join traces a on a.project_id = ${projectId}::uuid and a.id = d.first
join traces b on b.project_id = ${projectId}::uuid and b.id = d.second
where d.project_id = ${projectId}::uuid and d.verdict = ${verdict} and d.first >= ${from}::uuid
  and d.first < ${highest}::uuid and (d.first, d.second) > (${after}::uuid, ${afterSecond}::uuid)
order by d.first, d.second limit ${limit}`;
