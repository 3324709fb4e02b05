/** Calendar arithmetic in any IANA zone: bucket boundaries are computed here, never in SQL. */

export const INTERVALS = ["none", "hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export interface Zone {
  name: string;
  /** Local time minus UTC at an instant, in ms. */
  offsetAt(ms: number): number;
}

const zones = new Map<string, Zone>();
/** Callers may write a name in any case: far more ways than there are zones. */
const MAX_ZONES = 1_000;

/** @returns null when there is no such zone. */
export function zone(name: string): Zone | null {
  const known = zones.get(name);
  if (known) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" });
  } catch {
    return null;
  }
  const found: Zone = { name, offsetAt: name === "UTC" ? () => 0 : (ms) => parseOffset(format.format(ms)) };
  if (zones.size >= MAX_ZONES) zones.clear();
  zones.set(name, found);
  return found;
}

/** `"2026, GMT+05:30"` -> 19_800_000. */
function parseOffset(formatted: string): number {
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(formatted);
  if (!match) throw new Error(`no offset in ${formatted}`);
  const seconds = Number(match[2] ?? 0) * 3_600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -seconds : seconds) * 1_000;
}

/** The first instant of a local day; where midnight does not exist, the first instant after the gap. */
export function startOfDay(zone: Zone, year: number, month: number, day: number): number {
  const local = Date.UTC(year, month, day);
  // The offset in force may lie on either side of a change: the earliest instant that reads as this day is its start.
  const candidates = [zone.offsetAt(local - DAY_MS), zone.offsetAt(local + DAY_MS)]
    .map((offset) => local - offset)
    .sort((a, b) => a - b);
  return candidates.find((ms) => ms + zone.offsetAt(ms) >= local) ?? candidates[1]!;
}

/** The start of the interval's bucket that holds an instant. */
export function bucketStart(zone: Zone, interval: Exclude<Interval, "none">, ms: number): number {
  const offset = zone.offsetAt(ms);
  if (interval === "hour") {
    const start = Math.floor((ms + offset) / HOUR_MS) * HOUR_MS - offset;
    return zone.offsetAt(start) === offset ? start : changeBetween(zone, start, ms);
  }
  const local = new Date(ms + offset);
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  if (interval === "month") return startOfDay(zone, year, month, 1);
  if (interval === "week") return startOfDay(zone, year, month, day - ((local.getUTCDay() + 6) % 7));
  return startOfDay(zone, year, month, day);
}

/** When clocks changed after `beforeMs`, up to `afterMs`: an hour may begin with that, as on Lord Howe. */
function changeBetween(zone: Zone, beforeMs: number, afterMs: number): number {
  const offset = zone.offsetAt(afterMs);
  let [before, after] = [beforeMs, afterMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (zone.offsetAt(middle) === offset) after = middle;
    else before = middle;
  }
  return after;
}

/** The start of the bucket after the one that starts at `startMs`. */
export function nextBucket(zone: Zone, interval: Exclude<Interval, "none">, startMs: number): number {
  if (interval === "hour") {
    const offset = zone.offsetAt(startMs);
    const end = (Math.floor((startMs + offset) / HOUR_MS) + 1) * HOUR_MS - offset;
    return zone.offsetAt(end - 1) === offset ? end : changeBetween(zone, startMs, end - 1);
  }
  const local = new Date(startMs + zone.offsetAt(startMs));
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  if (interval === "month") return startOfDay(zone, year, month + 1, 1);
  return startOfDay(zone, year, month, day + (interval === "week" ? 7 : 1));
}

/** RFC 3339 with the zone's offset: `2026-11-24T00:00:00+01:00`, `…Z` in UTC. */
export function formatInZone(zone: Zone, ms: number): string {
  const offset = zone.offsetAt(ms);
  const local = new Date(ms + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const minutes = Math.abs(Math.trunc(offset / 60_000));
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
