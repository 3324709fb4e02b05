import { describe, expect, it } from "vitest";
import { LISTED_PER, UNITS } from "../../src/ledger/buckets.ts";
import { unitPricePico } from "../../src/money.ts";
import { picoPerUnit, ratio, rounded, times } from "../../src/pricing/ratio.ts";

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

  it.each(UNITS)("of a price for as many of a %s as are listed is exact", (unit) => {
    const per = LISTED_PER[unit];
    // $30 an hour = 30 x 10^12 / 3,600 = 8,333,333,333.3 a second
    for (const usd of [0.04, 0.36, 1, 2.5, 30])
      expect(rounded(picoPerUnit(String(usd), per)), String(usd)).toBe(unitPricePico(usd, per));
    expect(rounded(times(picoPerUnit("1", per), ratio(String(per))))).toBe(10n ** 12n);
  });
});
