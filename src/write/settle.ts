/**
 * Settling a trace means judging its tree anew. Whether a stored call counts, and whose it is, depends on the other
 * spans of its trace. These come in any order and in any number of bodies, and two tools may report one call. So a
 * write that stores a span settles its trace in the same transaction.
 *
 * The spans are read and judged (`trace-tree.ts`) before that transaction. Transactions that settle one trace take
 * turns, and a transaction refuses if spans were stored since it read them. If several calls are sightings of one
 * provider response (`sightings.ts`), one of them counts.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database, REFUSED } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import type { Call, Link } from "../ledger/call.ts";
import { callKey, startOfKey } from "../ledger/key.ts";
import { applyJudgements } from "./apply-judgements.ts";
import type { PricedCall } from "./columns.ts";
import { scopeOf } from "./scope.ts";
import { chained, chainedAlone } from "./chains.ts";
import {
  AS_MUCH_MEMORY,
  DROP_IDS,
  FORGET_RESPONSE,
  FORGET_SIGHTINGS,
  hasOtherIds,
  isContested,
  isJoined,
  isShared,
  isSighting,
  LOCK_RESPONSES,
  sight,
  type Sighting,
  sightedValues,
  TAKE_TURN_JOINED,
  TRACES_OF,
} from "./sightings.ts";
import {
  callsOfTrace,
  KNOWN,
  LINK,
  linksOfTrace,
  linkValues,
  newNodes,
  nodeOf,
  NODES,
  readNodes,
} from "./trace-nodes.ts";

/**
 * Makes transactions that settle one trace take turns. A project has 64 locks for all its traces, because a server's
 * lock table is small.
 */
const TAKE_TURN = compileNamed(sql`
select pg_advisory_xact_lock(hashtext(${project}::text), k) from (
  select distinct hashtext(trace_id) & 63 as k
  from unnest(${param("traces")}::text[]) as i (trace_id) order by 1
) as locks`);

/**
 * Refuses if there is something to settle: a trace with more stored calls than these `calls`, a trace with links, or a
 * chain with several sightings. Most batches pass, and this check is much cheaper than settling.
 */
const checking = (contested: SQL) =>
  compileNamed(sql`
select refuse_if(
  exists (
    select 1 from unnest(${param("traces")}::text[], ${param("calls")}::integer[]) as i (trace_id, calls)
    where exists (select 1 ${callsOfTrace} offset i.calls limit 1) or exists (select 1 ${linksOfTrace} offset 0)
  )
  or ${contested},
  ${REFUSED}
)`);
const contestedIn = (chains: SQL): SQL =>
  sql`exists (select 1 from (${chains}) as k group by k.component, k.chain having count(distinct k.id) > 1)`;
/** The first one serves batches in which no call has several ids, which is cheaper. */
const CHECK = checking(sql`${isJoined} or ${contestedIn(chainedAlone)}`);
const CHECK_JOINED = checking(sql`${isShared} and (${isContested} or ${contestedIn(chained)})`);

/**
 * Refuses before anything is written if other calls of the ids are stored. It serves batches whose writing costs more
 * than asking first.
 */
const ASK_FIRST = compileNamed(sql`select refuse_if(${isContested}, ${REFUSED})`);
/** From this many sightings on. */
const MANY = 50;

/** Leaves traces to cron, which settles them. */
const DEFER = compileNamed(sql`
insert into held_wrappers (project_id, id, trace_id, due_at)
select ${project}, d.id, d.trace_id, now() from unnest(${param("ids")}::uuid[], ${param("traces")}::text[]) as d (id, trace_id)
order by d.id on conflict (project_id, id) do update set due_at = excluded.due_at`);

export interface Settling {
  /** Statements that run before the INSERT and `check`, and fail with `Refused` if these are going to. */
  ask: Bound[];
  /**
   * Statements that suffice if the batch has nothing to settle. If it has, they fail with `Refused`. Null if the batch
   * itself shows that they would fail.
   */
  check: Bound[] | null;
  /**
   * Reads and judges the traces, and returns the statements that apply the judgements. If spans were stored meanwhile,
   * the statements fail with `Refused` and have to be prepared again. The column `earliest_ms` of a row they return is
   * the start of the earliest call that they changed.
   */
  settle(db: Database): Promise<Bound[]>;
  /**
   * Statements that leave the spans as they were sent, for cron to settle. They serve if too many requests write to one
   * trace, or if it is too large.
   */
  defer(): Bound[];
}

/**
 * Prepares the settling of a batch. Its statements run after the INSERT, in the same transaction. Null if the batch has
 * no span, no link and no provider response id.
 */
export function settling(
  projectId: string,
  batch: readonly PricedCall[],
  links: readonly Link[],
  graceSeconds: number,
): Settling | null {
  const spans = new Map<string, Call>();
  for (const { call } of batch) {
    if (call.traceId !== null && call.spanId !== null && !spans.has(call.id)) spans.set(call.id, call);
  }
  const sightings = batch.map(({ call }) => call).filter(isSighting);
  if (spans.size === 0 && links.length === 0 && sightings.length === 0) return null;

  const calls = new Map<string, number>();
  for (const { traceId } of spans.values()) calls.set(traceId!, (calls.get(traceId!) ?? 0) + 1);
  for (const { traceId } of links) if (!calls.has(traceId)) calls.set(traceId, 0);
  const startsMs = [...batch.map(({ call }) => call.startedAtMs), ...links.map((link) => link.startedAtMs)];
  const scope = scopeOf(projectId, startsMs, graceSeconds);
  const lowestStartMs = startsMs.reduce((lowest, ms) => Math.min(lowest, ms));
  const traces = textArray([...calls.keys()]);
  const begin = [
    ...(links.length > 0 ? [LINK({ ...scope, ...linkValues(links) })] : []),
    ...(calls.size > 0 ? [TAKE_TURN({ ...scope, traces })] : []),
  ];
  const quiet = links.length === 0 && areAllCallsApart(spans);
  const sighted = { ...scope, ...sightedValues(sightings) };
  const several = hasOtherIds(sightings);
  const see = sightings.length > 0 ? [sight(scope, sightings)] : [];
  const seeAll = [...see, ...(sightings.length > 0 ? [AS_MUCH_MEMORY(sighted), TAKE_TURN_JOINED(sighted)] : [])];
  const check = several ? CHECK_JOINED : CHECK;
  return {
    ask: sightings.length < MANY ? [] : [ASK_FIRST(sighted)],
    check: quiet
      ? [...begin, ...(several ? seeAll : see), check({ ...sighted, traces, calls: plainArray([...calls.values()]) })]
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
      return [...begin, ...seeAll, ...applyJudgements(scope, sightings, nodes, [...calls.keys()])];
    },
    defer() {
      const due = [...calls.keys()].map((traceId) => ({ traceId, id: callKey(lowestStartMs, traceId) }));
      const held = {
        ...scope,
        traces: textArray(due.map(({ traceId }) => traceId)),
        ids: plainArray(due.map(({ id }) => id)),
      };
      return [...begin, ...seeAll, ...applyJudgements(scope, sightings, []), DEFER(held)];
    },
  };
}

/** The statements that settle stored traces again, because the grace time of a wrapper is over. */
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
  return [TAKE_TURN({ ...scope, traces: textArray(ids) }), ...applyJudgements(scope, [], nodes)];
}

/** A call that is deleted. It has a trace id if it is a span. */
export interface Gone {
  id: string;
  traceId: string | null;
  responseId: string | null;
  otherIds: readonly string[];
  startedAtMs: number;
}

/**
 * The statements that settle traces for calls that are deleted: their own traces, and the traces of the other sightings
 * of their responses. Some run before the deletion, some after it.
 *
 * @param judging if false, the spans around the calls stay as they are.
 */
export async function settlingWithout(
  db: Database,
  projectId: string,
  gone: readonly Gone[],
  graceSeconds: number,
  judging = true,
): Promise<{ before: Bound[]; after: Bound[] }> {
  const starts = gone.map(({ startedAtMs }) => startedAtMs);
  const scope = scopeOf(projectId, starts, graceSeconds);
  const sighted = { ...scope, ...sightedValues(gone, 1) };
  const sees = gone.some(({ responseId, otherIds }) => responseId !== null || otherIds.length > 0);
  const traces = new Set(judging ? gone.flatMap(({ traceId }) => traceId ?? []) : []);
  if (judging && sees) {
    const { statement, values } = TRACES_OF(sighted);
    for (const row of await db.run(statement, values)) traces.add(String(row["trace_id"]));
  }
  const nodes = traces.size === 0 ? [] : await readNodes(db, scope, [...traces]);
  if (traces.size === 0 && !sees) return { before: [], after: [] };
  const ids = new Set<string | null>(gone.map(({ id }) => id));
  return {
    before: [
      ...(traces.size === 0 ? [] : [TAKE_TURN({ ...scope, traces: textArray([...traces]) })]),
      ...(sees ? [LOCK_RESPONSES(sighted), TAKE_TURN_JOINED(sighted)] : []),
    ],
    after: [
      FORGET_SIGHTINGS(sighted),
      FORGET_RESPONSE(sighted),
      ...applyJudgements(
        scope,
        gone,
        nodes.filter(({ id }) => !ids.has(id)),
        [...traces],
        1,
      ),
    ],
  };
}

/**
 * The statements that settle stored calls whose ids change.
 *
 * @param sightings the calls with the ids that they will have.
 * @param dropped ids that name none of them any more.
 * @param changing the statements that change the ids of the calls.
 */
export function settlingIds(
  projectId: string,
  sightings: readonly Sighting[],
  dropped: readonly string[],
  changing: readonly Bound[],
  graceSeconds: number,
): Bound[] {
  const starts = sightings.map(({ id }) => startOfKey(id));
  const scope = scopeOf(projectId, starts, graceSeconds);
  const sighted = { ...scope, ...sightedValues(sightings, 1), dropped: textArray(dropped) };
  return [
    sight(scope, sightings),
    ...(dropped.length > 0 ? [DROP_IDS(sighted)] : []),
    TAKE_TURN_JOINED(sighted),
    ...changing,
    ...applyJudgements(scope, sightings, [], [], 1),
  ];
}

/** True if, within the batch, no span is above another and none is a wrapper. */
function areAllCallsApart(spans: ReadonlyMap<string, Call>): boolean {
  const parents = new Set<string>();
  for (const { wrapper, traceId, parentId } of spans.values()) {
    if (wrapper) return false;
    if (parentId !== null) parents.add(`${traceId}:${parentId}`);
  }
  return parents.size === 0 || ![...spans.values()].some(({ traceId, spanId }) => parents.has(`${traceId}:${spanId}`));
}
