import type { ModelInfo, Provider } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { changesOf } from "../../src/pricing/catalogue-changes.ts";
import { parseCatalogue } from "../../src/pricing/catalogue-document.ts";
import { createCatalogue } from "../../src/pricing/catalogue.ts";
import { changed, embedded, gpt4o, NOVA, published, withNova } from "../catalogue/documents.ts";

const NOW = Date.UTC(2026, 10, 28, 12);

function refusal(text: string, accept = false): string | null {
  const parsed = parseCatalogue(text, embedded(), { nowMs: NOW, accept });
  return "refused" in parsed ? parsed.refused : null;
}

function refusalOf(change: (models: ModelInfo[], providers: Provider[]) => void): string | null {
  return refusal(JSON.stringify(changed(change)));
}

/** The embedded document, with something else as the input price of gpt-4o. */
function withInput(json: string): string {
  return JSON.stringify(changed((models) => (gpt4o(models).prices["input_mtok"] = "HERE"))).replace('"HERE"', json);
}

describe("a catalogue document", () => {
  it("is taken as it is published, with prices by date and by time of day", () => {
    const parsed = parseCatalogue(published(withNova()), embedded(), { nowMs: NOW });
    if ("refused" in parsed) throw new Error(parsed.refused);
    const [newer, older] = [createCatalogue(parsed.providers, "newer"), createCatalogue(embedded(), "older")];
    expect(newer.lookUp("openai", NOVA.id)!.priceAt(NOW, 1).listedUsd[0]).toBe(1);
    for (const hour of [0, 3, 18]) {
      const atMs = Date.UTC(2026, 10, 28, hour);
      const [a, b] = [newer, older].map((of) => of.lookUp("deepseek", "deepseek-chat")!.priceAt(atMs, 1).listedUsd);
      expect(a).toEqual(b);
    }
    expect(changesOf(embedded(), parsed.providers, NOW)).toEqual([
      { kind: "model added", provider: "openai", model: NOVA.id },
    ]);
  });

  it("may change a price by up to 10x: $2.50 to $25, and to $0.25", () => {
    expect(refusal(withInput("25"))).toBeNull();
    expect(refusal(withInput("0.25"))).toBeNull();
  });

  it.each<[string, string]>([
    ["25.01", 'the price of input of "gpt-4o" of "openai" changes from 2.5 to 25.01'],
    ["0.24", 'the price of input of "gpt-4o" of "openai" changes from 2.5 to 0.24'],
    ["0", 'the price of input of "gpt-4o" of "openai" changes from 2.5 to 0'],
    [`{"base":2.5,"tiers":[{"start":100,"price":26}]}`, "changes from 2.5 to 26"],
    ['"2.5"', '"openai" models "gpt-4o" prices input_mtok: expected number, received string'],
    ["-2.5", '"openai" models "gpt-4o" prices input_mtok'],
    ["null", '"openai" models "gpt-4o" prices input_mtok'],
    ["1e999", '"openai" models "gpt-4o" prices input_mtok'],
    ["10001", '"openai" models "gpt-4o" prices input_mtok'],
    ["NaN", "it is not JSON"],
    [`{"base":2.5,"tiers":[{"start":9,"price":3},{"start":9,"price":4}]}`, "tiers that do not ascend"],
    [`{"base":2.5,"tiers":[{"start":-9,"price":3}]}`, "start"],
  ])("is refused with the input price %s", (json, reason) => {
    expect(refusal(withInput(json))).toContain(reason);
  });

  it("is refused if a price is to change by more than 10x later, or at some hours", () => {
    const later = (constraint: object) =>
      refusalOf((models) => {
        const model = gpt4o(models) as ModelInfo;
        const prices = model.prices as Record<string, number>;
        model.prices = [{ prices }, { constraint, prices: { ...prices, input_mtok: 300 } }] as ModelInfo["prices"];
      });
    const reason = 'the price of input of "gpt-4o" of "openai" changes from 2.5 to 300';
    expect(later({ start_date: "2031-01-01" })).toBe(reason);
    expect(later({ start_time: "01:00:00Z", end_time: "02:00:00Z" })).toBe(reason);
  });

  it("is refused if a provider, a model, a name or a price is gone", () => {
    expect(
      refusalOf((_, providers) =>
        providers.splice(
          providers.findIndex(({ id }) => id === "perplexity"),
          1,
        ),
      ),
    ).toBe('the provider "perplexity" is gone');
    expect(refusalOf((models) => models.splice(models.indexOf(gpt4o(models)), 1))).toBe(
      'the model "gpt-4o" of "openai" is gone',
    );
    expect(refusalOf((models) => (gpt4o(models).match = { equals: "gpt-4o-2024-05-13" }))).toContain("is gone");
    expect(refusalOf((models) => delete gpt4o(models).prices["output_mtok"])).toBe(
      'the price of output of "gpt-4o" of "openai" changes from 10 to none',
    );
  });

  it("may give a model another id, if its names mean it still", () => {
    expect(refusalOf((models) => (gpt4o(models).id = "gpt-4-omni"))).toBeNull();
  });

  it("is refused if another entry takes a name at 10x the price, of the provider or without one", () => {
    const dear = { id: "dear", match: { equals: "gpt-4o" }, prices: { input_mtok: 26, output_mtok: 11 } };
    expect(refusalOf((models) => models.unshift(dear))).toContain("changes from 2.5 to 26");
    const provider = { id: "evil", name: "Evil", api_pattern: "x", model_match: { contains: "gpt" }, models: [dear] };
    expect(refusalOf((_, providers) => providers.unshift(provider))).toBe(
      'the price of input of "gpt-4o" of "unknown" changes from 2.5 to 26',
    );
  });

  it("is refused with an id twice, also in other letters", () => {
    expect(refusalOf((models) => models.push({ ...gpt4o(models), id: "GPT-4o" }))).toBe(
      '"openai" has the model "GPT-4o" twice',
    );
    expect(refusalOf((_, providers) => providers.push(providers[0]!))).toContain("is there twice");
  });

  it("is refused if providers fall back on each other, or on none that is there", () => {
    const fallBack = (on: string) => (_: unknown, providers: Provider[]) =>
      (providers.find(({ id }) => id === "perplexity")!.fallback_model_providers = [on]);
    expect(refusalOf(fallBack("perplexity"))).toContain("falls back on others itself");
    expect(refusalOf(fallBack("azure"))).toContain("falls back on others itself");
    expect(refusalOf(fallBack("nobody"))).toBe('"perplexity" falls back on "nobody", which is not there');
  });

  it("is refused if it is too large, too deep, cut off or something else", () => {
    expect(refusal(`[${" ".repeat(8_000_000)}]`)).toBe("it has more than 8 MB");
    expect(refusal("[".repeat(1_000_000))).toBe("it is nested more than 24 deep");
    const cyclic = (depth: number): object => (depth === 0 ? { equals: "x" } : { or: [cyclic(depth - 1)] });
    expect(refusalOf((models) => models.push({ ...NOVA, match: cyclic(40) as ModelInfo["match"] }))).toContain("deep");
    expect(refusal(JSON.stringify(embedded()).slice(0, -1))).toBe("it is not JSON");
    for (const text of ["", "null", "{}", "[]", '[{"$ref":"#"}]', "[[]]"]) expect(refusal(text)).not.toBeNull();
    expect(refusalOf((models) => models.push({ ...NOVA, match: { $ref: "#" } as never }))).toContain(
      '"openai" models "gpt-77-nova" match',
    );
  });

  it("is refused with a pattern that could take too long", () => {
    expect(refusalOf((models) => models.push({ ...NOVA, match: { regex: "^(a+)+$" } }))).toContain(
      'the pattern "^(a+)+$" repeats a group',
    );
  });

  it("may do what a person has looked at, but not break its form", () => {
    expect(refusal(withInput("300"), true)).toBeNull();
    expect(refusal(withInput("-1"), true)).not.toBeNull();
  });
});
