/**
 * A range cut into windows that can be answered exactly: whole weeks of UTC days from week rows, whole days from day
 * rows, whole hours from hour rows, and the ragged rest from the traces themselves. Where these are kept no longer, a
 * ragged edge moves to the start of its hour; two ranges that met there still do.
 */
import { FIRST_WEEK_MS } from "../rollup/measures.ts";
import { bucketStart, DAY_MS, HOUR_MS, nextBucket, type Interval, type Zone } from "./zone.ts";

export const WEEK_MS = 7 * DAY_MS;

export type Source = "week" | "day" | "hour" | "raw";

export interface Window {
  source: Source;
  fromMs: number;
  toMs: number;
  /** Start of the interval's bucket that this window belongs to; 0 where there is no interval. */
  bucketMs: number;
}

export type Range = Pick<Window, "fromMs" | "toMs">;

/** The ranges that windows of these sources cover together: neighbours become one. */
export function rangesOf(windows: readonly Window[], ...sources: Source[]): Range[] {
  const ranges: Range[] = [];
  for (const { fromMs, toMs } of windows.filter(({ source }) => sources.includes(source))) {
    const last = ranges.at(-1);
    if (last?.toMs === fromMs) last.toMs = toMs;
    else ranges.push({ fromMs, toMs });
  }
  return ranges;
}

export const MAX_BUCKETS = 10_000;

/** Where something that is to begin at `ms` can begin, with traces from `rawSinceMs` on. */
export function edgeAt(ms: number, rawSinceMs: number): number {
  return ms < rawSinceMs ? Math.floor(ms / HOUR_MS) * HOUR_MS : ms;
}

/**
 * @param rawSinceMs since when traces are kept.
 * @returns null when the range has more than `MAX_BUCKETS` buckets.
 */
export function windowsOf(
  fromMs: number,
  toMs: number,
  interval: Interval,
  zone: Zone,
  rawSinceMs = 0,
): Window[] | null {
  const cut = (fromMs: number, toMs: number, bucketMs: number): Window[] =>
    cutAtUnits(edgeAt(fromMs, rawSinceMs), edgeAt(toMs, rawSinceMs), bucketMs);
  if (interval === "none") return cut(fromMs, toMs, 0);
  const windows: Window[] = [];
  let buckets = 0;
  for (let start = bucketStart(zone, interval, fromMs); start < toMs;) {
    if (++buckets > MAX_BUCKETS) return null;
    const next = nextBucket(zone, interval, start);
    windows.push(...cut(Math.max(start, fromMs), Math.min(next, toMs), start));
    start = next;
  }
  return windows;
}

/** What windows begin and end at whole ones of, each coarser than the one before. */
const UNITS = [
  { source: "hour", stepMs: HOUR_MS, firstMs: 0 },
  { source: "day", stepMs: DAY_MS, firstMs: 0 },
  { source: "week", stepMs: WEEK_MS, firstMs: FIRST_WEEK_MS },
] as const;

/** The coarsest in the middle, and ever finer ones to both ends. */
function cutAtUnits(fromMs: number, toMs: number, bucketMs: number, source: Source = "raw", next = 0): Window[] {
  const window = (from: number, to: number): Window[] =>
    from < to ? [{ source, fromMs: from, toMs: to, bucketMs }] : [];
  const unit = UNITS[next];
  if (!unit) return window(fromMs, toMs);
  const { stepMs, firstMs } = unit;
  const first = firstMs + Math.ceil((fromMs - firstMs) / stepMs) * stepMs;
  const last = firstMs + Math.floor((toMs - firstMs) / stepMs) * stepMs;
  if (first >= last) return window(fromMs, toMs);
  return [...window(fromMs, first), ...cutAtUnits(first, last, bucketMs, unit.source, next + 1), ...window(last, toMs)];
}
