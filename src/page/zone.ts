/** Calendar days and months in an IANA zone, as far as the page asks by them. The ledger itself computes everything else. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The zone of this browser. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en-US", { timeZone: name }));
  } catch {
    return false;
  }
}

/** Making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Local time minus UTC at an instant, in ms. */
export function offsetAt(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset", year: "numeric" });
    formats.set(zone, format);
  }
  const match = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(ms));
  const minutes = Number(match?.[2] ?? 0) * 60 + Number(match?.[3] ?? 0);
  return (match?.[1] === "-" ? -minutes : minutes) * 60_000;
}

/** The first instant of a local day. The month counts from 0; what is past a month's end goes on in the next one. */
export function startOfDay(zone: string, year: number, month: number, day: number): number {
  return instantOf(zone, Date.UTC(year, month, day));
}

/**
 * The instant at which clocks in the zone first show a local time, which is given as if it were UTC. A time that clocks
 * skip is as long after the gap as it is after the gap's start.
 */
export function instantOf(zone: string, local: number): number {
  const candidates = [offsetAt(zone, local - DAY_MS), offsetAt(zone, local + DAY_MS)]
    .map((offset) => local - offset)
    .sort((a, b) => a - b);
  return candidates.find((ms) => ms + offsetAt(zone, ms) >= local) ?? candidates[1]!;
}

/** Two periods to compare, epoch ms: this one until the end of the hour, and the same time of the one before. */
export interface Periods {
  from: number;
  to: number;
  compareFrom: number;
  compareTo: number;
}

export function today(zone: string, nowMs: number): Periods {
  const [year, month, day] = localDate(zone, nowMs);
  return periods(startOfDay(zone, year, month, day), startOfDay(zone, year, month, day - 1), nowMs);
}

/** A shorter month before ends at its own end. */
export function thisMonth(zone: string, nowMs: number): Periods {
  const [year, month] = localDate(zone, nowMs);
  const now = { from: startOfDay(zone, year, month, 1), to: endOfHour(nowMs) };
  const before = monthBefore({ ...now, zone });
  return { ...now, compareFrom: before.from, compareTo: before.to };
}

/**
 * The same days and times of the month before. Days that it does not have are its last day, and a range that ends
 * after it ends with it.
 */
export function monthBefore({ from, to, zone }: { from: number; to: number; zone: string }): {
  from: number;
  to: number;
} {
  return { from: monthEarlier(from, zone, false), to: monthEarlier(to, zone, true) };
}

function monthEarlier(ms: number, zone: string, isEnd: boolean): number {
  const [year, month, day] = localDate(zone, ms);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day > last && isEnd) return startOfDay(zone, year, month, 1);
  const timeOfDay = ms + offsetAt(zone, ms) - Date.UTC(year, month, day);
  return instantOf(zone, Date.UTC(year, month - 1, Math.min(day, last)) + timeOfDay);
}

function periods(from: number, compareFrom: number, nowMs: number): Periods {
  const to = endOfHour(nowMs);
  return { from, to, compareFrom, compareTo: Math.min(compareFrom + (to - from), from) };
}

function endOfHour(ms: number): number {
  return (Math.floor(ms / HOUR_MS) + 1) * HOUR_MS;
}

export function localDate(zone: string, ms: number): [year: number, month: number, day: number] {
  const local = new Date(ms + offsetAt(zone, ms));
  return [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
}

/** As the API takes instants. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
