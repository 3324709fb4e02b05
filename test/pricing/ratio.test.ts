import { describe, expect, it } from "vitest";
import { ratio, rounded, times } from "../../src/pricing/ratio.ts";

describe("a ratio", () => {
  it.each([
    ["0.5", 5n, 10n],
    ["2.50", 250n, 100n],
    ["12", 12n, 1n],
    ["5e-7", 5n, 10_000_000n],
    ["1.5e+3", 15_00n, 1n],
  ])("is exactly what %s says", (decimal, numerator, denominator) => {
    expect(ratio(decimal)).toEqual({ numerator, denominator });
  });

  it.each(["", "-1", "NaN", "Infinity", "1,5", ".5", "1."])("is not made of %j", (text) => {
    expect(() => ratio(text)).toThrow(RangeError);
  });

  it.each([
    ["0.5", 0n],
    ["1.5", 2n],
    ["2.5", 2n],
    ["2.500001", 3n],
    ["2.499999", 2n],
  ])("%s is rounded half-even to %d", (decimal, whole) => {
    expect(rounded(ratio(decimal))).toBe(whole);
  });

  it("is rounded once, after the last factor", () => {
    // 0.1 x 0.3 x 50 = 1.5 -> 2; rounded in between it would be 0
    expect(rounded(times(times(ratio("0.1"), ratio("0.3")), ratio("50")))).toBe(2n);
  });
});
