/** Where the price of a stored call came from, and how far to trust it. */
import { describe, expect, it } from "vitest";
import { createCatalogue, embeddedCatalogue } from "../../src/pricing/catalogue.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { originOf } from "../../src/pricing/origin.ts";
import { NO_USAGE, type PriceableCall } from "../../src/ledger/call.ts";
import { embedded } from "../catalogue/documents.ts";

const AT = Date.UTC(2026, 4, 1);

function originFor(provider: string, model: string, changes: Partial<PriceableCall> = {}) {
  const call = {
    ...NO_USAGE,
    inputTokens: 10,
    outputTokens: 10,
    provider,
    model,
    operation: "chat",
    serviceTier: null,
    status: "ok" as const,
    startedAtMs: AT,
    durationUs: null,
  };
  const { price } = createPricer().costOf({ ...call, ...changes });
  return originOf(embeddedCatalogue, price!, AT);
}

const EXACT = { confidence: "exact", reason: null, correction: null };

describe("the origin of a price", () => {
  it("is exact if the catalogue does not say otherwise, also at a host and in a tier", () => {
    expect(originFor("openai", "gpt-4o")).toEqual(EXACT);
    expect(originFor("azure", "gpt-4o-mini")).toEqual(EXACT);
    expect(originFor("openai", "gpt-4o", { serviceTier: "batch" })).toEqual(EXACT);
  });

  it("is approximate in the catalogue's own words, also in a tier", () => {
    const doubtful = {
      confidence: "approximate",
      reason: expect.stringMatching(/verify/i) as string,
      correction: null,
    };
    expect(originFor("openai", "gpt-chat-latest")).toEqual(doubtful);
    expect(originFor("openai", "gpt-chat-latest", { serviceTier: "batch" })).toEqual(doubtful);
  });

  it("names the source of a correction, and the day on which its price began to hold", () => {
    expect(originFor("mistral", "mistral-large-latest")).toEqual({
      ...EXACT,
      correction: { source: expect.stringContaining("https://mistral.ai/") as string, from: "2025-12-02" },
    });
    expect(originFor("deepseek", "deepseek-v4-pro")).toMatchObject({ correction: { from: null } });
  });

  it("is exact for unit prices of one's own, and that of the other price for a factor of it", () => {
    const of = { provider: "openai", model: "gpt-chat-latest" };
    for (const source of ["custom", "custom:batch"])
      expect(originOf(embeddedCatalogue, { ...of, source }, AT)).toEqual(EXACT);
    for (const source of ["custom:factor", "custom:same_as", "custom:factor:batch"]) {
      expect(originOf(embeddedCatalogue, { ...of, source }, AT).confidence).toBe("approximate");
    }
  });

  it("is unknown if the catalogue does not have the entry any more", () => {
    const without = createCatalogue(
      embedded().filter(({ id }) => id !== "openai"),
      "without",
    );
    const price = { source: "genai-prices", provider: "openai", model: "gpt-4o" };
    expect(originOf(without, price, AT)).toMatchObject({ confidence: null, reason: expect.any(String) as string });
  });
});

it("names that every object has are no names of providers and models", () => {
  for (const provider of ["constructor", "__proto__", "toString", "openai"]) {
    for (const model of ["length", "constructor", "__proto__", "name"]) {
      expect(embeddedCatalogue.lookUp(provider, model)).toBeNull();
    }
  }
  const evil = createCatalogue(
    [
      {
        id: "constructor",
        name: "x",
        api_pattern: "x",
        models: [{ id: "m", match: { equals: "m" }, prices: { input_mtok: 1 } }],
      },
    ],
    "evil",
  );
  expect(evil.lookUp("constructor", "m")?.model).toBe("m");
});
