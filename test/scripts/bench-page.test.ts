/** The arithmetic of the page's benchmark: what it does to a figure before it is told. */
import { describe, expect, it } from "vitest";
import { bounded, isMissed } from "../../scripts/bench/page/figures.ts";
import { median } from "../../scripts/bench/timing.ts";
import { slopeOf } from "../../scripts/bench/page/live.ts";
import { table } from "../../scripts/bench/report.ts";

describe("a figure of the page", () => {
  it("is the median of its windows", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
  });

  it("may be as large as its bound, and is missed beyond it or without a value", () => {
    expect(isMissed(bounded("a", "a", [100, 100, 900], "ms", 100))).toBe(false);
    expect(isMissed(bounded("a", "a", [101], "ms", 100))).toBe(true);
    expect(isMissed(bounded("a", "a", [Number.NaN], "ms", 100))).toBe(true);
    expect(isMissed({ id: "a", name: "a", value: 1e9, unit: "ms" })).toBe(false);
  });

  it("is told with its spread, and with that it was missed", () => {
    const told = table("page", [bounded("a", "late", [90, 120, 500], "ms", 100), bounded("b", "soon", [7], "ms", 100)]);
    expect(told).toMatch(/late +120 ms +1\.200 of the bound, 100 ms +\(90\.0 to 500\) MISSED/);
    expect(told).toMatch(/soon +7\.0 ms +0\.070 of the bound, 100 ms$/m);
  });
});

it("the slope of a heap is that of the line nearest to its samples", () => {
  // 100 + 20 a minute, and two samples that are off by as much on either side of the middle.
  expect(slopeOf([0, 1, 2, 3].map((minute) => [minute, 100 + 20 * minute]))).toBeCloseTo(20, 9);
  expect(
    slopeOf([
      [0, 5],
      [1, 9],
      [2, 5],
    ]),
  ).toBeCloseTo(0, 9);
});
