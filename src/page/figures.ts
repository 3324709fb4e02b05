/** Counts, shares, durations and times as people read them. */
const NONE = "\u2013";

/** `1234567` -> `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** Where there is little room: `1.23M`. */
export function formatBriefCount(count: number): string {
  if (Math.abs(count) < 10_000) return formatCount(count);
  return count.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

/** A share from 0 to 1 in percent. Some is never shown as none, nor as all. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined) return NONE;
  if (share > 0 && share < 0.001) return "<0.1%";
  if (share < 1 && share > 0.999) return ">99.9%";
  return `${Number((share * 100).toFixed(1))}%`;
}

/** `812` -> `812 ms`, `1812` -> `1.81 s`, `125000` -> `2 min 5 s`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 1_000) return `${Number(ms.toPrecision(3))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60).toLocaleString("en-US")} min ${whole % 60} s`;
}

/** `2026-11-30 14:05:09` in the zone. */
export function formatTime(ms: number, zone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(ms);
}

/** `30 Nov`, from the local date that an interval begins with. */
export function formatDay(bucket: string): string {
  const date = new Date(`${bucket.slice(0, 10)}T00:00:00Z`);
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" }).format(date);
}
