/** Unit prices as they are applied to calls and stored. Amounts are whole pico-USD per unit. */
import { digestUuid } from "../digest.ts";

/** How far the source stands behind the price. A catalogue's upper bounds, averages and guesses are approximate. */
export const PRICE_CONFIDENCES = ["exact", "approximate"] as const;
export type PriceConfidence = (typeof PRICE_CONFIDENCES)[number];

/** One list of unit prices as applied to calls. Its `id` is a digest of all its other fields but `confidence`. */
export interface Price {
  id: string;
  source: string;
  version: string;
  provider: string;
  /** The catalogue's name for the model. */
  model: string;
  /** Pico-USD per unit by bucket, in the order of `BUCKETS`. Null if the source has no price for the bucket. */
  unitPico: (bigint | null)[];
  /** Missing means exact. */
  confidence?: PriceConfidence;
}

/** A price of the catalogue, together with the amounts that the catalogue lists. */
export interface ListPrice extends Price {
  /** USD per `LISTED_PER` units by bucket, before any rounding. */
  listedUsd: (number | null)[];
  /** True if 0 means free. Otherwise a 0 means that the price is missing. */
  zeroIsFree?: boolean;
  /** True if the input is so long that another price holds than for short ones. */
  isLong?: boolean;
}

/** Gives a price its id. */
export function withId(price: Omit<Price, "id">): Price {
  const { source, version, provider, model, unitPico } = price;
  return { id: digestUuid(JSON.stringify([source, version, provider, model, unitPico.map(String)])), ...price };
}
