/** What is drawn of a summary over time, with the exact figures behind it. */
import { OTHER, rowKey, type SummaryRow } from "./rows.ts";
import { drawn, type Figure, type Metric, plus } from "./metrics.ts";

export interface Drawn {
  /** The intervals' starts, in seconds since 1970. */
  xs: number[];
  series: { key: string; values: (number | null)[] }[];
  /** By series and interval. */
  figures: Map<string, Figure[]>;
  /** Of each interval, all series together. Null: they do not add up. */
  totals: Figure[] | null;
  /** Of each series, all intervals together. */
  wholes: Map<string, Figure> | null;
  /** The metric of the whole in the previous period, interval by interval. */
  previous: (number | null)[] | null;
}

interface Asked {
  groupBy: readonly string[];
  metric: Metric;
  isCumulative: boolean;
}

/** @param starts of all intervals. A sum is 0 where there are no calls; a rate is not known there. */
export function drawnOf(rows: readonly SummaryRow[], starts: readonly number[], asked: Asked): Drawn {
  const { groupBy, metric } = asked;
  const places = new Map(starts.map((ms, place) => [ms, place]));
  const none: Figure = metric.isSum ? (metric.unit === "usd" ? "0" : 0) : null;
  const figures = new Map<string, Figure[]>();
  // Apart from the figures, because a group whose calls have no price costs an unknown sum, and not 0.
  const wholes = new Map<string, Figure>();
  const totals = new Map<number, Figure>();
  const before: Figure[] | null = metric.isSum && rows.some(({ previous }) => previous) ? starts.map(() => none) : null;
  for (const row of rows) {
    const place = places.get(Date.parse(row.bucket ?? ""));
    if (place === undefined) continue;
    const key = rowKey(row, groupBy);
    let own = figures.get(key);
    if (own === undefined) figures.set(key, (own = starts.map(() => none)));
    const figure = metric.of(row);
    own[place] = figure;
    if (!metric.isSum) continue;
    wholes.set(key, plus(wholes.get(key) ?? null, figure));
    totals.set(place, plus(totals.get(place) ?? null, figure));
    if (before && row.previous) before[place] = plus(before[place]!, metric.of(row.previous));
  }
  if (!metric.isSum) return { ...drawnFrom(starts, figures), totals: null, wholes: null, previous: null };
  const whole = starts.map((_, place) => (totals.has(place) ? totals.get(place)! : none));
  const previous = before && (asked.isCumulative ? running(before) : before).map(drawn);
  if (!asked.isCumulative) return { ...drawnFrom(starts, figures), totals: whole, wholes, previous };
  for (const [key, own] of figures) figures.set(key, running(own));
  return { ...drawnFrom(starts, figures), totals: running(whole), wholes, previous };
}

/** In the order of their drawn sums, the largest first; `(other)` last. */
function drawnFrom(
  starts: readonly number[],
  figures: Map<string, Figure[]>,
): Pick<Drawn, "xs" | "series" | "figures"> {
  const series = [...figures].map(([key, own]) => {
    const values = own.map(drawn);
    return { key, values, sum: values.reduce<number>((sum, value) => sum + (value ?? 0), 0) };
  });
  series.sort((a, b) => Number(a.key === OTHER) - Number(b.key === OTHER) || b.sum - a.sum);
  return { xs: starts.map((ms) => ms / 1_000), series: series.map(({ key, values }) => ({ key, values })), figures };
}

/** Unknown as long as there were calls and none has a value. */
function running(own: readonly Figure[]): Figure[] {
  let sum: Figure = null;
  let hasUnknown = false;
  return own.map((figure) => {
    hasUnknown ||= figure === null;
    sum = plus(sum, figure);
    return hasUnknown && Number(sum) === 0 ? null : sum;
  });
}
