/** The period before another one, of the same length on the calendar. */
import { DAY_MS } from "../time.ts";
import { startOfDay, type Zone } from "./zone.ts";

interface Day {
  year: number;
  month: number;
  day: number;
}

/**
 * The period that ends where this one begins. Whole months in the zone give as many months, whole days give as many
 * days, and any other period gives the same number of milliseconds.
 */
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
  const days = Math.round((Date.UTC(to.year, to.month, to.day) - Date.UTC(from.year, from.month, from.day)) / DAY_MS);
  return { fromMs: startOfDay(zone, from.year, from.month, from.day - days), toMs: fromMs };
}

/** The local day that begins at an instant; null if no day begins then. */
function dayAt(zone: Zone, ms: number): Day | null {
  const local = new Date(ms + zone.offsetAt(ms));
  const day = { year: local.getUTCFullYear(), month: local.getUTCMonth(), day: local.getUTCDate() };
  return startOfDay(zone, day.year, day.month, day.day) === ms ? day : null;
}
