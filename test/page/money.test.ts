import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  changeOf,
  formatBriefly,
  formatDifference,
  formatExactly,
  formatUsd,
  picoOf,
  shareOf,
  usdOf,
} from "../../src/page/money.ts";

describe("formatUsd", () => {
  it.each([
    [null, "unknown"],
    ["0", "$0"],
    ["1", "$1.00"],
    ["0.5", "$0.50"],
    ["1234567.895", "$1,234,567.90"],
    ["12.345", "$12.35"],
    ["0.0165", "$0.0165"],
    ["0.01677", "$0.0168"],
    ["0.00015", "$0.00015"],
    ["0.9996", "$1.00"],
    ["0.00099999", "$0.001"],
    ["0.000000000001", "$0.000000000001"],
    ["-165", "\u2212$165.00"],
    ["-0.004", "\u2212$0.004"],
    // 2^53 pico-USD is about $9,007: past it, floats would lose the last digits.
    ["90071992547409.91", "$90,071,992,547,409.91"],
  ])("shows %j as %s", (usd, shown) => {
    expect(formatUsd(usd)).toBe(shown);
  });

  it("never shows some as none, and is within half of the third digit", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 13n }), (pico) => {
        const shown = picoOf(formatUsd(usdOf(pico)).replace(/[$,]/g, ""));
        const off = shown > pico ? shown - pico : pico - shown;
        expect(shown).toBeGreaterThan(0n);
        expect(off * 200n <= pico).toBe(true);
      }),
    );
  });
});

it("keeps decimals as they are, there and back", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (pico) => picoOf(usdOf(pico)) === pico));
  expect(() => picoOf("1e5")).toThrow("not a decimal: 1e5");
});

it("tells differences by their sign", () => {
  expect(["60.5", "-165", "0", null].map(formatDifference)).toEqual([
    "+$60.50",
    "\u2212$165.00",
    "\u00b1$0",
    "unknown",
  ]);
});

it("shows the whole value where it is asked for", () => {
  expect(["1234.000016770001", "-5", null].map(formatExactly)).toEqual(["$1,234.000016770001", "\u2212$5", "unknown"]);
});

it("compares in percent, where there is something to compare with", () => {
  // 60.5 of 350 is 17.29%; 1 of 3,000 is 0.03%.
  expect([shareOf("60.5", "350"), shareOf("1", "3000"), shareOf("1", "0"), shareOf(null, "1")]).toEqual([
    "17.3%",
    "<0.1%",
    null,
    null,
  ]);
  // From 200 to 150 is a quarter less, from 1 to 24 is 23 times more.
  expect([changeOf("150", "200"), changeOf("24", "1"), changeOf("1", "1"), changeOf("1", "0")]).toEqual([
    "\u221225.0%",
    "+2,300.0%",
    "\u00b10.0%",
    null,
  ]);
});

it("shortens only on axes", () => {
  expect([0, 35, 1_234_567, 0.0041, -2_000].map(formatBriefly)).toEqual([
    "$0",
    "$35",
    "$1.23M",
    "$0.0041",
    "\u2212$2K",
  ]);
});
