/**
 * A range cut into windows that can be answered exactly: whole weeks of UTC days from week rows, whole days from day
 * rows, whole hours from hour rows, and the ragged rest from the traces themselves. Where these are kept no longer, a ragged edge moves to
 * the start of its hour; two ranges that met there still do.
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
    cutAtHours(edgeAt(fromMs, rawSinceMs), edgeAt(toMs, rawSinceMs), bucketMs);
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

function cutAtHours(fromMs: number, toMs: number, bucketMs: number): Window[] {
  const windows: Window[] = [];
  const add = (source: Source, from: number, to: number): void => {
    if (from < to) windows.push({ source, fromMs: from, toMs: to, bucketMs });
  };
  const firstHour = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const lastHour = Math.floor(toMs / HOUR_MS) * HOUR_MS;
  if (firstHour >= lastHour) {
    add("raw", fromMs, toMs);
    return windows;
  }
  const firstDay = Math.ceil(firstHour / DAY_MS) * DAY_MS;
  const lastDay = Math.floor(lastHour / DAY_MS) * DAY_MS;
  add("raw", fromMs, firstHour);
  if (firstDay >= lastDay) {
    add("hour", firstHour, lastHour);
  } else {
    add("hour", firstHour, firstDay);
    const firstWeek = FIRST_WEEK_MS + Math.ceil((firstDay - FIRST_WEEK_MS) / WEEK_MS) * WEEK_MS;
    const lastWeek = FIRST_WEEK_MS + Math.floor((lastDay - FIRST_WEEK_MS) / WEEK_MS) * WEEK_MS;
    if (firstWeek >= lastWeek) {
      add("day", firstDay, lastDay);
    } else {
      add("day", firstDay, firstWeek);
      add("week", firstWeek, lastWeek);
      add("day", lastWeek, lastDay);
    }
    add("hour", lastDay, lastHour);
  }
  add("raw", lastHour, toMs);
  return windows;
}
