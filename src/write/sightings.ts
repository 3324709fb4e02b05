/**
 * Sightings: calls with the same provider response id, or with another id that reports of one call share. Two tools may
 * have reported one call, or one tool a stream while it grew. A call with several ids joins the sightings of all of
 * them. Sightings form a chain if each begins within an hour of the next, and only one of a chain counts, the
 * holder. It tells most of what is priced. Among those that tell equally much it has the most tokens, because the last
 * state of a stream has the final counts. Among these it began first.
 *
 * So which sightings count is a function of the set of calls: chains and holders are found anew from the stored calls
 * by each write that adds a sighting.
 */
import { HOUR_MS } from "../time.ts";
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compileNamed, type Database, type Row } from "../db/client.ts";
import { inReach, scopeOf } from "./scope.ts";
import { constants, list, param, project } from "../db/sql.ts";
import { BUCKETS, CONTENTS, UNIT_COUNTS } from "../ledger/buckets.ts";
import { type Call, COUNT_FIELDS, COUNT_NAMES } from "../ledger/call.ts";
import type { CountField } from "../ledger/counts.ts";
import { startOfKey } from "../ledger/key.ts";
import { STANDARD_TIERS } from "../pricing/service-tier.ts";

/** Sightings of one response begin at most this long after one another. After a longer gap the id was used again. */
const SAME_CALL_MS = HOUR_MS;
/** If a chain has more sightings than this, it is a crowd: the id does not name one response, and each counts. */
const MOST_SIGHTINGS = 16;
/** A row keeps this many sightings beside its crowds, the latest ones. Older ones stay as they are. */
const MOST_KEPT = 256;
/** Ids of up to four digits repeat by chance, so they do not identify a response. */
const WEAK_RESPONSE_ID = /^chatcmpl-\d{1,4}$/;

/** The counts that have a price of their own. */
const PRICED_COUNTS = COUNT_FIELDS.filter((field) => BUCKETS.some((bucket) => CONTENTS[bucket].of === field));

const startOf = (id: SQL): SQL => sql`('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint`;
/** The times in which the next sighting of the chain may begin. Those of one chain meet, those of two do not. */
const spanOf = (id: SQL): SQL => sql`int8range(${startOf(id)}, ${startOf(id)} + ${SAME_CALL_MS})`.inlineParams();

/**
 * Adds sightings to the rows of their responses. The lock of a row makes writes of one response take turns. A chain that
 * has become a crowd keeps its sightings until the next write, because this one has to settle them.
 */
export const SIGHT = compileNamed(sql`
insert into responses as r (project_id, response, holder, detail, sightings, also)
select ${project}, md5(s.response)::uuid, (array_agg(s.id order by s.id))[1], 0, array_agg(distinct s.id),
  coalesce(array_agg(distinct md5(o.id)::uuid) filter (where o.id <> s.response), '{}')
from unnest(${param("responses")}::text[], ${param("sighted")}::uuid[], ${param("others")}::text[]) as s (response, id, others)
left join lateral unnest(string_to_array(s.others, chr(10))) as o (id) on true
group by 2 order by 2
on conflict (project_id, response) do update set
also = case when excluded.also <@ r.also then r.also else array(select distinct unnest(r.also || excluded.also)) end,
(sightings, crowds) = (
  with every as (
    select s.id, ${spanOf(sql`s.id`)} as span from unnest(r.sightings || excluded.sightings) as s (id) group by s.id
  )
  select
    coalesce((
      select (array_agg(e.id order by e.id desc))[1:${MOST_KEPT}] from every e where not r.crowds @> lower(e.span)
    ), '{}'),
    coalesce((
      select range_agg(c.chain) from (select unnest(range_agg(e.span) + r.crowds) as chain from every e) as c
      where c.chain && r.crowds or (select count(*) from every e where e.span <@ c.chain) > ${MOST_SIGHTINGS}
    ), '{}')
)
where not (excluded.sightings <@ r.sightings and excluded.also <@ r.also)`);

/** The digests of the ids that are asked about. */
const asked = sql`array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response))`;

/**
 * True if a call of another id is joined to one of these. Then writes of the project take turns, because they may lock
 * different rows of what is one call.
 */
export const isJoined = sql`exists (
  select 1 from responses r where r.project_id = ${project} and r.response = any(${asked}) and r.also <> '{}'
)`;

export const TAKE_TURN_JOINED = compileNamed(sql`
select pg_advisory_xact_lock(hashtext(${project}::text), hashtext('joined')) where ${isJoined}`);

/** Rows of responses that are of one call each. A response that has fewer than `fewest` sightings has no rival. */
const alone = sql`
  seen as materialized (
    select r.response, r.response as component, array[r.response] as ids, r.sightings, r.crowds from responses r
    where r.project_id = ${project} and cardinality(r.sightings) >= ${param("fewest")}::integer and r.response = any(${asked})
  )`;

/** The same with all ids that are joined to one another, under the lowest of them. A crowd's id joins nothing. */
const joined = sql`
  reached (root, response) as (
    select i.response, i.response from unnest(${asked}) as i (response)
    union
    select k.root, n.response from reached k
    join responses r on r.project_id = ${project} and r.response = k.response and isempty(r.crowds)
    cross join lateral unnest(r.also) as a (response)
    join responses n on n.project_id = ${project} and n.response = a.response and isempty(n.crowds)
  ),
  components as (select k.root, (array_agg(k.response order by k.response))[1] as component from reached k group by k.root),
  members as (select distinct k.root, c.component, k.response from reached k join components c on c.root = k.root),
  seen as materialized (
    select m.root as response, m.component, array_agg(distinct m.response) as ids, array_agg(distinct s.id) as sightings,
      coalesce(range_agg(r.crowds), '{}') as crowds
    from members m
    join responses r on r.project_id = ${project} and r.response = m.response
    cross join lateral unnest(r.sightings) as s (id)
    group by m.root, m.component
    having count(distinct s.id) >= ${param("fewest")}::integer
  )`;

/** The sightings in the chains that `sighted` calls are in, or would be in were they not deleted. */
const chainsOf = (seen: SQL): SQL => sql`
  with recursive ${seen}
  select distinct s.id, r.component, r.ids, c.chain,
    c.chain && r.crowds
      or (select count(*) from unnest(r.sightings) as m (id) where ${startOf(sql`m.id`)} <@ c.chain) > ${MOST_SIGHTINGS}
      as crowded
  from seen r
  join unnest(${param("responses")}::text[], ${param("sighted")}::uuid[]) as g (response, id) on md5(g.response)::uuid = r.response
  cross join lateral (
    select unnest(range_agg(${spanOf(sql`i.id`)}) + r.crowds) as chain from unnest(r.sightings) as i (id)
  ) c
  cross join lateral unnest(r.sightings) as s (id)
  where (c.chain && ${spanOf(sql`g.id`)} or c.chain -|- ${spanOf(sql`g.id`)}) and ${startOf(sql`s.id`)} <@ c.chain`;

export const chained = chainsOf(joined);
/** For calls of one id each. It does not hold if one of them `isJoined`. */
export const chainedAlone = chainsOf(alone);

/** Each of the sightings `chained` (here `k`) that is stored, as `t`. */
export const stored = sql`
  chained k cross join lateral (
    -- The limit keeps this a look-up for each sighting, however many there are.
    select * from traces s where ${inReach(sql`s`)} and s.id = k.id limit 1
  ) t where exists (
    select 1 from unnest(t.response_id || coalesce(t.other_ids, '{}')) as o (id) where md5(o.id)::uuid = any(k.ids)
  )`;

/** The sighting of the chain that counts. */
const holder = sql`first_value(t.id) over (
    partition by k.component, k.chain order by ${storedDetail()} desc, ${storedWeight()} desc, t.id
  )`;

/** Whether the sighting counts as far as the others of its chain are concerned. */
export const holds = sql`k.crowded or t.id = ${holder}`;

const HOLDERS = compileNamed(sql`
with chained as materialized (${chained})
select c.id, c.holder from (select t.id, k.crowded, ${holder} as holder from ${stored}) c
where not c.crowded and c.holder <> c.id and c.id = any(${param("sighted")}::uuid[])`);

/** Of calls that are sightings of a response, those instead of which another one counts, with that one. */
export async function holdersInsteadOf(
  db: Database,
  projectId: string,
  calls: readonly Sighting[],
): Promise<Map<string, string>> {
  const sightings = calls.filter((call) => idsOf(call).length > 0);
  if (sightings.length === 0) return new Map();
  const scope = scopeOf(
    projectId,
    sightings.map(({ id }) => startOfKey(id)),
    0,
  );
  const { statement, values } = HOLDERS({ ...scope, ...sightedValues(sightings) });
  return new Map((await db.run(statement, values)).map((row) => [String(row["id"]), String(row["holder"])]));
}

/** Locks responses as `SIGHT` does, so that a deletion locks them before their calls, as writes do. */
export const LOCK_RESPONSES = compileNamed(sql`
select from responses r
where r.project_id = ${project}
  and r.response = any(${asked})
order by r.response for update`);

/** Removes deleted calls from the sightings of their responses, and what only these joined. */
export const FORGET_SIGHTINGS = compileNamed(sql`
update responses r
set sightings = array(select s.id from unnest(r.sightings) as s (id) where s.id <> all(${param("sighted")}::uuid[])),
  also = case when r.also = '{}' then r.also else array(
    select distinct md5(o.id)::uuid from traces t
    cross join lateral unnest(t.response_id || coalesce(t.other_ids, '{}')) as o (id)
    where ${inReach(sql`t`)} and t.id = any(r.sightings) and t.id <> all(${param("sighted")}::uuid[])
      and md5(o.id)::uuid <> r.response
  ) end
where r.project_id = ${project} and r.sightings && ${param("sighted")}::uuid[]
  and r.response = any(${asked})`);

/** The trace ids of the spans that are sightings of some responses. */
export const TRACES_OF = compileNamed(sql`
select distinct t.trace_id from traces t
where ${inReach(sql`t`)} and t.id = any(array(select k.id from (${chained}) as k)) and t.span_id is not null`);

/** Deletes responses that have no sighting left. A crowd stays one. */
export const FORGET_RESPONSE = compileNamed(sql`
delete from responses r
where r.project_id = ${project} and cardinality(r.sightings) = 0 and isempty(r.crowds)
  and r.response = any(${asked})`);

export function isSighting(call: Call): boolean {
  return (call.billable || call.wrapper) && idsOf(call).length > 0;
}

/** A call with the ids by which other reports of it may be known. */
export type Sighting = Pick<Call, "id" | "responseId" | "otherIds">;

/** The values of `responses`, `sighted`, `others` and `fewest` in the statements here: a row for each id of a call. */
export function sightedValues(sightings: readonly Sighting[], fewest = 2): Record<string, unknown> {
  const rows = sightings.flatMap((call) => {
    const ids = idsOf(call);
    const others = ids.length > 1 ? ids.join("\n") : null;
    return ids.map((response) => ({ response, id: call.id, others }));
  });
  return {
    responses: textArray(rows.map(({ response }) => response)),
    sighted: plainArray(rows.map(({ id }) => id)),
    others: textArray(rows.map(({ others }) => others)),
    fewest,
  };
}

/** A sighting by its row of `traces`. */
export function sightingOf(row: Row): Sighting {
  return {
    id: String(row["id"]),
    responseId: row["response_id"] as string | null,
    otherIds: (row["other_ids"] as string[] | null) ?? [],
  };
}

/** Has a call of these ids beside its response's? */
export function hasOtherIds(sightings: readonly Sighting[]): boolean {
  return sightings.some(({ otherIds }) => otherIds.length > 0);
}

function idsOf({ responseId, otherIds }: Sighting): readonly string[] {
  const identifies = responseId !== null && !WEAK_RESPONSE_ID.test(responseId);
  if (otherIds.length === 0) return identifies ? [responseId] : [];
  return [...new Set(identifies ? [responseId, ...otherIds] : otherIds)];
}

/**
 * How much the stored call `t` tells of what is priced: the number of its counts, and one more for a service tier. A
 * count of zero does not add to it, because some tools fill in zeros; nor do the name of the standard tier and the
 * five-minute part of cache writes, which change no price. A wrapper only repeats the usage of calls, so it comes last.
 */
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
 * Of a stream that is reported while it grows, the last report has the most tokens. The name of the standard tier
 * decides last: it changes no price, but it is shown.
 */
function storedWeight(): SQL {
  return sql`2 * (coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0))
    + coalesce((lower(t.service_tier) in (${constants(STANDARD_TIERS)}))::int, 0)`;
}
