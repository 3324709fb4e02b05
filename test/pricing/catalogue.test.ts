import { readFileSync } from "node:fs";
import type { Provider } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { CATALOGUE_DAY, CATALOGUE_VERSION, createCatalogue, embeddedCatalogue } from "../../src/pricing/catalogue.ts";
import { withId } from "../../src/pricing/price.ts";

describe("the catalogue", () => {
  it("states the version that is installed, since traces store it", () => {
    const installed = readFileSync("node_modules/@pydantic/genai-prices/package.json", "utf8");
    expect(CATALOGUE_VERSION).toBe((JSON.parse(installed) as { version: string }).version);
    // From `npm view @pydantic/genai-prices time`: both are raised together.
    expect([CATALOGUE_VERSION, CATALOGUE_DAY]).toEqual(["0.1.8", "2026-09-23"]);
  });

  it("gives one id to one list of prices, and another to another", () => {
    const at = Date.UTC(2026, 0, 1);
    const sonnet = embeddedCatalogue.lookUp("anthropic", "claude-sonnet-4-5")!;
    expect(sonnet.priceAt(at, 1_000)).toBe(sonnet.priceAt(at, 2_000));
    expect(sonnet.priceAt(at, 1_000).id).toBe(
      embeddedCatalogue.lookUp("anthropic", "claude-sonnet-4-5-20250929")!.priceAt(at, 1).id,
    );
    expect(sonnet.priceAt(at, 200_001).id).not.toBe(sonnet.priceAt(at, 200_000).id);
  });
});

describe("a model's name", () => {
  it.each([
    ["openai", "openai/gpt-4o", "openai"],
    ["unknown", "openai/gpt-4o", "openai"],
    ["unknown", "text-embedding-3-small", "openai"],
    ["unknown", "embed-v4.0", "cohere"],
  ])("%s %s is a model of %s", (provider, model, maker) => {
    expect(embeddedCatalogue.lookUp(provider, model)?.provider).toBe(maker);
  });

  it.each([
    ["unknown", "acme/gpt-4o"],
    ["anthropic", "openai/gpt-4o"],
    ["unknown", "my-gpt-4o"],
  ])("%s %s is not known", (provider, model) => {
    expect(embeddedCatalogue.lookUp(provider, model)).toBeNull();
  });
});

describe("the confidence of a price", () => {
  it.each([
    ["openai", "gpt-4o", "exact"],
    // "Seen on OpenRouter before OpenAI"
    ["openai", "gpt-5-image", "approximate"],
    // "we assume that's input and output"
    ["fireworks", "accounts/fireworks/models/gemma-3-27b-it", "approximate"],
    // "converted to USD", said of the provider
    ["zhipuai", "glm-4.7", "approximate"],
    // "the highest price shown for `requests_kcount`", which only some of its models have
    ["perplexity", "sonar", "approximate"],
    ["perplexity", "r1-1776", "exact"],
    // "an upper bound", which our own entry replaces
    ["deepseek", "deepseek-v4-pro", "exact"],
  ])("%s %s is %s", (provider, model, confidence) => {
    const found = embeddedCatalogue.lookUp(provider, model)!;
    expect(found.confidence).toBe(confidence);
    expect(found.priceAt(Date.UTC(2026, 0, 1), 1_000).confidence).toBe(confidence);
  });

  it("does not change the price's id", () => {
    const price = { source: "s", version: "1", provider: "p", model: "m", unitPico: [1n] };
    expect(withId({ ...price, confidence: "approximate" }).id).toBe(withId(price).id);
  });
});

describe("a catalogue", () => {
  const window = { type: "time_of_date" as const, start_time: "01:00:00Z", end_time: "04:00:00Z" };
  const provider: Provider = {
    id: "acme",
    name: "Acme",
    api_pattern: "acme",
    models: [
      {
        id: "one",
        match: { starts_with: "one" },
        prices: [
          { prices: { input_mtok: 1 } },
          { constraint: { type: "start_date", start_date: "2026-06-01" }, prices: { input_mtok: 2 } },
          { constraint: window, prices: { input_mtok: 4 } },
        ],
      },
    ],
  };
  const inputAt = (at: string) =>
    createCatalogue([provider], "2").lookUp("acme", "one")!.priceAt(Date.parse(at), 1).listedUsd[0];

  it("applies hours that follow a date from that date on only", () => {
    expect(inputAt("2026-05-01T02:00Z")).toBe(1);
    expect(inputAt("2026-07-01T02:00Z")).toBe(4);
    expect(inputAt("2026-07-01T05:00Z")).toBe(2);
  });

  it("states its version in its prices", () => {
    expect(createCatalogue([provider], "2").lookUp("acme", "one-2026-01-01")!.priceAt(0, 1).version).toBe("2");
  });
});
