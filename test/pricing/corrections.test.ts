/**
 * Prices where our own table corrects the catalogue: a million tokens in and 100,000 out, unless a line says otherwise.
 */
import type { Provider } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { createCatalogue, embeddedCatalogue } from "../../src/pricing/catalogue.ts";
import type { Correction } from "../../src/pricing/correction.ts";
import { CORRECTIONS } from "../../src/pricing/corrections.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { trace } from "../calls.ts";

const pricer = createPricer();

function usd(provider: string, model: string, at: string, inputTokens = 1_000_000, outputTokens = 100_000) {
  const call = { startedAtMs: Date.parse(at), clientId: "x", provider, model, inputTokens, outputTokens };
  const { costPico } = pricer.costOf(trace({ ...call, durationUs: 0 }));
  return costPico === null ? null : picoToUsd(costPico);
}

describe("DeepSeek", () => {
  it.each([
    // Off-peak $0.66 + 0.1 x $1.98, at peak double
    ["deepseek-v4-pro", "2026-11-20T12:00Z", "0.858", "a Friday, between the peaks"],
    ["deepseek-v4-pro", "2026-11-20T01:00Z", "1.716", "a Friday, the first peak begins"],
    ["deepseek-v4-pro", "2026-11-20T03:59Z", "1.716", "a Friday, it ends soon"],
    ["deepseek-v4-pro", "2026-11-20T04:00Z", "0.858", "a Friday, it is over"],
    ["deepseek-v4-pro", "2026-11-20T06:00Z", "1.716", "a Friday, the second begins"],
    ["deepseek-v4-pro", "2026-11-20T10:00Z", "0.858", "a Friday, it is over"],
    ["deepseek-v4-pro", "2026-11-21T02:00Z", "0.858", "a Saturday"],
    ["deepseek-v4-pro", "2026-11-22T07:00Z", "0.858", "a Sunday"],
    ["deepseek-v4-pro", "2026-11-23T02:00Z", "1.716", "a Monday"],
    ["deepseek-v4-pro", "2026-08-22T02:00Z", "1.716", "a Saturday before weekends were off-peak"],
    ["deepseek-v4-pro", "2026-08-23T02:00Z", "0.858", "the first Sunday off-peak"],
    // $0.435 + 0.1 x $0.87
    ["deepseek-v4-pro", "2026-07-20T02:00Z", "0.522", "before there were peaks"],
    // $0.14 + 0.1 x $0.28
    ["deepseek-v4-flash", "2026-07-20T02:00Z", "0.168", "before there were peaks"],
    // 2 x ($0.22 + 0.1 x $0.66)
    ["deepseek-v4-flash", "2026-09-01T02:00Z", "0.572", "a peak of V4 Flash"],
    // $0.15 + 0.1 x $0.60, at peak double
    ["deepseek-v4-flash", "2026-11-20T12:00Z", "0.21", "served by V4.1 Flash"],
    ["deepseek-flash", "2026-11-20T02:00Z", "0.42", "a peak of V4.1 Flash"],
    // $0.27 + 0.1 x $1.10, half of it at night
    ["deepseek-chat", "2025-06-01T12:00Z", "0.38", "V3"],
    ["deepseek-chat", "2025-06-01T17:00Z", "0.19", "V3 at night"],
    // $0.56 + 0.1 x $1.68
    ["deepseek-chat", "2025-09-10T17:00Z", "0.728", "V3.1, at night too"],
    // $0.28 + 0.1 x $0.42
    ["deepseek-chat", "2026-01-15T17:00Z", "0.322", "V3.2"],
    ["deepseek-reasoner", "2026-01-15T12:00Z", "0.322", "V3.2"],
    // $0.14 + 0.1 x $0.28
    ["deepseek-reasoner", "2026-05-15T12:00Z", "0.168", "V4 Flash"],
    // $0.55 + 0.1 x $2.19
    ["deepseek-reasoner", "2025-06-01T12:00Z", "0.769", "R1"],
    // The catalogue's $0.27 + 0.1 x $1.10: a snapshot stays what it is
    ["deepseek-chat-v3-0324", "2026-01-15T12:00Z", "0.38", "V3 by its own name"],
  ])("%s at %s costs $%s: %s", (model, at, expected) => {
    expect(usd("deepseek", model, at)).toBe(expected);
  });
});

describe("Mistral's aliases", () => {
  it.each([
    ["mistral-large-latest", "2025-12-01T23:59Z", "2.6"],
    ["mistral-large-latest", "2025-12-02T00:00Z", "0.65"],
    ["mistral-small-latest", "2026-03-15T12:00Z", "0.13"],
    ["mistral-small-latest", "2026-03-16T12:00Z", "0.21"],
    ["mistral-medium", "2026-06-15T12:00Z", "0.6"],
    ["mistral-medium", "2026-06-16T12:00Z", "2.25"],
    ["magistral-small-latest", "2026-06-30T12:00Z", "0.65"],
    ["magistral-small-latest", "2026-07-01T12:00Z", "0.21"],
    ["ministral-3b-latest", "2025-12-01T12:00Z", "0.044"],
    ["ministral-3b-latest", "2025-12-02T12:00Z", "0.11"],
  ])("%s at %s costs $%s: input + 0.1 x output", (model, at, expected) => {
    expect(usd("mistral", model, at)).toBe(expected);
  });
});

describe("long context", () => {
  it.each([
    // 300,000 x $6.60 + 1,000 x $24.75
    ["aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-02-01", 300_000, "2.00475"],
    // 200,000 x $3.30 + 1,000 x $16.50
    ["aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-02-01", 200_000, "0.6765"],
    // 300,000 x $6 + 1,000 x $22.50
    ["aws", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-02-01", 300_000, "1.8225"],
    ["aws", "us.anthropic.claude-sonnet-4-20250514-v1:0", "2026-02-01", 300_000, "1.8225"],
    ["google", "claude-sonnet-4@20250514", "2026-02-01", 300_000, "1.8225"],
    ["anthropic", "claude-sonnet-4-20250514", "2026-02-01", 300_000, "1.8225"],
    ["google", "claude-sonnet-4-6", "2026-03-01", 300_000, "1.8225"],
    // 300,000 x $3 + 1,000 x $15
    ["google", "claude-sonnet-4-6", "2026-03-13", 300_000, "0.915"],
    // 300,000 x $11 + 1,000 x $41.25, then x $5.50 and x $27.50
    ["aws", "eu.anthropic.claude-opus-4-6-v1", "2026-03-01", 300_000, "3.34125"],
    ["aws", "eu.anthropic.claude-opus-4-6-v1", "2026-03-13", 300_000, "1.6775"],
    // 300,000 x $5 + 1,000 x $25
    ["google", "claude-opus-4-6", "2026-03-13", 300_000, "1.525"],
    // 300,000 x $2.50 + 1,000 x $15
    ["openrouter", "google/gemini-2.5-pro", "2026-02-01", 300_000, "0.765"],
    // 300,000 x $4 + 1,000 x $18
    ["openrouter", "google/gemini-3.1-pro-preview", "2026-06-01", 300_000, "1.218"],
    // 200,000 x $2.50 + 1,000 x $5: the limit belongs to it
    ["openrouter", "x-ai/grok-4.3", "2026-06-01", 200_000, "0.505"],
    ["openrouter", "x-ai/grok-4.20", "2026-06-01", 200_000, "0.505"],
    // 300,000 x $6 + 1,000 x $22.50
    ["openrouter", "anthropic/claude-sonnet-4", "2026-02-01", 300_000, "1.8225"],
    // 144,519 x $6 + 1,000 x $30, and $3 and $15 below: https://github.com/BerriAI/litellm/issues/15338
    ["x-ai", "grok-4-0709", "2026-02-01", 144_519, "0.897114"],
    ["x-ai", "grok-4", "2026-02-01", 127_999, "0.398997"],
    // 200,000 x $0.40 + 1,000 x $1
    ["x-ai", "grok-4-fast-reasoning", "2026-02-01", 200_000, "0.081"],
    ["x-ai", "grok-4-1-fast-non-reasoning", "2026-02-01", 200_000, "0.081"],
  ])("of %s %s at %s: %i tokens cost $%s", (provider, model, at, tokens, expected) => {
    expect(usd(provider, model, at, tokens, 1_000)).toBe(expected);
  });
});

describe("an entry of our own", () => {
  const AT = "2026-11-20T12:00Z";
  it.each([
    ["anthropic", "claude-opus-4-8-fast", AT, "15"],
    ["anthropic", "claude-opus-4-7-fast", "2026-06-01", "45"],
    ["aws", "amazon.titan-embed-text-v2:0", AT, null],
    ["groq", "openai/gpt-oss-safeguard-20b", AT, "0.105"],
    ["cohere", "command-r-plus-04-2024", AT, "4.5"],
    ["openai", "ft:gpt-4-0613:acme::abc", AT, null],
    ["openai", "ft:gpt-4.1-nano-2025-04-14:acme::abc", AT, "0.28"],
    ["openai", "o3", "2025-06-01", "14"],
    ["openai", "ft:gpt-4.1-2025-04-14:acme::abc", AT, "4.2"],
    ["zai", "glm-5.3-flash", "2026-09-09T15:59Z", "0.1"],
    ["zai", "glm-5.3-flash", "2026-09-09T16:00Z", "0.2"],
    ["openrouter", "z-ai/glm-5.3-flash", AT, "0.2"],
    // $1 + 0.1 x $1 + $0.005 for the search
    ["openrouter", "perplexity/sonar", AT, "1.105"],
    ["openrouter", "perplexity/sonar-pro", AT, "4.505"],
    // $2.50 + 0.1 x $5, and $2 + 0.1 x $6 before
    ["x-ai", "grok-4.20-multi-agent-0309", AT, "3"],
    ["x-ai", "grok-4.20-multi-agent", "2026-04-01", "2.6"],
  ])("%s %s at %s costs $%s: input + 0.1 x output", (provider, model, at, expected) => {
    expect(usd(provider, model, at)).toBe(expected);
  });

  it("prices an embedding model without output", () => {
    expect(usd("aws", "amazon.titan-embed-text-v2:0", AT, 1_000_000, 0)).toBe("0.02");
  });

  it("has cache reads at their price of the time: 1,000,000 of o3 cost $2.50, and $0.50 since the input costs $2", () => {
    const at = (startedAtMs: number) =>
      pricer.costOf(
        trace({
          clientId: "x",
          model: "o3",
          startedAtMs,
          inputTokens: 1_000_000,
          cacheReadTokens: 1_000_000,
          outputTokens: 0,
        }),
      ).costPico;
    expect(at(Date.UTC(2025, 4, 1))).toBe(2_500_000_000_000n);
    expect(at(Date.UTC(2026, 4, 1))).toBe(500_000_000_000n);
  });

  it("says where others than the provider publish its price", () => {
    const confidence = (model: string) => embeddedCatalogue.lookUp("openai", model)!.confidence;
    expect(confidence("ft:gpt-4.1-2025-04-14:acme::abc")).toBe("approximate");
    expect(confidence("o3")).toBe("exact");
  });

  it("prices an hour's cache of Claude at its hosts as 2 x input", () => {
    const hour = BUCKETS.indexOf("cache_write_1h");
    const at = Date.parse(AT);
    const listed = (provider: string, model: string) =>
      embeddedCatalogue.lookUp(provider, model)!.priceAt(at, 1).listedUsd[hour];
    expect(listed("aws", "eu.anthropic.claude-haiku-4-5-20251001-v1:0")).toBe(2.2);
    expect(listed("google", "claude-opus-4-8")).toBe(10);
    expect(listed("openrouter", "anthropic/claude-opus-4.8")).toBe(10);
    expect(listed("google", "gemini-2.5-flash")).toBeNull();
  });

  it("has a source, and for each id one entry", () => {
    expect(CORRECTIONS.filter(({ source }) => !source.includes("https://"))).toEqual([]);
    const ids = CORRECTIONS.map(({ provider, id }) => `${provider} ${id}`);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a newer catalogue", () => {
  const provider = (prices: Provider["models"][0]["prices"]): Provider => ({
    id: "acme",
    name: "Acme",
    api_pattern: "acme",
    models: [{ id: "one", match: { equals: "one" }, prices }],
  });
  const correction: Correction = {
    provider: "acme",
    id: "one",
    periods: [{ usd: { input: 1 } }, { from: "2026-06-01", usd: { input: 2 } }],
    source: "https://acme.example",
    caughtUp: "0.2.0",
  };
  const inputAt = (version: string, at: string) => {
    const dated = [
      { prices: { input_mtok: 8 } },
      { constraint: { type: "start_date" as const, start_date: "2026-05-01" }, prices: { input_mtok: 9 } },
      { constraint: { type: "start_date" as const, start_date: "2026-12-01" }, prices: { input_mtok: 3 } },
    ];
    const found = createCatalogue([provider(dated)], version, [correction]).lookUp("acme", "one")!;
    const { listedUsd, source } = found.priceAt(Date.parse(at), 1);
    return [listedUsd[0], source];
  };

  it("is corrected until it dates a price later", () => {
    expect(inputAt("0.1.9", "2026-05-15")).toEqual([1, "genai-prices:corrected"]);
    expect(inputAt("0.1.9", "2026-06-15")).toEqual([2, "genai-prices:corrected"]);
    expect(inputAt("0.1.9", "2026-12-15")).toEqual([3, "genai-prices"]);
  });

  it("is not corrected once it has caught up", () => {
    expect(inputAt("0.2.0", "2026-06-15")).toEqual([9, "genai-prices"]);
    expect(inputAt("0.10.0", "2026-04-15")).toEqual([8, "genai-prices"]);
  });
});
