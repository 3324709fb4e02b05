/** Intervals of a zone, as far as the view draws them, zooms into them and links to their calls. */
import type { Range } from "../range.ts";
import { localDate, offsetAt, startOfDay } from "../zone.ts";
import type { AskedInterval } from "./state.ts";

export type Interval = Exclude<AskedInterval, "auto">;
type Span = Pick<Range, "from" | "to">;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LENGTHS = { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS, month: 28 * DAY_MS } as const;

/** The interval that gives a chart enough points, and not too many. */
export function fitting({ from, to }: Span): Interval {
  const days = (to - from) / DAY_MS;
  return days <= 3 ? "hour" : days <= 100 ? "day" : days <= 750 ? "week" : "month";
}

/** At least as many intervals as the range has. */
export function countOf(interval: Interval, { from, to }: Span): number {
  return interval === "none" ? 1 : Math.ceil((to - from) / LENGTHS[interval]) + 1;
}

/** The starts of all intervals that the range touches, in order. The first may lie before the range. */
export function startsOf(interval: Interval, { from, to }: Span, zone: string): number[] {
  if (interval === "none") return [from];
  const starts: number[] = [];
  for (let start = startAt(interval, from, zone); start < to; start = endOf(interval, start, zone)) starts.push(start);
  return starts;
}

/** The start of the interval that an instant is in. Weeks begin on Monday. */
export function startAt(interval: Interval, ms: number, zone: string): number {
  if (interval === "none") return ms;
  if (interval === "hour") {
    const offset = offsetAt(zone, ms);
    return Math.floor((ms + offset) / HOUR_MS) * HOUR_MS - offset;
  }
  const [year, month, day] = localDate(zone, ms);
  if (interval === "month") return startOfDay(zone, year, month, 1);
  const weekday = (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7;
  return startOfDay(zone, year, month, interval === "week" ? day - weekday : day);
}

export function endOf(interval: Interval, start: number, zone: string): number {
  if (interval === "none") return start;
  if (interval === "hour") return start + HOUR_MS;
  const [year, month, day] = localDate(zone, start);
  if (interval === "month") return startOfDay(zone, year, month + 1, 1);
  return startOfDay(zone, year, month, day + (interval === "week" ? 7 : 1));
}

/** What was dragged over, as whole intervals within the range. */
export function zoomed(interval: Interval, range: Range, fromMs: number, toMs: number): Span {
  const from = Math.max(startAt(interval, fromMs, range.zone), range.from);
  const to = Math.min(endOf(interval, startAt(interval, toMs, range.zone), range.zone), range.to);
  return from < to ? { from, to } : { from: range.from, to: range.to };
}
