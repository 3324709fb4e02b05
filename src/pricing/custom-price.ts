/**
 * Custom prices, and which of them holds for a call. Of those that cover it and hold at its end:
 * the project's own before global ones, exact before prefix, longer before shorter prefix, its
 * service tier before any, its provider before any, then the latest start.
 */
import type { Ratio } from "./ratio.ts";

export interface ModelName {
  provider: string;
  model: string;
}

export interface CustomPrice {
  id: string;
  /** For every project; else for the one that made it. */
  global: boolean;
  /** Null covers any. */
  provider: string | null;
  /** The whole name, or what it begins with. */
  model: string;
  match: "exact" | "prefix";
  /** Canonical; null covers any, at the tier's multiplier. */
  serviceTier: string | null;
  startsAtMs: number;
  /** The first instant at which it holds no more; null is never. */
  endsAtMs: number | null;
  /** Pico-USD per unit by bucket, in the order of `BUCKETS`; null where another model's price is taken. */
  unitPico: (bigint | null)[] | null;
  /** Of the price that is taken. */
  factor: Ratio | null;
  /** Whose price is taken, where it is not the model's own. */
  sameAs: ModelName | null;
}

export interface CustomPrices {
  /** @param aliases false leaves those out that point to another model, so that an alias is followed once. */
  find(call: ModelName, tier: string | null, atMs: number, aliases?: boolean): CustomPrice | null;
}

/** Does a price cover a model, at whatever time and tier? */
export function covers(price: CustomPrice, { provider, model }: ModelName): boolean {
  if (price.provider !== null && price.provider !== provider) return false;
  return price.match === "exact" ? price.model === model : model.startsWith(price.model);
}

/** `acme-*` for a prefix, as callers write it. */
export function patternOf({ model, match }: Pick<CustomPrice, "model" | "match">): string {
  return match === "prefix" ? `${model}*` : model;
}

const MEMO_SIZE = 10_000;

/** Prices as a project sees them: its own and the global ones. */
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

/** Better ones first. */
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
