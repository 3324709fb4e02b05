/** What calls cost with custom prices and service tiers. */
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { CATALOGUE_VERSION, findModel } from "../../src/pricing/catalogue.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { customPrices, type CustomPrice } from "../../src/pricing/custom-price.ts";
import { ratio } from "../../src/pricing/ratio.ts";
import { trace } from "../calls.ts";
import { price, units, YEAR_2026 } from "./custom.ts";

const NOON = YEAR_2026 + 12 * 3_600_000;
type Changes = Partial<Parameters<typeof trace>[0]>;
const call = (changes: Changes) => trace({ startedAtMs: NOON, clientId: "x", ...changes });
/** A million tokens in, none out. */
const MILLION = { inputTokens: 1_000_000, outputTokens: 0 };

function costOf(changes: Changes, prices: Partial<CustomPrice>[] = []) {
  const custom = prices.length === 0 ? null : customPrices(prices.map(price));
  const { costPico, unpricedReason, price: used } = createPricer(custom).costOf(call(changes));
  const usd = costPico === null ? null : picoToUsd(costPico);
  return { usd, reason: unpricedReason, source: used?.source, version: used?.version, model: used?.model, price: used };
}

describe("service tiers", () => {
  it.each([
    ["openai", "gpt-4o", "batch", "1.25"],
    ["openai", "gpt-4o", "flex", "1.25"],
    ["openai", "gpt-4o", " Flex ", "1.25"],
    ["anthropic", "claude-sonnet-4-5", "batch", "1.5"],
    ["google", "gemini-2.5-flash", "batch", "0.15"],
  ])("%s %s at %s is half the listed price, and says so", (provider, model, serviceTier, usd) => {
    // 1,000,000 x half of $2.50, $3 (up to 200,000 tokens), $0.30 per MTok
    const tokens = provider === "anthropic" ? { inputTokens: 200_000, outputTokens: 0 } : MILLION;
    const expected = provider === "anthropic" ? "0.3" : usd;
    const source = `genai-prices:${serviceTier.trim().toLowerCase()}`;
    expect(costOf({ provider, model, serviceTier, ...tokens })).toMatchObject({
      usd: expected,
      source,
      version: CATALOGUE_VERSION,
      model,
    });
  });

  it.each([null, "", "auto", "default", "standard", "on_demand", "ON_DEMAND", "standard_only"])(
    "%j is the listed price",
    (serviceTier) => {
      expect(costOf({ serviceTier, ...MILLION })).toMatchObject({ usd: "2.5", source: "genai-prices" });
    },
  );

  it.each([
    ["openai", "gpt-4o", "priority"],
    ["openai", "gpt-4o", "scale"],
    ["anthropic", "claude-sonnet-4-5", "flex"],
    ["anthropic", "claude-sonnet-4-5", "priority"],
    ["deepseek", "deepseek-chat", "batch"],
    ["openai", "gpt-4o", "constructor"],
    ["openai", "gpt-4o", "__proto__"],
  ])("%s %s at %s has no known price", (provider, model, serviceTier) => {
    expect(costOf({ provider, model, serviceTier })).toMatchObject({ usd: null, reason: "tier_unknown", price: null });
  });

  it("take nothing off the fees for calls and searches", () => {
    // (1,000 x $3 + 100 x $15) per MTok x 0.5 + 2 x $10 / 1,000 = $0.00225 + $0.02
    const sonnet = { provider: "anthropic", model: "claude-sonnet-4-5", serviceTier: "batch" };
    expect(costOf({ ...sonnet, webSearches: 2 })).toMatchObject({ usd: "0.02225" });
    // 100,000 x $4/MTok x 0.5 + $6 / 1,000 + 3 x $8 / 1,000 = $0.2 + $0.006 + $0.024
    const own = { model: "gpt-4o", unitPico: units({ input: 4, request: 6, web_search: 8 }) };
    const asked = { serviceTier: "batch", inputTokens: 100_000, outputTokens: 0, webSearches: 3 };
    expect(costOf(asked, [own])).toMatchObject({ usd: "0.23", source: "custom:batch" });
    // Said for the tier, it is the price as it stands: 100,000 x $4/MTok + $0.006 + $0.024
    expect(costOf(asked, [{ ...own, serviceTier: "batch" }])).toMatchObject({ usd: "0.43", source: "custom" });
  });

  it("of a model that nobody knows leave it unknown", () => {
    expect(costOf({ model: "nobody-knows", serviceTier: "flex" })).toMatchObject({ reason: "model_unknown" });
  });

  it("have a price of their own id", () => {
    const [standard, flex] = [costOf({}), costOf({ serviceTier: "flex" })];
    expect(flex.price!.id).not.toBe(standard.price!.id);
    expect(costOf({ serviceTier: "flex" }).price!.id).toBe(flex.price!.id);
  });
});

describe("a custom price", () => {
  it("in USD per million tokens goes before the catalogue, in every bucket", () => {
    // 600 x $1 + 400 x $2 + 50 x $5 + 50 x $7 per MTok = $0.0006 + $0.0008 + $0.00025 + $0.00035
    const unitPico = units({ input: 1, cache_read: 2, output: 5, reasoning: 7 });
    const own = { id: "own", model: "gpt-4o", unitPico };
    expect(
      costOf({ inputTokens: 1_000, cacheReadTokens: 400, outputTokens: 100, reasoningTokens: 50 }, [own]),
    ).toMatchObject({ usd: "0.002", source: "custom", version: "own", model: "gpt-4o" });
  });

  it("prices what nobody knows, of a provider that nobody knows", () => {
    const found = costOf({ provider: "basement", model: "llama-7", ...MILLION }, [
      { provider: "basement", model: "llama", match: "prefix", unitPico: units({ input: 3 }) },
    ]);
    expect(found).toMatchObject({ usd: "3", model: "llama*", price: { provider: "basement" } });
  });

  it("of 0 means free, unlike a 0 of the catalogue", () => {
    expect(costOf({ model: "acme-1" }, [{ unitPico: units({ input: 0, output: 0 }) }])).toMatchObject({
      usd: "0",
      reason: null,
      source: "custom",
    });
  });

  it("may have a fee for a call and for each search, and no fee where it says none", () => {
    // 1,000 x $1 + 100 x $1 per MTok = $0.0011; + $3 / 1,000; + 2 x $5 / 1,000
    const own = (fees: object) => ({ unitPico: units({ input: 1, output: 1, ...fees }) });
    expect(costOf({ model: "acme-1" }, [own({})])).toMatchObject({ usd: "0.0011" });
    expect(costOf({ model: "acme-1" }, [own({ request: 3 })])).toMatchObject({ usd: "0.0041" });
    const searched = { model: "acme-1", webSearches: 2 };
    expect(costOf(searched, [own({ web_search: 5 })])).toMatchObject({ usd: "0.0111" });
    expect(costOf(searched, [own({ web_search: 0 })])).toMatchObject({ usd: "0.0011" });
    expect(costOf(searched, [own({})])).toMatchObject({ usd: null, reason: "price_unknown" });
  });

  it("of a fee alone leaves tokens unpriced", () => {
    const own = { unitPico: units({ request: 2 }) };
    expect(costOf({ model: "acme-1" }, [own])).toMatchObject({ usd: null, reason: "price_unknown" });
    // $2 / 1,000
    expect(costOf({ model: "acme-1", inputTokens: 0, outputTokens: 0 }, [own])).toMatchObject({ usd: "0.002" });
  });

  it("leaves a call unpriced whose tokens lie in a bucket without price", () => {
    expect(costOf({ model: "acme-1" }, [{ unitPico: units({ input: 1 }) }])).toMatchObject({
      usd: null,
      reason: "price_unknown",
    });
  });

  it("that has ended or not begun leaves the call to the catalogue", () => {
    const own = { model: "gpt-4o", unitPico: units({ input: 9 }) };
    expect(costOf(MILLION, [{ ...own, endsAtMs: NOON }])).toMatchObject({ usd: "2.5" });
    expect(costOf(MILLION, [{ ...own, startsAtMs: NOON + 10 }])).toMatchObject({ usd: "2.5" });
    // The call's end decides: 10 ms later the price holds.
    expect(costOf({ ...MILLION, durationUs: 10_000 }, [{ ...own, startsAtMs: NOON + 10 }])).toMatchObject({ usd: "9" });
  });

  it("of a provider holds for a call that names none, where the catalogue knows whose model it is", () => {
    const own = { provider: "openai", model: "gpt-4o", unitPico: units({ input: 9 }) };
    expect(costOf({ provider: "unknown", ...MILLION }, [own])).toMatchObject({ usd: "9" });
    expect(costOf({ provider: "azure", ...MILLION }, [own])).toMatchObject({ usd: "2.5" });
  });

  it("for any tier is the standard price, from which the tier's multiplier goes off", () => {
    // $4/MTok x 0.5
    const own = { model: "gpt-4o", unitPico: units({ input: 4 }) };
    expect(costOf({ serviceTier: "batch", ...MILLION }, [own])).toMatchObject({ usd: "2", source: "custom:batch" });
    expect(costOf({ serviceTier: "priority", ...MILLION }, [own])).toMatchObject({ reason: "tier_unknown" });
  });

  it("for one tier is that tier's price as it stands", () => {
    const own = { model: "gpt-4o", serviceTier: "batch", unitPico: units({ input: 4 }) };
    expect(costOf({ serviceTier: "batch", ...MILLION }, [own])).toMatchObject({ usd: "4", source: "custom" });
    expect(costOf(MILLION, [own])).toMatchObject({ usd: "2.5", source: "genai-prices" });
  });

  it("that costs more than the ledger can hold refuses the call", () => {
    // 10^15 pico-USD a token x 1,000,000 tokens = 10^21 > 2^63
    const own = { model: "gpt-4o", unitPico: units({ input: 1_000_000_000 }) };
    expect(() => costOf(MILLION, [own])).toThrow(RangeError);
  });
});

describe("a factor", () => {
  const factor = (decimal: string) => ({ id: "own", model: "gpt-4o", factor: ratio(decimal) });

  it("is taken of the listed price, in every bucket", () => {
    // (600 x $2.50 + 400 x $1.25 + 100 x $10) per MTok x 0.8 = $0.003 x 0.8
    const tokens = { inputTokens: 1_000, cacheReadTokens: 400, outputTokens: 100 };
    expect(costOf(tokens, [factor("0.8")])).toMatchObject({ usd: "0.0024", source: "custom:factor", version: "own" });
  });

  it("is taken of the fees too, also below an alias and beside a tier", () => {
    // ((1,000 x $3 + 100 x $15) per MTok + 2 x $10 / 1,000) x 0.9 = $0.0245 x 0.9
    const sonnet = { provider: "anthropic", model: "claude-sonnet-4-5" };
    const discount = { ...factor("0.9"), ...sonnet };
    expect(costOf({ ...sonnet, webSearches: 2 }, [discount])).toMatchObject({ usd: "0.02205" });
    // ($0.0045 x 0.5 + $0.02) x 0.9
    const batch = { serviceTier: "batch", webSearches: 2 };
    expect(costOf({ ...sonnet, ...batch }, [discount])).toMatchObject({ usd: "0.020025" });
    // ($0.0045 x 0.5 + $0.02) x 0.9 x 2
    const alias = { ...factor("2"), model: "ours", sameAs: sonnet };
    expect(costOf({ model: "ours", ...batch }, [discount, alias])).toMatchObject({ usd: "0.04005" });
  });

  it("makes the priority tier known", () => {
    // $2.50/MTok x 1.7
    const priority = { ...factor("1.7"), serviceTier: "priority" };
    expect(costOf({ serviceTier: "priority", ...MILLION }, [priority])).toMatchObject({ usd: "4.25" });
  });

  it("is rounded once, half-even, from the price as listed", () => {
    // Cache writes at $0.0833...4/MTok are 83,333.33...4 pico-USD a token: half of it is 41,666.67, rounded 41,667.
    // Of the 83,333 that the catalogue's own price is rounded to, it would be 41,666.5, rounded 41,666.
    const odd = { provider: "openrouter", model: "google/gemini-2.5-flash-image" };
    const at = BUCKETS.indexOf("cache_write");
    const listed = findModel(odd.provider, odd.model)!.priceAt(NOON, 1);
    expect([listed.listedUsd[at], listed.unitPico[at]]).toEqual([0.08333333333333334, 83_333n]);
    expect(costOf(odd, [{ ...odd, factor: ratio("0.5") }]).price!.unitPico[at]).toBe(41_667n);
  });

  it.each([
    // $2.50/MTok = 2,500,000 pico-USD x 0.0000006 = 1.5 -> 2; x 0.000001 = 2.5 -> 2; x 0.0000014 = 3.5 -> 4
    ["0.0000006", "0.000002"],
    ["0.000001", "0.000002"],
    ["0.0000014", "0.000004"],
  ])("of %s is rounded half-even to whole pico-USD: a million tokens for $%s", (decimal, usd) => {
    expect(costOf(MILLION, [factor(decimal)])).toMatchObject({ usd });
  });

  it("of a model that is not in the catalogue is none", () => {
    expect(costOf({ model: "nobody-knows" }, [{ ...factor("2"), model: "nobody-knows" }])).toMatchObject({
      reason: "model_unknown",
    });
  });
});

describe("an alias", () => {
  const sameAs = { provider: "openai", model: "gpt-4o" };
  const deployment = { id: "alias", provider: "azure", model: "our-deployment", sameAs };
  const asked = { provider: "azure", model: "our-deployment", ...MILLION };

  it("costs what the model behind it does, tiers included", () => {
    expect(costOf(asked, [deployment])).toMatchObject({
      usd: "2.5",
      source: "custom:same_as",
      version: "alias",
      model: "gpt-4o",
      price: { provider: "openai" },
    });
    expect(costOf({ ...asked, serviceTier: "batch" }, [deployment])).toMatchObject({
      usd: "1.25",
      source: "custom:same_as:batch",
    });
    expect(costOf({ ...asked, serviceTier: "priority" }, [deployment])).toMatchObject({ reason: "tier_unknown" });
  });

  it("goes by the size and the time of the call", () => {
    const gemini = { ...deployment, sameAs: { provider: "google", model: "gemini-2.5-pro" } };
    // 200,001 x $2.50/MTok, the price past 200,000 tokens
    expect(costOf({ ...asked, inputTokens: 200_001 }, [gemini])).toMatchObject({ usd: "0.5000025" });
  });

  it("may take a factor", () => {
    // $2.50/MTok x 1.1
    expect(costOf(asked, [{ ...deployment, factor: ratio("1.1") }])).toMatchObject({
      usd: "2.75",
      source: "custom:factor",
    });
  });

  it("of a model with a custom price takes that, and its factor too", () => {
    const target = { id: "target", provider: "openai", model: "gpt-4o" };
    expect(costOf(asked, [deployment, { ...target, unitPico: units({ input: 7 }) }])).toMatchObject({
      usd: "7",
      version: "alias",
    });
    // $2.50/MTok x 0.8 x 1.1
    const both = [
      { ...deployment, factor: ratio("1.1") },
      { ...target, factor: ratio("0.8") },
    ];
    expect(costOf(asked, both)).toMatchObject({ usd: "2.2" });
  });

  it("is followed once: of an alias it is none, and two that point to each other end", () => {
    const loop = [
      { id: "a", model: "a", sameAs: { provider: "x", model: "b" } },
      { id: "b", model: "b", sameAs: { provider: "x", model: "a" } },
    ];
    expect(costOf({ provider: "x", model: "a" }, loop)).toMatchObject({ usd: null, reason: "model_unknown" });
  });
});

it("every price has the digest of all it says as its id", () => {
  const acme = (changes: Partial<CustomPrice>) => costOf({ model: "acme-1" }, [changes]).price!.id;
  expect(acme({})).toBe(acme({}));
  expect(acme({ id: "another" })).not.toBe(acme({}));
  expect(acme({ unitPico: units({ input: 2, output: 1 }) })).not.toBe(acme({}));
});
