/**
 * Sightings: calls with the same provider response id, or with another id that reports of one call share. Two tools may
 * have reported one call, or one tool a stream while it grew. A call with several ids is a sighting of each of them, and
 * so joins the others. Sightings form chains (`chains.ts`), and only one call of a chain counts, the holder. It tells
 * most of what is priced (`ranking.ts`).
 *
 * So which sightings count is a function of the set of calls: chains and holders are found anew from the stored calls
 * by each write that adds a sighting.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database, type Row } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import type { Call } from "../ledger/call.ts";
import { startOfKey } from "../ledger/key.ts";
import { asked, chained, holder, leadsOn, MOST_SIGHTINGS, rowOf, spanOf, stored } from "./chains.ts";
import { inReach, type Scope, scopeOf } from "./scope.ts";

/** A row keeps this many sightings beside its crowds, the latest ones. Older ones stay as they are. */
const MOST_KEPT = 256;
/** And this many other ids of its sightings, the latest ones. */
const MOST_ALSO = 512;
/** Ids of up to four digits repeat by chance, so they do not identify a response. */
const WEAK_RESPONSE_ID = /^chatcmpl-\d{1,4}$/;

const SIGHT = compileNamed(sql`
insert into responses as r (project_id, response, holder, detail, sightings, also, crowds)
select ${project}, n.response, n.sightings[1], 0, n.sightings, n.also, case
  when cardinality(n.sightings) > ${MOST_SIGHTINGS} then coalesce((
    select range_agg(c.chain) from (select unnest(range_agg(${spanOf(sql`s.id`)})) as chain from unnest(n.sightings) as s (id)) as c
    where (select count(*) from unnest(n.sightings) as s (id) where ${spanOf(sql`s.id`)} <@ c.chain) > ${MOST_SIGHTINGS}
  ), '{}')
  else '{}' end
from (
  -- Two texts of one digest would be one row, which a statement must not change twice.
  select distinct on (1) md5(i.response)::uuid as response,
    case when i.more is null then array[i.first] else i.first || i.more::uuid[] end as sightings,
    case when i.others is null then '{}' else array(select md5(o.id)::uuid from unnest(string_to_array(i.others, chr(10))) as o (id)) end as also
  from unnest(${param("ids")}::text[], ${param("first")}::uuid[], ${param("more")}::text[], ${param("others")}::text[])
    as i (response, first, more, others)
  order by 1
) n order by 2
on conflict (project_id, response) do update set
also = case when excluded.also <@ r.also then r.also
  else (excluded.also || array(select a.id from unnest(r.also) as a (id) where a.id <> all(excluded.also)))[1:${MOST_ALSO}] end,
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

/** True if a call of another id is joined to one of these. */
export const isJoined = sql`exists (
  select 1 from responses r where r.project_id = ${project} and r.response = any(${asked}) and r.also <> '{}'
)`;

/**
 * True if one of these ids has, or had, a call beside the one that is asked about. Otherwise a call's ids name that call
 * alone, so there is no chain to walk.
 */
export const isShared = sharedIf(asked);
export const isSharedAmong = (ids: SQL): SQL =>
  sharedIf(sql`array(select md5(o.id)::uuid from unnest(${ids}) as o (id))`);

function sharedIf(responses: SQL): SQL {
  return sql`exists (
  select 1 from responses r where r.project_id = ${project} and r.response = any(${responses})
    and (cardinality(r.sightings) > 1 or not isempty(r.crowds))
)`;
}

/**
 * True if one of these ids was seen of another call within an hour of its own. It is found fast and refuses nearly all
 * that `chained` would; ids of many calls are left to that.
 */
export const isContested = sql`exists (
  select 1 from unnest(${param("responses")}::text[], ${param("sighted")}::uuid[]) as g (response, id)
  cross join ${rowOf(sql`md5(g.response)::uuid`)} r
  where cardinality(r.sightings) between 1 and ${MOST_SIGHTINGS} and isempty(r.crowds)
    and exists (select 1 from unnest(r.sightings) as s (id) where s.id <> g.id and ${spanOf(sql`s.id`)} && ${spanOf(sql`g.id`)})
)`;

/**
 * Adds sightings to the rows of their responses. The lock of a row makes writes of one response take turns. A chain that
 * has become a crowd keeps its sightings until the next write, because this one has to settle them.
 */
export const sight = (scope: Scope, sightings: readonly Sighting[]): Bound =>
  SIGHT({ ...scope, ...sightValues(sightings) });

/**
 * Runs before statements with `chained`, in their transaction. Postgres expects a million rows of it where there are a
 * few, and clears memory for them each time: 30 ms at 32 MB, also where nothing is read.
 */
export const AS_MUCH_MEMORY = compileNamed(sql`
select set_config('work_mem', least(
  pg_size_bytes(current_setting('work_mem')) / 1024, 128 + 32 * cardinality(${param("responses")}::text[])
) || 'kB', true)`);

/**
 * Makes writes of the project take turns if one of their calls may be joined to an id that they have not locked, because
 * another write may have locked that one. A write whose ids are joined only to each other has locked all of them.
 */
export const TAKE_TURN_JOINED = compileNamed(sql`
select pg_advisory_xact_lock(hashtext(${project}::text), hashtext('joined')) where ${leadsOn}`);

const HOLDERS = compileNamed(sql`
with chained as materialized (${chained})
select distinct on (c.id) c.id, c.holder from (select t.id, k.crowded, ${holder} as holder from ${stored()}) c
where not c.crowded and c.holder <> c.id and c.id = any(${param("sighted")}::uuid[])
order by c.id, c.holder`);

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
select 1 from responses r
where r.project_id = ${project}
  and r.response = any(${asked})
order by r.response for update`);

/** Removes deleted calls from the sightings of their responses, and what only these joined. */
export const FORGET_SIGHTINGS = compileNamed(sql`
update responses r
set sightings = array(select s.id from unnest(r.sightings) as s (id) where s.id <> all(${param("sighted")}::uuid[])),
  also = case when r.also = '{}' then r.also else array(
    select distinct md5(o.id)::uuid from unnest(r.sightings) as s (id)
    cross join lateral (
      select t.response_id, t.other_ids from traces t where t.project_id = ${project} and t.id = s.id limit 1
    ) t
    cross join lateral unnest(t.response_id || coalesce(t.other_ids, '{}')) as o (id)
    where s.id <> all(${param("sighted")}::uuid[]) and md5(o.id)::uuid <> r.response
  ) end
where r.project_id = ${project} and r.sightings && ${param("sighted")}::uuid[]
  and r.response = any(${asked})`);

/** Deletes the rows of ids, and their names in the rows of other ids. */
export const DROP_IDS = compileNamed(sql`
with dropped as (select md5(d.id)::uuid as response from unnest(${param("dropped")}::text[]) as d (id)),
gone as (
  delete from responses r where r.project_id = ${project} and r.response in (select d.response from dropped d)
)
update responses r
set also = array(select a.id from unnest(r.also) as a (id) where a.id not in (select d.response from dropped d))
where r.project_id = ${project} and r.response = any(${asked}) and r.also <> '{}'`);

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

/** The values of `responses`, `sighted` and `fewest` in the statements here: a row for each id of a call. */
export function sightedValues(sightings: readonly Sighting[], fewest = 2): Record<string, unknown> {
  const rows = sightings.flatMap((call) => idsOf(call).map((response) => ({ response, id: call.id })));
  return {
    responses: textArray(rows.map(({ response }) => response)),
    sighted: plainArray(rows.map(({ id }) => id)),
    fewest,
  };
}

/** The values of `SIGHT`: a row for each id, with the calls that have it and their other ids. */
function sightValues(sightings: readonly Sighting[]): Record<string, unknown> {
  const seen = new Map<string, { calls: Set<string>; others: Set<string> | null }>();
  for (const call of sightings) {
    const ids = idsOf(call);
    for (const id of ids) {
      const row = seen.get(id) ?? { calls: new Set(), others: null };
      seen.set(id, row);
      row.calls.add(call.id);
      if (ids.length > 1) for (const other of ids) if (other !== id) (row.others ??= new Set()).add(other);
    }
  }
  const rows = [...seen.values()].map(({ calls, others }) => ({ calls: [...calls].toSorted(), others }));
  return {
    ids: textArray([...seen.keys()]),
    first: plainArray(rows.map(({ calls }) => calls[0]!)),
    more: textArray(rows.map(({ calls }) => (calls.length > 1 ? `{${calls.slice(1).join()}}` : null))),
    others: textArray(rows.map(({ others }) => others && [...others].slice(0, MOST_ALSO).join("\n"))),
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
