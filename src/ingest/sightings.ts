/**
 * Sightings: traces that tell of one provider response, which two tools may have reported. Of those only one counts, the
 * first of those that tell most of what is priced.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compileNamed } from "../db/client.ts";
import { inReach, param, project } from "./scope.ts";
import { COUNT_FIELDS, type Trace } from "./trace.ts";

/** Sightings of one response begin within this time; further apart, somebody uses an id again. */
const SAME_CALL_MS = 3_600_000;
/** An id that more calls have within that time is not that of one response. */
const MOST_SIGHTINGS = 16;
/** Ids that are drawn from a thousand numbers tell nothing. */
const WEAK_RESPONSE_ID = /^chatcmpl-\d{1,4}$/;

const startOf = (id: SQL): SQL => sql`('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint`;

/** Adds sightings to what is known of their responses; the row's lock makes those of one response take turns. */
export const SIGHT = compileNamed(sql`
insert into responses as r (project_id, response, holder, detail, sightings)
select ${project}, md5(s.response)::uuid,
  case when count(*) <= ${MOST_SIGHTINGS} then (array_agg(s.id order by s.detail desc, s.position))[1] end, max(s.detail),
  (array_agg(s.id order by s.position))[1:${MOST_SIGHTINGS}]
from unnest(${param("responses")}::text[], ${param("ids")}::uuid[], ${param("details")}::smallint[])
  with ordinality as s (response, id, detail, position)
group by 2 order by 2
on conflict (project_id, response) do update set
  holder = case
    when ${anotherCall()} then excluded.holder
    when excluded.holder is null or cardinality(r.sightings) + cardinality(excluded.sightings) > ${MOST_SIGHTINGS} then null
    when excluded.detail > r.detail then excluded.holder else r.holder end,
  detail = case when ${anotherCall()} then excluded.detail else greatest(excluded.detail, r.detail) end,
  sightings = case when ${anotherCall()} then excluded.sightings else r.sightings || excluded.sightings end
where not excluded.sightings <@ r.sightings and (r.holder is not null or ${anotherCall()})`);

function anotherCall(): SQL {
  const apart = sql`abs(${startOf(sql`excluded.sightings[1]`)} - ${startOf(sql`r.sightings[1]`)})`;
  return sql`${apart} > ${SAME_CALL_MS}`.inlineParams();
}

export const seen = sql`
  select r.holder, r.sightings from responses r
  where r.project_id = ${project}
    and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`;

/** Takes a trace that is deleted off the sightings of its response; the first that knows its tokens holds it from then on. */
export const FORGET_SIGHTING = compileNamed(sql`
update responses r
set sightings = array_remove(r.sightings, ${param("id")}::uuid),
  (holder, detail) = (
    select case when r.holder = ${param("id")}::uuid then n.id else r.holder end,
      case when r.holder = ${param("id")}::uuid then coalesce(n.detail, 0) else r.detail end
    from (select 1) as one
    left join (
      select t.id, case when t.wrapper then -1 when coalesce(t.input_tokens, t.output_tokens) is null then 0 else 99 end as detail
      from traces t where ${inReach(sql`t`)} and t.id = any(array_remove(r.sightings, ${param("id")}::uuid))
      order by detail desc, array_position(r.sightings, t.id) limit 1
    ) n on true
  )
where r.project_id = ${project} and ${param("id")}::uuid = any(r.sightings)
  and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`);

/** The traces of the rows that tell of some responses. */
export const TRACES_OF = compileNamed(sql`
select distinct t.trace_id from traces t
where ${inReach(sql`t`)} and t.id = any(array(select unnest(s.sightings) from (${seen}) as s)) and t.span_id is not null`);

/** A response that nothing tells of any more. */
export const FORGET_RESPONSE = compileNamed(sql`
delete from responses r
where r.project_id = ${project} and cardinality(r.sightings) = 0
  and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`);

export function isSighting({ billable, wrapper, responseId }: Trace): boolean {
  return (billable || wrapper) && responseId !== null && !WEAK_RESPONSE_ID.test(responseId);
}

export function responsesOf(sightings: readonly Trace[]): { responses: string | null } {
  return { responses: textArray(sightings.map(({ responseId }) => responseId)) };
}

export function sightingValues(sightings: readonly Trace[]): Record<string, unknown> {
  return {
    ...responsesOf(sightings),
    ids: plainArray(sightings.map(({ id }) => id)),
    details: plainArray(sightings.map(detailOf)),
  };
}

/** How much a sighting tells of what is priced. A part of zero may just be filled in; a wrapper repeats what calls say. */
function detailOf(trace: Trace): number {
  if (trace.wrapper) return -1;
  if (trace.inputTokens === null && trace.outputTokens === null) return 0;
  const { serviceTier, ...rest } = trace;
  return COUNT_FIELDS.filter((field) => (rest[field] ?? 0) > 0).length + (serviceTier === null ? 1 : 2);
}

/** Sightings of one response that may be one call in one group; the next group has those of calls that reuse an id. */
export function inReachOfEachOther(sightings: readonly Trace[]): Trace[][] {
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
