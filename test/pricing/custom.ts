/** Custom prices made up for tests. */
import { BUCKETS, type Bucket, LISTED_PER, unitOf } from "../../src/ledger/buckets.ts";
import type { CustomPrice } from "../../src/pricing/custom-price.ts";

export const YEAR_2026 = Date.UTC(2026, 0, 1);

/** The project's own $1/MTok for the exact model `acme-1` of any provider, from 2026 on, changed as told. */
export function price(changes: Partial<CustomPrice> = {}): CustomPrice {
  return {
    id: "price",
    global: false,
    provider: null,
    model: "acme-1",
    match: "exact",
    aliases: [],
    serviceTier: null,
    startsAtMs: YEAR_2026,
    endsAtMs: null,
    unitPico: changes.factor || changes.sameAs || changes.multipliers ? null : units({ input: 1, output: 1 }),
    steps: [],
    fees: null,
    factor: null,
    multipliers: new Map(),
    sameAs: null,
    ...changes,
  };
}

/**
 * Whole USD per million tokens, or per thousand calls or searches, as pico-USD per unit: $1/MTok is 1,000,000, $1 per
 * thousand 1,000,000,000.
 */
export function units(usd: Partial<Record<Bucket, number>>): (bigint | null)[] {
  return BUCKETS.map((bucket) =>
    usd[bucket] === undefined ? null : (BigInt(usd[bucket]) * 10n ** 12n) / BigInt(LISTED_PER[unitOf(bucket)]),
  );
}
