/**
 * What a stored call is worth knowing only once its neighbours are known: whether it counts, and whose it is. The
 * spans of a trace come in any order, in any number of bodies, so both are a function of all spans of the trace that
 * are stored, worked out anew by the transaction that stores another one:
 *
 *   - a wrapper counts if the grace time is over and no call is below it, and may not be either; the outermost only;
 *   - a call around calls of its kind (the frame of a retry, a second instrumentation) does not count, unless only it
 *     knows the tokens;
 *   - of several sightings of one response only one counts: the first of those that tell most of what is priced;
 *   - user, session and tags that a span does not say are those of the nearest span above it that does.
 *
 * Rollups change by the difference, in the statement that changes the traces.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, REFUSED } from "../db/client.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import type { PricedTrace } from "./columns.ts";
import { keyRange } from "./key.ts";
import { COUNT_FIELDS, type Link, type Trace } from "./trace.ts";

/** Spans of one trace are looked for this long before and after what has just come. */
const REACH_MS = 2 * 86_400_000;
/** Sightings of one response begin within this time; further apart, somebody uses an id again. */
const SAME_CALL_MS = 3_600_000;
/** Spans further up than this are not looked at. */
const MAX_DEPTH = 64;
/** Ids that are drawn from a thousand numbers tell nothing. */
const WEAK_RESPONSE_ID = /^chatcmpl-\d{1,4}$/;

const PRICED = sql`t left join prices p on p.project_id = t.project_id and p.id = t.price_id`;

const param = sql.placeholder;
const project = sql`${param("project")}::uuid`;
const inReach = (alias: SQL): SQL =>
  sql`${alias}.project_id = ${project} and ${alias}.id >= ${param("lowest")}::uuid and ${alias}.id < ${param("highest")}::uuid`;

const startOf = (id: SQL): SQL => sql`('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint`;

/** Keeps links of traces that have to do with calls. */
const LINK = compileNamed(sql`
insert into spans (project_id, trace_id, span_id, parent_id, user_id, session_id, tags)
select ${project}, l.trace_id, l.span_id, l.parent_id, l.user_id, l.session_id, l.tags::jsonb
from unnest(
  ${param("trace_ids")}::text[], ${param("span_ids")}::text[], ${param("parent_ids")}::text[], ${param("user_ids")}::text[],
  ${param("session_ids")}::text[], ${param("tags")}::text[], ${param("of_interest")}::boolean[]
) as l (trace_id, span_id, parent_id, user_id, session_id, tags, of_interest)
where l.of_interest
  or l.trace_id in (select t.trace_id from traces t where ${inReach(sql`t`)} and t.trace_id = any(${param("trace_ids")}::text[]))
  or l.trace_id in (select s.trace_id from spans s where s.project_id = ${project} and s.trace_id = any(${param("trace_ids")}::text[]))
order by l.trace_id, l.span_id
on conflict do nothing`);

/** Links of traces that have been quiet for long enough. */
export const forgetLinks = sql`delete from spans where received_at < now() - make_interval(secs => ${REACH_MS / 1_000}::float8)`;

/** Adds sightings to what is known of their responses; the row's lock makes those of one response take turns. */
const SIGHT = compileNamed(sql`
insert into responses as r (project_id, response, holder, detail, sightings)
select ${project}, md5(s.response)::uuid, (array_agg(s.id order by s.detail desc, s.position))[1], max(s.detail),
  array_agg(s.id order by s.position)
from unnest(${param("responses")}::text[], ${param("ids")}::uuid[], ${param("details")}::smallint[])
  with ordinality as s (response, id, detail, position)
group by 2 order by 2
on conflict (project_id, response) do update set
  holder = case when ${anotherCall()} or excluded.detail > r.detail then excluded.holder else r.holder end,
  detail = case when ${anotherCall()} then excluded.detail else greatest(excluded.detail, r.detail) end,
  sightings = case when ${anotherCall()} then excluded.sightings else r.sightings || excluded.sightings end
where not excluded.sightings <@ r.sightings`);

function anotherCall(): SQL {
  const apart = sql`abs(${startOf(sql`excluded.holder`)} - ${startOf(sql`r.holder`)})`;
  return sql`${apart} > ${SAME_CALL_MS}`.inlineParams();
}

/** Those who settle one trace take turns. The locks are few, whatever the number of traces: the server has not many. */
const TAKE_TURN = compileNamed(sql`
select pg_advisory_xact_lock(k) from (
  select distinct hashtextextended(${project}::text || trace_id, 0) & 63 as k
  from unnest(${param("traces")}::text[]) as i (trace_id) order by 1
) as locks`);

/** Responses of these ids that were seen more than once. */
const seen = sql`
  select r.holder, r.sightings from responses r
  where r.project_id = ${project} and cardinality(r.sightings) > 1
    and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`;

/**
 * Refuses when there is something to settle: a trace of which more than these `calls` is known, or a response that was
 * seen before. For most batches there is not, and finding that out is much cheaper than settling.
 */
const CHECK = compileNamed(sql`
select refuse_if(
  exists (
    select from unnest(${param("traces")}::text[], ${param("calls")}::integer[]) as i (trace_id, calls)
    join (
      select t.trace_id, count(*) as stored from traces t
      where ${inReach(sql`t`)} and t.trace_id = any(${param("traces")}::text[]) group by 1
    ) k on k.trace_id = i.trace_id
    where k.stored > i.calls
  )
  or exists (select from spans s where s.project_id = ${project} and s.trace_id = any(${param("traces")}::text[]))
  or exists (${seen}),
  ${REFUSED}
)`);

/** Whatever is settled is locked first, so that it is seen as it is. */
const LOCK = compileNamed(
  lockTraces(sql`
  ${inReach(sql`t`)} and (
    t.trace_id = any(${param("traces")}::text[]) or t.id = any(array(select unnest(s.sightings) from (${seen}) as s))
  )`),
);

/** Of the same kind: operations that emitters name differently for the same call. */
const kind = sql`case when t.operation in ('chat', 'text_completion', 'generate_content') then 'chat' else t.operation end`;

/** What a row counts as known: tokens, none at all (a failed call), or unknown. */
const tokens = sql`case when t.input_tokens is null and t.output_tokens is null then null
    else coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0) end`;

const SETTLE = compileNamed(sql`
with node as materialized (
  select t.trace_id, t.span_id, t.parent_id, t.id, t.wrapper, ${kind} as kind, ${tokens} as tokens, t.response_id,
    t.received_at, t.billable, t.nested, t.user_id, t.session_id, t.tags
  from traces t where ${inReach(sql`t`)} and t.trace_id = any(${param("traces")}::text[]) and t.span_id is not null
  union all
  select s.trace_id, s.span_id, s.parent_id, null, true, null, null, null, null, null, null, s.user_id, s.session_id, s.tags
  from spans s where s.project_id = ${project} and s.trace_id = any(${param("traces")}::text[])
),
-- Each stored row with each span above it, from the nearest on.
above as materialized (
  with recursive up (id, trace_id, depth, parent_id, up_id, up_wrapper, up_kind, up_tokens, up_response_id, user_id, session_id, tags) as (
    select r.id, r.trace_id, 1, u.parent_id, u.id, u.wrapper, u.kind, u.tokens, u.response_id, u.user_id, u.session_id, u.tags
    from node r join node u on u.trace_id = r.trace_id and u.span_id = r.parent_id
    where r.id is not null
    union all
    select a.id, a.trace_id, a.depth + 1, u.parent_id, u.id, u.wrapper, u.kind, u.tokens, u.response_id, u.user_id, u.session_id, u.tags
    from up a join node u on u.trace_id = a.trace_id and u.span_id = a.parent_id
    where a.depth < ${MAX_DEPTH} and u.id is distinct from a.id
  )
  select * from up
),
-- Where the chain of a row ends: at a span that is not here, or null at a root.
top as materialized (
  select distinct on (r.id) r.id, r.trace_id, r.wrapper, case when a.id is null then r.parent_id else a.parent_id end as missing
  from node r left join above a on a.id = r.id
  where r.id is not null
  order by r.id, a.depth desc
),
call_below as materialized (
  select a.up_id as wrapper_id from above a join node c on c.id = a.id
  where not c.wrapper and a.up_id is not null
),
candidate as materialized (
  select w.id, w.trace_id, w.received_at from node w join top on top.id = w.id
  where w.wrapper
    and w.id not in (select wrapper_id from call_below)
    and not exists (select from above a where a.id = w.id and not a.up_wrapper)
    and not exists (
      select from top c
      where c.trace_id = w.trace_id and not c.wrapper and c.missing is not null and c.missing is distinct from top.missing
    )
    and not exists (
      select from responses r
      where r.project_id = ${project} and r.response = md5(w.response_id)::uuid and r.holder <> w.id
    )
),
ripe as materialized (
  select id from candidate where received_at <= now() - make_interval(secs => ${param("grace")}::float8)
),
-- Calls right around calls of their kind. What both say they have from one response is two sightings, not two calls.
pair as materialized (
  select a.id as inner_id, c.tokens as inner_tokens, a.up_id as outer_id, a.up_tokens as outer_tokens
  from above a join node c on c.id = a.id
  where not a.up_wrapper and not c.wrapper and a.up_kind = c.kind
    and (a.up_response_id <> c.response_id or a.up_response_id is null or c.response_id is null)
),
better_below as (select outer_id from pair where inner_tokens > 0),
context as (
  select a.id,
    (array_agg(a.user_id order by a.depth) filter (where a.user_id is not null))[1] as user_id,
    (array_agg(a.session_id order by a.depth) filter (where a.session_id is not null))[1] as session_id
  from above a group by a.id
),
inherited_tags as (
  select a.id, jsonb_object_agg(tag.key, tag.value order by a.depth desc) as tags
  from above a, jsonb_each(a.tags) as tag group by a.id
),
judged as (
  select n.*, case
      when n.wrapper then false
      when n.tokens > 0 then n.id in (select outer_id from better_below)
      when n.tokens = 0 then n.id in (select outer_id from pair)
      else n.id in (select outer_id from pair where inner_tokens is null or inner_tokens > 0)
        or exists (
          select from pair p where p.inner_id = n.id and p.outer_tokens > 0
            and p.outer_id not in (select outer_id from better_below)
        )
    end as now_nested
  from node n where n.id is not null
),
contested as materialized (${seen}),
wanted as (
  select j.id, j.billable, j.nested, j.user_id, j.session_id, j.tags,
    case when j.wrapper
      then j.id in (select id from ripe)
        and not exists (select from above a where a.id = j.id and a.up_id in (select id from ripe))
      else not j.now_nested and not exists (
        select from responses r
        where r.project_id = ${project} and r.response = md5(j.response_id)::uuid and j.id = any(r.sightings) and r.holder <> j.id
      )
    end as now_billable,
    j.now_nested,
    coalesce(j.user_id, c.user_id) as now_user_id, coalesce(j.session_id, c.session_id) as now_session_id,
    case when i.tags is null then j.tags else i.tags || coalesce(j.tags, '{}') end as now_tags
  from judged j left join context c on c.id = j.id left join inherited_tags i on i.id = j.id
  union all
  select t.id, t.billable, t.nested, t.user_id, t.session_id, t.tags,
    not t.nested and t.id in (select holder from contested), t.nested, t.user_id, t.session_id, t.tags
  from traces t
  where ${inReach(sql`t`)} and t.id = any(array(select unnest(sightings) from contested)) and t.id not in (select id from judged)
),
changed as materialized (
  select * from wanted
  where (billable, nested, user_id, session_id, tags) is distinct from (now_billable, now_nested, now_user_id, now_session_id, now_tags)
),
before as materialized (
  select t.* from traces t where ${inReach(sql`t`)} and t.id = any(array(select id from changed))
),
after as (
  update traces t
  set billable = c.now_billable, nested = c.now_nested, user_id = c.now_user_id, session_id = c.now_session_id, tags = c.now_tags
  from changed c
  where ${inReach(sql`t`)} and t.id = any(array(select id from changed)) and c.id = t.id
  returning t.*
),
-- Labels change with whose a call is; the main rollup only with whether it counts.
recounted as materialized (select id from changed where billable <> now_billable),
difference as (${difference(sql`before`, sql`after`)}),
main_partials as (${insertMainPartials(sql`(select * from difference where id in (select id from recounted)) ${PRICED}`, "t.sign")}),
label_partials as (${insertLabelPartials(sql`difference ${PRICED}`, "t.sign")}),
held as (
  insert into held_wrappers (project_id, id, trace_id, due_at)
  select ${project}, c.id, c.trace_id, c.received_at + make_interval(secs => ${param("grace")}::float8)
  from candidate c where c.id not in (select id from ripe)
  on conflict (project_id, id) do update set due_at = excluded.due_at where held_wrappers.due_at <> excluded.due_at
)
select (extract(epoch from min(started_at)) * 1000)::float8 as earliest_ms from before`);

export interface Settling {
  /** Suffices for most batches: fails with `Refused` where it does not. Null where it surely does not. */
  check: Bound[] | null;
  /** Of what this changes, a row tells the earliest start in `earliest_ms`. */
  settle: Bound[];
}

/** What has to run after the write, in its transaction; null for calls that nothing could be known of. */
export function settling(
  projectId: string,
  batch: readonly PricedTrace[],
  links: readonly Link[],
  graceSeconds: number,
): Settling | null {
  const spans = new Map<string, Trace>();
  for (const { trace } of batch) if (trace.traceId !== null && trace.spanId !== null) spans.set(trace.id, trace);
  const sightings = batch.map(({ trace }) => trace).filter((trace) => trace.billable && isTelling(trace.responseId));
  if (spans.size === 0 && links.length === 0 && sightings.length === 0) return null;

  const calls = new Map<string, number>();
  for (const { traceId } of spans.values()) calls.set(traceId!, (calls.get(traceId!) ?? 0) + 1);
  for (const { traceId } of links) if (!calls.has(traceId)) calls.set(traceId, 0);
  const starts = [...batch.map(({ trace }) => trace.startedAtMs), ...links.map((link) => link.startedAtMs)];
  const [lowest, highest] = reach(starts);
  const values = {
    project: projectId,
    lowest,
    highest,
    grace: graceSeconds,
    traces: textArray([...calls.keys()]),
    calls: plainArray([...calls.values()]),
    responses: null as string | null,
  };
  const before = links.length > 0 ? [LINK({ ...values, ...linkValues(links) })] : [];
  if (calls.size > 0) before.push(TAKE_TURN(values));
  const [sighted = [], ...later] = inReachOfEachOther(sightings);
  const own = sighted.length > 0 ? [SIGHT(sightingValues(projectId, sighted))] : [];
  const settle = (all: typeof values): Bound[] => [LOCK(all), SETTLE(all)];
  const rest = later.flatMap((some) => [
    SIGHT(sightingValues(projectId, some)),
    ...settle({ ...values, traces: null, ...responsesOf(some) }),
  ]);
  const quiet = links.length === 0 && later.length === 0 && areAllCallsApart(spans);
  return {
    check: quiet ? [...before, ...own, CHECK({ ...values, ...responsesOf(sighted) })] : null,
    settle: [...before, ...rest, ...own, ...settle({ ...values, ...responsesOf(sighted) })],
  };
}

/** Is no span above another, as far as the batch shows? */
function areAllCallsApart(spans: ReadonlyMap<string, Trace>): boolean {
  const parents = new Set<string>();
  for (const { wrapper, traceId, parentId } of spans.values()) {
    if (wrapper) return false;
    if (parentId !== null) parents.add(`${traceId}:${parentId}`);
  }
  return parents.size === 0 || ![...spans.values()].some(({ traceId, spanId }) => parents.has(`${traceId}:${spanId}`));
}

function linkValues(links: readonly Link[]): Record<string, unknown> {
  return {
    trace_ids: textArray(links.map((link) => link.traceId)),
    span_ids: textArray(links.map((link) => link.spanId)),
    parent_ids: textArray(links.map((link) => link.parentId)),
    user_ids: textArray(links.map((link) => link.userId)),
    session_ids: textArray(links.map((link) => link.sessionId)),
    tags: textArray(links.map(({ tags }) => (Object.keys(tags).length === 0 ? null : JSON.stringify(tags)))),
    of_interest: plainArray(links.map((link) => link.ofInterest)),
  };
}

function responsesOf(sightings: readonly Trace[]): { responses: string | null } {
  return { responses: textArray(sightings.map(({ responseId }) => responseId)) };
}

function sightingValues(projectId: string, sightings: readonly Trace[]): Record<string, unknown> {
  return {
    project: projectId,
    ...responsesOf(sightings),
    ids: plainArray(sightings.map(({ id }) => id)),
    details: plainArray(sightings.map(detailOf)),
  };
}

/** How much a sighting tells of what is priced. A part of zero may just be filled in. */
function detailOf(trace: Trace): number {
  if (trace.inputTokens === null && trace.outputTokens === null) return 0;
  const { serviceTier, ...rest } = trace;
  return COUNT_FIELDS.filter((field) => (rest[field] ?? 0) > 0).length + (serviceTier === null ? 1 : 2);
}

/** Sightings of one response that may be one call in one group; the next group has those of calls that reuse an id. */
function inReachOfEachOther(sightings: readonly Trace[]): Trace[][] {
  const groups: { traces: Trace[]; starts: Map<string, number> }[] = [];
  for (const trace of sightings) {
    const response = trace.responseId!;
    let group = groups.find(
      ({ starts }) => Math.abs((starts.get(response) ?? trace.startedAtMs) - trace.startedAtMs) <= SAME_CALL_MS,
    );
    if (!group) groups.push((group = { traces: [], starts: new Map() }));
    group.traces.push(trace);
    if (!group.starts.has(response)) group.starts.set(response, trace.startedAtMs);
  }
  return groups.map(({ traces }) => traces);
}

/** The same for traces that are stored already: what has become of their wrappers since. */
export function settlingAgain(
  projectId: string,
  traces: readonly { traceId: string; startedAtMs: number }[],
  graceSeconds: number,
): Bound[] {
  const [lowest, highest] = reach(traces.map(({ startedAtMs }) => startedAtMs));
  const values = {
    project: projectId,
    lowest,
    highest,
    grace: graceSeconds,
    traces: textArray(traces.map(({ traceId }) => traceId)),
    responses: null,
  };
  return [TAKE_TURN(values), LOCK(values), SETTLE(values)];
}

function isTelling(responseId: string | null): boolean {
  return responseId !== null && !WEAK_RESPONSE_ID.test(responseId);
}

function reach(startsMs: readonly number[]): [string, string] {
  let [earliestMs, latestMs] = [Infinity, 0];
  for (const ms of startsMs) {
    if (ms < earliestMs) earliestMs = ms;
    if (ms > latestMs) latestMs = ms;
  }
  return keyRange(Math.max(earliestMs - REACH_MS, 0), latestMs + REACH_MS);
}
