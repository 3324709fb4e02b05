/**
 * What a stored call is worth knowing only once its neighbours are known: whether it counts, and whose it is. The
 * spans of a trace come in any order, in any number of bodies, and two tools may report one call: so whoever stores
 * another span settles its trace anew, in the same transaction.
 *
 * The spans are read and judged (`trace-tree.ts`) before that transaction, which refuses to go on if there are others by
 * then; those who settle one trace take turns. Of several sightings of one provider response one counts: the first of
 * those that tell most of what is priced. Rollups change by the difference, in the statement that changes the traces.
 */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database, REFUSED } from "../db/client.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import type { PricedTrace } from "./columns.ts";
import { traceKey } from "./key.ts";
import { inReach, param, project, type Scope, scopeOf } from "./scope.ts";
import {
  FORGET_RESPONSE,
  FORGET_SIGHTING,
  inReachOfEachOther,
  isSighting,
  responsesOf,
  seen,
  SIGHT,
  sightingValues,
  TRACES_OF,
} from "./sightings.ts";
import type { Link, Trace } from "./trace.ts";
import {
  KNOWN,
  LINK,
  linkValues,
  MAX_NODES,
  newNodes,
  nodeOf,
  NODES,
  readNodes,
  type StoredNode,
} from "./trace-nodes.ts";
import { judge, type Judgement } from "./trace-tree.ts";

const PRICED = sql`t left join prices p on p.project_id = ${project} and p.id = t.price_id`;

/** Those who settle one trace take turns. A project has few locks, whatever the number of traces: the server has not many. */
const TAKE_TURN = compileNamed(sql`
select pg_advisory_xact_lock(hashtext(${project}::text), k) from (
  select distinct hashtext(trace_id) & 63 as k
  from unnest(${param("traces")}::text[]) as i (trace_id) order by 1
) as locks`);

const storedRows = sql`
  select t.trace_id, count(*) as stored from traces t
  where ${inReach(sql`t`)} and t.trace_id = any(${param("traces")}::text[]) and t.span_id is not null group by 1`;

/**
 * Refuses when there is something to settle: a trace of which more than these `calls` is known, or a response that was
 * seen before. For most batches there is not, and finding that out is much cheaper than settling.
 */
const CHECK = compileNamed(sql`
select refuse_if(
  exists (
    select from unnest(${param("traces")}::text[], ${param("calls")}::integer[]) as i (trace_id, calls)
    join (${storedRows}) k on k.trace_id = i.trace_id
    where k.stored > i.calls
  )
  or exists (select from spans s where s.project_id = ${project} and s.trace_id = any(${param("traces")}::text[]))
  or exists (select from (${seen}) as s where cardinality(s.sightings) > 1),
  ${REFUSED}
)`);

/** Refuses when a trace has other rows or links by now than those that were judged. */
const AS_JUDGED = compileNamed(sql`
select refuse_if(
  exists (
    select from unnest(${param("traces")}::text[], ${param("calls")}::integer[], ${param("links")}::integer[])
      as i (trace_id, calls, links)
    left join (${storedRows}) k on k.trace_id = i.trace_id
    left join (
      select s.trace_id, count(*) as stored from spans s
      where s.project_id = ${project} and s.trace_id = any(${param("traces")}::text[]) group by 1
    ) l on l.trace_id = i.trace_id
    where coalesce(k.stored, 0) <> i.calls or coalesce(l.stored, 0) <> i.links
  ),
  ${REFUSED}
)`);

/** Whatever is changed is locked first, so that it is seen as it is. */
const LOCK = compileNamed(
  lockTraces(sql`
  ${inReach(sql`t`)} and (
    t.id = any(${param("ids")}::uuid[]) or t.id = any(array(select unnest(s.sightings) from (${seen}) as s))
  )`),
);

const APPLY = compileNamed(sql`
with judged as (
  select j.id, j.counts, j.nested, j.user_id, j.session_id, d.tags
  from unnest(
    ${param("ids")}::uuid[], ${param("counts")}::boolean[], ${param("nested")}::boolean[], ${param("user_ids")}::text[],
    ${param("session_ids")}::text[], ${param("tag_numbers")}::integer[]
  ) as j (id, counts, nested, user_id, session_id, tag_number)
  left join unnest(${param("tags")}::text[]) with ordinality as d (tags, number) on d.number = j.tag_number
),
contested as materialized (${seen}),
wanted as (
  select t.*, j.nested as now_nested, j.user_id as now_user_id, j.session_id as now_session_id, j.tags::jsonb as now_tags,
    j.counts and not exists (
      select from responses r
      where r.project_id = ${project} and r.response = md5(t.response_id)::uuid and t.id = any(r.sightings) and r.holder <> t.id
    ) as now_billable
  from judged j, traces t where ${inReach(sql`t`)} and t.id = any(${param("ids")}::uuid[]) and t.id = j.id
  union all
  select t.*, t.nested, t.user_id, t.session_id, t.tags,
    case when t.wrapper then t.billable else not t.nested end
      and coalesce(t.id = (select c.holder from contested c where t.id = any(c.sightings)), true)
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
  select ${project}, t.id, t.trace_id, t.received_at + make_interval(secs => ${param("grace")}::float8)
  from traces t where ${inReach(sql`t`)} and t.id = any(${param("held")}::uuid[])
  on conflict (project_id, id) do update set due_at = excluded.due_at where held_wrappers.due_at <> excluded.due_at
)
select (extract(epoch from min(started_at)) * 1000)::float8 as earliest_ms,
  (select count(*)::int from after where billable and cost_pico is null) as unpriced
from before`);

/** Puts traces up for cron to settle. */
const DEFER = compileNamed(sql`
insert into held_wrappers (project_id, id, trace_id, due_at)
select ${project}, d.id, d.trace_id, now() from unnest(${param("ids")}::uuid[], ${param("traces")}::text[]) as d (id, trace_id)
order by d.id on conflict (project_id, id) do update set due_at = excluded.due_at`);

export interface Settling {
  /** Suffices for most batches: fails with `Refused` where it does not. Null where it surely does not. */
  check: Bound[] | null;
  /**
   * Reads, judges, and says what has to run; fails with `Refused` when spans came meanwhile, and is then done again. Of
   * what it changes, a row tells the earliest start in `earliest_ms`.
   */
  settle(db: Database): Promise<Bound[]>;
  /** Leaves the spans as they were sent, for cron to settle: where many write to one trace, or it is too large. */
  defer(): Bound[];
}

/** What has to run after the write, in its transaction; null for calls that nothing could be known of. */
export function settling(
  projectId: string,
  batch: readonly PricedTrace[],
  links: readonly Link[],
  graceSeconds: number,
): Settling | null {
  const spans = new Map<string, Trace>();
  for (const { trace } of batch) {
    if (trace.traceId !== null && trace.spanId !== null && !spans.has(trace.id)) spans.set(trace.id, trace);
  }
  const sightings = batch.map(({ trace }) => trace).filter(isSighting);
  if (spans.size === 0 && links.length === 0 && sightings.length === 0) return null;

  const calls = new Map<string, number>();
  for (const { traceId } of spans.values()) calls.set(traceId!, (calls.get(traceId!) ?? 0) + 1);
  for (const { traceId } of links) if (!calls.has(traceId)) calls.set(traceId, 0);
  const startsMs = [...batch.map(({ trace }) => trace.startedAtMs), ...links.map((link) => link.startedAtMs)];
  const scope = scopeOf(projectId, startsMs, graceSeconds);
  const lowestStartMs = startsMs.reduce((lowest, ms) => Math.min(lowest, ms));
  const traces = textArray([...calls.keys()]);
  const begin = [
    ...(links.length > 0 ? [LINK({ ...scope, ...linkValues(links) })] : []),
    ...(calls.size > 0 ? [TAKE_TURN({ ...scope, traces })] : []),
  ];
  const groups = inReachOfEachOther(sightings);
  const quiet = links.length === 0 && groups.length <= 1 && areAllCallsApart(spans);
  const sighted = groups.at(-1) ?? [];
  const sight = (some: readonly Trace[]): Bound[] =>
    some.length > 0 ? [SIGHT({ ...scope, ...sightingValues(some) })] : [];
  return {
    check: quiet
      ? [
          ...begin,
          ...sight(sighted),
          CHECK({ ...scope, traces, calls: plainArray([...calls.values()]), ...responsesOf(sighted) }),
        ]
      : null,
    async settle(db) {
      const [rows = [], known = []] = await db.batch([
        NODES({ ...scope, traces }),
        KNOWN({ ...scope, ids: plainArray([...spans.keys()]) }),
      ]);
      const stored = rows.map(nodeOf);
      const ids = new Set(known.map(({ id }) => String(id)));
      const fresh = [...spans.values()].filter(({ id }) => !ids.has(id));
      const nodes = [...stored, ...newNodes(fresh, links, stored, graceSeconds === 0)];
      const earlier = groups
        .slice(0, -1)
        .flatMap((some) => [...sight(some), ...applying({ ...scope, ...responsesOf(some) }, [])]);
      const own = { ...scope, ...responsesOf(sighted) };
      return [...begin, ...earlier, ...sight(sighted), ...applying(own, nodes, [...calls.keys()])];
    },
    defer() {
      const due = [...calls.keys()].map((traceId) => ({ traceId, id: traceKey(lowestStartMs, traceId) }));
      const held = {
        ...scope,
        traces: textArray(due.map(({ traceId }) => traceId)),
        ids: plainArray(due.map(({ id }) => id)),
      };
      return [...begin, ...sight(sighted), ...applying({ ...scope, ...responsesOf(sighted) }, []), DEFER(held)];
    },
  };
}

/** The same for traces that are stored already: what has become of their wrappers since. */
export async function settlingAgain(
  db: Database,
  projectId: string,
  traces: readonly { traceId: string; startedAtMs: number }[],
  graceSeconds: number,
): Promise<Bound[]> {
  const scope = scopeOf(
    projectId,
    traces.map(({ startedAtMs }) => startedAtMs),
    graceSeconds,
  );
  const ids = [...new Set(traces.map(({ traceId }) => traceId))];
  const nodes = await readNodes(db, scope, ids);
  return [TAKE_TURN({ ...scope, traces: textArray(ids) }), ...applying({ ...scope, responses: null }, nodes)];
}

/**
 * For a trace that is deleted: what its trace is without it, and the other sightings of its response in theirs. Runs
 * before and after the deletion.
 *
 * @param judging false leaves the spans around it as they are
 */
export async function settlingWithout(
  db: Database,
  projectId: string,
  gone: { id: string; traceId: string | null; responseId: string | null; startedAtMs: number },
  graceSeconds: number,
  judging = true,
): Promise<{ before: Bound[]; after: Bound[] }> {
  const scope = scopeOf(projectId, [gone.startedAtMs], graceSeconds);
  const responses = textArray(gone.responseId === null ? [] : [gone.responseId]);
  const traces = new Set(judging && gone.traceId !== null ? [gone.traceId] : []);
  if (judging && gone.responseId !== null) {
    const { statement, values } = TRACES_OF({ ...scope, responses });
    for (const row of await db.run(statement, values)) traces.add(String(row["trace_id"]));
  }
  const nodes = traces.size === 0 ? [] : await readNodes(db, scope, [...traces]);
  return {
    before: traces.size === 0 ? [] : [TAKE_TURN({ ...scope, traces: textArray([...traces]) })],
    after: [
      FORGET_SIGHTING({ ...scope, responses, id: gone.id }),
      FORGET_RESPONSE({ ...scope, responses }),
      ...applying(
        { ...scope, responses },
        nodes.filter(({ id }) => id !== gone.id),
        [...traces],
      ),
    ],
  };
}

/**
 * Judges the nodes, and applies that if they are still all there is.
 *
 * @param traces of those without any node
 */
function applying(
  scope: Scope & { responses: string | null },
  nodes: readonly StoredNode[],
  traces: readonly string[] = [],
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
  const counted = [...byTrace].map(([traceId, all]) => ({
    traceId,
    calls: all.filter(({ id }) => id !== null).length,
    all: all.length,
  }));
  const ids = plainArray(judged.map(([id]) => id));
  // Many spans have the same tags from above: they are sent once.
  const documents = new Map<string, number>();
  const numberOf = (tags: Readonly<Record<string, string>>): number => {
    const text = JSON.stringify(tags);
    const number = documents.get(text) ?? documents.size + 1;
    documents.set(text, number);
    return number;
  };
  const values = {
    ...scope,
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
  return [...(counted.length > 0 ? [AS_JUDGED(values)] : []), LOCK(values), APPLY(values)];
}

/**
 * Sightings are not looked at here: what counts but for them is found to count no more by the statement. Nor is this for
 * wrappers: time may have made one count since it was read.
 */
function differs(node: StoredNode, { counts, nested, userId, sessionId, tags }: Judgement): boolean {
  const more = tags !== node.tags && Object.keys(tags ?? {}).length > Object.keys(node.tags ?? {}).length;
  return (
    counts !== node.billable || nested !== node.nested || userId !== node.userId || sessionId !== node.sessionId || more
  );
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
