import { describe, expect, it } from "vitest";
import { countedSum, openRows, rowsOf, sightOf, type Span, stepOf, whyParts } from "../../src/page/call/tree.ts";

const span = (name: string, depth: number, more: Partial<Span> = {}): Span => ({
  id: name,
  span_id: name,
  parent_id: null,
  depth,
  kind: "call",
  name: "chat",
  application: "shop",
  model: "gpt-4o",
  start: "2026-11-30T00:00:00Z",
  duration_ms: 1,
  billable: true,
  counts: true,
  why: "A call of a model.",
  counted_as: null,
  own_cost_usd: "0.000000000001",
  subtree_cost_usd: "1",
  subtree_requests: 1,
  ...more,
});

/** a(b(c) d) e */
const SPANS = [span("a", 0), span("b", 1), span("c", 2), span("d", 1), span("e", 0)];
const ROWS = rowsOf(SPANS);
const names = (rows: { span: Span }[]): string => rows.map(({ span }) => span.id).join("");

describe("rows", () => {
  it("know their level, parent and place among their own", () => {
    expect(ROWS.map((row) => [row.span.id, row.level, row.parent, row.place, row.siblings, row.hasChildren])).toEqual([
      ["a", 1, null, 1, 2, true],
      ["b", 2, 0, 1, 2, true],
      ["c", 3, 1, 1, 1, false],
      ["d", 2, 0, 2, 2, false],
      ["e", 1, null, 2, 2, false],
    ]);
  });

  it("are hidden below what is closed", () => {
    expect(names(openRows(ROWS, new Set()))).toBe("abcde");
    expect(names(openRows(ROWS, new Set([1])))).toBe("abde");
    expect(names(openRows(ROWS, new Set([0])))).toBe("ae");
    expect(names(openRows(ROWS, new Set([0, 1])))).toBe("ae");
    // Nothing is below c.
    expect(names(openRows(ROWS, new Set([2])))).toBe("abcde");
  });

  it("of 10,000 spans below one another are made at once", () => {
    const deep = Array.from({ length: 10_000 }, (_, depth) => span(`s${depth}`, depth));
    expect(rowsOf(deep).at(-1)).toMatchObject({ level: 10_000, parent: 9_998 });
    expect(openRows(rowsOf(deep), new Set([0]))).toHaveLength(1);
  });
});

describe("keys", () => {
  const step = (key: string, name: string, closed: number[] = []) => {
    const set = new Set(closed);
    const at = SPANS.findIndex(({ id }) => id === name);
    const made = stepOf(key, at, openRows(ROWS, set), set);
    return made && `${made.kind} ${SPANS[made.at]!.id}`;
  };

  it.each([
    ["ArrowDown", "a", [], "focus b"],
    ["ArrowDown", "a", [0], "focus e"],
    ["ArrowDown", "e", [], null],
    ["ArrowUp", "d", [], "focus c"],
    ["ArrowUp", "a", [], null],
    ["ArrowRight", "a", [0], "open a"],
    ["ArrowRight", "a", [], "focus b"],
    ["ArrowRight", "c", [], null],
    ["ArrowLeft", "a", [], "close a"],
    ["ArrowLeft", "a", [0], null],
    ["ArrowLeft", "c", [], "focus b"],
    ["Home", "d", [], "focus a"],
    ["End", "a", [], "focus e"],
    ["PageDown", "a", [], "focus e"],
    ["PageUp", "e", [], "focus a"],
    ["Enter", "c", [], "follow c"],
    ["x", "c", [], null],
  ])("%s at %s, closed: %j", (key, name, closed, expected) => {
    expect(step(key, name, closed)).toBe(expected);
  });

  it("follow nothing at a span without a receipt", () => {
    const links = rowsOf([span("a", 0, { id: null, kind: "link" })]);
    expect(stepOf("Enter", 0, links, new Set())).toBeNull();
  });
});

it("shows the rows in sight and a few around them", () => {
  expect(sightOf(0, 640, 50, 10_000, 5)).toEqual({ from: 0, to: 18 });
  expect(sightOf(50_000, 640, 50, 10_000, 5)).toEqual({ from: 995, to: 1_018 });
  expect(sightOf(499_999, 640, 50, 10_000, 5)).toEqual({ from: 9_994, to: 10_000 });
  // More were closed than there are now.
  expect(sightOf(50_000, 640, 50, 3, 5)).toEqual({ from: 3, to: 3 });
});

it("adds up what counts, exactly, and does not take unknown for 0", () => {
  expect(countedSum([...SPANS, span("f", 0, { counts: false, own_cost_usd: "9" })])).toBe("0.000000000005");
  expect(countedSum([span("a", 0, { own_cost_usd: null })])).toBeNull();
  expect(countedSum([span("a", 0, { own_cost_usd: null }), span("b", 0)])).toBe("0.000000000001");
  expect(countedSum([span("a", 0, { counts: false })])).toBe("0");
});

it("finds the call that counts instead in the sentence", () => {
  expect(whyParts({ why: "Call x-1 stands for it.", counted_as: "x-1" })).toEqual(["Call ", " stands for it."]);
  expect(whyParts({ why: "A call of a model.", counted_as: null })).toBeNull();
});
