/**
 * Custom prices, and the choice of the one that holds for a call. If several cover the call and hold at its end, the order
 * is: the project's own before global ones, exact before prefix, longer before shorter prefix, a price for its service
 * tier before one for every tier, a price for its provider before one for every provider, then the latest start.
 */
import type { Ratio } from "./ratio.ts";

export interface ModelName {
  provider: string;
  model: string;
}

export interface CustomPrice {
  id: string;
  /** True if it holds for every project. Otherwise it holds for the project that made it. */
  global: boolean;
  /** Null covers every provider. */
  provider: string | null;
  /** The whole name, or the prefix. */
  model: string;
  match: "exact" | "prefix";
  /** The canonical tier. Null covers every tier, at the tier's multiplier. */
  serviceTier: string | null;
  startsAtMs: number;
  /** The first instant at which it no longer holds. Null if it has no end. */
  endsAtMs: number | null;
  /** Pico-USD per unit by bucket, in the order of `BUCKETS`. Null if the unit prices come from elsewhere. */
  unitPico: (bigint | null)[] | null;
  /** Multiplies the unit prices that come from elsewhere. */
  factor: Ratio | null;
  /** The model whose unit prices are taken instead of the call's own. */
  sameAs: ModelName | null;
}

export interface CustomPrices {
  /** @param aliases if false, prices that point to another model are ignored, so that an alias is followed only once. */
  find(call: ModelName, tier: string | null, atMs: number, aliases?: boolean): CustomPrice | null;
}

/** Tells whether a price covers a model. Time and tier are not considered. */
export function covers(price: CustomPrice, { provider, model }: ModelName): boolean {
  if (price.provider !== null && price.provider !== provider) return false;
  return price.match === "exact" ? price.model === model : model.startsWith(price.model);
}

/** The model of a price as callers write it: `acme-*` for a prefix. */
export function patternOf({ model, match }: Pick<CustomPrice, "model" | "match">): string {
  return match === "prefix" ? `${model}*` : model;
}

const MEMO_SIZE = 10_000;

/** Indexes the prices that hold for one project: its own and the global ones. */
export function customPrices(prices: readonly CustomPrice[]): CustomPrices {
  const exact = new Map<string, CustomPrice[]>();
  const prefixes = new Map<string, CustomPrice[]>();
  for (const price of prices) {
    const index = price.match === "exact" ? exact : prefixes;
    const others = index.get(price.model);
    if (others) others.push(price);
    else index.set(price.model, [price]);
  }
  const lengths = [...new Set([...prefixes.keys()].map((prefix) => prefix.length))];
  const ranked = new Map<string, readonly CustomPrice[]>();

  function candidates(call: ModelName, tier: string | null): readonly CustomPrice[] {
    const key = `${call.provider.length} ${call.model.length} ${call.provider}${call.model}${tier ?? ""}`;
    let found = ranked.get(key);
    if (!found) {
      const { model } = call;
      const named = lengths.flatMap((length) =>
        length <= model.length ? (prefixes.get(model.slice(0, length)) ?? []) : [],
      );
      found = [...(exact.get(model) ?? []), ...named]
        .filter((price) => covers(price, call) && (price.serviceTier === null || price.serviceTier === tier))
        .sort(byRank);
      if (ranked.size >= MEMO_SIZE) ranked.clear();
      ranked.set(key, found);
    }
    return found;
  }

  return {
    find(call, tier, atMs, aliases = true) {
      for (const price of candidates(call, tier)) {
        if (price.startsAtMs > atMs || (price.endsAtMs !== null && price.endsAtMs <= atMs)) continue;
        if (aliases || price.sameAs === null) return price;
      }
      return null;
    },
  };
}

/** Sorts the price that takes precedence first. */
function byRank(a: CustomPrice, b: CustomPrice): number {
  return (
    Number(a.global) - Number(b.global) ||
    Number(a.match === "prefix") - Number(b.match === "prefix") ||
    b.model.length - a.model.length ||
    Number(a.serviceTier === null) - Number(b.serviceTier === null) ||
    Number(a.provider === null) - Number(b.provider === null) ||
    b.startsAtMs - a.startsAtMs
  );
}
