/** The tree of a trace as it is told: a table beside `test/write/settle.test.ts`, which is of what counts. */
import { describe, expect, it } from "vitest";
import { CACHE_HIT_RULE } from "../../src/ledger/call.ts";
import { type TreeNode, treeOf } from "../../src/traces/tree.ts";

const ID = (name: string): string => `00000000-0000-4000-8000-${name.charCodeAt(0).toString().padStart(12, "0")}`;

/** A call named by one letter, which counts and costs 1 pico-USD; later letters begin later. */
function call(name: string, parentId: string | null, changes: Partial<TreeNode> = {}): TreeNode {
  return {
    id: ID(name),
    spanId: name,
    parentId,
    startedAtMs: name.charCodeAt(0),
    durationUs: 1_500,
    wrapper: false,
    billable: true,
    nested: false,
    heldUntilMs: null,
    rule: "native",
    operation: "chat",
    application: "shop",
    model: "gpt-4o",
    tokens: 10,
    costPico: 1n,
    instead: null,
    ...changes,
  };
}
const not = (name: string, parentId: string | null, changes: Partial<TreeNode> = {}): TreeNode =>
  call(name, parentId, { billable: false, ...changes });
const wrapper = (name: string, parentId: string | null, changes: Partial<TreeNode> = {}): TreeNode =>
  not(name, parentId, { wrapper: true, operation: "invoke_agent", ...changes });
const link = (name: string, parentId: string | null): TreeNode =>
  not(name, parentId, { id: null, costPico: null, operation: null, model: null, application: null, rule: "" });

/** Each span with its depth, the number and the pico-USD of what counts of it and below. */
function drawn(nodes: readonly TreeNode[]): string {
  return treeOf(nodes)
    .spans.map(({ span_id, depth, subtree_requests, subtree_cost_usd }) => {
      const pico = subtree_cost_usd === null ? "?" : String(Math.round(Number(subtree_cost_usd) * 1e12));
      return `${span_id}${depth}:${subtree_requests}/${pico}`;
    })
    .join(" ");
}

describe("the tree", () => {
  it.each<[string, TreeNode[], string]>([
    ["of nothing", [], ""],
    ["of one call", [call("a", null)], "a0:1/1"],
    [
      "adds up from below: 1 + 2 below b, 1 beside",
      [
        wrapper("a", null, { costPico: 9n }),
        link("b", "a"),
        call("c", "b"),
        call("d", "b", { costPico: 2n }),
        call("e", "a"),
      ],
      "a0:3/4 b1:2/3 c2:1/1 d2:1/2 e1:1/1",
    ],
    ["is by start, whatever came first", [call("c", "a"), call("b", "a"), link("a", null)], "a0:2/2 b1:1/1 c1:1/1"],
    ["has an orphan at the top", [call("b", "gone"), call("a", null)], "a0:1/1 b0:1/1"],
    ["has a span that is its own parent at the top", [call("a", "a")], "a0:1/1"],
    [
      "opens a circle at the span that began first",
      [call("b", "c"), call("c", "a"), call("a", "b"), call("d", "c")],
      "a0:4/4 c1:3/3 b2:1/1 d2:1/1",
    ],
    [
      "has copies of a span once each",
      [call("a", null), call("a", null, { id: ID("z"), startedAtMs: 99 }), call("b", "a")],
      "a0:2/2 b1:1/1 a0:1/1",
    ],
    ["has calls that are no spans", [call("a", null, { spanId: null }), call("b", "a")], "null0:1/1 b0:1/1"],
    [
      "does not take unknown for 0",
      [call("a", null, { costPico: null }), call("b", "a", { costPico: null })],
      "a0:2/? b1:1/?",
    ],
    ["adds up what is known", [call("a", null, { costPico: null }), call("b", "a")], "a0:2/1 b1:1/1"],
    ["costs nothing where nothing counts", [wrapper("a", null)], "a0:0/0"],
  ])("%s", (_, nodes, expected) => {
    expect(drawn(nodes)).toBe(expected);
    expect(drawn(nodes.toReversed())).toBe(expected);
  });

  it("of 5,000 spans below one another, or in one circle, is whole", () => {
    const chain = Array.from({ length: 5_000 }, (_, i) =>
      call("a", i === 0 ? null : `s${i - 1}`, { id: ID("a"), spanId: `s${i}`, startedAtMs: i }),
    );
    expect(treeOf(chain).totals).toMatchObject({ requests: 5_000, calls: 5_000, links: 0 });
    expect(treeOf(chain).spans.at(-1)).toMatchObject({ depth: 4_999, subtree_requests: 1 });
    chain[0] = { ...chain[0]!, parentId: "s4999" };
    expect(treeOf(chain).spans[0]).toMatchObject({ span_id: "s0", depth: 0, subtree_requests: 5_000 });
  });
});

describe("why", () => {
  const whyOf = (nodes: TreeNode[], name: string) => {
    const { why, counted_as, counts } = treeOf(nodes).spans.find(({ span_id }) => span_id === name)!;
    return [counts, why, counted_as];
  };

  it.each<[string, TreeNode[], [boolean, RegExp, string | null]]>([
    ["a call", [call("a", null)], [true, /^A call of a model/, null]],
    ["a wrapper that counts", [wrapper("a", null, { billable: true })], [true, /no call is below/, null]],
    ["a link", [link("a", null), call("b", "a")], [false, /between calls/, null]],
    [
      "a wrapper of calls",
      [wrapper("a", null), link("b", "a"), call("c", "b")],
      [false, /repeats what the calls below/, null],
    ],
    [
      "a wrapper that is held",
      [wrapper("a", null, { heldUntilMs: 0 })],
      [false, /^Held until 1970-01-01T00:00:00/, null],
    ],
    ["a wrapper without usage", [wrapper("a", null, { tokens: null })], [false, /without usage/, null]],
    ["a wrapper that may hide a call", [wrapper("a", null)], [false, /may not have arrived/, null]],
    ["a frame around a call", [not("a", null, { nested: true }), call("b", "a")], [false, /stands for it/, ID("b")]],
    ["a second report", [not("a", null, { instead: ID("x") })], [false, /reports the same response/, ID("x")]],
    ["a cache hit", [not("a", null, { rule: CACHE_HIT_RULE })], [false, /from its cache/, null]],
    ["another rule", [not("a", null, { rule: "x.y" })], [false, /by the rule x\.y/, null]],
  ])("%s", (_, nodes, [counts, why, other]) => {
    expect(whyOf(nodes, "a")).toEqual([counts, expect.stringMatching(why), other]);
  });

  it.each<[string, TreeNode[], RegExp, string | null]>([
    ["a wrapper below a call", [call("a", null), wrapper("b", "a")], /below a call/, null],
    [
      "a wrapper below one that counts",
      [wrapper("a", null, { billable: true }), wrapper("b", "a")],
      /below a span that counts/,
      null,
    ],
    ["a call below the one that knows", [call("a", null), not("b", "a", { nested: true })], /stands for it/, ID("a")],
    [
      "not one of another agent",
      [call("a", null), wrapper("w", "a"), not("b", "w", { nested: true })],
      /Another span/,
      null,
    ],
  ])("%s", (_, nodes, why, other) => {
    expect(whyOf(nodes, "b")).toEqual([false, expect.stringMatching(why), other]);
  });
});
