/**
 * The judgement of one trace. It is a function of the spans alone, whatever their order of arrival:
 *
 *   - A wrapper counts if its grace time is over and no call is below it or may still come. If wrappers are nested, the
 *     outermost one counts.
 *   - A call directly around calls of its kind (the frame of a retry, a second instrumentation) does not count, unless it
 *     alone knows the tokens.
 *   - A note of a span (`src/ledger/note.ts`) does not count, unless it alone knows the tokens.
 *   - If a span has no user, session or tag of a name, it takes the one of the nearest span above it.
 *
 * Every step is linear in the number of spans, even if spans form circles or copies.
 */

import { MAX_TAGS } from "../ledger/call.ts";
import { isNote } from "../ledger/note.ts";

/** A span of the trace: a row of the table `traces` if it has an `id`, a link if it has none. */
export interface Node {
  id: string | null;
  traceId: string;
  spanId: string;
  parentId: string | null;
  startedAtMs: number;
  /** True if its own attributes mark a span around calls. A row that is no wrapper is a call. */
  wrapper: boolean;
  /** The kind of a row. Only calls of one kind may be one call. */
  kind: string;
  /** Input and output tokens together. Null if unknown. */
  tokens: number | null;
  responseId: string | null;
  otherIds: readonly string[];
  /** True if it has waited long enough for calls below it. */
  ripe: boolean;
  userId: string | null;
  sessionId: string | null;
  tags: Readonly<Record<string, string>> | null;
}

export interface Judgement {
  /** True if the row counts. Sightings of its response elsewhere are not considered here. */
  counts: boolean;
  /** True for a call that another call of the trace stands for. */
  nested: boolean;
  /** True for a wrapper that may count once its grace time is over. */
  held: boolean;
  userId: string | null;
  sessionId: string | null;
  tags: Readonly<Record<string, string>> | null;
}

type Context = Pick<Node, "userId" | "sessionId" | "tags">;

const NO_CONTEXT: Context = { userId: null, sessionId: null, tags: null };

/**
 * Judges the nodes of any number of traces.
 *
 * @returns a judgement for each row, by its id.
 */
export function judge(nodes: readonly Node[]): Map<string, Judgement> {
  const judged = new Map<string, Judgement>();
  for (const trace of Map.groupBy(nodes, ({ traceId }) => traceId).values()) judgeTrace(trace, judged);
  return judged;
}

function judgeTrace(nodes: readonly Node[], judged: Map<string, Judgement>): void {
  const parents = parentsOf(nodes);
  const isRow = (node: Node): boolean => node.id !== null;
  const isCall = (node: Node): boolean => isRow(node) && !node.wrapper;
  const calls = nodes.filter(isCall);

  // The end of each chain: the id of a span that is not here, or null at a root.
  const missing = fromAbove(nodes, parents, (node, above: string | null | undefined) =>
    above === undefined ? (node.parentId === node.spanId ? null : node.parentId) : above,
  );
  const missingOfCalls = new Set(calls.map((call) => missing.get(call)!).filter((span) => span !== null));
  const mayHideACall = (node: Node): boolean =>
    missingOfCalls.size > 1 || (missingOfCalls.size === 1 && !missingOfCalls.has(missing.get(node)!));

  const aboveCalls = marked(calls, parents);
  const belowCalls = fromAbove(nodes, parents, (_, above: boolean | undefined, parent) =>
    parent === undefined ? false : isCall(parent) || above === true,
  );
  const candidates = new Set(
    nodes.filter(
      (node) =>
        isRow(node) &&
        node.wrapper &&
        (node.tokens ?? 0) > 0 &&
        !aboveCalls.has(node) &&
        !belowCalls.get(node) &&
        !mayHideACall(node),
    ),
  );
  const isRipe = (node: Node): boolean => node.ripe && candidates.has(node);
  const belowRipe = fromAbove(nodes, parents, (_, above: boolean | undefined, parent) =>
    parent === undefined ? false : isRipe(parent) || above === true,
  );

  const nested = nestedOf(calls, parents);
  const passedOn = fromAbove(nodes, parents, (node, above: Context | undefined) =>
    inherited(node, above ?? NO_CONTEXT),
  );
  for (const node of nodes) {
    if (node.id === null) continue;
    const counts = node.wrapper ? isRipe(node) && !belowRipe.get(node) : !nested.has(node);
    const { userId, sessionId, tags } = passedOn.get(node)!;
    const held = candidates.has(node) && !node.ripe;
    judged.set(node.id, { counts, nested: nested.has(node), held, userId, sessionId, tags });
  }
}

/** What the place of a node in its trace depends on. A call that is no span has no span id. */
export type Placed = Pick<Node, "id" | "parentId" | "startedAtMs"> & { spanId: string | null };

/**
 * The node above each node. A span id may occur more than once, for example if a sample is sent again under another
 * time. Then the parent is the node of that id that began last before the span below it.
 */
export function parentsOf<N extends Placed>(nodes: readonly N[]): Map<N, N> {
  const bySpan = Map.groupBy(nodes, ({ spanId }) => spanId);
  const parents = new Map<N, N>();
  for (const node of nodes) {
    if (node.parentId === null || node.parentId === node.spanId) continue;
    let parent: N | undefined;
    for (const other of bySpan.get(node.parentId) ?? []) if (!parent || isNearer(other, parent, node)) parent = other;
    if (parent) parents.set(node, parent);
  }
  return parents;
}

function isNearer(a: Placed, b: Placed, below: Placed): boolean {
  const [aBefore, bBefore] = [a.startedAtMs <= below.startedAtMs, b.startedAtMs <= below.startedAtMs];
  if (aBefore !== bBefore) return aBefore;
  if (a.startedAtMs !== b.startedAtMs) return aBefore === a.startedAtMs > b.startedAtMs;
  // Rows come before links, and then an order that every reader gets.
  return (a.id ?? "") > (b.id ?? "");
}

/**
 * Derives a value for each node from the value of the node above it, which is undefined at the top. A circle is gone
 * round twice, so that its values do not depend on where the walk enters it.
 */
function fromAbove<T>(
  nodes: readonly Node[],
  parents: ReadonlyMap<Node, Node>,
  of: (node: Node, above: T | undefined, parent: Node | undefined) => T,
): Map<Node, T> {
  const values = new Map<Node, T>();
  for (const start of nodes) {
    const path: Node[] = [];
    const onPath = new Set<Node>();
    let at: Node | undefined = start;
    while (at !== undefined && !values.has(at) && !onPath.has(at)) {
      path.push(at);
      onPath.add(at);
      at = parents.get(at);
    }
    const circle = at !== undefined && onPath.has(at) ? path.slice(path.indexOf(at)) : [];
    for (const node of [...circle.toReversed(), ...path.reverse()]) {
      const parent = parents.get(node);
      values.set(node, of(node, parent && values.get(parent), parent));
    }
  }
  return values;
}

/** All nodes above the given ones. */
function marked(nodes: Iterable<Node>, parents: ReadonlyMap<Node, Node>): Set<Node> {
  const above = new Set<Node>();
  for (const node of nodes) {
    for (let at = parents.get(node); at !== undefined && !above.has(at); at = parents.get(at)) above.add(at);
  }
  return above;
}

/** The calls that another call of the trace stands for. */
function nestedOf(calls: readonly Node[], parents: ReadonlyMap<Node, Node>): Set<Node> {
  const outers = new Map<Node, Node>();
  for (const call of calls) {
    const outer = callAround(call, parents);
    if (outer && mayBeOne(call, outer)) outers.set(call, outer);
  }
  if (outers.size === 0) return new Set();
  putNotesAround(outers);
  const knowing = marked(
    calls.filter(({ tokens }) => (tokens ?? 0) > 0),
    outers,
  );
  const notIdle = marked(
    calls.filter(({ tokens }) => tokens !== 0),
    outers,
  );
  const any = marked(calls, outers);
  const belowKnowing = fromAbove(calls, outers, (_, above: boolean | undefined, outer) =>
    outer === undefined ? false : ((outer.tokens ?? 0) > 0 && !knowing.has(outer)) || above === true,
  );
  return new Set(
    calls.filter((call) => {
      if (call.tokens === null) return notIdle.has(call) || belowKnowing.get(call) === true;
      return call.tokens > 0 ? knowing.has(call) : any.has(call);
    }),
  );
}

/** A note is below its span, but repeats it. So it takes the place around it, and counts if it alone knows the tokens. */
function putNotesAround(outers: Map<Node, Node>): void {
  const notes = [...outers].filter(
    ([note, span]) => isNote(note.spanId, note.parentId) && span.spanId === note.parentId,
  );
  for (const [note, span] of notes) {
    const above = outers.get(span);
    outers.set(span, note);
    if (above === undefined) outers.delete(note);
    else outers.set(note, above);
  }
}

/**
 * The call around another with only plain links between them. If a wrapper lies between, the inner call is a call of
 * its own.
 */
function callAround(call: Node, parents: ReadonlyMap<Node, Node>): Node | undefined {
  const seen = new Set([call]);
  let at = parents.get(call);
  while (at !== undefined && at.id === null && !at.wrapper && !seen.has(at)) {
    seen.add(at);
    at = parents.get(at);
  }
  return at !== undefined && at.id !== null && !at.wrapper && at !== call ? at : undefined;
}

/** Two sightings of one response are handled by `sightings.ts`. Two responses that both have tokens are two calls. */
function mayBeOne(inner: Node, outer: Node): boolean {
  if (inner.kind !== outer.kind) return false;
  if (inner.responseId === null || outer.responseId === null) return true;
  return inner.responseId !== outer.responseId && !((inner.tokens ?? 0) > 0 && (outer.tokens ?? 0) > 0);
}

function inherited(own: Context, above: Context): Context {
  return {
    userId: own.userId ?? above.userId,
    sessionId: own.sessionId ?? above.sessionId,
    tags: tagsOf(own.tags, above.tags),
  };
}

function tagsOf(own: Node["tags"], above: Node["tags"]): Node["tags"] {
  if (above === null || own === above) return own;
  if (own === null) return above;
  const merged: Record<string, string> = { ...own };
  let count = Object.keys(own).length;
  for (const key of Object.keys(above)) {
    if (count >= MAX_TAGS) break;
    if (Object.hasOwn(merged, key)) continue;
    merged[key] = above[key]!;
    count++;
  }
  return merged;
}
