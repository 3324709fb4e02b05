/** Series for a chart: one for each group over the same intervals, from the rows of a summary. */
export interface Series {
  key: string;
  /** Null: unknown. Nothing is drawn there. */
  values: readonly (number | null)[];
}

export interface Charted {
  /** The intervals' starts, in seconds since 1970, in order. */
  xs: number[];
  series: Series[];
}

interface Row {
  bucket?: string | undefined;
}

/** @param valueOf what is drawn. Series are in the order of their sums, the largest first. An interval without a row is 0. */
export function seriesOf<R extends Row>(
  rows: readonly R[],
  keyOf: (row: R) => string,
  valueOf: (row: R) => number,
): Charted {
  const xs = [...new Set(rows.map(({ bucket }) => secondsOf(bucket)))].sort((a, b) => a - b);
  const places = new Map(xs.map((x, place) => [x, place]));
  const byKey = new Map<string, number[]>();
  for (const row of rows) {
    const key = keyOf(row);
    let values = byKey.get(key);
    if (values === undefined) byKey.set(key, (values = xs.map(() => 0)));
    values[places.get(secondsOf(row.bucket))!]! += valueOf(row);
  }
  const series = [...byKey].map(([key, values]) => ({
    key,
    values,
    sum: values.reduce((sum, value) => sum + value, 0),
  }));
  series.sort((a, b) => b.sum - a.sum);
  return { xs, series: series.map(({ key, values }) => ({ key, values })) };
}

/** Each series on top of those after it: the first one's values are those of the whole. What is unknown adds nothing. */
export function stacked(series: readonly Series[]): number[][] {
  let below: number[] = [];
  return [...series]
    .reverse()
    .map(({ values }) => (below = values.map((value, place) => (value ?? 0) + (below[place] ?? 0))))
    .reverse();
}

/** The series that is drawn at a height of a stack, or nearest to it among lines; null: none. */
export function seriesAt(
  series: readonly Series[],
  place: number,
  height: number,
  isStacked: boolean,
): { key: string; place: number } | null {
  if (isStacked) {
    const tops = stacked(series).map((values) => values[place] ?? 0);
    const found = tops.findLastIndex((top) => height >= 0 && height <= top);
    return found < 0 ? null : { key: series[found]!.key, place: found };
  }
  let nearest: { key: string; place: number } | null = null;
  let least = Infinity;
  for (const [at, { key, values }] of series.entries()) {
    const value = values[place];
    if (value === null || value === undefined || Math.abs(value - height) >= least) continue;
    least = Math.abs(value - height);
    nearest = { key, place: at };
  }
  return nearest;
}

function secondsOf(bucket = ""): number {
  return Date.parse(bucket) / 1_000;
}
