/**
 * The quantities that the priced calls of a group hold. Rollups sum each bucket over all calls; for unpriced calls they
 * know only the number of all tokens. If a group has priced and unpriced calls, the first of these rules that applies
 * gives the quantities of the priced ones:
 *
 * 1. If the unpriced calls have no known tokens, the priced calls hold everything.
 * 2. The costs are divided by the other period's unit prices, if that leaves exactly the unpriced tokens over.
 * 3. The priced calls hold the same share of every bucket.
 *
 * These rules decide only to which part of the difference a cost belongs. Costs themselves are never estimated.
 */
import { BUCKETS, isFee } from "../ledger/buckets.ts";
import { fraction, isZero, minus, over, plus, type Ratio, times, ZERO } from "./fraction.ts";

/** The sums of one group of priced and unpriced calls. Lists are in the order of `BUCKETS`. */
export interface CallSums {
  requests: bigint;
  unpricedRequests: bigint;
  unpricedTokens: bigint;
  /** Quantities of all calls. The quantity of `request` is ignored. */
  held: readonly bigint[];
  /** Pico-USD. The costs add up to the cost of the group. */
  costPico: readonly bigint[];
}

export interface Priced {
  calls: bigint;
  held: readonly Ratio[];
  costPico: readonly bigint[];
}

const REQUEST = BUCKETS.indexOf("request");

/** @param other the same group in the other period; null if that period does not have it. */
export function pricedOf(sums: CallSums, other: CallSums | null): Priced {
  const calls = sums.requests - sums.unpricedRequests;
  const prices = unitPrices(other);
  const held = heldBy(sums, calls, prices);
  return {
    calls,
    held: held.map((quantity, i) => {
      if (i === REQUEST) return fraction(calls);
      if (quantity.numerator > 0n) return quantity;
      // The counts contradict each other, as cached tokens of an unknown input do. Only the cost is certain then.
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

/** Divides the costs by these prices; null if that does not leave exactly the unpriced tokens over. */
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

/** Pico-USD per unit. A bucket without units has null. The list is empty if an unpriced call has tokens. */
function unitPrices(sums: CallSums | null): (Ratio | null)[] {
  if (sums === null || sums.unpricedTokens !== 0n) return [];
  return sums.held.map((quantity, i) => (quantity > 0n ? fraction(sums.costPico[i]!, quantity) : null));
}

function share(all: Ratio, part: bigint, whole: bigint): Ratio {
  return whole > 0n ? times(all, fraction(part, whole)) : ZERO;
}
