/** A session by the values of a tag: they and the rest add up to it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dividingTags, listedTags, partsOf, tagName, tagTitle } from "../../src/page/session/by-tag.ts";
import { picoOf, usdOf } from "../../src/page/money.ts";

const sums = (requests: number, cost_usd: string | null, unpriced_requests = 0) => ({
  requests,
  cost_usd,
  unpriced_requests,
});

describe("the parts of a session", () => {
  it("are the values by their cost, and what has none of them", () => {
    const found = [["explorer", sums(1, "0.01")] as const, ["tester", sums(2, "0.5")] as const];
    // $1 - $0.01 - $0.50 = $0.49, of 5 - 1 - 2 calls
    expect(partsOf(sums(5, "1"), found)).toEqual([
      { value: "tester", requests: 2, costUsd: "0.5" },
      { value: "explorer", requests: 1, costUsd: "0.01" },
      { value: null, requests: 2, costUsd: "0.49" },
    ]);
  });

  it("have no rest where each call has a value", () => {
    expect(partsOf(sums(1, "1"), [["a", sums(1, "1")]])).toEqual([{ value: "a", requests: 1, costUsd: "1" }]);
    // A call came between the two questions.
    expect(partsOf(sums(1, "1"), [["a", sums(2, "2")]])).toHaveLength(1);
  });

  it("have an unknown cost where no call of theirs has a price", () => {
    const [priced, unpriced] = [["a", sums(2, "1")] as const, ["b", sums(1, null, 1)] as const];
    expect(partsOf(sums(4, "1", 2), [priced, unpriced])).toEqual([
      { value: "a", requests: 2, costUsd: "1" },
      { value: "b", requests: 1, costUsd: null },
      { value: null, requests: 1, costUsd: null },
    ]);
  });

  it("add up to the session, to the last digit", () => {
    const part = fc.record({
      value: fc.option(fc.string({ minLength: 1 }), { nil: null }),
      requests: fc.integer({ min: 1, max: 1_000 }),
      pico: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    });
    const parts = fc.uniqueArray(part, { selector: ({ value }) => value, maxLength: 11 });
    fc.assert(
      fc.property(parts, (all) => {
        const requests = all.reduce((sum, one) => sum + one.requests, 0);
        const cost = usdOf(all.reduce((sum, { pico }) => sum + pico, 0n));
        const named = all.flatMap(({ value, requests: count, pico }) =>
          value === null ? [] : [[value, sums(count, usdOf(pico))] as const],
        );
        const found = partsOf(sums(requests, cost), named);
        expect(found.reduce((sum, one) => sum + one.requests, 0)).toBe(requests);
        expect(usdOf(found.reduce((sum, { costUsd }) => sum + picoOf(costUsd!), 0n))).toBe(cost);
        expect(found.slice(0, named.length).every(({ value }) => value !== null)).toBe(true);
      }),
    );
  });
});

describe("the tags of a session", () => {
  const tags = { zone: ["a", "b"], team: ["search"], skill: ["review"], agent: ["codex", "gemini"], __proto__x: ["1"] };

  it("are those of agents first; one value tells calls apart only beside calls without one", () => {
    expect(dividingTags({ tags })).toEqual(["agent", "skill", "zone"]);
    expect(listedTags({ tags })).toEqual([
      ["agent", ["codex", "gemini"]],
      ["team", ["search"]],
    ]);
  });

  it("have names, and others are as they were sent", () => {
    expect(["subagent", "mcp_server", "zone"].map(tagName)).toEqual(["sub-agent", "MCP server", "zone"]);
    expect(["subagent", "mcp_server", "zone"].map(tagTitle)).toEqual(["Sub-agent", "MCP server", "zone"]);
  });
});
