/**
 * Applies judgements to stored calls: whether they count, and which user, session and tags they have. The statement
 * that changes the calls changes the rollups by the difference.
 */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, REFUSED } from "../db/client.ts";
import { columns, list, param, project } from "../db/sql.ts";
import { idsIn } from "../ledger/conversation.ts";
import { insertCorrections } from "../rollup/corrections.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import { inReach, type Scope } from "./scope.ts";
import { asked, chained, stored } from "./chains.ts";
import { filling, holders, own, storedCover } from "./filled.ts";
import { byRankColumns, rankColumns } from "./ranking.ts";
import { sight, type Sighting, sightedValues, TAKE_TURN_JOINED } from "./sightings.ts";
import { callsOfTrace, linksOfTrace, MAX_NODES, type StoredNode } from "./trace-nodes.ts";
import { judge, type Judgement } from "./trace-tree.ts";

/** The columns that judgements change, and what a report knows of itself. */
const SETTLED = ["billable", "nested", "user_id", "session_id", "request_model", "covered_by", "tags", "filled"];
const KNOWN = ["own_user_id", "own_session_id", "own_request_model", "own_covered_by", "own_tags"];

const PRICED = sql`t left join prices p on p.project_id = ${project} and p.id = t.price_id`;

/** Adds ids by which calls are known now. */
const IDENTIFY = compileNamed(sql`
update traces t set other_ids = array(select distinct unnest(coalesce(t.other_ids, '{}') || string_to_array(i.ids, chr(10))))
from unnest(${param("late")}::uuid[], ${param("late_ids")}::text[]) as i (id, ids)
where ${inReach(sql`t`)} and t.id = any(${param("late")}::uuid[]) and t.id = i.id`);

/** Refuses if a trace has more or fewer calls or links now than were judged. */
const AS_JUDGED = compileNamed(sql`
select refuse_if(
  exists (
    select 1 from unnest(${param("traces")}::text[], ${param("calls")}::integer[], ${param("links")}::integer[])
      as i (trace_id, calls, links)
    where i.calls <> (select count(*) ${callsOfTrace}) or i.links <> (select count(*) ${linksOfTrace})
  ),
  ${REFUSED}
)`);

/**
 * Locks all calls that may change, so that the next statement sees their latest state. These are the sightings of the
 * ids that were asked about and of the ids joined to them. Only if those lead on to other ids, chains are walked.
 */
const LOCK = compileNamed(
  lockTraces(sql`
  ${inReach(sql`t`)} and t.id = any(${param("ids")}::uuid[] || array(
    with named as materialized (
      select i.response from unnest(${asked}) as i (response)
      union
      select a.id from responses r cross join lateral unnest(r.also) as a (id)
      where r.project_id = ${project} and r.response = any(${asked})
    ),
    near as materialized (
      select r.sightings, r.also from responses r
      where r.project_id = ${project} and r.response = any(array(select n.response from named n))
    )
    select s.id from near r cross join lateral unnest(r.sightings) as s (id)
    union all
    select k.id from (${chained}) as k where exists (
      select 1 from near r cross join lateral unnest(r.also) as a (id)
      where a.id not in (select n.response from named n)
    )
  ))`),
);

/**
 * Applies the judgements, lets one sighting of each chain count, and fills in what it lacks. A wrapper in a crowd may
 * count again, which cron judges. Returns the start of the earliest call that changed, and how many changed calls count
 * but have no cost.
 */
const APPLY = compileNamed(sql`
with judged as (
  select j.id, j.counts, j.nested, j.user_id, j.session_id, d.tags
  from unnest(
    ${param("ids")}::uuid[], ${param("counts")}::boolean[], ${param("nested")}::boolean[], ${param("user_ids")}::text[],
    ${param("session_ids")}::text[], ${param("tag_numbers")}::integer[]
  ) as j (id, counts, nested, user_id, session_id, tag_number)
  left join unnest(${param("tags")}::text[]) with ordinality as d (tags, number) on d.number = j.tag_number
),
chained as materialized (${chained}),
seen as (
  select t.*, ${rankColumns({ user: sql`t.own_user_id`, session: sql`t.own_session_id`, requestModel: sql`t.own_request_model` })}
  from (
    select t.*, k.component, k.chain, k.crowded, coalesce(j.user_id, ${own.user_id}) as own_user_id,
      coalesce(j.session_id, ${own.session_id}) as own_session_id, ${own.request_model} as own_request_model,
      ${own.covered_by} as own_covered_by, coalesce(j.tags::jsonb, ${own.tags}) as own_tags
    from ${stored(sql`left join judged j on j.id = t.id`)}
  ) t
),
ranked as materialized (
  select t.id, t.crowded, ${columns([...SETTLED, "wrapper"], "t")}, ${columns(KNOWN, "t")},
    first_value(t.id) over w as holder, row_number() over w as place, ${holders}
  from seen t window w as (partition by t.component, t.chain order by ${byRankColumns})
),
filling as (${filling(sql`ranked`)}),
-- A call of several ids may be among sightings of a crowd and among others. Then the others decide.
contested as materialized (
  select distinct on (c.id) c.* from (select t.*, t.crowded or t.id = t.holder as holds from ranked t) c
  order by c.id, c.holds, c.crowded
),
wanted as (
  select t.id, t.wrapper, ${columns(SETTLED, "t")}, j.user_id as own_user_id, j.session_id as own_session_id,
    ${own.request_model} as own_request_model, ${own.covered_by} as own_covered_by, j.tags::jsonb as own_tags, j.nested as now_nested,
    j.counts and coalesce(c.holds, true) as now_billable, false as in_crowd
  from judged j join traces t on ${inReach(sql`t`)} and t.id = any(${param("ids")}::uuid[]) and t.id = j.id
  left join contested c on c.id = j.id
  union all
  select c.id, c.wrapper, ${columns([...SETTLED, ...KNOWN], "c")}, c.nested,
    case when c.wrapper then c.billable else not c.nested end and c.holds, c.crowded
  from contested c where c.id not in (select id from judged)
),
changed as materialized (
  select * from (
    select w.*, f.filled as now_filled, coalesce(w.own_user_id, f.user_id) as now_user_id,
      coalesce(w.own_session_id, f.session_id) as now_session_id, coalesce(w.own_request_model, f.request_model) as now_request_model,
      ${storedCover(sql`coalesce(w.own_covered_by, f.covered_by)`)} as now_covered_by,
      case when f.tags is null then w.own_tags else coalesce(w.own_tags, '{}') || f.tags end as now_tags
    from wanted w left join filling f on f.holder = w.id
  ) w
  where (${columns(SETTLED)}) is distinct from (${columns(SETTLED.map((name) => `now_${name}`))})
),
before as materialized (
  select t.* from traces t where ${inReach(sql`t`)} and t.id = any(array(select id from changed))
),
after as (
  update traces t
  set ${list(SETTLED.map((name) => sql`${sql.identifier(name)} = c.${sql.identifier(`now_${name}`)}`))}
  from changed c
  where ${inReach(sql`t`)} and t.id = any(array(select id from changed)) and c.id = t.id
  returning t.*
),
-- Labels change with whose a call is; the main rollup with whether it counts and what pays for it.
recounted as materialized (
  select id, billable <> now_billable as is_counted_anew from changed
  where billable <> now_billable or covered_by is distinct from now_covered_by
),
relabelled as materialized (
  select id from changed where billable <> now_billable or covered_by is distinct from now_covered_by
    or user_id is distinct from now_user_id or tags is distinct from now_tags
),
difference as (${difference(sql`before`, sql`after`)}),
main_partials as (${insertMainPartials(sql`(select * from difference where id in (select id from recounted)) ${PRICED}`, "t.sign")}),
label_partials as (${insertLabelPartials(sql`(select * from difference where id in (select id from relabelled)) ${PRICED}`, "t.sign")}),
-- A call that this transaction inserted was not counted before. All others were received earlier.
corrected as (${insertCorrections(sql`(select * from difference where id in (select id from recounted where is_counted_anew) and received_at <> now()) t`, sql`t.sign`)}),
held as (
  insert into held_wrappers (project_id, id, trace_id, due_at)
  select ${project}, t.id, t.trace_id, t.received_at + make_interval(secs => ${param("grace")}::float8)
  from traces t where ${inReach(sql`t`)} and t.id = any(${param("held")}::uuid[] || array(
    select w.id from wanted w where w.in_crowd and w.wrapper and not w.billable
  ))
  on conflict (project_id, id) do update set due_at = excluded.due_at where held_wrappers.due_at <> excluded.due_at
)
select (extract(epoch from min(started_at)) * 1000)::float8 as earliest_ms,
  (select count(*)::int from after where billable and cost_pico is null) as unpriced
from before`);

/**
 * Judges the nodes, and returns the statements that apply the judgements. They refuse if other spans were stored since.
 *
 * @param sightings calls that came or were deleted. The other sightings of their responses are judged, too.
 * @param traces ids of all traces, including those without a node.
 * @param fewest how many sightings a response must have for one of them to be judged anew.
 */
export function applyJudgements(
  scope: Scope,
  sightings: readonly Sighting[],
  nodes: readonly StoredNode[],
  traces: readonly string[] = [],
  fewest = 2,
): Bound[] {
  const byTrace = Map.groupBy(nodes, ({ traceId }) => traceId);
  for (const traceId of traces) if (!byTrace.has(traceId)) byTrace.set(traceId, []);
  for (const [traceId, all] of byTrace) if (all.length > MAX_NODES) byTrace.delete(traceId);
  const all = [...byTrace.values()].flat();
  const judgements = judge(all);
  const judged = all.flatMap((node): [string, Judgement][] => {
    const judgement = judgements.get(node.id ?? "");
    return judgement && (node.wrapper || differs(node, judgement)) ? [[node.id!, judgement]] : [];
  });
  const changed = new Set(judged.map(([id]) => id));
  const rows = all.filter((node): node is StoredNode & Sighting => node.id !== null);
  const late = rows.flatMap((node): Late[] => {
    const conversation = judgements.get(node.id)?.sessionId ?? null;
    const ids = conversation === null ? [] : idsIn(conversation, node.traceId, node.otherIds);
    return ids.length === 0 ? [] : [{ ...node, ids, otherIds: [...node.otherIds, ...ids] }];
  });
  const sighted = [...sightings, ...late, ...rows.filter(({ id }) => changed.has(id))];
  const counted = [...byTrace].map(([traceId, all]) => ({
    traceId,
    calls: all.filter(({ id }) => id !== null).length,
    all: all.length,
  }));
  const ids = plainArray(judged.map(([id]) => id));
  // Many spans inherit the same tags, which are sent once.
  const documents = new Map<string, number>();
  const numberOf = (tags: Readonly<Record<string, string>>): number => {
    const text = JSON.stringify(tags);
    const number = documents.get(text) ?? documents.size + 1;
    documents.set(text, number);
    return number;
  };
  const values = {
    ...scope,
    ...sightedValues(sighted, fewest),
    traces: textArray(counted.map(({ traceId }) => traceId)),
    calls: plainArray(counted.map(({ calls }) => calls)),
    links: plainArray(counted.map(({ calls, all }) => all - calls)),
    ids,
    counts: plainArray(judged.map(([, { counts }]) => counts)),
    nested: plainArray(judged.map(([, { nested }]) => nested)),
    user_ids: textArray(judged.map(([, { userId }]) => userId)),
    session_ids: textArray(judged.map(([, { sessionId }]) => sessionId)),
    tag_numbers: plainArray(judged.map(([, { tags }]) => (tags === null ? null : numberOf(tags)))),
    tags: textArray([...documents.keys()]),
    held: plainArray(judged.flatMap(([id, { held }]) => (held ? [id] : []))),
  };
  return [
    ...(counted.length > 0 ? [AS_JUDGED(values)] : []),
    ...(late.length > 0 ? identify(scope, late) : []),
    LOCK(values),
    APPLY(values),
  ];
}

/** A call whose conversation another span told, and the ids that it has by that. */
type Late = Sighting & { ids: readonly string[] };

function identify(scope: Scope, late: readonly Late[]): Bound[] {
  const sighted = { ...scope, ...sightedValues(late) };
  const values = {
    ...scope,
    late: plainArray(late.map(({ id }) => id)),
    late_ids: textArray(late.map(({ ids }) => ids.join("\n"))),
  };
  return [sight(scope, late), TAKE_TURN_JOINED(sighted), IDENTIFY(values)];
}

/**
 * True if a judgement changes the stored call. Sightings are not considered here, because the statement does that.
 * Wrappers are always sent, because one may have become ripe since it was read.
 */
function differs(node: StoredNode, { counts, nested, userId, sessionId, tags }: Judgement): boolean {
  const more = tags !== node.tags && Object.keys(tags ?? {}).length > Object.keys(node.tags ?? {}).length;
  return (
    counts !== node.billable || nested !== node.nested || userId !== node.userId || sessionId !== node.sessionId || more
  );
}
