import { DAY_MS } from "../../src/time.ts";
import { describe, expect, it } from "vitest";
import { covers, customPrices, patternOf, readPattern, type CustomPrice } from "../../src/pricing/custom-price.ts";
import { price, YEAR_2026 } from "./custom.ts";

const ACME = { provider: "acme", model: "acme-1" };

/** The id of the price that wins, whatever order the prices come in. */
function winner(prices: Partial<CustomPrice>[], tier: string | null = null, atMs = YEAR_2026 + DAY_MS): string | null {
  const made = prices.map((changes, i) => price({ id: `${i}`, ...changes }));
  const found = [made, made.toReversed()].map((list) => customPrices(list).find(ACME, tier, atMs)?.id ?? null);
  expect(found[0]).toBe(found[1]);
  return found[0]!;
}

describe("of several prices", () => {
  const own: Partial<CustomPrice> = { id: "wins" };
  it.each<[string, Partial<CustomPrice>, Partial<CustomPrice>]>([
    [
      "the project's own goes before a global one, however exact and late that is",
      { match: "prefix", model: "" },
      { global: true, serviceTier: "flex", provider: "acme", startsAtMs: YEAR_2026 + 1 },
    ],
    [
      "an exact one goes before a prefix, even the whole name as one",
      {},
      { match: "prefix", serviceTier: "flex", provider: "acme" },
    ],
    [
      "a longer prefix goes before a shorter one",
      { match: "prefix", model: "acme-" },
      { match: "prefix", model: "acme", serviceTier: "flex", provider: "acme" },
    ],
    [
      "an exact alias goes before a pattern, however long",
      { model: "other", aliases: [{ model: "acme-1", match: "exact" }] },
      { match: "prefix", serviceTier: "flex", provider: "acme" },
    ],
    [
      "a longer suffix goes before a shorter prefix",
      { match: "suffix", model: "cme-1" },
      { match: "prefix", model: "acme", serviceTier: "flex", provider: "acme" },
    ],
    [
      "a longer prefix goes before a shorter suffix",
      { match: "prefix", model: "acme-" },
      { match: "suffix", model: "me-1", serviceTier: "flex", provider: "acme" },
    ],
    [
      "of a prefix and a suffix of one length, the prefix goes first",
      { match: "prefix", model: "acme" },
      { match: "suffix", model: "me-1", serviceTier: "flex", provider: "acme" },
    ],
    [
      "one for the tier goes before one for any",
      { serviceTier: "flex" },
      { provider: "acme", startsAtMs: YEAR_2026 + 1 },
    ],
    ["one for the provider goes before one for any", { provider: "acme" }, { startsAtMs: YEAR_2026 + 1 }],
    ["the later start goes before the earlier one", { startsAtMs: YEAR_2026 + 1 }, {}],
  ])("%s", (_, better, worse) => {
    expect(winner([worse, { ...own, ...better }], "flex")).toBe("wins");
  });

  it("only those count that cover the call", () => {
    expect(winner([{ provider: "other" }])).toBeNull();
    expect(winner([{ model: "acme" }])).toBeNull();
    expect(winner([{ model: "ACME-1" }])).toBeNull();
    expect(winner([{ model: "acme-1-long", match: "prefix" }])).toBeNull();
    expect(winner([{ serviceTier: "flex" }])).toBeNull();
    expect(winner([{ serviceTier: "flex" }], "batch")).toBeNull();
    expect(winner([{ model: "", match: "prefix" }])).toBe("0");
    expect(winner([{ model: "-1", match: "suffix" }])).toBe("0");
    expect(winner([{ model: "-", match: "suffix" }])).toBeNull();
    expect(winner([{ model: "x-acme-1", match: "suffix" }])).toBeNull();
    expect(winner([{ model: "other", aliases: [readPattern("*-1"), readPattern("acme-1")] }])).toBe("0");
    expect(winner([{ provider: "other", model: "other", aliases: [readPattern("acme-1")] }])).toBeNull();
  });

  it("only those count that hold at the call's end: from the start on, until just before the end", () => {
    const promotion = { startsAtMs: YEAR_2026 + DAY_MS, endsAtMs: YEAR_2026 + 2 * DAY_MS };
    const at = (ms: number) => winner([{ id: "base" }, { id: "promotion", ...promotion }], null, ms);
    expect(at(YEAR_2026 - 1)).toBeNull();
    expect(at(YEAR_2026)).toBe("base");
    expect(at(YEAR_2026 + DAY_MS - 1)).toBe("base");
    expect(at(YEAR_2026 + DAY_MS)).toBe("promotion");
    expect(at(YEAR_2026 + 2 * DAY_MS - 1)).toBe("promotion");
    expect(at(YEAR_2026 + 2 * DAY_MS)).toBe("base");
  });

  it("an alias can be left out, so that it is followed once", () => {
    const alias = price({ id: "alias", sameAs: { provider: "openai", model: "gpt-4o" } });
    const prices = customPrices([alias, price({ id: "prefix", model: "acme", match: "prefix" })]);
    expect(prices.find(ACME, null, YEAR_2026)?.id).toBe("alias");
    expect(prices.find(ACME, null, YEAR_2026, false)?.id).toBe("prefix");
  });

  it("answers do not run into each other where names and tiers join to one text", () => {
    const prices = customPrices([price({ provider: "acme", model: "b", serviceTier: "flex" })]);
    expect(prices.find({ provider: "acme", model: "bflex" }, null, YEAR_2026)).toBeNull();
    expect(prices.find({ provider: "acme", model: "b" }, "flex", YEAR_2026)?.id).toBe("price");
    expect(prices.find({ provider: "acm", model: "eb" }, "flex", YEAR_2026)).toBeNull();
  });
});

it("a price covers a name as a whole, or what it begins or ends with; the latter are written with a *", () => {
  expect(covers(price({ provider: "acme" }), ACME)).toBe(true);
  expect(covers(price({ provider: "acme" }), { ...ACME, model: "acme-1-x" })).toBe(false);
  expect(covers(price({ match: "prefix" }), { ...ACME, model: "acme-1-x" })).toBe(true);
  expect(covers(price({ match: "suffix" }), { ...ACME, model: "x-acme-1" })).toBe(true);
  expect(covers(price({ aliases: [readPattern("*:free")] }), { ...ACME, model: "x:free" })).toBe(true);
  for (const text of ["acme-1", "acme-*", "*:free", "*"]) expect(patternOf(readPattern(text))).toBe(text);
  expect(readPattern("*")).toEqual({ model: "", match: "prefix" });
});
