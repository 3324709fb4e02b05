/** The nodes of trace trees, which are judged: stored calls, stored links, and the spans of a batch. */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database, type Row } from "../db/client.ts";
import { amongThem, atOnce, byShard, type Everywhere, idsOf, isDistributed } from "../db/shards.ts";
import { rawSinceMs, rowKept } from "../retention/kept.ts";
import { own } from "./filled.ts";
import { inReach, type Scope } from "./scope.ts";
import { param, project } from "../db/sql.ts";
import type { Link, Call } from "../ledger/call.ts";
import type { Node } from "./trace-tree.ts";

/** A trace with more spans is not settled: its calls count, its wrappers do not. */
export const MAX_NODES = 5_000;

/**
 * The stored calls and the stored links of the trace `i`, looked up for each trace. In one list of all traces, the
 * planner may read all calls of the project instead, as long as it does not know how many there are.
 */
export const callsOfTrace = sql`from traces t where ${inReach(sql`t`)} and t.trace_id = i.trace_id and t.span_id is not null`;
export const linksOfTrace = sql`from spans s where s.project_id = ${project} and s.trace_id = i.trace_id`;

/** Stores the links of traces that are about calls. */
export const LINK = compileNamed(sql`
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

export function linkValues(links: readonly Link[]): Record<string, unknown> {
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

const isQuiet = sql`s.received_at < now() - interval '7 days'`;
/** How many links one statement deletes at most. */
const FORGOTTEN_AT_ONCE = 20_000;

/** Deletes links of traces that received no link for a week. */
const forgetting = (distributed: boolean) =>
  compileNamed(sql`
delete from spans t where t.ctid = any(array(
  select s.ctid from spans s
  where ${isQuiet}${amongThem(distributed, sql`s`)} and not exists (
    select 1 from spans n
    where n.project_id = s.project_id and n.trace_id = s.trace_id and n.received_at >= now() - interval '7 days'${amongThem(distributed, sql`n`)}
  )
  limit ${FORGOTTEN_AT_ONCE}
))${amongThem(distributed, sql`t`)} returning 1`);
const FORGET = forgetting(false);
const FORGET_SHARD = forgetting(true);

export async function forgetLinks(db: Database, all: Everywhere = atOnce(db)): Promise<void> {
  if (!(await isDistributed(db))) return await forget(db, FORGET({}));
  const quiet = await all.ask(
    (among) => sql`select distinct s.project_id from spans s where ${isQuiet}${among(sql`s`)}`,
  );
  for (const projects of await byShard(db, idsOf(quiet)))
    await forget(db, FORGET_SHARD({ projects: plainArray(projects) }));
}

async function forget(db: Database, { statement, values }: Bound): Promise<void> {
  while ((await db.run(statement, values)).length === FORGOTTEN_AT_ONCE);
}

/** The stored calls and links of some traces, each up to one more than `MAX_NODES`. */
export const NODES = compileNamed(sql`
select n.* from unnest(${param("traces")}::text[]) as i (trace_id)
cross join lateral (
  (select t.id, t.trace_id, t.span_id, t.parent_id, t.started_at, t.wrapper, t.operation, t.input_tokens, t.output_tokens,
    t.response_id, t.other_ids, t.billable, t.nested, t.received_at <= now() - make_interval(secs => ${param("grace")}::float8) as ripe,
    ${own.user_id} as user_id, ${own.session_id} as session_id, ${own.tags} as tags
  from traces t where ${inReach(sql`t`)} and t.trace_id = i.trace_id and t.span_id is not null limit ${MAX_NODES + 1})
  union all
  (select null, s.trace_id, s.span_id, s.parent_id, s.started_at, s.wrapper, '', null, null, null, null, false, false, false, s.user_id,
    s.session_id, s.tags
  from spans s where s.project_id = ${project} and s.trace_id = i.trace_id limit ${MAX_NODES + 1})
) n`);

/** The ids that are stored already, in whichever trace. */
export const KNOWN = compileNamed(
  sql`select t.id from traces t where ${inReach(sql`t`)} and t.id = any(${param("ids")}::uuid[])`,
);

/** A node with its stored judgement. A new row has the one that its write gives it. */
export interface StoredNode extends Node {
  billable: boolean;
  nested: boolean;
}

/** Reads the stored nodes of some traces. */
export async function readNodes(db: Database, scope: Scope, traces: readonly string[]): Promise<StoredNode[]> {
  const { statement, values } = NODES({ ...scope, traces: textArray(traces) });
  return (await db.run(statement, values)).map(nodeOf);
}

export function nodeOf(row: Row): StoredNode {
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
    otherIds: (row["other_ids"] as string[] | null) ?? [],
    ripe: row["ripe"] === true,
    billable: row["billable"] === true,
    nested: row["nested"] === true,
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: row["tags"] as Node["tags"],
  };
}

/** The fields of a node that a link has no values for. */
const NO_ROW = {
  id: null,
  kind: "",
  tokens: null,
  responseId: null,
  otherIds: [],
  ripe: false,
  billable: false,
  nested: false,
} as const;

/** The nodes that a batch adds to the stored ones. */
export function newNodes(
  spans: readonly Call[],
  links: readonly Link[],
  stored: readonly StoredNode[],
  ripe: boolean,
): StoredNode[] {
  const linked = new Set(stored.filter(({ id }) => id === null).map(({ traceId, spanId }) => `${traceId}:${spanId}`));
  const nodes: StoredNode[] = [];
  for (const call of spans) {
    const { id, parentId, startedAtMs, wrapper, responseId, otherIds, userId, sessionId } = call;
    nodes.push({
      id,
      parentId,
      startedAtMs,
      wrapper,
      responseId,
      otherIds,
      userId,
      sessionId,
      ripe,
      traceId: call.traceId!,
      spanId: call.spanId!,
      kind: kindOf(call.operation),
      tokens: tokensOf(call.inputTokens, call.outputTokens),
      tags: tagsOrNull(call.tags),
      billable: call.billable,
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

/** Emitters name the operation of one call differently. */
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
