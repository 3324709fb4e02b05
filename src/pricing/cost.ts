/**
 * The cost of one call. A cost is never invented: if the usage, the model, the tier or the price of a bucket that holds
 * anything is unknown, the cost is null and a reason is given.
 */
import type { PriceableCall } from "../ledger/call.ts";
import { MAX_COST_PICO, picoToUsd } from "../money.ts";
import { BUCKETS, quantities, TOKEN_BUCKETS } from "../ledger/buckets.ts";
import { createLookUp, type LookUp, type Price } from "./catalogue.ts";
import type { CustomPrices } from "./custom-price.ts";
import { createQuotes } from "./quote.ts";
import { canonicalTier } from "./service-tier.ts";

export type UnpricedReason = "usage_unknown" | "model_unknown" | "tier_unknown" | "price_unknown" | "price_zero";

export interface Cost {
  /** Pico-USD: the sum of quantity x unit price over the buckets. Null if the call is unpriced. */
  costPico: bigint | null;
  unpricedReason: UnpricedReason | null;
  /** The price that was applied. Null if there was none. */
  price: Price | null;
  /** The provider of the call, or the one that the catalogue infers if the caller named none. */
  provider: string;
}

export interface Pricer {
  /** @throws RangeError if the cost exceeds `MAX_COST_PICO`. */
  costOf(call: PriceableCall): Cost;
}

/** Operations without output tokens. For them a missing count means 0. */
const NO_OUTPUT = new Set(["embeddings", "rerank"]);

/** Makes a pricer that uses custom prices first, then the catalogue. */
export function createPricer(custom: CustomPrices | null = null, lookUp: LookUp = createLookUp()): Pricer {
  const quoteOf = createQuotes(custom, lookUp);
  return {
    costOf(call) {
      const model = lookUp(call.provider, call.model);
      const provider = call.provider === "unknown" && model ? model.provider : call.provider;
      const unpriced = (unpricedReason: UnpricedReason): Cost => ({
        costPico: null,
        unpricedReason,
        price: null,
        provider,
      });

      const output = call.outputTokens ?? (NO_OUTPUT.has(call.operation) ? 0 : null);
      if (call.inputTokens === null || output === null) return unpriced("usage_unknown");
      const empty = call.inputTokens === 0 && output === 0;
      const searches = call.webSearches ?? 0;
      const fromCache = call.billable === false && call.wrapper !== true;
      // If a call used nothing because it failed or a gateway's cache answered it, it has no fee either.
      if (empty && searches === 0 && (call.status === "error" || fromCache)) {
        return { costPico: 0n, unpricedReason: null, price: null, provider };
      }

      const endedAtMs = call.startedAtMs + (call.durationUs ?? 0) / 1_000;
      const tier = canonicalTier(call.serviceTier);
      let price: Price;
      let zeroIsFree = false;
      if (custom === null && tier === null) {
        if (!model) return unpriced("model_unknown");
        price = model.priceAt(endedAtMs, call.inputTokens);
      } else {
        const quote = quoteOf({ provider, model: call.model }, tier, endedAtMs, call.inputTokens);
        if (typeof quote === "string") return unpriced(quote);
        ({ price, zeroIsFree } = quote);
      }

      const held = quantities(call);
      const tokensPico = total(held, price.unitPico, 0, TOKEN_BUCKETS.length);
      const feesPico = total(held, price.unitPico, TOKEN_BUCKETS.length, BUCKETS.length);
      if (tokensPico === null || feesPico === null) return unpriced("price_unknown");
      // A zero for tokens means that their price is missing, and a fee does not replace it.
      if (tokensPico === 0n && !empty && !zeroIsFree) return unpriced("price_zero");
      const costPico = tokensPico + feesPico;
      if (costPico > MAX_COST_PICO) throw new RangeError(`the cost exceeds ${picoToUsd(MAX_COST_PICO)} USD`);
      return { costPico, unpricedReason: null, price, provider };
    },
  };
}

const REQUEST = BUCKETS.indexOf("request");

/** The cost of the buckets from `from` to before `to`. Null if a bucket that holds anything has no price. */
function total(held: number[], unitPico: (bigint | null)[], from: number, to: number): bigint | null {
  let sum = 0n;
  for (let i = from; i < to; i++) {
    if (held[i] === 0) continue;
    const unit = unitPico[i];
    if (unit !== null && unit !== undefined) sum += BigInt(held[i]!) * unit;
    else if (i !== REQUEST) return null;
  }
  return sum;
}
