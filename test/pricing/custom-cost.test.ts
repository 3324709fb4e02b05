/** What calls cost with custom prices and service tiers. */
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { CATALOGUE_VERSION, embeddedCatalogue } from "../../src/pricing/catalogue.ts";
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

  it.each([
    // $5 x 1.1; x 0.5 x 1.1; x 2; x 2 x 1.1; $30 for Opus 4.6 in fast mode
    ["anthropic", "claude-opus-4-8", "us", "5.5"],
    ["anthropic", "claude-opus-4-8", "standard+us", "5.5"],
    ["anthropic", "claude-opus-4-8", "us+batch", "2.75"],
    ["anthropic", "claude-opus-4-8", "fast", "10"],
    ["anthropic", "claude-opus-4-8", "fast+us", "11"],
    ["anthropic", "claude-opus-4-8", "normal+global+not_available", "5"],
    ["anthropic", "claude-opus-4-6-20260205", "fast", "60"],
    ["anthropic", "claude-opus-5", "fast", "10"],
    // half of $0.30; 1.8 x $0.75
    ["google", "gemini-3.5-flash-lite", "ON_DEMAND_FLEX", "0.15"],
    ["google", "gemini-3.8-flash", "ON_DEMAND_PRIORITY", "1.35"],
    ["google", "gemini-3.8-flash", "SERVICE_TIER_FLEX", "0.375"],
    // half of $0.15
    ["aws", "openai.gpt-oss-120b-1:0", "batch", "0.075"],
    ["aws", "openai.gpt-oss-120b-1:0", "flex", "0.075"],
    // half of $0.59, and all of it
    ["groq", "llama-3.3-70b-versatile", "batch", "0.295"],
    ["groq", "llama-3.3-70b-versatile", "flex", "0.59"],
    ["azure", "gpt-4o", "batch", "1.25"],
    // 1.75 x $2, also at Azure, where a data zone costs 1.1 times as much; 2.5 x $5, 1.8 x $0.25
    ["azure", "gpt-4.1", "priority", "3.5"],
    ["azure", "gpt-4.1", "DataZoneStandard", "2.2"],
    ["azure", "gpt-5-mini", "priority+data_zone", "0.495"],
    ["azure", "gpt-5", "DataZoneBatch", "0.6875"],
    ["azure", "gpt-4o", "GlobalStandard", "2.5"],
    // 1.7 x $2.50, 1.75 x $5, 5/3 x $0.15, 1.75 x $0.40, 2 x $0.10, 1.75 x $2
    ["openai", "gpt-4o-2024-11-20", "priority", "4.25"],
    ["openai", "gpt-4o-2024-05-13", "priority", "8.75"],
    ["openai", "gpt-4o-mini", "priority", "0.25"],
    ["openai", "gpt-4.1-mini", "priority", "0.7"],
    ["openai", "gpt-4.1-nano", "priority", "0.2"],
    ["openai", "o3", "priority", "3.5"],
    // 2 x $1.75, 2 x $0.75
    ["openai", "gpt-5.2", "priority", "3.5"],
    ["openai", "gpt-5.4-mini", "priority", "1.5"],
    // 2 x $1.25, 1.8 x $0.25, 1.75 x $2
    ["openai", "gpt-5", "priority", "2.5"],
    ["openai", "gpt-5-mini", "priority", "0.45"],
    ["openai", "gpt-4.1-2025-04-14", "priority", "3.5"],
    // The tiers are those of who served the model: half of $1.10
    ["unknown", "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "batch", "0.55"],
  ])("%s %s at %s costs $%s per million tokens", (provider, model, serviceTier, usd) => {
    const long = model.startsWith("claude-opus-4-6");
    const startedAtMs = Date.UTC(2026, 10, 20, 12);
    // Opus 4.6 had a surcharge above 200,000 tokens when it was new: 2 x $5 x 6
    const at = long ? Date.UTC(2026, 2, 1) : startedAtMs;
    expect(costOf({ provider, model, serviceTier, startedAtMs: at, ...MILLION }).usd).toBe(usd);
  });

  it.each([
    null,
    "",
    "auto",
    "default",
    "standard",
    "on_demand",
    "ON_DEMAND",
    "standard_only",
    "global",
    "normal+global",
  ])("%j is the listed price", (serviceTier) => {
    expect(costOf({ serviceTier, ...MILLION })).toMatchObject({ usd: "2.5", source: "genai-prices" });
  });

  it.each([
    ["openai", "gpt-4-turbo", "priority"],
    ["openai", "gpt-4o-audio-preview", "priority"],
    ["openai", "gpt-4o", "scale"],
    // AWS publishes that it is dearer, and not by how much.
    ["aws", "openai.gpt-oss-120b-1:0", "priority"],
    ["aws", "openai.gpt-oss-120b-1:0", "reserved"],
    // It depends on the region.
    ["azure", "gpt-5.4", "data_zone"],
    ["azure", "gpt-4o", "regional"],
    ["azure", "gpt-4o", "flex"],
    ["azure", "claude-opus-4-8", "batch"],
    ["groq", "llama-3.3-70b-versatile", "performance"],
    ["openai", "gpt-4o", "batch+acme"],
    ["openai", "gpt-4o", "us"],
    ["anthropic", "claude-sonnet-4-5", "us"],
    ["anthropic", "claude-opus-5-5", "fast"],
    ["google", "gemini-2.5-flash", "PROVISIONED_THROUGHPUT"],
    ["google", "gemini-2.5-flash", "priority"],
    ["google", "claude-opus-4-8", "flex"],
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

  it("that are not for long context leave it unpriced", () => {
    const at = (provider: string, model: string, inputTokens: number) =>
      costOf({
        provider,
        model,
        serviceTier: "priority",
        startedAtMs: Date.UTC(2026, 10, 20),
        inputTokens,
        outputTokens: 0,
      });
    // 271,999 x $12.50; from 272,000 tokens on a standard call costs double, and nobody says what this one costs
    expect(at("openai", "gpt-5.5", 271_999).usd).toBe("3.3999875");
    expect(at("openai", "gpt-5.5", 272_000).reason).toBe("tier_unknown");
    expect(at("azure", "gpt-5.4", 271_999).usd).toBe("1.359995");
    expect(at("azure", "gpt-5.4", 272_000).reason).toBe("tier_unknown");
    // 300,000 x $3.60 x 2: Google's long context is dearer by the same factor
    expect(at("google", "gemini-3.1-pro-preview", 300_000).usd).toBe("2.16");
  });

  it("say so where others than the provider publish the multiplier", () => {
    const confidence = (provider: string, model: string, serviceTier: string) =>
      costOf({ provider, model, serviceTier }).price!.confidence;
    expect(confidence("aws", "openai.gpt-oss-120b-1:0", "flex")).toBe("approximate");
    expect(confidence("google", "gemini-3.1-pro-preview", "priority")).toBe("approximate");
    expect(confidence("google", "gemini-3.8-flash", "priority")).toBe("exact");
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
    expect(costOf({ serviceTier: "scale", ...MILLION }, [own])).toMatchObject({ reason: "tier_unknown" });
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

describe("a provider's other names", () => {
  const model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
  const half = { provider: "aws", model: "us.anthropic.", match: "prefix" as const, factor: ratio("0.5") };

  it.each([
    ["aws", model],
    ["anthropic", model],
    ["unknown", `bedrock/${model}`],
  ])("%s %s is covered by a price for aws", (provider, sent) => {
    // half of 1,000 x $3.30 + 100 x $16.50
    const covering = sent === model ? half : { ...half, model: "bedrock/us.anthropic." };
    expect(costOf({ provider, model: sent, inputTokens: 1_000, outputTokens: 100 }, [covering]).usd).toBe("0.002475");
  });

  it("are understood in a price that was stored with one", () => {
    expect(costOf({ provider: "aws", model, ...MILLION }, [{ ...half, provider: "bedrock_converse" }]).usd).toBe("3.3");
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

  it("makes a tier known", () => {
    // $2.50/MTok x 1.7
    const scale = { ...factor("1.7"), serviceTier: "scale" };
    expect(costOf({ serviceTier: "scale", ...MILLION }, [scale])).toMatchObject({ usd: "4.25" });
  });

  it("is rounded once, half-even, from the price as listed", () => {
    // Cache writes at $0.0833...4/MTok are 83,333.33...4 pico-USD a token: half of it is 41,666.67, rounded 41,667.
    // Of the 83,333 that the catalogue's own price is rounded to, it would be 41,666.5, rounded 41,666.
    const odd = { provider: "openrouter", model: "google/gemini-2.5-flash-image" };
    const said = { ...odd, outputImageTokens: 0 };
    const at = BUCKETS.indexOf("cache_write");
    const listed = embeddedCatalogue.lookUp(odd.provider, odd.model)!.priceAt(NOON, 1);
    expect([listed.listedUsd[at], listed.unitPico[at]]).toEqual([0.08333333333333334, 83_333n]);
    expect(costOf(said, [{ ...odd, factor: ratio("0.5") }]).price!.unitPico[at]).toBe(41_667n);
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
    expect(costOf({ ...asked, serviceTier: "scale" }, [deployment])).toMatchObject({ reason: "tier_unknown" });
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

describe("a fee beside a factor or an alias", () => {
  const sameAs = { provider: "openai", model: "gpt-4o" };
  const fees = units({ request: 6, web_search: 8 });

  it("stands in place of the fee there, and is not multiplied", () => {
    // 1,000,000 x $2.50/MTok x 0.8 + $6 / 1,000 + 2 x $8 / 1,000
    const own = { model: "gpt-4o", factor: ratio("0.8"), fees };
    expect(costOf({ ...MILLION, webSearches: 2 }, [own])).toMatchObject({ usd: "2.022", source: "custom:factor" });
    // $2.50 + $0.006; x 0.5 in a batch, but not the fee
    const alias = { model: "ours", sameAs, fees };
    expect(costOf({ ...MILLION, model: "ours" }, [alias])).toMatchObject({ usd: "2.506", source: "custom:same_as" });
    expect(costOf({ ...MILLION, model: "ours", serviceTier: "batch" }, [alias]).usd).toBe("1.256");
  });

  it("of the model behind an alias is multiplied by the alias, and gives way to the alias' own", () => {
    const target = { id: "target", model: "gpt-4o", factor: ratio("0.8"), fees };
    const alias = { id: "alias", model: "ours", sameAs, factor: ratio("2") };
    // $2.50 x 0.8 x 2 + $0.006 x 2; + $0.003 of its own
    expect(costOf({ ...MILLION, model: "ours" }, [target, alias]).usd).toBe("4.012");
    const own = { ...alias, fees: units({ request: 3 }) };
    expect(costOf({ ...MILLION, model: "ours" }, [target, own]).usd).toBe("4.003");
  });

  it("does not price a call whose usage is unknown: its tokens cost, too", () => {
    const own = { model: "gpt-4o", factor: ratio("1"), fees };
    expect(costOf({ inputTokens: null, outputTokens: null }, [own])).toMatchObject({ reason: "usage_unknown" });
  });
});

describe("steps", () => {
  const unitPico = units({ input: 2, cache_read: 1, output: 4 });
  const own = {
    model: "acme-1",
    unitPico,
    steps: [
      { above: 200_000, unitPico: units({ input: 3, cache_read: 1, output: 6 }) },
      { above: 500_000, unitPico: units({ input: 5, cache_read: 2, output: 6 }) },
    ],
  };
  it.each([
    // 200,000 x $2 + 1,000 x $4 per MTok; above 200,000 x $3 and x $6; above 500,000 x $5 and x $6
    [200_000, "0.404"],
    [200_001, "0.606003"],
    [500_000, "1.506"],
    [500_001, "2.506005"],
  ])("price all of %i input tokens and 1,000 of the output: $%s", (inputTokens, usd) => {
    expect(costOf({ model: "acme-1", inputTokens, outputTokens: 1_000 }, [own]).usd).toBe(usd);
  });

  it("hold below an alias, and have a price id each", () => {
    const alias = { id: "alias", model: "ours", sameAs: { provider: "openai", model: "acme-1" } };
    // 300,000 x $3
    const ours = { model: "ours", outputTokens: 0 };
    expect(costOf({ ...ours, inputTokens: 300_000 }, [own, alias]).usd).toBe("0.9");
    const ids = [1, 300_000, 600_000].map((inputTokens) => costOf({ ...ours, inputTokens }, [own, alias]).price!.id);
    expect(new Set(ids).size).toBe(3);
  });
});

describe("multipliers of its own", () => {
  const by = (parts: Record<string, string>) =>
    new Map(Object.entries(parts).map(([part, decimal]) => [part, ratio(decimal)] as const));
  const acme = { model: "acme-1", unitPico: units({ input: 4, request: 6 }) };

  it.each([
    // $4 x 1.75 + $0.006; x 1.1; x 1.75 x 1.1
    ["priority", "7.006", "custom:priority"],
    ["us", "4.406", "custom:us"],
    ["us+priority", "7.706", "custom:priority+us"],
    // The provider's own half is for what it does not say: $4 x 0.5 x 1.1 + $0.006
    ["batch+us", "2.206", "custom:batch+us"],
  ])("of %s are for tokens alone: $%s", (serviceTier, usd, source) => {
    const own = { ...acme, multipliers: by({ priority: "1.75", us: "1.1" }) };
    expect(costOf({ model: "acme-1", serviceTier, ...MILLION }, [own])).toMatchObject({ usd, source });
  });

  it("go before what the provider publishes, with the catalogue's price, too", () => {
    // $2.50 x 0.6 and not x 0.5
    const own = { model: "gpt-4o", unitPico: null, multipliers: by({ batch: "0.6" }) };
    expect(costOf({ serviceTier: "batch", ...MILLION }, [own]).usd).toBe("1.5");
    expect(costOf({ ...MILLION }, [own]).usd).toBe("2.5");
    expect(costOf({ serviceTier: "scale", ...MILLION }, [own]).reason).toBe("tier_unknown");
  });

  it("of an alias go before those of the model behind it", () => {
    const sameAs = { provider: "openai", model: "acme-1" };
    const target = { ...acme, id: "target", multipliers: by({ us: "1.5", priority: "3" }) };
    const alias = { id: "alias", model: "ours", sameAs, multipliers: by({ us: "1.1" }) };
    const at = (serviceTier: string) => costOf({ model: "ours", serviceTier, ...MILLION }, [target, alias]);
    // $4 x 1.1 + $0.006; $4 x 1.1 x 3 + $0.006
    expect(at("us")).toMatchObject({ usd: "4.406", source: "custom:same_as:us" });
    expect(at("priority+us")).toMatchObject({ usd: "13.206", source: "custom:same_as:priority+us" });
    // A price for the rest of the tier already includes it: $9 x 1.1
    const flex = { id: "flex", model: "acme-1", serviceTier: "flex", unitPico: units({ input: 9 }) };
    expect(costOf({ model: "ours", serviceTier: "flex+us", ...MILLION }, [target, alias, flex])).toMatchObject({
      usd: "9.9",
      source: "custom:same_as:us",
    });
  });
});

describe("a call of unknown usage", () => {
  const NOTHING = { provider: "acme", model: "acme-1", inputTokens: null, outputTokens: null };
  it.each([
    // $2 / 1,000 for the call, and nothing for tokens
    ["rerank", { request: 2 }, "0.002"],
    ["speech", { request: 0 }, "0"],
    ["moderation", { input: 0, output: 0 }, "0"],
  ] as const)("for %s at a price of %j costs $%s", (operation, said, usd) => {
    expect(costOf({ ...NOTHING, operation }, [{ unitPico: units(said) }])).toMatchObject({ usd, reason: null });
  });

  it.each([
    [{ input: 1, output: 1, request: 2 }],
    [{ input: 0 }],
    [{ input: 0, output: 0, output_audio: 1 }],
    [{ image: 1 }],
  ])("has no cost at a price of %j", (said) => {
    expect(costOf(NOTHING, [{ unitPico: units(said) }])).toMatchObject({ usd: null, reason: "usage_unknown" });
  });

  it.each([
    // 3 x $2 / 1,000 searches; 90 s x $3.60 / 3,600 s; 1,000 x $15 / 1,000,000; 2 x $4; 5 x $1 / 1,000
    [{ fileSearches: 3 }, { file_search: 2 }, "0.006"],
    [{ audioSeconds: 90 }, { audio_second: 36 }, "0.9"],
    [{ inputCharacters: 1_000 }, { character: 15 }, "0.015"],
    [{ outputImages: 2 }, { image: 4 }, "8"],
    [{ pages: 5 }, { page: 1 }, "0.005"],
  ] as const)("with %j at %j costs $%s", (held, said, usd) => {
    expect(costOf({ ...NOTHING, ...held }, [{ unitPico: units(said) }])).toMatchObject({ usd, reason: null });
  });

  it("is one search where it has a fee for the call; more searches need a price of their own", () => {
    const own = { unitPico: units({ request: 2 }) };
    expect(costOf({ ...NOTHING, fileSearches: 1 }, [own]).usd).toBe("0.002");
    expect(costOf({ ...NOTHING, fileSearches: 2 }, [own]).reason).toBe("price_unknown");
    // Beside tokens it is no rerank.
    const both = { unitPico: units({ input: 1, request: 2 }) };
    expect(costOf({ ...NOTHING, ...MILLION, fileSearches: 1 }, [both]).reason).toBe("price_unknown");
  });
});

it("every price has the digest of all it says as its id", () => {
  const acme = (changes: Partial<CustomPrice>) => costOf({ model: "acme-1" }, [changes]).price!.id;
  expect(acme({})).toBe(acme({}));
  expect(acme({ id: "another" })).not.toBe(acme({}));
  expect(acme({ unitPico: units({ input: 2, output: 1 }) })).not.toBe(acme({}));
});
