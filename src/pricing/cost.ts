/**
 * Cost of one call. A cost is never invented: where the usage, the model or the price of a bucket
 * that holds tokens is unknown, the cost is null and the reason says so.
 */
import type { Trace } from "../ingest/trace.ts";
import { MAX_COST_PICO } from "../money.ts";
import { BUCKETS, tokensByBucket } from "./buckets.ts";
import { findModel, type CatalogueModel, type Price } from "./catalogue.ts";

export type UnpricedReason = "usage_unknown" | "model_unknown" | "price_unknown" | "price_zero";

export interface Cost {
  /** Pico-USD, the sum of tokens x unit price over the buckets. */
  costPico: bigint | null;
  unpricedReason: UnpricedReason | null;
  /** What the call was priced with; null where nothing was. */
  price: Price | null;
  /** The provider as the catalogue knows it, where the caller named none. */
  provider: string;
}

export interface Pricer {
  /** @throws RangeError when the cost would exceed what the ledger can hold. */
  costOf(trace: Trace): Cost;
}

/** Operations that give no output tokens, so that a missing count means 0. */
const NO_OUTPUT = new Set(["embeddings", "rerank"]);
const MEMO_SIZE = 10_000;

/** A pricer over the catalogue that looks each model up once. */
export function createPricer(): Pricer {
  const models = new Map<string, CatalogueModel | null>();

  function lookUp(provider: string, model: string): CatalogueModel | null {
    const key = `${provider}\n${model}`;
    let found = models.get(key);
    if (found === undefined) {
      found = findModel(provider, model);
      if (models.size >= MEMO_SIZE) models.clear();
      models.set(key, found);
    }
    return found;
  }

  return {
    costOf(trace) {
      const model = lookUp(trace.provider, trace.model);
      const provider = trace.provider === "unknown" && model ? model.provider : trace.provider;
      const unpriced = (unpricedReason: UnpricedReason): Cost => ({
        costPico: null,
        unpricedReason,
        price: null,
        provider,
      });

      const output = trace.outputTokens ?? (NO_OUTPUT.has(trace.operation) ? 0 : null);
      if (trace.inputTokens === null || output === null) return unpriced("usage_unknown");
      const empty = trace.inputTokens === 0 && output === 0;
      if (empty && trace.status === "error") return { costPico: 0n, unpricedReason: null, price: null, provider };
      if (!model) return unpriced("model_unknown");

      const price = model.priceAt(trace.startedAtMs + (trace.durationUs ?? 0) / 1_000, trace.inputTokens);
      const costPico = total(tokensByBucket(trace), price.unitPico);
      if (costPico === null) return unpriced("price_unknown");
      if (costPico === 0n && !empty) return unpriced("price_zero");
      if (costPico > MAX_COST_PICO) throw new RangeError("the cost exceeds what the ledger can hold");
      return { costPico, unpricedReason: null, price, provider };
    },
  };
}

function total(tokens: number[], unitPico: (bigint | null)[]): bigint | null {
  let sum = 0n;
  for (let i = 0; i < BUCKETS.length; i++) {
    if (tokens[i] === 0) continue;
    const unit = unitPico[i];
    if (unit === null || unit === undefined) return null;
    sum += BigInt(tokens[i]!) * unit;
  }
  return sum;
}
