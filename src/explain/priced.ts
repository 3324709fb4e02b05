/**
 * What the priced calls of a group hold. Rollups sum tokens over all calls, and of the unpriced ones know only how many
 * tokens there are in all. So where priced and unpriced calls mix, the quantities of the priced ones are, in this order:
 *
 * 1. all of them, where the unpriced calls have no tokens (nobody told how many);
 * 2. what the other period's unit prices make of the costs, where that leaves exactly the unpriced tokens over;
 * 3. else the same share of every bucket's.
 *
 * This decides only which part of the difference a cost goes to; costs themselves are never estimated.
 */
import { BUCKETS, isFee } from "../pricing/buckets.ts";
import { fraction, isZero, minus, over, plus, type Ratio, times, ZERO } from "./fraction.ts";

/** The sums of one group of calls, priced and not; lists go by the order of `BUCKETS`. */
export interface CallSums {
  requests: bigint;
  unpricedRequests: bigint;
  unpricedTokens: bigint;
  /** Quantities of all calls; what `request` holds here does not matter. */
  held: readonly bigint[];
  /** Pico-USD; they add up to the cost of the group. */
  costPico: readonly bigint[];
}

export interface Priced {
  calls: bigint;
  held: readonly Ratio[];
  costPico: readonly bigint[];
}

const REQUEST = BUCKETS.indexOf("request");

/** @param other the same group in the other period, if it was there. */
export function pricedOf(sums: CallSums, other: CallSums | null): Priced {
  const calls = sums.requests - sums.unpricedRequests;
  const prices = unitPrices(other);
  const held = heldBy(sums, calls, prices);
  return {
    calls,
    held: held.map((quantity, i) => {
      if (i === REQUEST) return fraction(calls);
      if (quantity.numerator > 0n) return quantity;
      // Counts that contradict each other, as cached tokens of an input that nobody knows: the cost is what we have.
      if (sums.costPico[i] === 0n) return ZERO;
      const price = prices[i] ?? null;
      return price === null || isZero(price) ? fraction(calls) : over(fraction(sums.costPico[i]!), price);
    }),
    costPico: sums.costPico,
  };
}

function heldBy(sums: CallSums, calls: bigint, prices: readonly (Ratio | null)[]): readonly Ratio[] {
  if (calls === 0n) return BUCKETS.map(() => ZERO);
  if (sums.unpricedTokens === 0n) return sums.held.map((quantity) => fraction(quantity));
  return atPrices(sums, calls, prices) ?? scaled(sums, calls);
}

/** The quantities that cost what was paid at these prices, if they account for the unpriced tokens to the last one. */
function atPrices(sums: CallSums, calls: bigint, prices: readonly (Ratio | null)[]): Ratio[] | null {
  let left = fraction(-sums.unpricedTokens);
  const held: Ratio[] = [];
  for (const [i, bucket] of BUCKETS.entries()) {
    const all = fraction(sums.held[i]!);
    if (isFee(bucket)) {
      held.push(share(all, calls, sums.requests));
      continue;
    }
    const price = prices[i] ?? null;
    const free = price === null || isZero(price);
    if (free && sums.costPico[i] !== 0n) return null;
    const quantity = free ? all : over(fraction(sums.costPico[i]!), price);
    const rest = minus(all, quantity);
    if (rest.numerator < 0n) return null;
    left = plus(left, rest);
    held.push(quantity);
  }
  return isZero(left) ? held : null;
}

function scaled(sums: CallSums, calls: bigint): Ratio[] {
  const tokens = BUCKETS.reduce((sum, bucket, i) => (isFee(bucket) ? sum : sum + sums.held[i]!), 0n);
  return BUCKETS.map((bucket, i) => {
    const all = fraction(sums.held[i]!);
    return isFee(bucket) ? share(all, calls, sums.requests) : share(all, tokens - sums.unpricedTokens, tokens);
  });
}

/** Pico-USD per unit, where every call had a price or no tokens; null where nothing is held. */
function unitPrices(sums: CallSums | null): (Ratio | null)[] {
  if (sums === null || sums.unpricedTokens !== 0n) return [];
  return sums.held.map((quantity, i) => (quantity > 0n ? fraction(sums.costPico[i]!, quantity) : null));
}

function share(all: Ratio, part: bigint, whole: bigint): Ratio {
  return whole > 0n ? times(all, fraction(part, whole)) : ZERO;
}
