import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_COST_PICO, picoToUsd, unitPricePico, usdToPico } from "../src/money.ts";

describe("picoToUsd", () => {
  it.each([
    [0n, "0"],
    [1n, "0.000000000001"],
    [1_920_000_000n, "0.00192"],
    [1_000_000_000_000n, "1"],
    [-250_000_000_000n, "-0.25"],
    [1_234_500_000_000_000n, "1234.5"],
  ])("%s pico-USD is $%s", (pico, usd) => {
    expect(picoToUsd(pico)).toBe(usd);
  });

  it("is undone by usdToPico for every amount that the ledger holds", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_COST_PICO }), (pico) => {
        expect(usdToPico(picoToUsd(pico))).toBe(pico);
      }),
    );
  });
});

describe("usdToPico", () => {
  it.each([
    ["0.00192", 1_920_000_000n],
    [0.1, 100_000_000_000n],
    [1e-12, 1n],
    ["1e3", 1_000_000_000_000_000n],
    ["0", 0n],
  ])("reads %s", (usd, pico) => {
    expect(usdToPico(usd)).toBe(pico);
  });

  it.each([NaN, Infinity, -1, "1e-13", "0.0000000000001", "", "abc", "1,5", "9999999999", "1e400"])(
    "refuses %s",
    (usd) => {
      expect(usdToPico(usd)).toBeNull();
    },
  );
});

describe("unitPricePico", () => {
  it.each([
    // $3 per 1M tokens = $0.000003 a token = 3,000,000 pico-USD
    [3, 1_000_000, 3_000_000n],
    [0.075, 1_000_000, 75_000n],
    [1e-7, 1_000_000, 0n],
    // Half-even: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2 pico
    [0.0000005, 1_000_000, 0n],
    [0.0000015, 1_000_000, 2n],
    [0.0000025, 1_000_000, 2n],
    [10, 1_000, 10_000_000_000n],
  ])("$%s per %s units is %s pico-USD a unit", (usd, per, pico) => {
    expect(unitPricePico(usd, per)).toBe(pico);
  });
});
