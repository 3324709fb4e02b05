import { describe, expect, it } from "vitest";
import { BUCKETS, LISTED_PER, UNITS } from "../../src/ledger/buckets.ts";
import { billLine, formatListed, priceWords, restOf } from "../../src/page/call/receipt.ts";
import { decisionOf, semanticsOf, unpricedOf } from "../../src/page/call/words.ts";

const line = {
  bucket: "input",
  quantity: 9_000,
  unit: "token",
  unit_price_usd: "0.0000025",
  cost_usd: "0.0225",
} as const;

describe("a line of a receipt", () => {
  it("says the price as lists do, and exactly", () => {
    // $0.0000025 a token x 1,000,000 = $2.50
    expect(billLine(line)).toMatchObject({
      name: "Input",
      unit: "tokens",
      listedUsd: "2.5",
      listedPer: "per million tokens",
      exactly: "$0.0000025 a token",
    });
    expect(["2.5", "0.075", "3", "0.0000000001"].map(formatListed)).toEqual([
      "$2.50",
      "$0.075",
      "$3.00",
      "$0.0000000001",
    ]);
  });

  it("is for one, and without a price", () => {
    const one = { ...line, bucket: "image", unit: "image", quantity: 1, unit_price_usd: null, cost_usd: null } as const;
    expect(billLine(one)).toMatchObject({ unit: "image", listedUsd: null, exactly: null, costUsd: null });
  });

  it.each(BUCKETS)("knows %s", (bucket) => {
    expect(billLine({ ...line, bucket }).name).toMatch(/^[A-Z][a-z]/);
  });

  it.each(UNITS)("lists the price of a %s for as many as the ledger does", (unit) => {
    const pico = { ...line, unit, unit_price_usd: "0.000000000001" };
    expect(billLine(pico).listedUsd).toBe((LISTED_PER[unit] / 1e12).toFixed(12).replace(/0+$/, ""));
  });
});

describe("the total", () => {
  it("leaves nothing to its lines, and what it does is a line", () => {
    const lines = [line, { ...line, cost_usd: "0.00375" }];
    expect(restOf({ lines, total_usd: "0.02625" })).toBe("0");
    expect(restOf({ lines, total_usd: "0.026" })).toBe("-0.00025");
    expect(restOf({ lines: [], total_usd: "0" })).toBe("0");
    expect(restOf({ lines, total_usd: null })).toBeNull();
  });
});

describe("the price", () => {
  it.each([
    ["genai-prices", /catalogue genai-prices/, false, null],
    ["genai-prices:batch", /catalogue genai-prices/, false, "batch"],
    ["genai-prices:corrected", /own correction/, false, null],
    ["genai-prices:corrected:flex", /own correction/, false, "flex"],
    ["custom", /^A custom price$/, true, null],
    ["custom:priority", /^A custom price$/, true, "priority"],
    ["custom:factor:data_zone:batch", /factor/, true, "data_zone:batch"],
    ["custom:same_as", /another model/, true, null],
    ["something new", /^something new$/, false, null],
  ])("is from %s", (source, words, isCustom, tier) => {
    expect(priceWords(source)).toMatchObject({ source: expect.stringMatching(words) as string, isCustom, tier });
  });

  it("may be none", () => {
    expect(priceWords(null)).toBeNull();
  });
});

describe("words", () => {
  it.each([
    [true, "native", "counted", /own form/],
    [true, "gen_ai.operation.name", "counted", /attribute gen_ai\.operation\.name/],
    [true, "usage without model; no call below", "counted", /no call has come below/],
    [true, "claude_code.api_request", "counted", /Claude Code/],
    [false, "gen_ai.operation.name", "wrapper", /repeats what the calls below/],
    [false, "native; another span of the call counts", "within", /billed once/],
    [false, "native; seen twice", "double", /same response id/],
    [false, "litellm cache_hit", "cached", /No provider was asked/],
  ])("say whether it counts (%s) by the rule %s", (billable, rule, standing, sentence) => {
    const decision = decisionOf({ billable, rule, cost_usd: "1" });
    expect(decision).toMatchObject({ standing, sentence: expect.stringMatching(sentence) as string });
    expect(decision.title).toMatch(billable ? /^Counted$/ : /^Not counted: /);
  });

  it("say that a call counts without a cost", () => {
    expect(decisionOf({ billable: true, rule: "native", cost_usd: null }).title).toBe("Counted, without a cost");
  });

  it.each([
    ["model_unknown", true],
    ["tier_unknown", true],
    ["price_unknown", true],
    ["price_zero", true],
    ["usage_unknown", false],
    ["usage_ambiguous", false],
    ["usage_contradictory", false],
  ])("say why there is no amount, and if a price helps: %s", (reason, canBePriced) => {
    const unpriced = unpricedOf(reason);
    expect(unpriced.canBePriced).toBe(canBePriced);
    expect(unpriced.sentence).not.toContain("_");
  });

  it("say how usage was read, part by part, and what is not known as it is", () => {
    expect(semanticsOf("provider usage (openai); reasoning added to output; made up")).toEqual([
      expect.stringMatching(/own usage object, in the form of openai/),
      expect.stringMatching(/so that was added/),
      "Made up.",
    ]);
    expect(semanticsOf("")).toEqual(["No usage was sent."]);
    expect(semanticsOf("output from the attributes, which has more")[0]).toBe(
      "The output from the attributes was taken, because it has more.",
    );
  });
});
