import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE_VERSION, findModel } from "../../src/pricing/catalogue.ts";
import { canonicalProvider } from "../../src/pricing/provider.ts";

describe("the catalogue", () => {
  it("states the version that is installed, since traces store it", () => {
    const installed = readFileSync("node_modules/@pydantic/genai-prices/package.json", "utf8");
    expect(CATALOGUE_VERSION).toBe((JSON.parse(installed) as { version: string }).version);
  });

  it("gives one id to one list of prices, and another to another", () => {
    const at = Date.UTC(2026, 0, 1);
    const sonnet = findModel("anthropic", "claude-sonnet-4-5")!;
    expect(sonnet.priceAt(at, 1_000)).toBe(sonnet.priceAt(at, 2_000));
    expect(sonnet.priceAt(at, 1_000).id).toBe(findModel("anthropic", "claude-sonnet-4-5-20250929")!.priceAt(at, 1).id);
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
    expect(findModel(provider, model)?.provider).toBe(maker);
  });

  it.each([
    ["unknown", "acme/gpt-4o"],
    ["anthropic", "openai/gpt-4o"],
    ["unknown", "my-gpt-4o"],
  ])("%s %s is not known", (provider, model) => {
    expect(findModel(provider, model)).toBeNull();
  });
});

describe("canonicalProvider", () => {
  it.each([
    ["openai.chat", "openai"],
    ["openai.responses", "openai"],
    ["anthropic.messages", "anthropic"],
    ["google.generative-ai", "google"],
    ["gcp.gemini", "google"],
    ["gcp.vertex_ai", "google"],
    ["azure.ai.openai", "azure"],
    ["azure.ai.inference", "azure"],
    ["aws.bedrock", "aws"],
    ["amazon_bedrock", "aws"],
    ["google_genai", "google"],
    ["cohere.reranking", "cohere"],
    ["openai.image", "openai"],
    ["google-gla", "google"],
    ["strands-agents", "unknown"],
    ["x_ai", "x-ai"],
    ["OpenAI", "openai"],
    ["litellm", "unknown"],
    ["acme", "acme"],
  ])("%s is %s", (name, canonical) => {
    expect(canonicalProvider(name)).toBe(canonical);
  });
});
