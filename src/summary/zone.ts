/** Calendar arithmetic in any IANA zone. The starts of intervals are computed here, never in SQL. */
import { DAY_MS, HOUR_MS } from "../time.ts";

export const INTERVALS = ["none", "hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

export interface Zone {
  name: string;
  /** Local time minus UTC at an instant, in ms. */
  offsetAt(ms: number): number;
}

/** Finds a zone by its IANA name, in upper or lower case; null if there is no such zone. */
export type Zones = (name: string) => Zone | null;

export const UTC: Zone = { name: "UTC", offsetAt: () => 0 };

/** Bounds the memory: callers may write a name in any case, so there are far more spellings than zones. */
const MAX_ZONES = 1_000;

/** Remembers zones, because making one takes longer than answering a summary from the cache. */
export function createZones(): Zones {
  const zones = new Map<string, Zone | null>();
  return (name) => {
    let zone = zones.get(name);
    if (zone === undefined) {
      zone = zoneOf(name);
      if (zones.size >= MAX_ZONES) zones.clear();
      zones.set(name, zone);
    }
    return zone;
  };
}

/** The same as `Zones`, without memory. */
export function zoneOf(name: string): Zone | null {
  if (name === "UTC") return UTC;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" });
    return { name, offsetAt: (ms) => parseOffset(format.format(ms)) };
  } catch {
    return null;
  }
}

/** `"2026, GMT+05:30"` -> 19_800_000. */
function parseOffset(formatted: string): number {
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(formatted);
  if (!match) throw new Error(`no offset in ${formatted}`);
  const seconds = Number(match[2] ?? 0) * 3_600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -seconds : seconds) * 1_000;
}

/** The first instant of a local day. If clocks skip midnight, it is the first instant after the gap. */
export function startOfDay(zone: Zone, year: number, month: number, day: number): number {
  const local = Date.UTC(year, month, day);
  // Clocks may change near midnight, so both offsets are tried. The earliest instant of this local day is its start.
  const candidates = [zone.offsetAt(local - DAY_MS), zone.offsetAt(local + DAY_MS)]
    .map((offset) => local - offset)
    .sort((a, b) => a - b);
  return candidates.find((ms) => ms + zone.offsetAt(ms) >= local) ?? candidates[1]!;
}

/** Of the intervals of whole days: the first day of the one that holds a local day, or of the `next`th after it. */
const FIRST_DAY = {
  day: (local, next) => [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + next],
  week: (local, next) => [
    local.getUTCFullYear(),
    local.getUTCMonth(),
    local.getUTCDate() - ((local.getUTCDay() + 6) % 7) + 7 * next,
  ],
  month: (local, next) => [local.getUTCFullYear(), local.getUTCMonth() + next, 1],
} satisfies Partial<Record<Interval, (local: Date, next: number) => [year: number, month: number, day: number]>>;

/** The start of the interval that holds an instant, epoch ms. */
export function intervalStart(zone: Zone, interval: Exclude<Interval, "none">, ms: number): number {
  const offset = zone.offsetAt(ms);
  if (interval === "hour") {
    const start = Math.floor((ms + offset) / HOUR_MS) * HOUR_MS - offset;
    return zone.offsetAt(start) === offset ? start : changeBetween(zone, start, ms);
  }
  return startOfDay(zone, ...FIRST_DAY[interval](new Date(ms + offset), 0));
}

/** The instant between the two at which clocks changed. On Lord Howe an hour may begin with such a change. */
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

/** The start of the interval after the one that starts at `startMs`. */
export function nextInterval(zone: Zone, interval: Exclude<Interval, "none">, startMs: number): number {
  if (interval === "hour") {
    const offset = zone.offsetAt(startMs);
    const end = (Math.floor((startMs + offset) / HOUR_MS) + 1) * HOUR_MS - offset;
    return zone.offsetAt(end - 1) === offset ? end : changeBetween(zone, startMs, end - 1);
  }
  return startOfDay(zone, ...FIRST_DAY[interval](new Date(startMs + zone.offsetAt(startMs)), 1));
}

/** RFC 3339 with the zone's offset: `2026-11-24T00:00:00+01:00`, or `…Z` for offset 0. */
export function formatInZone(zone: Zone, ms: number): string {
  const offset = zone.offsetAt(ms);
  const local = new Date(ms + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const minutes = Math.abs(Math.trunc(offset / 60_000));
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
