/** Where things stand on a line of time. Only what is drawn: floats in percent. */

export interface Moment {
  startMs: number;
  /** Null: not known, so it is drawn as a mark. */
  durationMs: number | null;
}

export interface TimeSpan {
  startMs: number;
  endMs: number;
}

/** From the first start to the last end. Something without length stands in a span of 1 ms. */
export function spanOf(moments: readonly Moment[]): TimeSpan {
  let [startMs, endMs] = [Infinity, -Infinity];
  for (const moment of moments) {
    startMs = Math.min(startMs, moment.startMs);
    endMs = Math.max(endMs, moment.startMs + (moment.durationMs ?? 0));
  }
  if (startMs === Infinity) return { startMs: 0, endMs: 1 };
  return { startMs, endMs: Math.max(endMs, startMs + 1) };
}

/** Left edge and width in percent. What is too short to be seen keeps a least width, and none leaves the line. */
export function placeOf(moment: Moment, { startMs, endMs }: TimeSpan, least = 0.4): { left: number; width: number } {
  const whole = endMs - startMs;
  const width = Math.min(Math.max(((moment.durationMs ?? 0) / whole) * 100, least), 100);
  const left = ((moment.startMs - startMs) / whole) * 100;
  return { left: Math.max(Math.min(left, 100 - width), 0), width };
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000];
const ROUND_MS = [
  [1, 2, 5, 10, 20, 50, 100, 200, 500],
  [1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND_MS),
  [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  [1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
].flat();

/** Round times since the start, at most `most` after the first: `[0, 500, 1000]`. */
export function ticksOf({ startMs, endMs }: TimeSpan, most = 5): number[] {
  const whole = endMs - startMs;
  const days = 86_400_000 * Math.ceil(whole / (86_400_000 * most));
  const step = ROUND_MS.find((ms) => whole / ms <= most) ?? days;
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, i) => i * step);
}
