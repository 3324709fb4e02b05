/**
 * The tree of a trace as people read it: each call and each span between calls, what it costs, what all below it costs,
 * and whether it counts and why. What counts was decided when the spans were stored (`src/write/trace-tree.ts`); here
 * it is told. The span in a circle that began first is the top of it.
 */
import { CACHE_HIT_RULE } from "../ledger/call.ts";
import { picoToUsd } from "../money.ts";
import { formatInstant } from "../time.ts";
import { parentsOf, type Placed } from "../write/trace-tree.ts";

/** A stored call, or a link, which has no id. */
export interface TreeNode extends Placed {
  durationUs: number | null;
  /** True for a span around calls. */
  wrapper: boolean;
  billable: boolean;
  nested: boolean;
  /** When a wrapper that waits for calls is decided about. */
  heldUntilMs: number | null;
  rule: string;
  operation: string | null;
  application: string | null;
  model: string | null;
  tokens: number | null;
  costPico: bigint | null;
  /** The call that counts instead, if both report one response. */
  instead: string | null;
}

export interface TreeSpan {
  id: string | null;
  span_id: string | null;
  parent_id: string | null;
  depth: number;
  kind: "call" | "link";
  name: string | null;
  application: string | null;
  model: string | null;
  start: string;
  duration_ms: number | null;
  billable: boolean;
  counts: boolean;
  why: string;
  counted_as: string | null;
  own_cost_usd: string | null;
  subtree_cost_usd: string | null;
  subtree_requests: number;
}

export interface Totals {
  requests: number;
  cost_usd: string | null;
  unpriced_requests: number;
  calls: number;
  links: number;
}

/** A node in its place, with the sums of itself and all below it. */
interface Place {
  node: TreeNode;
  above: Place | null;
  depth: number;
  requests: number;
  unpriced: number;
  costPico: bigint;
  /** True if a call is below. */
  holdsCall: boolean;
  /** The first call at this place or below it that counts. */
  counting: string | null;
}

/** The spans from the top down, those of one parent by their start, and the sums of all. */
export function treeOf(nodes: readonly TreeNode[]): { totals: Totals; spans: TreeSpan[] } {
  const places = placed(nodes);
  // What is below comes later, so that the sums of a place are whole before they go up.
  for (const place of places.toReversed()) {
    const { above } = place;
    if (above === null) continue;
    above.requests += place.requests;
    above.unpriced += place.unpriced;
    above.costPico += place.costPico;
    above.holdsCall ||= isCall(place.node) || place.holdsCall;
    above.counting = above.node.billable ? above.node.id : (place.counting ?? above.counting);
  }
  const tops = places.filter(({ above }) => above === null);
  const sumOf = (name: "requests" | "unpriced"): number => tops.reduce((sum, place) => sum + place[name], 0);
  const all = { requests: sumOf("requests"), unpriced: sumOf("unpriced") };
  const costPico = tops.reduce((sum, place) => sum + place.costPico, 0n);
  const calls = nodes.filter(({ id }) => id !== null).length;
  return {
    totals: {
      requests: all.requests,
      cost_usd: costOf({ ...all, costPico }),
      unpriced_requests: all.unpriced,
      calls,
      links: nodes.length - calls,
    },
    spans: places.map(shown),
  };
}

const isCall = ({ id, wrapper }: TreeNode): boolean => id !== null && !wrapper;

function placed(nodes: readonly TreeNode[]): Place[] {
  const sorted = nodes.toSorted(byStart);
  const parents = withoutCircles(sorted, parentsOf(sorted));
  const children = Map.groupBy(sorted, (node) => parents.get(node) ?? null);
  const places: Place[] = [];
  const open: { node: TreeNode; above: Place | null }[] = [];
  const push = (parent: TreeNode | null, above: Place | null): void => {
    for (const node of (children.get(parent) ?? []).toReversed()) open.push({ node, above });
  };
  push(null, null);
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, above } = next;
    const { billable, costPico } = node;
    const place: Place = {
      node,
      above,
      depth: above === null ? 0 : above.depth + 1,
      requests: billable ? 1 : 0,
      unpriced: billable && costPico === null ? 1 : 0,
      costPico: billable ? (costPico ?? 0n) : 0n,
      holdsCall: false,
      counting: billable ? node.id : null,
    };
    places.push(place);
    push(node, place);
  }
  return places;
}

function byStart(a: TreeNode, b: TreeNode): number {
  return a.startedAtMs - b.startedAtMs || compare(a.spanId ?? "", b.spanId ?? "") || compare(a.id ?? "", b.id ?? "");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param sorted so that the first node of a circle is its top. */
function withoutCircles(sorted: readonly TreeNode[], parents: Map<TreeNode, TreeNode>): Map<TreeNode, TreeNode> {
  const order = new Map(sorted.map((node, i) => [node, i]));
  const done = new Set<TreeNode>();
  for (const start of sorted) {
    const path = new Set<TreeNode>();
    let at: TreeNode | undefined = start;
    while (at !== undefined && !done.has(at) && !path.has(at)) {
      path.add(at);
      at = parents.get(at);
    }
    if (at !== undefined && path.has(at)) {
      const circle = [...path].slice([...path].indexOf(at));
      parents.delete(circle.reduce((first, node) => (order.get(node)! < order.get(first)! ? node : first)));
    }
    for (const node of path) done.add(node);
  }
  return parents;
}

function costOf({ requests, unpriced, costPico }: Pick<Place, "requests" | "unpriced" | "costPico">): string | null {
  return requests > 0 && requests === unpriced ? null : picoToUsd(costPico);
}

function shown(place: Place): TreeSpan {
  const { node, depth } = place;
  const { id, costPico, durationUs } = node;
  const { why, counted_as } = reasonOf(place);
  return {
    id,
    span_id: node.spanId,
    parent_id: node.parentId,
    depth,
    kind: id === null ? "link" : "call",
    name: node.operation,
    application: node.application,
    model: node.model,
    start: formatInstant(node.startedAtMs),
    duration_ms: durationUs === null ? null : durationUs / 1_000,
    billable: node.billable,
    counts: node.billable,
    why,
    counted_as,
    own_cost_usd: costPico === null ? null : picoToUsd(costPico),
    subtree_cost_usd: costOf(place),
    subtree_requests: place.requests,
  };
}

/** Why a span counts or does not, and the call that counts instead if it is one. */
function reasonOf(place: Place): Pick<TreeSpan, "why" | "counted_as"> {
  const { node } = place;
  const because = (why: string, counted_as: string | null = null) => ({ why, counted_as });
  if (node.id === null) {
    return because(`A span ${node.wrapper ? "around" : "between"} calls, without usage of its own.`);
  }
  if (node.billable) {
    return because(node.wrapper ? "A span around calls, but no call is below it." : "A call of a model.");
  }
  if (node.rule === CACHE_HIT_RULE) return because("A gateway answered it from its cache.");
  if (node.instead !== null) return because(`Call ${node.instead} reports the same response and counts.`, node.instead);
  if (node.nested) {
    const other = place.counting ?? countingAround(place);
    return because(other === null ? "Another span of the call counts." : `Call ${other} stands for it.`, other);
  }
  if (node.heldUntilMs !== null) {
    const until = formatInstant(node.heldUntilMs);
    return because(`Held until ${until}: it counts then if no call has come below it.`);
  }
  if (node.wrapper) return because(wrapperReason(place));
  return because(`It does not count by the rule ${node.rule}.`);
}

function wrapperReason(place: Place): string {
  if (place.holdsCall) return "A span around calls: it repeats what the calls below it used.";
  if ((place.node.tokens ?? 0) === 0) return "A span around calls, without usage of its own.";
  for (let at = place.above; at !== null; at = at.above) {
    if (isCall(at.node)) return "A span below a call: it repeats what the call used.";
    if (at.node.billable) return "A span below a span that counts.";
  }
  return "A span around calls: a call below it may not have arrived.";
}

/** The call around this one that counts, with only links and other calls between. */
function countingAround(place: Place): string | null {
  for (let at = place.above; at !== null && !at.node.wrapper; at = at.above) if (at.node.billable) return at.node.id;
  return null;
}
