import { expect, it } from "vitest";
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
