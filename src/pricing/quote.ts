/**
 * The unit prices of a call that has a service tier, or whose project has custom prices. Factors are multiplied with
 * the listed price as exact fractions, and the product is rounded once.
 *
 * A custom factor applies to every bucket, like a discount on everything that a provider sells. A tier's multiplier
 * applies to tokens only: providers publish it for tokens, and charge full fees for calls and searches in every tier.
 */
import { BUCKETS, isFee, LISTED_PER, unitOf } from "../ledger/buckets.ts";
import type { LookUp } from "./catalogue.ts";
import { patternOf, type CustomPrice, type CustomPrices, type ModelName, type UnitPrices } from "./custom-price.ts";
import { requestFeeAt } from "./published.ts";
import { withId, type ListPrice, type Price } from "./price.ts";
import { ONE, picoPerUnit, rounded, times, type Ratio } from "./ratio.ts";
import { ownMultiplier, tierMultiplier } from "./service-tier.ts";

export interface Quote {
  price: Price;
  /** True if 0 means free. Otherwise a 0 means that a price is missing. */
  zeroIsFree: boolean;
}

/** The source of the unit prices before factors. `above` is the step that the input reaches; 0 is none. */
type Base = { listed: ListPrice } | { custom: CustomPrice; above: number; unitPico: UnitPrices };

interface Terms {
  base: Base;
  /** The custom prices that change the base, the innermost first. The last one holds for the call. */
  by: readonly CustomPrice[];
  /** The tier that `multiplier` is for. */
  tier: string | null;
  /** Multiplies the unit prices of tokens. */
  multiplier: Ratio;
  /** True if the multiplier is not the provider's word. */
  approximate: boolean;
}

type Unknown = "model_unknown" | "tier_unknown";

const MEMO_SIZE = 10_000;
const REQUEST = BUCKETS.indexOf("request");

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
    const asked = by !== null && by.serviceTier !== null ? null : tier;
    const own = ownMultiplier(by?.multipliers, asked);
    if (by?.sameAs) {
      const target = termsOf(by.sameAs, own.rest, endedAtMs, inputTokens, false);
      if (typeof target === "string") return target;
      const multiplier = times(own.multiplier, target.multiplier);
      // The target's price may be for the rest of the tier.
      const at = target.tier === own.rest ? asked : own.known;
      return { ...target, by: [...target.by, by], tier: at, multiplier };
    }
    const said = by && baseOf(by, inputTokens);
    const model = said && own.rest === null ? null : lookUp(call.provider, call.model);
    const listed = model?.priceAt(endedAtMs, inputTokens) ?? null;
    if (!said && !listed) return "model_unknown";
    const published =
      own.rest === null
        ? { by: ONE, approximate: false }
        : tierMultiplier(model?.provider ?? call.provider, model?.model ?? null, own.rest, listed?.isLong === true);
    if (published === null) return "tier_unknown";
    const { approximate } = published;
    const multiplier = times(own.multiplier, published.by);
    return { base: said ?? { listed: listed! }, by: by ? [by] : [], tier: asked, multiplier, approximate };
  }

  return (call, tier, endedAtMs, inputTokens) => {
    const terms = termsOf(call, tier, endedAtMs, inputTokens, true);
    if (typeof terms === "string") return terms;
    const { base, by, multiplier } = terms;
    const baseId = "custom" in base ? `${base.custom.id} ${base.above}` : base.listed.id;
    const key = `${baseId} ${by.map(({ id }) => id).join()} ${terms.tier} ${shown(multiplier)}`;
    let quote = quotes.get(key);
    if (!quote) {
      quote = { price: priceOf(terms), zeroIsFree: "custom" in base || base.listed.zeroIsFree === true };
      if (quotes.size >= MEMO_SIZE) quotes.clear();
      quotes.set(key, quote);
    }
    return quote;
  };
}

function baseOf(custom: CustomPrice, inputTokens: number): Base | null {
  if (custom.unitPico === null) return null;
  const { above, unitPico } = custom.steps.findLast((step) => inputTokens > step.above) ?? {
    above: 0,
    unitPico: custom.unitPico,
  };
  return { custom, above, unitPico };
}

function shown({ numerator, denominator }: Ratio): string {
  return `${numerator}/${denominator}`;
}

function priceOf({ base, by, tier, multiplier, approximate }: Terms): Price {
  if ("listed" in base && by.length === 0 && tier === null) return base.listed;
  const exact = "custom" in base ? base.unitPico.map(whole) : base.listed.listedUsd.map(perUnit);
  const fee = "listed" in base && tier !== null ? requestFeeAt(base.listed.provider, base.listed.model, tier) : null;
  if (fee !== null) exact[REQUEST] = perUnit(fee, REQUEST);
  const unitPico = exact.map((unit, i) => {
    const changed = by.reduce((inner, price) => changedBy(price, inner, i), unit);
    if (changed === null) return null;
    return rounded(isFee(BUCKETS[i]!) ? changed : times(changed, multiplier));
  });
  const last = by.at(-1) ?? null;
  const source = last === null ? (base as { listed: ListPrice }).listed.source : sourceOf(last);
  const { provider, model, version } =
    "custom" in base
      ? { provider: base.custom.provider ?? "*", model: patternOf(base.custom), version: base.custom.id }
      : base.listed;
  const price = withId({
    source: tier === null ? source : `${source}:${tier}`,
    version: last?.id ?? version,
    provider,
    model,
    unitPico,
  });
  // Of such a fee the catalogue has the highest for all.
  const listed = "listed" in base && fee === null ? base.listed.confidence : undefined;
  const confidence = approximate ? "approximate" : listed;
  return confidence ? { ...price, confidence } : price;
}

/** A fee of the custom price's own, or its factor of what comes from elsewhere. */
function changedBy({ fees, factor }: CustomPrice, unit: Ratio | null, i: number): Ratio | null {
  const fee = fees?.[i] ?? null;
  if (fee !== null) return whole(fee);
  return unit === null || factor === null ? unit : times(unit, factor);
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
