/**
 * Custom prices, and the choice of the one that holds for a call. If several cover the call and hold at its end, the
 * order is: the project's own before global ones, a whole name before a pattern, a longer pattern before a shorter one,
 * what a name begins with before what it ends with, a price for its service tier before one for every tier, a price for
 * its provider before one for every provider, then the latest start.
 */
import { canonicalProvider } from "./provider.ts";
import type { Ratio } from "./ratio.ts";

export interface ModelName {
  provider: string;
  model: string;
}

/** Which models a price covers. `model` is the whole name, or what it begins or ends with. */
export interface Pattern {
  model: string;
  match: "exact" | "prefix" | "suffix";
}

/** Pico-USD per unit by bucket, in the order of `BUCKETS`. */
export type UnitPrices = (bigint | null)[];

export interface CustomPrice extends Pattern {
  id: string;
  /** True if it holds for every project. Otherwise it holds for the project that made it. */
  global: boolean;
  /** Null covers every provider. */
  provider: string | null;
  /** More names of the same models. */
  aliases: readonly Pattern[];
  /** The canonical tier. Null covers every tier, at the tier's multiplier. */
  serviceTier: string | null;
  startsAtMs: number;
  /** The first instant at which it no longer holds. Null if it has no end. */
  endsAtMs: number | null;
  /** Null if the unit prices come from elsewhere: the catalogue, or the model that `sameAs` names. */
  unitPico: UnitPrices | null;
  /** The unit prices of calls with more input tokens than `above`, ascending. */
  steps: readonly { above: number; unitPico: UnitPrices }[];
  /** Fees that stand in place of those from elsewhere, as they are. */
  fees: UnitPrices | null;
  /** Multiplies the unit prices that come from elsewhere. */
  factor: Ratio | null;
  /** Multiplies the unit prices of tokens, by part of the service tier. They go before published multipliers. */
  multipliers: ReadonlyMap<string, Ratio>;
  /** The model whose unit prices are taken instead of the call's own. */
  sameAs: ModelName | null;
}

export interface CustomPrices {
  /**
   * @param aliases if false, prices that point to another model are ignored, so that an alias is followed only once.
   */
  find(call: ModelName, tier: string | null, atMs: number, aliases?: boolean): CustomPrice | null;
}

/** Tells whether a price covers a model. Time and tier are not considered. */
export function covers(price: CustomPrice, call: ModelName): boolean {
  return isOf(price, call.provider) && [price, ...price.aliases].some((pattern) => fits(pattern, call.model));
}

/** A price may have been stored before its provider's name was known as an alias. */
function isOf({ provider }: CustomPrice, called: string): boolean {
  return provider === null || canonicalProvider(provider) === called;
}

function fits({ model, match }: Pattern, name: string): boolean {
  if (match === "exact") return model === name;
  return match === "prefix" ? name.startsWith(model) : name.endsWith(model);
}

/** A pattern as callers write it: `acme-*` for what begins so, `*:free` for what ends so. */
export function patternOf({ model, match }: Pattern): string {
  return match === "prefix" ? `${model}*` : match === "suffix" ? `*${model}` : model;
}

/** `acme-*` -> what begins with `acme-`. A `*` alone is every model. */
export function readPattern(text: string): Pattern {
  if (text.endsWith("*")) return { model: text.slice(0, -1), match: "prefix" };
  return text.startsWith("*") ? { model: text.slice(1), match: "suffix" } : { model: text, match: "exact" };
}

interface Named {
  pattern: Pattern;
  price: CustomPrice;
}

const MEMO_SIZE = 10_000;

/** Indexes the prices that hold for one project: its own and the global ones. */
export function customPrices(prices: readonly CustomPrice[]): CustomPrices {
  const indexes = {
    exact: indexOf(prices, "exact"),
    prefix: indexOf(prices, "prefix"),
    suffix: indexOf(prices, "suffix"),
  };
  const ranked = new Map<string, readonly CustomPrice[]>();

  function candidates(call: ModelName, tier: string | null): readonly CustomPrice[] {
    const key = `${call.provider.length} ${call.model.length} ${call.provider}${call.model}${tier ?? ""}`;
    let found = ranked.get(key);
    if (!found) {
      const { model } = call;
      const named = [
        ...(indexes.exact.byText.get(model) ?? []),
        ...ofLengths(indexes.prefix, model, (length) => model.slice(0, length)),
        ...ofLengths(indexes.suffix, model, (length) => model.slice(model.length - length)),
      ];
      found = named
        .filter(({ price }) => isOf(price, call.provider) && (price.serviceTier === null || price.serviceTier === tier))
        .sort(byRank)
        .map(({ price }) => price);
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

interface Index {
  byText: ReadonlyMap<string, readonly Named[]>;
  lengths: readonly number[];
}

function indexOf(prices: readonly CustomPrice[], match: Pattern["match"]): Index {
  const named = prices.flatMap((price) => [price, ...price.aliases].map((pattern) => ({ pattern, price })));
  const byText = Map.groupBy(
    named.filter(({ pattern }) => pattern.match === match),
    ({ pattern }) => pattern.model,
  );
  return { byText, lengths: [...new Set([...byText.keys()].map((text) => text.length))] };
}

function ofLengths({ byText, lengths }: Index, name: string, part: (length: number) => string): Named[] {
  return lengths.flatMap((length) => (length <= name.length ? (byText.get(part(length)) ?? []) : []));
}

const MATCHES: readonly Pattern["match"][] = ["exact", "prefix", "suffix"];

/** Sorts the price that takes precedence first. */
function byRank({ price: a, pattern: x }: Named, { price: b, pattern: y }: Named): number {
  return (
    Number(a.global) - Number(b.global) ||
    Number(x.match !== "exact") - Number(y.match !== "exact") ||
    y.model.length - x.model.length ||
    MATCHES.indexOf(x.match) - MATCHES.indexOf(y.match) ||
    Number(a.serviceTier === null) - Number(b.serviceTier === null) ||
    Number(a.provider === null) - Number(b.provider === null) ||
    b.startsAtMs - a.startsAtMs
  );
}
