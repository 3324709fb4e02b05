/**
 * What reading from a cache saved: the tokens that were read from it at the average price of new input, less what they
 * cost, and less what writing to the cache cost beyond that. It is about right, because averages are.
 */
import { picoOf, usdOf } from "./money.ts";

export interface Bucket {
  quantity: number;
  cost_usd: string;
}

const INPUT = "input";
const WRITES = ["cache_write", "cache_write_1h"] as const;

/** @param models the price buckets of each model. Null if no model has both cached and new input. */
export function savedByCache(models: readonly Readonly<Record<string, Bucket>>[]): string | null {
  let saved: bigint | null = null;
  for (const buckets of models) {
    const [input, read] = [buckets[INPUT], buckets["cache_read"]];
    if (!input || !read || input.quantity === 0) continue;
    const asInput = (quantity: number): bigint => (picoOf(input.cost_usd) * BigInt(quantity)) / BigInt(input.quantity);
    saved = (saved ?? 0n) + asInput(read.quantity) - picoOf(read.cost_usd);
    for (const name of WRITES) {
      const write = buckets[name];
      if (write) saved += asInput(write.quantity) - picoOf(write.cost_usd);
    }
  }
  return saved === null ? null : usdOf(saved);
}
