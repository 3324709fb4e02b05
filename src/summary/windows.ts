/**
 * Cuts a range into windows that can be answered exactly: whole weeks of UTC days from week rows, whole days from day
 * rows, whole hours from hour rows, and the ragged rest from calls. If the calls have been deleted, a ragged edge moves
 * to the start of its hour. Two ranges that met at this edge still meet, so their sums still add up.
 */
import { FIRST_WEEK_MS, DAY_MS, HOUR_MS, WEEK_MS } from "../time.ts";
import { intervalStart, nextInterval, type Interval, type Zone } from "./zone.ts";

export type Source = "week" | "day" | "hour" | "raw";

export interface Window {
  source: Source;
  fromMs: number;
  toMs: number;
  /** Start of the interval that this window belongs to; 0 without an interval. */
  intervalMs: number;
}

export type Range = Pick<Window, "fromMs" | "toMs">;

/** The ranges that windows of these sources cover. Adjacent windows become one range. */
export function rangesOf(windows: readonly Window[], ...sources: Source[]): Range[] {
  const ranges: Range[] = [];
  for (const { fromMs, toMs } of windows.filter(({ source }) => sources.includes(source))) {
    const last = ranges.at(-1);
    if (last?.toMs === fromMs) last.toMs = toMs;
    else ranges.push({ fromMs, toMs });
  }
  return ranges;
}

export const MAX_INTERVALS = 10_000;

/** The edge at `ms`, moved to the start of its hour if calls of that time have been deleted. */
export function edgeAt(ms: number, rawSinceMs: number): number {
  return ms < rawSinceMs ? Math.floor(ms / HOUR_MS) * HOUR_MS : ms;
}

/**
 * @param rawSinceMs calls are kept from this instant on.
 * @returns windows in ascending order; null if the range has more than `MAX_INTERVALS` intervals.
 */
export function windowsOf(
  fromMs: number,
  toMs: number,
  interval: Interval,
  zone: Zone,
  rawSinceMs = 0,
): Window[] | null {
  const cut = (fromMs: number, toMs: number, intervalMs: number): Window[] =>
    cutAtSteps(edgeAt(fromMs, rawSinceMs), edgeAt(toMs, rawSinceMs), intervalMs);
  if (interval === "none") return cut(fromMs, toMs, 0);
  const windows: Window[] = [];
  let intervals = 0;
  for (let start = intervalStart(zone, interval, fromMs); start < toMs;) {
    if (++intervals > MAX_INTERVALS) return null;
    const next = nextInterval(zone, interval, start);
    windows.push(...cut(Math.max(start, fromMs), Math.min(next, toMs), start));
    start = next;
  }
  return windows;
}

/** The lengths of time that rollup rows cover, from fine to coarse. */
const STEPS = [
  { source: "hour", stepMs: HOUR_MS, firstMs: 0 },
  { source: "day", stepMs: DAY_MS, firstMs: 0 },
  { source: "week", stepMs: WEEK_MS, firstMs: FIRST_WEEK_MS },
] as const;

/** Puts the coarsest windows in the middle, and finer ones towards both ends. */
function cutAtSteps(fromMs: number, toMs: number, intervalMs: number, source: Source = "raw", next = 0): Window[] {
  const window = (from: number, to: number): Window[] =>
    from < to ? [{ source, fromMs: from, toMs: to, intervalMs }] : [];
  const step = STEPS[next];
  if (!step) return window(fromMs, toMs);
  const { stepMs, firstMs } = step;
  const first = firstMs + Math.ceil((fromMs - firstMs) / stepMs) * stepMs;
  const last = firstMs + Math.floor((toMs - firstMs) / stepMs) * stepMs;
  if (first >= last) return window(fromMs, toMs);
  return [
    ...window(fromMs, first),
    ...cutAtSteps(first, last, intervalMs, step.source, next + 1),
    ...window(last, toMs),
  ];
}
