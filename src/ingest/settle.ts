/**
 * What a stored call is worth knowing only once its neighbours are known: whether it counts, and whose it is. The
 * spans of a trace come in any order, in any number of bodies, and two tools may report one call: so whoever stores
 * another span settles its trace anew, in the same transaction.
 *
 * The spans are read and judged (`trace-tree.ts`) before that transaction, which refuses to go on if there are others by
 * then; those who settle one trace take turns. Of several sightings of one provider response one counts: the first of
 * those that tell most of what is priced. Rollups change by the difference, in the statement that changes the traces.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database, REFUSED, type Row } from "../db/client.ts";
import { rawSinceMs, rowKept } from "../retention/kept.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import type { PricedTrace } from "./columns.ts";
import { keyRange, traceKey } from "./key.ts";
import { COUNT_FIELDS, type Link, type Trace } from "./trace.ts";
import { judge, type Judgement, type Node } from "./trace-tree.ts";

/** Spans of one trace are looked for this long before and after what has just come. */
export const REACH_MS = 2 * 86_400_000;
/** A trace of more spans is left as it is: its calls count, its wrappers do not. */
const MAX_NODES = 5_000;
/** Sightings of one response begin within this time; further apart, somebody uses an id again. */
const SAME_CALL_MS = 3_600_000;
/** An id that more calls have within that time is not that of one response. */
const MOST_SIGHTINGS = 16;
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
with kept as materialized (select ${rawSinceMs} as since_ms)
insert into spans (project_id, trace_id, span_id, parent_id, started_at, wrapper, user_id, session_id, tags)
select ${project}, l.trace_id, l.span_id, l.parent_id, to_timestamp(l.started_ms::float8 / 1000), l.wrapper, l.user_id,
  l.session_id, l.tags::jsonb
from unnest(
  ${param("trace_ids")}::text[], ${param("span_ids")}::text[], ${param("parent_ids")}::text[],
  ${param("starts_ms")}::bigint[], ${param("wrappers")}::boolean[], ${param("user_ids")}::text[],
  ${param("session_ids")}::text[], ${param("tags")}::text[], ${param("of_interest")}::boolean[]
) as l (trace_id, span_id, parent_id, started_ms, wrapper, user_id, session_id, tags, of_interest), kept k
where ${rowKept(sql`l.started_ms`, sql`k.since_ms`)} and (
  l.of_interest
  or l.trace_id in (select t.trace_id from traces t where ${inReach(sql`t`)} and t.trace_id = any(${param("trace_ids")}::text[]) and t.span_id is not null)
  or l.trace_id in (select s.trace_id from spans s where s.project_id = ${project} and s.trace_id = any(${param("trace_ids")}::text[]))
)
order by l.trace_id, l.span_id
on conflict do nothing`);

/** Links of traces that have been quiet for a week, so many at once. */
export const FORGOTTEN_AT_ONCE = 20_000;
export const forgetLinks = sql`
delete from spans where ctid = any(array(
  select s.ctid from spans s
  where s.received_at < now() - interval '7 days' and not exists (
    select from spans n
    where n.project_id = s.project_id and n.trace_id = s.trace_id and n.received_at >= now() - interval '7 days'
  )
  limit ${FORGOTTEN_AT_ONCE}
)) returning 1`;

/** Adds sightings to what is known of their responses; the row's lock makes those of one response take turns. */
const SIGHT = compileNamed(sql`
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

const seen = sql`
  select r.holder, r.sightings from responses r
  where r.project_id = ${project}
    and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`;

/** Takes a trace that is deleted off the sightings of its response; the first that knows its tokens holds it from then on. */
const FORGET_SIGHTING = compileNamed(sql`
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
const TRACES_OF = compileNamed(sql`
select distinct t.trace_id from traces t
where ${inReach(sql`t`)} and t.id = any(array(select unnest(s.sightings) from (${seen}) as s)) and t.span_id is not null`);

/** A response that nothing tells of any more. */
const FORGET_RESPONSE = compileNamed(sql`
delete from responses r
where r.project_id = ${project} and cardinality(r.sightings) = 0
  and r.response = any(array(select md5(i.response)::uuid from unnest(${param("responses")}::text[]) as i (response)))`);

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

interface Scope {
  project: string;
  lowest: string;
  highest: string;
  grace: number;
}

function scopeOf(projectId: string, startsMs: readonly number[], graceSeconds: number): Scope {
  let [earliestMs, latestMs] = [Infinity, 0];
  for (const ms of startsMs) {
    if (ms < earliestMs) earliestMs = ms;
    if (ms > latestMs) latestMs = ms;
  }
  const [lowest, highest] = keyRange(Math.max(earliestMs - REACH_MS, 0), latestMs + REACH_MS);
  return { project: projectId, lowest, highest, grace: graceSeconds };
}

const NODES = compileNamed(sql`
select n.* from unnest(${param("traces")}::text[]) as i (trace_id)
cross join lateral (
  (select t.id, t.trace_id, t.span_id, t.parent_id, t.started_at, t.wrapper, t.operation, t.input_tokens, t.output_tokens,
    t.response_id, t.billable, t.nested, t.received_at <= now() - make_interval(secs => ${param("grace")}::float8) as ripe,
    t.user_id, t.session_id, t.tags
  from traces t where ${inReach(sql`t`)} and t.trace_id = i.trace_id and t.span_id is not null limit ${MAX_NODES + 1})
  union all
  (select null, s.trace_id, s.span_id, s.parent_id, s.started_at, s.wrapper, '', null, null, null, false, false, false, s.user_id,
    s.session_id, s.tags
  from spans s where s.project_id = ${project} and s.trace_id = i.trace_id limit ${MAX_NODES + 1})
) n`);

/** Which of these rows are stored already, be it in another trace. */
const KNOWN = compileNamed(
  sql`select t.id from traces t where ${inReach(sql`t`)} and t.id = any(${param("ids")}::uuid[])`,
);

/** A node with what is stored of its judgement, which a new row has from its write. */
interface StoredNode extends Node {
  billable: boolean;
  nested: boolean;
}

/** All that is stored of the traces. */
async function readNodes(db: Database, scope: Scope, traces: readonly string[]): Promise<StoredNode[]> {
  const { statement, values } = NODES({ ...scope, traces: textArray(traces) });
  return (await db.run(statement, values)).map(nodeOf);
}

function nodeOf(row: Row): StoredNode {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  const count = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  const id = text("id");
  return {
    id,
    traceId: String(row["trace_id"]),
    spanId: String(row["span_id"]),
    parentId: text("parent_id"),
    startedAtMs: (row["started_at"] as Date).getTime(),
    wrapper: row["wrapper"] === true,
    kind: kindOf(String(row["operation"])),
    tokens: id === null ? null : tokensOf(count("input_tokens"), count("output_tokens")),
    responseId: text("response_id"),
    ripe: row["ripe"] === true,
    billable: row["billable"] === true,
    nested: row["nested"] === true,
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: row["tags"] as Node["tags"],
  };
}

/** What a link has of a node. */
const NO_ROW = {
  id: null,
  kind: "",
  tokens: null,
  responseId: null,
  ripe: false,
  billable: false,
  nested: false,
} as const;

/** What a batch adds to what is stored. */
function newNodes(
  spans: readonly Trace[],
  links: readonly Link[],
  stored: readonly StoredNode[],
  ripe: boolean,
): StoredNode[] {
  const linked = new Set(stored.filter(({ id }) => id === null).map(({ traceId, spanId }) => `${traceId}:${spanId}`));
  const nodes: StoredNode[] = [];
  for (const trace of spans) {
    const { id, parentId, startedAtMs, wrapper, responseId, userId, sessionId } = trace;
    nodes.push({
      id,
      parentId,
      startedAtMs,
      wrapper,
      responseId,
      userId,
      sessionId,
      ripe,
      traceId: trace.traceId!,
      spanId: trace.spanId!,
      kind: kindOf(trace.operation),
      tokens: tokensOf(trace.inputTokens, trace.outputTokens),
      tags: tagsOrNull(trace.tags),
      billable: trace.billable,
      nested: false,
    });
  }
  const known = new Set([...stored, ...nodes].map(({ traceId }) => traceId));
  for (const link of links) {
    const name = `${link.traceId}:${link.spanId}`;
    if (linked.has(name) || !(link.ofInterest || known.has(link.traceId))) continue;
    linked.add(name);
    const { ofInterest: _, ...rest } = link;
    nodes.push({ ...NO_ROW, ...rest, tags: tagsOrNull(link.tags) });
  }
  return nodes;
}

/** Emitters name the operation of the same call differently. */
function kindOf(operation: string): string {
  return operation === "text_completion" || operation === "generate_content" ? "chat" : operation;
}

function tokensOf(input: number | null, output: number | null): number | null {
  return input === null && output === null ? null : (input ?? 0) + (output ?? 0);
}

function tagsOrNull(tags: Record<string, string>): Node["tags"] {
  for (const _ in tags) return tags;
  return null;
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

function linkValues(links: readonly Link[]): Record<string, unknown> {
  return {
    trace_ids: textArray(links.map((link) => link.traceId)),
    span_ids: textArray(links.map((link) => link.spanId)),
    parent_ids: textArray(links.map((link) => link.parentId)),
    starts_ms: plainArray(links.map((link) => link.startedAtMs)),
    wrappers: plainArray(links.map((link) => link.wrapper)),
    user_ids: textArray(links.map((link) => link.userId)),
    session_ids: textArray(links.map((link) => link.sessionId)),
    tags: textArray(links.map(({ tags }) => (Object.keys(tags).length === 0 ? null : JSON.stringify(tags)))),
    of_interest: plainArray(links.map((link) => link.ofInterest)),
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

function isSighting({ billable, wrapper, responseId }: Trace): boolean {
  return (billable || wrapper) && responseId !== null && !WEAK_RESPONSE_ID.test(responseId);
}

function responsesOf(sightings: readonly Trace[]): { responses: string | null } {
  return { responses: textArray(sightings.map(({ responseId }) => responseId)) };
}

function sightingValues(sightings: readonly Trace[]): Record<string, unknown> {
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
