/** The form of an entry of our own (see `corrections.ts`), and rules by which providers make one price of another. */
import type { Bucket } from "../ledger/buckets.ts";

/** USD per million tokens, or as `LISTED_PER` says; by input size where that changes it. */
export type Usd = Partial<Record<Bucket, number | { base: number; tiers: { start: number; price: number }[] }>>;

export interface Period {
  /** An instant or a UTC date. Missing means always. */
  from?: string;
  /** UTC hours from and to, on every day or on Monday to Friday. */
  hours?: readonly (readonly [number, number])[];
  weekdays?: true;
  usd: Usd;
}

export interface Correction {
  provider: string;
  /** The catalogue's id of the entry that is corrected, or the id of a new one. */
  id: string;
  /** The names that the entry is for. Without them, those of the catalogue's entry. */
  names?: readonly string[];
  /** Later ones take precedence. */
  periods: readonly Period[];
  source: string;
  /** True if only others than the provider publish it. */
  approximate?: true;
  /** The version of the catalogue from which on this is not needed. */
  caughtUp?: string;
}

export const tokens = (input: number, cache_read: number, output: number): Usd => ({ input, cache_read, output });

/** Claude's prices follow from the input's and the output's. */
export function claude(input: number, output: number): Usd {
  return {
    input,
    cache_write: exact(input * 1.25),
    cache_write_1h: exact(input * 2),
    cache_read: exact(input * 0.1),
    output,
  };
}

/** Above 200,000 input tokens, the input and caches cost 2 times, the output 1.5 times as much. */
export function longContext(usd: Usd, above = 200_000, outputFactor = 1.5): Usd {
  return Object.fromEntries(
    Object.entries(usd as Record<string, number>).map(([bucket, base]) => [
      bucket,
      { base, tiers: [{ start: above, price: exact(base * (bucket === "output" ? outputFactor : 2)) }] },
    ]),
  );
}

/** 3.3 * 1.25 is 4.125, not 4.124999999999999. */
function exact(usd: number): number {
  return Number(usd.toFixed(9));
}

const PEAK = [
  [1, 4],
  [6, 10],
] as const;

/** DeepSeek's peak hours cost double: every day at first, then from Monday to Friday in Beijing. */
export function peaks(from: string, offPeak: Usd, weekdaysFrom = "2026-08-22T16:00Z"): Period[] {
  const usd = Object.fromEntries(Object.entries(offPeak as Record<string, number>).map(([k, v]) => [k, exact(v * 2)]));
  const everyDay =
    from < weekdaysFrom
      ? [
          { from, hours: PEAK, usd },
          { from: weekdaysFrom, usd: offPeak },
        ]
      : [];
  const workDays: Period = { from: from < weekdaysFrom ? weekdaysFrom : from, hours: PEAK, weekdays: true, usd };
  return [{ from, usd: offPeak }, ...everyDay, workDays];
}

export const one = (provider: string, id: string, usd: Usd, source: string, names: string[] = [id]): Correction => ({
  provider,
  id,
  names,
  periods: [{ usd }],
  source,
});
