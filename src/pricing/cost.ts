/**
 * Cost of one call. A cost is never invented: where the usage, the model, the tier or the price of
 * a bucket that holds tokens is unknown, the cost is null and the reason says so.
 */
import type { PricedCall } from "../ingest/trace.ts";
import { MAX_COST_PICO } from "../money.ts";
import { BUCKETS, quantities, TOKEN_BUCKETS } from "./buckets.ts";
import { createLookUp, type LookUp, type Price } from "./catalogue.ts";
import type { CustomPrices } from "./custom-price.ts";
import { createQuotes } from "./quote.ts";
import { canonicalTier } from "./service-tier.ts";

export type UnpricedReason = "usage_unknown" | "model_unknown" | "tier_unknown" | "price_unknown" | "price_zero";

export interface Cost {
  /** Pico-USD, the sum of quantity x unit price over the buckets. */
  costPico: bigint | null;
  unpricedReason: UnpricedReason | null;
  /** What the call was priced with; null where nothing was. */
  price: Price | null;
  /** The provider as the catalogue knows it, where the caller named none. */
  provider: string;
}

export interface Pricer {
  /** @throws RangeError when the cost would exceed what the ledger can hold. */
  costOf(trace: PricedCall): Cost;
}

/** Operations that give no output tokens, so that a missing count means 0. */
const NO_OUTPUT = new Set(["embeddings", "rerank"]);

/** A pricer over the catalogue, and over custom prices before it. */
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
      // A call that failed, or that a gateway's cache answered, and that used nothing has no fee either.
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
      // A fee makes up for no tokens: without a price for them the call has none.
      if (tokensPico === 0n && !empty && !zeroIsFree) return unpriced("price_zero");
      const costPico = tokensPico + feesPico;
      if (costPico > MAX_COST_PICO) throw new RangeError("the cost exceeds what the ledger can hold");
      return { costPico, unpricedReason: null, price, provider };
    },
  };
}

const REQUEST = BUCKETS.indexOf("request");

/** What the buckets `from` to before `to` cost; null where one that holds anything has no price. */
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
