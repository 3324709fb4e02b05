/** The period before another, of the same length on the calendar. */
import { startOfDay, type Zone } from "./zone.ts";

interface Day {
  year: number;
  month: number;
  day: number;
}

/** Whole months go back by as many months, whole days by as many days, in the zone; else by the time between. */
export function previousPeriod({ fromMs, toMs, zone }: { fromMs: number; toMs: number; zone: Zone }): {
  fromMs: number;
  toMs: number;
} {
  const [from, to] = [dayAt(zone, fromMs), dayAt(zone, toMs)];
  if (from === null || to === null) return { fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
  if (from.day === 1 && to.day === 1) {
    const months = (to.year - from.year) * 12 + to.month - from.month;
    return { fromMs: startOfDay(zone, from.year, from.month - months, 1), toMs: fromMs };
  }
  const days = Math.round(
    (Date.UTC(to.year, to.month, to.day) - Date.UTC(from.year, from.month, from.day)) / 86_400_000,
  );
  return { fromMs: startOfDay(zone, from.year, from.month, from.day - days), toMs: fromMs };
}

/** The local day that begins at an instant; null where none does. */
function dayAt(zone: Zone, ms: number): Day | null {
  const local = new Date(ms + zone.offsetAt(ms));
  const day = { year: local.getUTCFullYear(), month: local.getUTCMonth(), day: local.getUTCDate() };
  return startOfDay(zone, day.year, day.month, day.day) === ms ? day : null;
}
