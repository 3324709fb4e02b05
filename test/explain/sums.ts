/** Sums of calls made up for tests: so many calls alike, at unit prices in pico-USD. */
import type { CallSums } from "../../src/explain/priced.ts";
import type { Cell } from "../../src/explain/split.ts";
import { type Bucket, BUCKETS, isFee } from "../../src/ledger/buckets.ts";

export type Quantities = Partial<Record<Bucket, number>>;

/** $2.50/MTok in, $1.25 cached, $10 out, as gpt-4o; images in $5, audio in $40, a search $0.01, no fee. */
export const DEAR: Quantities = {
  input: 2_500_000,
  cache_read: 1_250_000,
  output: 10_000_000,
  reasoning: 10_000_000,
  input_image: 5_000_000,
  input_audio: 40_000_000,
  web_search: 10_000_000_000,
};
/** $0.15/MTok in, $0.60 out, as gpt-4o-mini. */
export const CHEAP: Quantities = { input: 150_000, output: 600_000 };
/** Another factor of each price. */
export const at = (factor: number, prices: Quantities): Quantities =>
  Object.fromEntries(Object.entries(prices).map(([bucket, price]) => [bucket, price * factor]));

/** `calls` calls that hold `each`; without prices, unpriced ones. */
export function calls(calls: number, each: Quantities, prices: Quantities | null): CallSums {
  const all = BUCKETS.map((bucket) => BigInt(calls) * BigInt(bucket === "request" ? 1 : (each[bucket] ?? 0)));
  const tokens = BUCKETS.reduce((sum, bucket, i) => (isFee(bucket) ? sum : sum + all[i]!), 0n);
  return {
    requests: BigInt(calls),
    unpricedRequests: prices === null ? BigInt(calls) : 0n,
    unpricedTokens: prices === null ? tokens : 0n,
    held: all,
    costPico: BUCKETS.map((bucket, i) => all[i]! * BigInt(prices?.[bucket] ?? 0)),
  };
}

/** All of these calls in one group. */
export function mixed(...parts: CallSums[]): CallSums {
  return parts.reduce((a, b) => ({
    requests: a.requests + b.requests,
    unpricedRequests: a.unpricedRequests + b.unpricedRequests,
    unpricedTokens: a.unpricedTokens + b.unpricedTokens,
    held: a.held.map((quantity, i) => quantity + b.held[i]!),
    costPico: a.costPico.map((cost, i) => cost + b.costPico[i]!),
  }));
}

export function cell(before: CallSums | null, after: CallSums | null, key: Partial<Cell> = {}): Cell {
  return {
    application: "shop",
    environment: "production",
    operation: "chat",
    provider: "openai",
    model: "dear",
    tier: "",
    ...key,
    before,
    after,
  };
}
