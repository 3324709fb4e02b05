/** The form of an entry of our own: see `corrections.ts`. */
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
