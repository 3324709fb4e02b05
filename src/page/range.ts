/**
 * The range that an address asks for. `range=7d` moves on with the time, so a kept link does; `from` and `to` do not.
 * Days and months are those of the zone.
 */
import { iso, instantOf, isZone, localDate, offsetAt, ownZone, startOfDay } from "./zone.ts";

export const PRESETS = ["today", "24h", "7d", "30d", "90d", "month", "last-month"] as const;
export type Preset = (typeof PRESETS)[number];

export const PRESET_NAMES: Readonly<Record<Preset, string>> = {
  today: "Today",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  "90d": "Last 90 days",
  month: "This month",
  "last-month": "Last month",
};

/** Epoch ms, the end excluded. */
export interface Range {
  from: number;
  to: number;
  zone: string;
  /** Null: own dates. */
  preset: Preset | null;
  /** What is wrong with the address, and what is shown in its place. */
  wrong: string | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d))?$/;

/** @param fallback what is shown if the address does not say, or says it wrongly. */
export function rangeOf(query: URLSearchParams, nowMs: number, fallback: Preset): Range {
  const tz = query.get("tz");
  const zone = tz !== null && isZone(tz) ? tz : ownZone();
  const said = spanOf(query, zone, nowMs);
  const wrong = [
    tz !== null && tz !== zone ? `There is no time zone “${tz}”. Days begin as in ${zone} instead.` : null,
    typeof said === "string" ? `${said} ${PRESET_NAMES[fallback]} is shown instead.` : null,
  ].filter((sentence) => sentence !== null);
  const span = typeof said === "string" || said === null ? presetSpan(fallback, zone, nowMs) : said;
  return { ...span, zone, wrong: wrong.length > 0 ? wrong.join(" ") : null };
}

type Span = Pick<Range, "from" | "to" | "preset">;

/** Null: the address does not say. A text: what is wrong. */
function spanOf(query: URLSearchParams, zone: string, nowMs: number): Span | string | null {
  const [name, fromText, toText] = [query.get("range"), query.get("from"), query.get("to")];
  if (name !== null) {
    const preset = PRESETS.find((known) => known === name);
    if (preset === undefined) return `There is no range “${name}”.`;
    return presetSpan(preset, zone, nowMs);
  }
  if (fromText === null && toText === null) return null;
  const to = toText === null ? endOfHour(nowMs) : momentOf(toText, zone);
  if (to === null) return `The end of the range, “${toText}”, is not a date.`;
  const from = fromText === null ? to - 30 * DAY_MS : momentOf(fromText, zone);
  if (from === null) return `The start of the range, “${fromText}”, is not a date.`;
  if (from >= to) return "The range ends before it begins.";
  return { from, to, preset: null };
}

/** Up to the end of the current hour. Days are those of the zone, and the current one is the last of them. */
export function presetSpan(preset: Preset, zone: string, nowMs: number): Span {
  const [year, month, day] = localDate(zone, nowMs);
  const to = endOfHour(nowMs);
  const days = (count: number): Span => ({ from: startOfDay(zone, year, month, day - count + 1), to, preset });
  if (preset === "today") return days(1);
  if (preset === "24h") return { from: to - DAY_MS, to, preset };
  if (preset === "month") return { from: startOfDay(zone, year, month, 1), to, preset };
  if (preset === "last-month")
    return { from: startOfDay(zone, year, month - 1, 1), to: startOfDay(zone, year, month, 1), preset };
  return days(Number.parseInt(preset, 10));
}

/** An instant as the API reads it: RFC 3339, epoch ms, or a day of the zone. Null if it is none, or is too far away. */
export function momentOf(text: string, zone: string): number | null {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : parsed(text, zone);
  return ms === null || Number.isNaN(ms) || ms < EARLIEST_MS || ms > LATEST_MS ? null : ms;
}

function parsed(text: string, zone: string): number | null {
  const match = INSTANT.exec(text);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3])];
  const local = new Date(Date.UTC(year, month, day));
  if (local.getUTCMonth() !== month || local.getUTCDate() !== day) return null;
  return match[4] === undefined ? startOfDay(zone, year, month, day) : Date.parse(text.replace(" ", "T"));
}

function endOfHour(ms: number): number {
  return (Math.floor(ms / HOUR_MS) + 1) * HOUR_MS;
}

/** The query with another range. Own dates bring their zone, so that the link means the same to everyone. */
export function withRange(
  query: URLSearchParams,
  range: { preset: Preset } | { from: number; to: number; zone: string },
): URLSearchParams {
  const next = new URLSearchParams(
    [...query].filter(
      ([name]) => !["range", "from", "to", "cursor", ...("zone" in range ? ["tz"] : [])].includes(name),
    ),
  );
  if ("preset" in range) next.set("range", range.preset);
  else {
    next.set("from", iso(range.from));
    next.set("to", iso(range.to));
    next.set("tz", range.zone);
  }
  return next;
}

/** Another zone. Own dates keep their instants. Null: the zone of each one who looks. */
export function withZone(query: URLSearchParams, range: Range, zone: string | null): URLSearchParams {
  const next = new URLSearchParams([...query].filter(([name]) => name !== "tz" && name !== "cursor"));
  if (zone !== null) next.set("tz", zone);
  for (const name of ["from", "to"] as const)
    if (range.preset === null && next.has(name)) next.set(name, iso(range[name]));
  return next;
}

/** The query without those members that `rangeOf` finds wrong. */
export function withoutWrong(query: URLSearchParams, nowMs: number): URLSearchParams {
  const tz = query.get("tz");
  const isZoneWrong = tz !== null && !isZone(tz);
  const isSpanWrong = typeof spanOf(query, isZoneWrong || tz === null ? ownZone() : tz, nowMs) === "string";
  const wrong = new Set([...(isZoneWrong ? ["tz"] : []), ...(isSpanWrong ? ["range", "from", "to"] : [])]);
  return new URLSearchParams([...query].filter(([name]) => !wrong.has(name)));
}

/** `since 2026-11-24` if it moves on with the time, else its first and last day, with times unless it is whole days. */
export function rangeText({ from, to, zone, preset }: Range): string {
  const minute = (ms: number): string => localText(ms, zone).replace("T", " ");
  const isMidnight = (ms: number): boolean => ms === startOfDay(zone, ...localDate(zone, ms));
  const brief = (ms: number): string => (isMidnight(ms) ? minute(ms).slice(0, 10) : minute(ms));
  if (movesOn(preset)) return `since ${brief(from)}`;
  if (!isMidnight(from) || !isMidnight(to)) return `${minute(from)} to ${minute(to)}`;
  const [first, last] = [minute(from).slice(0, 10), minute(to - 1).slice(0, 10)];
  return first === last ? first : `${first} to ${last}`;
}

/**
 * The days of the range as days of UTC, the end excluded: for what is counted by UTC days in every zone. A range that
 * moves on with the time reaches at least up to its own end, so what has begun in UTC is in it west of UTC, too.
 */
export function utcDays({ from, to, zone, preset }: Range): { from: string; to: string } {
  const dayOf = (ms: number): number => Date.UTC(...localDate(zone, ms));
  const end = dayOf(to - 1) + DAY_MS;
  return { from: iso(dayOf(from)), to: iso(movesOn(preset) ? Math.max(end, to) : end) };
}

function movesOn(preset: Preset | null): boolean {
  return preset !== null && preset !== "last-month";
}

/** For a field of type `datetime-local`: `2026-11-30T14:05`. */
export function localText(ms: number, zone: string): string {
  return new Date(ms + offsetAt(zone, ms)).toISOString().slice(0, 16);
}

/** What such a field holds, as an instant; null if it is empty or wrong. */
export function instantOfLocal(text: string, zone: string): number | null {
  const local = Date.parse(`${text}Z`);
  if (Number.isNaN(local)) return null;
  const ms = instantOf(zone, local);
  return ms < EARLIEST_MS || ms > LATEST_MS ? null : ms;
}
