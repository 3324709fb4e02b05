/** Timestamps as exports write them, to RFC 3339 in UTC. Finer than a millisecond is cut, never rounded. */

const WRITTEN =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?)?$/i;
const EPOCH = /^(\d{1,19})(?:\.(\d+))?$/;
const MINUTE_MS = 60_000;
/** The year 9999: past it nothing is RFC 3339. */
const LATEST_MS = Date.UTC(10_000, 0, 1) - 1;

/**
 * @param zoneMinutes offset of times that name none, in minutes east of UTC.
 * @returns null when the text is no time, or no day of the calendar.
 */
export function toRfc3339(text: string, zoneMinutes: number): string | null {
  const ms = EPOCH.test(text) ? epochMs(text) : writtenMs(text, zoneMinutes);
  return ms === null || ms > LATEST_MS || ms < 0 ? null : new Date(ms).toISOString();
}

/** `+02:00`, `-0500`, `+1`, `Z` or `UTC` -> minutes east of UTC; null for anything else. */
export function parseZone(text: string): number | null {
  if (/^(z|utc)$/i.test(text)) return 0;
  const match = /^([+-])(\d{1,2})(?::?(\d\d))?$/.exec(text);
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return Number(match[3] ?? 0) > 59 || minutes > 18 * 60 ? null : match[1] === "-" ? -minutes : minutes;
}

/** Seconds, milliseconds, microseconds or nanoseconds, told apart by their digits: 10, 13, 16 and 19 in our time. */
function epochMs(text: string): number | null {
  const [, whole = "", fraction = ""] = EPOCH.exec(text)!;
  if (whole.length <= 11) return Number(`${whole}${fraction.slice(0, 3).padEnd(3, "0")}`);
  if (whole.length <= 14) return Number(whole);
  return Number(whole.slice(0, whole.length <= 17 ? -3 : -6));
}

function writtenMs(text: string, zoneMinutes: number): number | null {
  const match = WRITTEN.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const dayMs = Date.UTC(year, month - 1, day);
  if (new Date(dayMs).getUTCDate() !== day || month < 1 || month > 12) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offset = match[8] === undefined ? zoneMinutes : parseZone(match[8]);
  if (offset === null) return null;
  return dayMs + hour * 60 * MINUTE_MS + minute * MINUTE_MS + second * 1_000 + ms - offset * MINUTE_MS;
}
