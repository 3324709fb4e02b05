/** Model names as emitters send them, and the list price of each. Prices are typed from the source of each line. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { embeddedCatalogue } from "../../src/pricing/catalogue.ts";

const AT = Date.UTC(2026, 10, 20, 12);
const INPUT = BUCKETS.indexOf("input");
const OUTPUT = BUCKETS.indexOf("output");

const lines = readFileSync("test/pricing/names.tsv", "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t") as [string, string, string, string, string]);

function listed(provider: string, model: string): [string, string] {
  const found = embeddedCatalogue.lookUp(provider, model);
  if (found === null) return ["-", "-"];
  const { listedUsd } = found.priceAt(AT, 1_000);
  return [String(listedUsd[INPUT]), String(listedUsd[OUTPUT] ?? 0)];
}

describe("names", () => {
  it.each(lines)("%s %s: $%s in, $%s out (%s)", (provider, model, input, output) => {
    expect(listed(provider, model)).toEqual([input, output]);
  });

  it("mean the same model under the provider's canonical id, which is what calls keep", () => {
    for (const [provider, model] of lines) {
      const found = embeddedCatalogue.lookUp(provider, model);
      if (found !== null) expect(embeddedCatalogue.lookUp(found.provider, model), model).toBe(found);
    }
  });
});
