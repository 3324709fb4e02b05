/**
 * The cost of one call. A cost is never invented: if the usage, the model, the tier or the price of a bucket that holds
 * anything is unknown, the cost is null and a reason is given.
 */
import type { Doubt, PriceableCall } from "../ledger/call.ts";
import { MAX_COST_PICO, picoToUsd } from "../money.ts";
import { BUCKETS, CONTENTS, hasUnits, quantities, TOKEN_BUCKETS } from "../ledger/buckets.ts";
import { type Catalogue, embeddedCatalogue } from "./catalogue.ts";
import type { CustomPrices } from "./custom-price.ts";
import type { Price } from "./price.ts";
import { hears, makes } from "./published.ts";
import { createQuotes } from "./quote.ts";
import { canonicalTier } from "./service-tier.ts";

export type UnpricedReason =
  | Doubt
  | "usage_unknown"
  | "model_unknown"
  | "tier_unknown"
  | "price_unknown"
  | "price_zero";

export interface Cost {
  /** Pico-USD: the sum of quantity x unit price over the buckets. Null if the call is unpriced. */
  costPico: bigint | null;
  unpricedReason: UnpricedReason | null;
  /** The price that was applied. Null if there was none. */
  price: Price | null;
  /** The canonical provider, which is the one that the catalogue finds the model at. */
  provider: string;
}

export interface Pricer {
  /** @throws RangeError if the cost exceeds `MAX_COST_PICO`. */
  costOf(call: PriceableCall): Cost;
}

/** Operations without output tokens. For them a missing count means 0. */
const NO_OUTPUT = new Set(["embeddings", "rerank"]);

/** Makes a pricer that uses custom prices first, then the catalogue. */
export function createPricer(
  custom: CustomPrices | null = null,
  { lookUp }: Pick<Catalogue, "lookUp"> = embeddedCatalogue,
): Pricer {
  const quoteOf = createQuotes(custom, lookUp);
  return {
    costOf(call) {
      const model = lookUp(call.provider, call.model);
      const provider = model?.provider ?? call.provider;
      const unpriced = (unpricedReason: UnpricedReason): Cost => ({
        costPico: null,
        unpricedReason,
        price: null,
        provider,
      });

      if (call.doubt) return unpriced(call.doubt);
      const input = call.inputTokens ?? (hasUnits(call) ? 0 : null);
      const output = call.outputTokens ?? (NO_OUTPUT.has(call.operation) || hasUnits(call) ? 0 : null);
      const unknown = input === null || output === null;
      const empty = (input ?? 0) === 0 && (output ?? 0) === 0;
      const fromCache = call.billable === false && call.wrapper !== true;
      // If a call used nothing because it failed or a gateway's cache answered it, it has no fee either.
      if (empty && !unknown && (call.status === "error" || fromCache) && !hasUnits(call)) {
        return { costPico: 0n, unpricedReason: null, price: null, provider };
      }

      const endedAtMs = call.startedAtMs + (call.durationUs ?? 0) / 1_000;
      const tier = canonicalTier(call.serviceTier);
      let price: Price;
      let zeroIsFree = false;
      if (custom === null && tier === null) {
        if (!model) return unpriced(unknown ? "usage_unknown" : "model_unknown");
        const listed = model.priceAt(endedAtMs, input ?? 0);
        price = listed;
        zeroIsFree = listed.zeroIsFree === true;
      } else {
        const quote = quoteOf({ provider, model: call.model }, tier, endedAtMs, input ?? 0);
        if (typeof quote === "string") return unpriced(unknown ? "usage_unknown" : quote);
        ({ price, zeroIsFree } = quote);
      }
      if (unknown && !needsNoTokens(price, zeroIsFree)) return unpriced("usage_unknown");
      if ((output ?? 0) > 0 && mayBeAnother(call, price)) return unpriced("usage_ambiguous");
      if ((input ?? 0) > 0 && mayBeHeard(call, price)) return unpriced("usage_ambiguous");

      const held = quantities(call);
      if (empty && isOneSearch(held, price)) held[FILE_SEARCH] = 0;
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

const INPUT = BUCKETS.indexOf("input");
const INPUT_AUDIO = BUCKETS.indexOf("input_audio");
const REQUEST = BUCKETS.indexOf("request");
const FILE_SEARCH = BUCKETS.indexOf("file_search");
const OUTPUT = BUCKETS.indexOf("output");
/** The buckets of what a model may make beside text. */
const OTHER_OUTPUTS = BUCKETS.flatMap((bucket, at) => {
  const { kind, of } = CONTENTS[bucket];
  const isText = of === null || of === "outputTokens" || of === "reasoningTokens";
  return kind !== "output" || isText ? [] : [{ bucket, at, count: of }];
});

/**
 * True if the model sells audio or images at a price of their own, and the call does not say how much of its output is.
 */
function mayBeAnother(call: PriceableCall, { unitPico, model }: Price): boolean {
  return OTHER_OUTPUTS.some(({ bucket, at, count }) => {
    if (call[count] !== null) return false;
    const own = unitPico[at] ?? null;
    return own === null ? makes(model, bucket) : own !== unitPico[OUTPUT];
  });
}

/** True if the input of a transcription may be audio, and the call does not say how much of it is. */
function mayBeHeard({ inputAudioTokens }: PriceableCall, { unitPico, model }: Price): boolean {
  const own = unitPico[INPUT_AUDIO] ?? null;
  return inputAudioTokens === null && own !== null && own !== unitPico[INPUT] && hears(model);
}

/** True if the price has a fee for the call and none for tokens, or if all tokens are free. */
function needsNoTokens({ unitPico }: Price, zeroIsFree: boolean): boolean {
  const ofTokens = unitPico.slice(0, TOKEN_BUCKETS.length);
  if (ofTokens.every((unit) => unit === null)) return unitPico[REQUEST] !== null;
  return (
    zeroIsFree &&
    unitPico[INPUT] === 0n &&
    unitPico[OUTPUT] === 0n &&
    ofTokens.every((unit) => unit === null || unit === 0n)
  );
}

/** A rerank of up to 100 documents is one search, and a fee for the call is for that. */
function isOneSearch(held: readonly number[], { unitPico }: Price): boolean {
  return held[FILE_SEARCH] === 1 && unitPico[FILE_SEARCH] === null && unitPico[REQUEST] !== null;
}

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
