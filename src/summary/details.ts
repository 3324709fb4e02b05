/** What rows can carry beside their sums: price buckets and rates. */
import { z } from "zod";
import { COUNT_NAMES, usageBy } from "../ingest/trace.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS, type Bucket, quantities, UNITS, unitOf } from "../pricing/buckets.ts";
import { usd, usdDifference } from "../wire.ts";

/** Of a price bucket: how many tokens, calls or searches, priced or not, and what the priced ones cost. */
export const BucketSums = z.object({ quantity: z.int(), unit: z.enum(UNITS), cost_usd: usdDifference });
export type BucketSums = z.infer<typeof BucketSums>;

export const Rates = z.object({
  cache_hit_rate: z.number().nullable().describe("Cached input tokens of all input tokens; null without any."),
  error_rate: z.number().nullable(),
  cost_per_request_usd: usd.nullable().describe("Of the priced calls, rounded half up; null without any."),
  cost_per_1k_tokens_usd: usd.nullable().describe("Of the priced tokens, rounded half up; null without any."),
});
export type Rates = z.infer<typeof Rates>;

const COUNTED = new Set(Object.values(COUNT_NAMES));

/** @param of a measure's sum, by name. */
export function bucketsOf(of: (name: string) => bigint): Record<string, BucketSums> {
  const held = quantities(
    usageBy((name) => (COUNTED.has(name) && name !== "cache_write_5m_tokens" ? Number(of(name)) : 0)),
  );
  const quantityOf = (bucket: Bucket, i: number): number => (bucket === "request" ? Number(of("requests")) : held[i]!);
  const all = BUCKETS.map((bucket, i): [Bucket, BucketSums] => [
    bucket,
    { quantity: quantityOf(bucket, i), unit: unitOf(bucket), cost_usd: picoToUsd(of(`cost_${bucket}_pico`)) },
  ]);
  return Object.fromEntries(all.filter(([, { quantity, cost_usd }]) => quantity !== 0 || cost_usd !== "0"));
}

export function ratesOf(of: (name: string) => bigint): Rates {
  const requests = of("requests");
  const input = of("input_tokens");
  const pricedTokens = input + of("output_tokens") - of("unpriced_tokens");
  return {
    cache_hit_rate: share(of("cache_read_tokens"), input),
    error_rate: share(of("errors"), requests),
    cost_per_request_usd: per(of("cost_pico"), requests - of("unpriced_requests")),
    cost_per_1k_tokens_usd: per(of("cost_pico") * 1_000n, pricedTokens),
  };
}

/** To six decimals. */
function share(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : Number((part * 2_000_000n + whole) / (whole * 2n)) / 1_000_000;
}

function per(pico: bigint, count: bigint): string | null {
  return count <= 0n ? null : picoToUsd((pico * 2n + count) / (count * 2n));
}
