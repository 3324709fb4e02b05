/**
 * The billing periods of a plan, in UTC. Each begins on the same day of its month as the plan, or on the month's last day
 * if the month is shorter. A period is paid for as a whole, also if the plan ends within it.
 */
import type { BillingPeriod, NewPlan } from "./plan.ts";

export interface Billed {
  fromMs: number;
  /** The start of the next period, or the end of the plan within this one. */
  toMs: number;
}

const MONTHS: Record<BillingPeriod, number> = { month: 1, year: 12 };

/** The day that lies `months` after the one that begins at `ms`. */
export function monthsAfter(ms: number, months: number): number {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate()];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(day, last));
}

/** The periods that touch the range and had begun at `nowMs`, in order. At most `most` and one. */
export function periodsOf(
  { period, startsAtMs, endsAtMs }: Pick<NewPlan, "period" | "startsAtMs" | "endsAtMs">,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  nowMs: number,
  most: number,
): Billed[] {
  const untilMs = Math.min(toMs, endsAtMs ?? Infinity);
  const periods: Billed[] = [];
  for (let number = 0; periods.length <= most; number++) {
    const beginsMs = monthsAfter(startsAtMs, number * MONTHS[period]);
    if (beginsMs >= untilMs || beginsMs > nowMs) break;
    const endMs = Math.min(monthsAfter(startsAtMs, (number + 1) * MONTHS[period]), endsAtMs ?? Infinity);
    if (endMs > fromMs) periods.push({ fromMs: beginsMs, toMs: endMs });
  }
  return periods;
}
