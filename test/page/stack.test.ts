import { expect, it } from "vitest";
import { savedByCache } from "../../src/page/saved.ts";
import { seriesOf, stacked } from "../../src/page/stack.ts";

const row = (day: number, key: string, value: number) => ({ bucket: `2026-11-0${day}T00:00:00+01:00`, key, value });
const day = (of: number) => Date.parse(`2026-11-0${of}T00:00:00+01:00`) / 1_000;

it("makes a series of each group over all intervals, the largest first", () => {
  const rows = [row(2, "small", 1), row(1, "large", 5), row(3, "large", 2)];
  expect(
    seriesOf(
      rows,
      ({ key }) => key,
      ({ value }) => value,
    ),
  ).toEqual({
    xs: [day(1), day(2), day(3)],
    series: [
      { key: "large", values: [5, 0, 2] },
      { key: "small", values: [0, 1, 0] },
    ],
  });
});

it("stacks each series on those after it, so that the first is the whole", () => {
  const series = [
    { key: "a", values: [5, 0] },
    { key: "b", values: [1, 2] },
  ];
  expect(stacked(series)).toEqual([
    [6, 2],
    [1, 2],
  ]);
});

it("tells what the cache saved, at the average price of new input", () => {
  const buckets = {
    // $3 per million tokens
    input: { quantity: 1_000_000, cost_usd: "3" },
    // 2 million at $0.30 each; as input they would cost $6, so $5.40 are saved.
    cache_read: { quantity: 2_000_000, cost_usd: "0.6" },
    // 1 million at $3.75; as input it would cost $3, so $0.75 more was paid.
    cache_write: { quantity: 1_000_000, cost_usd: "3.75" },
  };
  expect(savedByCache([buckets, {}])).toBe("4.65");
  expect(savedByCache([{ input: buckets.input }])).toBeNull();
});
