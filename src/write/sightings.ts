/**
 * Sightings: calls with the same provider response id. Two tools may have reported one call, or one tool a stream while
 * it grew. So only one sighting counts, the holder. It tells most of what is priced. Among those that tell equally much
 * it has the most tokens, because the last state of a stream has the final counts. Among these it is the first.
 */
import { HOUR_MS } from "../time.ts";
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compileNamed } from "../db/client.ts";
import { inReach } from "./scope.ts";
import { constants, list, param, project } from "../db/sql.ts";
import { BUCKETS, CONTENTS, hasUnits, UNIT_COUNTS } from "../ledger/buckets.ts";
import { type Call, COUNT_FIELDS, COUNT_NAMES } from "../ledger/call.ts";
import type { CountField } from "../ledger/counts.ts";
import { canonicalTier, STANDARD_TIERS } from "../pricing/service-tier.ts";

/** Sightings of one response begin within this time. If calls are further apart, the id was used again. */
const SAME_CALL_MS = HOUR_MS;
/** If more calls than this have one id within that time, the id does not name one response. */
const MOST_SIGHTINGS = 16;
/** Ids of up to four digits repeat by chance, so they do not identify a response. */
const WEAK_RESPONSE_ID = /^chatcmpl-\d{1,4}$/;

/** The counts that have a price of their own. */
const PRICED_COUNTS = COUNT_FIELDS.filter((field) => BUCKETS.some((bucket) => CONTENTS[bucket].of === field));

const startOf = (id: SQL): SQL => sql`('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint`;

const TELLS_MORE = sql`(excluded.detail, excluded.weight) > (r.detail, r.weight)`;

/** Adds sightings to the rows of their responses. The lock of a row makes writes of one response take turns. */
export const SIGHT = compileNamed(sql`
insert into responses as r (project_id, response, holder, detail, weight, sightings)
select ${project}, md5(s.response)::uuid,
  case when count(*) <= ${MOST_SIGHTINGS} then (array_agg(s.id order by s.detail desc, s.weight desc, s.position))[1] end,
  max(s.detail), (array_agg(s.weight order by s.detail desc, s.weight desc))[1],
  (array_agg(s.id order by s.position))[1:${MOST_SIGHTINGS}]
from unnest(
  ${param("responses")}::text[], ${param("ids")}::uuid[], ${param("details")}::smallint[], ${param("weights")}::bigint[]
) with ordinality as s (response, id, detail, weight, position)
group by 2 order by 2
on conflict (project_id, response) do update set
  holder = case
    when ${anotherCall()} then excluded.holder
    when excluded.holder is null or cardinality(r.sightings) + cardinality(excluded.sightings) > ${MOST_SIGHTINGS} then null
    when ${TELLS_MORE} then excluded.holder else r.holder end,
  detail = case when ${anotherCall()} or ${TELLS_MORE} then excluded.detail else r.detail end,
  weight = case when ${anotherCall()} or ${TELLS_MORE} then excluded.weight else r.weight end,
  sightings = case when ${anotherCall()} then excluded.sightings else r.sightings || excluded.sightings end
where not excluded.sightings <@ r.sightings and (r.holder is not null or ${anotherCall()})`);

function anotherCall(): SQL {
  const apart = sql`abs(${startOf(sql`excluded.sightings[1]`)} - ${startOf(sql`r.sightings[1]`)})`;
  return sql`${apart} > ${SAME_CALL_MS}`.inlineParams();
}

/** The holder and the sightings of some responses. */
export const seen = sql`
  select r.holder, r.sightings from responses r
  where r.project_id = ${project}
    and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`;

/**
 * Removes a deleted call from the sightings of its response. If it was the holder, the one that tells most of the
 * others is.
 */
export const FORGET_SIGHTING = compileNamed(sql`
update responses r
set sightings = array_remove(r.sightings, ${param("id")}::uuid),
  (holder, detail, weight) = (
    select case when r.holder = ${param("id")}::uuid then n.id else r.holder end,
      case when r.holder = ${param("id")}::uuid then coalesce(n.detail, 0) else r.detail end,
      case when r.holder = ${param("id")}::uuid then coalesce(n.weight, 0) else r.weight end
    from (select 1) as one
    left join (
      select t.id, ${storedDetail()} as detail, 2 * (coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0))
          + coalesce((lower(t.service_tier) in (${constants(STANDARD_TIERS)}))::int, 0) as weight
      from traces t where ${inReach(sql`t`)} and t.id = any(array_remove(r.sightings, ${param("id")}::uuid))
      order by detail desc, weight desc, array_position(r.sightings, t.id) limit 1
    ) n on true
  )
where r.project_id = ${project} and ${param("id")}::uuid = any(r.sightings)
  and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`);

/** The trace ids of the spans that are sightings of some responses. */
export const TRACES_OF = compileNamed(sql`
select distinct t.trace_id from traces t
where ${inReach(sql`t`)} and t.id = any(array(select unnest(s.sightings) from (${seen}) as s)) and t.span_id is not null`);

/** Deletes responses that have no sighting left. */
export const FORGET_RESPONSE = compileNamed(sql`
delete from responses r
where r.project_id = ${project} and cardinality(r.sightings) = 0
  and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`);

export function isSighting({ billable, wrapper, responseId }: Call): boolean {
  return (billable || wrapper) && responseId !== null && !WEAK_RESPONSE_ID.test(responseId);
}

export function responsesOf(sightings: readonly Call[]): { responses: string | null } {
  return { responses: textArray(sightings.map(({ responseId }) => responseId)) };
}

export function sightingValues(sightings: readonly Call[]): Record<string, unknown> {
  return {
    ...responsesOf(sightings),
    ids: plainArray(sightings.map(({ id }) => id)),
    details: plainArray(sightings.map(detailOf)),
    weights: plainArray(sightings.map(weightOf)),
  };
}

/**
 * How much a sighting tells of what is priced: the number of its counts, and one more for a service tier. A count of
 * zero does not add to it, because some tools fill in zeros; nor do the name of the standard tier and the five-minute
 * part of cache writes, which change no price. A wrapper only repeats the usage of calls, so it comes last.
 */
function detailOf(call: Call): number {
  if (call.wrapper) return -1;
  if (call.inputTokens === null && call.outputTokens === null && !hasUnits(call)) return 0;
  let detail = canonicalTier(call.serviceTier) === null ? 1 : 2;
  for (const field of PRICED_COUNTS) if ((call[field] ?? 0) > 0) detail++;
  return detail;
}

/**
 * Of a stream that is reported while it grows, the last report has the most tokens. The name of the standard tier
 * decides last: it changes no price, but it is shown.
 */
function weightOf({ inputTokens, outputTokens, serviceTier }: Call): number {
  const namesStandard = serviceTier !== null && canonicalTier(serviceTier) === null;
  return 2 * ((inputTokens ?? 0) + (outputTokens ?? 0)) + (namesStandard ? 1 : 0);
}

/** `detailOf` the stored call `t`. */
function storedDetail(): SQL {
  const used = (fields: readonly CountField[]): SQL =>
    list(fields.map((field) => sql`nullif(t.${sql.identifier(COUNT_NAMES[field])}, 0)`));
  return sql`case
      when t.wrapper then -1
      when coalesce(t.input_tokens, t.output_tokens, ${used(UNIT_COUNTS)}) is null then 0
      else 1 + num_nonnulls(${used(PRICED_COUNTS)})
        + (coalesce(lower(t.service_tier), 'standard') not in (${constants(STANDARD_TIERS)}))::int end`;
}

/**
 * Groups sightings so that those of one response in one group may be one call. If calls reuse an id, the later ones are
 * in a later group.
 */
export function inReachOfEachOther(sightings: readonly Call[]): Call[][] {
  const groups: { calls: Call[]; starts: Map<string, number> }[] = [];
  for (const call of sightings) {
    const response = call.responseId!;
    let group = groups.find(
      ({ starts }) => Math.abs((starts.get(response) ?? call.startedAtMs) - call.startedAtMs) <= SAME_CALL_MS,
    );
    if (!group) groups.push((group = { calls: [], starts: new Map() }));
    group.calls.push(call);
    if (!group.starts.has(response)) group.starts.set(response, call.startedAtMs);
  }
  return groups.map(({ calls }) => calls);
}
