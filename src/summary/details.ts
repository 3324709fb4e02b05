/** The optional parts of a row: price buckets and rates. */
import { SUMMED_COUNTS } from "../ledger/measures.ts";
import { z } from "zod";
import { usageBy } from "../ledger/call.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS, type Bucket, quantities, UNITS, unitOf } from "../ledger/buckets.ts";
import { usd, usdDifference } from "../wire.ts";

/** One price bucket: the quantity of priced and unpriced tokens, calls or searches, and the cost of the priced ones. */
export const BucketSums = z.object({ quantity: z.int(), unit: z.enum(UNITS), cost_usd: usdDifference });
export type BucketSums = z.infer<typeof BucketSums>;

export const Rates = z.object({
  cache_hit_rate: z
    .number()
    .nullable()
    .describe("Share of input tokens that were read from a cache, from 0 to 1. Null without input tokens."),
  error_rate: z.number().nullable().describe("Share of calls that failed, from 0 to 1. Null without calls."),
  cost_per_request_usd: usd
    .nullable()
    .describe("Average cost of a priced call, rounded half up. Null without priced calls."),
  cost_per_1k_tokens_usd: usd
    .nullable()
    .describe("Average cost of 1,000 priced tokens, rounded half up. Null without priced tokens."),
  cache_savings_estimate_usd: usdDifference
    .nullable()
    .exactOptional()
    .describe(
      "An estimate of what caches saved: what the cached tokens would have cost as plain input, less what reading and writing them cost. The unit price of plain input is the average that the model's plain input cost in the period. Models whose unit price is not known are left out. Null if cached tokens are of such models only. Exports do not have it.",
    ),
});
export type Rates = z.infer<typeof Rates>;

/** @param of gives a measure's sum by its name. */
export function bucketsOf(of: (name: string) => bigint): Record<string, BucketSums> {
  const held = quantities(usageBy((name) => (SUMMED_COUNTS.has(name) ? Number(of(name)) : 0)));
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
    ...savingsOf(of),
  };
}

/** Nothing where it was not asked for. */
function savingsOf(of: (name: string) => bigint | undefined): Pick<Rates, "cache_savings_estimate_usd"> {
  const pico = of("cache_savings_pico");
  if (pico === undefined) return {};
  const isUnknown = of("cache_savings_known") === 0n && of("cache_savings_unknown") !== 0n;
  return { cache_savings_estimate_usd: isUnknown ? null : picoToUsd(pico) };
}

/** Rounded to six decimals. */
function share(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : Number((part * 2_000_000n + whole) / (whole * 2n)) / 1_000_000;
}

function per(pico: bigint, count: bigint): string | null {
  return count <= 0n ? null : picoToUsd((pico * 2n + count) / (count * 2n));
}
