/**
 * The unit prices of a call that has a service tier, or whose project has custom prices. Factors are multiplied with the
 * listed price as exact fractions, and the product is rounded once.
 *
 * A custom factor applies to every bucket, like a discount on everything that a provider sells. A tier's multiplier
 * applies to tokens only: providers publish it for tokens, and charge full fees for calls and searches in every tier.
 */
import { BUCKETS, isFee, LISTED_PER, unitOf } from "../ledger/buckets.ts";
import { withId, type ListPrice, type LookUp, type Price } from "./catalogue.ts";
import { patternOf, type CustomPrice, type CustomPrices, type ModelName } from "./custom-price.ts";
import { ONE, picoPerUnit, rounded, times, type Ratio } from "./ratio.ts";
import { tierMultiplier } from "./service-tier.ts";

export interface Quote {
  price: Price;
  /** True if a custom price sets the unit prices, so that 0 means free. A 0 in the catalogue means that a price is missing. */
  zeroIsFree: boolean;
}

/** The source of the unit prices before factors. */
type Base = { listed: ListPrice } | { said: CustomPrice & { unitPico: (bigint | null)[] } };

interface Terms {
  base: Base;
  /** Multiplies every unit price. */
  factor: Ratio;
  /** The tier that `multiplier` is for. */
  tier: string | null;
  /** Multiplies the unit prices of tokens. */
  multiplier: Ratio;
  /** The custom price that holds. Null if the catalogue alone decides. */
  by: CustomPrice | null;
}

type Unknown = "model_unknown" | "tier_unknown";

const MEMO_SIZE = 10_000;

/** Makes a function that quotes by model, tier (null for the standard one), the call's end and its input tokens. */
export function createQuotes(
  custom: CustomPrices | null,
  lookUp: LookUp,
): (call: ModelName, tier: string | null, endedAtMs: number, inputTokens: number) => Quote | Unknown {
  const quotes = new Map<string, Quote>();

  function termsOf(
    call: ModelName,
    tier: string | null,
    endedAtMs: number,
    inputTokens: number,
    aliases: boolean,
  ): Terms | Unknown {
    const by = custom?.find(call, tier, endedAtMs, aliases) ?? null;
    // A price for this very tier already includes the tier.
    const tierLeft = by !== null && by.serviceTier !== null ? null : tier;
    const own = by?.factor ?? ONE;
    if (by?.sameAs) {
      const target = termsOf(by.sameAs, tierLeft, endedAtMs, inputTokens, false);
      return typeof target === "string" ? target : { ...target, by, factor: times(own, target.factor) };
    }
    const base = by ? baseOf(by) : null;
    const listed = base ? null : (lookUp(call.provider, call.model)?.priceAt(endedAtMs, inputTokens) ?? null);
    if (!base && !listed) return "model_unknown";
    const multiplier = tierLeft === null ? ONE : tierMultiplier(call.provider, tierLeft);
    if (multiplier === null) return "tier_unknown";
    return { base: base ?? { listed: listed! }, factor: own, tier: tierLeft, multiplier, by };
  }

  return (call, tier, endedAtMs, inputTokens) => {
    const terms = termsOf(call, tier, endedAtMs, inputTokens, true);
    if (typeof terms === "string") return terms;
    const { base, factor, multiplier, by } = terms;
    const baseId = "said" in base ? base.said.id : base.listed.id;
    const key = `${baseId} ${by?.id} ${terms.tier} ${shown(factor)} ${shown(multiplier)}`;
    let quote = quotes.get(key);
    if (!quote) {
      quote = { price: priceOf(terms), zeroIsFree: "said" in base };
      if (quotes.size >= MEMO_SIZE) quotes.clear();
      quotes.set(key, quote);
    }
    return quote;
  };
}

function baseOf(by: CustomPrice): Base | null {
  const { unitPico } = by;
  return unitPico === null ? null : { said: { ...by, unitPico } };
}

function shown({ numerator, denominator }: Ratio): string {
  return `${numerator}/${denominator}`;
}

function priceOf({ base, factor, tier, multiplier, by }: Terms): Price {
  if ("listed" in base && by === null && tier === null) return base.listed;
  const exact = "said" in base ? base.said.unitPico.map(whole) : base.listed.listedUsd.map(perUnit);
  const ofTokens = times(factor, multiplier);
  const unitPico = exact.map((unit, i) =>
    unit === null ? null : rounded(times(unit, isFee(BUCKETS[i]!) ? factor : ofTokens)),
  );
  const source = by === null ? (base as { listed: ListPrice }).listed.source : sourceOf(by);
  const { provider, model, version } =
    "said" in base
      ? { provider: base.said.provider ?? "*", model: patternOf(base.said), version: base.said.id }
      : base.listed;
  return withId({
    source: tier === null ? source : `${source}:${tier}`,
    version: by?.id ?? version,
    provider,
    model,
    unitPico,
  });
}

function whole(unitPico: bigint | null): Ratio | null {
  return unitPico === null ? null : { numerator: unitPico, denominator: 1n };
}

function perUnit(usd: number | null, i: number): Ratio | null {
  return usd === null ? null : picoPerUnit(String(usd), LISTED_PER[unitOf(BUCKETS[i]!)]);
}

function sourceOf({ factor, sameAs }: CustomPrice): string {
  return factor ? "custom:factor" : sameAs ? "custom:same_as" : "custom";
}
