/**
 * Chains of sightings. Sightings of one id form a chain if each begins within an hour of the next. Chains of several ids
 * that have a call in common are one. Which calls are in it, and which of them counts, is found anew from the rows of
 * their ids, so it is a function of the set of calls.
 */
import { sql, type SQL } from "drizzle-orm";
import { param, project } from "../db/sql.ts";
import { HOUR_MS } from "../time.ts";
import { byRank } from "./ranking.ts";
import { inReach } from "./scope.ts";

/** Sightings of one id begin at most this long after one another. After a longer gap the id was used again. */
const SAME_CALL_MS = HOUR_MS;
/** If a chain has more sightings than this, it is a crowd: the id does not name one call, and each counts. */
export const MOST_SIGHTINGS = 16;

/** The first 48 bits of a key: twelve digits with a dash among them. */
const startOf = (id: SQL): SQL => sql`('x' || replace(left(${id}::text, 13), '-', ''))::bit(48)::bigint`;
/** The times in which the next sighting of the chain may begin. Those of one chain meet, those of two do not. */
export const spanOf = (id: SQL): SQL => sql`int8range(${startOf(id)}, ${startOf(id)} + ${SAME_CALL_MS})`.inlineParams();

/** The digests of the ids that are asked about. */
export const asked = sql`array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response))`;

/**
 * The row of an id, to be joined. The limit keeps this a look-up for each id: the planner expects many of them, and would
 * read all rows there are instead.
 */
export const rowOf = (response: SQL): SQL => sql`lateral (
    select * from responses o where o.project_id = ${project} and o.response = ${response} limit 1
  )`;

/** True if one of these ids is joined to an id that is not among them. */
export const leadsOn = sql`exists (
  select 1 from responses r cross join lateral unnest(r.also) as a (id)
  where r.project_id = ${project} and r.response = any(${asked})
    -- By hash: comparing two lists for each row would compare each id with each.
    and a.id not in (select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response))
)`;

/** The chains of a row `r` of `responses`, each with whether it is a crowd. */
const chainsIn = (r: SQL): SQL => sql`lateral (
    select p.chain, p.chain && ${r}.crowds or cardinality(${r}.sightings) > ${MOST_SIGHTINGS}
      and (select count(*) from unnest(${r}.sightings) as m (id) where ${startOf(sql`m.id`)} <@ p.chain) > ${MOST_SIGHTINGS}
      as crowded
    from (select unnest(range_agg(${spanOf(sql`i.id`)}) + ${r}.crowds) as chain from unnest(${r}.sightings) as i (id)) p
  )`;

const isNear = sql`(c.chain && ${spanOf(sql`g.id`)} or c.chain -|- ${spanOf(sql`g.id`)})`;
const sighted = sql`unnest(${param("responses")}::text[], ${param("sighted")}::uuid[]) as g (response, id)`;

/**
 * The sightings in the chains that the calls asked about are in, or would be in were they not deleted. This serves calls
 * whose ids no call joins to others. An id that has fewer than `fewest` sightings has no rival.
 */
export const chainedAlone = sql`
  select distinct s.id, r.response as component, array[r.response] as ids, c.chain, c.crowded
  from ${sighted}
  cross join ${rowOf(sql`md5(g.response)::uuid`)} r
  cross join ${chainsIn(sql`r`)} c
  cross join lateral unnest(r.sightings) as s (id)
  where cardinality(r.sightings) >= ${param("fewest")}::integer and ${isNear} and ${startOf(sql`s.id`)} <@ c.chain`;

/** True if `r` and `n` have a sighting `s` of the chain `k` in common for which this holds. The shorter list is walked. */
const shares = (holds: SQL): SQL => sql`exists (
      select 1 from unnest(case when cardinality(r.sightings) < cardinality(n.sightings) then r.sightings else n.sightings end) as s (id)
      where ${startOf(sql`s.id`)} <@ k.chain and (${holds})
        and s.id = any(case when cardinality(r.sightings) < cardinality(n.sightings) then n.sightings else r.sightings end)
    )`;

/**
 * The same for all calls. From each chain it walks to those that share a call with it. A crowd joins nothing. But what it
 * joined before it became one is looked at too, each by itself.
 */
export const chained = sql`
  with recursive reached (root, root_chain, response, chain, crowded) as (
    select r.response, c.chain, r.response, c.chain, c.crowded
    from (select md5(g.response)::uuid as response, array_agg(g.id) as near from ${sighted} group by 1) i
    cross join ${rowOf(sql`i.response`)} r
    cross join ${chainsIn(sql`r`)} c
    where exists (select 1 from unnest(i.near) as g (id) where ${isNear})
    union
    select case when k.crowded then n.response else k.root end, case when k.crowded then c.chain else k.root_chain end,
      n.response, c.chain, c.crowded
    from reached k
    cross join ${rowOf(sql`k.response`)} r
    cross join lateral unnest(r.also) as a (response)
    join ${rowOf(sql`a.response`)} n on
      -- Back at the root the walk finds the chain that it comes from.
      (k.crowded or n.response <> k.root or not k.chain <@ k.root_chain)
      -- The chains of a crowd are not even looked at.
      and ${shares(sql`k.crowded or not n.crowds @> ${startOf(sql`s.id`)}`)}
    cross join ${chainsIn(sql`n`)} c
    where (k.crowded or not c.crowded) and ${shares(sql`${startOf(sql`s.id`)} <@ c.chain`)}
  ),
  joined as (
    select (array_agg(k.response order by k.response, k.chain))[1] as component,
      (array_agg(k.chain order by k.response, k.chain))[1] as chain,
      array_agg(k.response order by k.response, k.chain) as ids,
      array_agg(k.chain order by k.response, k.chain) as chains, bool_or(k.crowded) as crowded
    from reached k group by k.root, k.root_chain
  ),
  found as (
    select distinct j.component, j.chain, j.ids, j.crowded, s.id
    -- Each id of a call leads to the same chain.
    from (select distinct * from joined) j
    cross join lateral unnest(j.ids, j.chains) as i (response, chain)
    cross join ${rowOf(sql`i.response`)} r
    cross join lateral unnest(r.sightings) as s (id)
    where ${startOf(sql`s.id`)} <@ i.chain
  ),
  counted as (
    select f.*, count(*) over (partition by f.component, f.chain, f.ids) as sightings from found f
  )
  select c.id, c.component, c.ids, c.chain, c.crowded or c.sightings > ${MOST_SIGHTINGS} as crowded
  from counted c where c.sightings >= ${param("fewest")}::integer`;

/**
 * Each of the sightings `chained` (here `k`) that is stored, as `t`.
 *
 * @param more joins to it.
 */
export const stored = (more: SQL = sql``): SQL => sql`
  chained k cross join lateral (
    -- The limit keeps this a look-up for each sighting, however many there are.
    select * from traces s where ${inReach(sql`s`)} and s.id = k.id limit 1
  ) t ${more} where exists (
    select 1 from unnest(t.response_id || coalesce(t.other_ids, '{}')) as o (id) where md5(o.id)::uuid = any(k.ids)
  )`;

/** The sighting of the chain that counts. */
export const holder = sql`first_value(t.id) over (partition by k.component, k.chain order by ${byRank})`;
