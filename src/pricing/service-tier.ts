/**
 * Service tiers: the names that mean the standard price, and the multipliers of it that providers publish. A tier may
 * have several parts, as in `batch+us`, whose multipliers are multiplied.
 */
import { ONE, ratio, times, type Ratio } from "./ratio.ts";

/** What providers call the standard price. */
export const STANDARD_TIERS = new Set(
  `auto default standard standard_only on_demand normal global globalstandard global_standard not_available service_tier_standard
  service_tier_unspecified traffic_type_unspecified`.split(/\s+/),
);

const ALIASES = new Map([
  ["on_demand_flex", "flex"],
  ["on_demand_priority", "priority"],
  ["service_tier_flex", "flex"],
  ["service_tier_priority", "priority"],
  ["batch_api", "batch"],
  ["globalbatch", "batch"],
  ["datazone", "data_zone"],
  ["datazonestandard", "data_zone"],
  ["data_zone_standard", "data_zone"],
  ["datazonebatch", "batch+data_zone"],
]);

interface Multiplier {
  by: Ratio;
  /** The models, by the catalogue's id, that it is published for. Missing means all. */
  models?: RegExp;
  /** True if long context is left out: then nobody publishes what it costs at this tier. */
  short?: true;
  /** True if only others than the provider publish it. */
  approximate?: true;
}

const half: Multiplier = { by: ratio("0.5") };
const of = (by: string, models: RegExp, more: Omit<Multiplier, "by" | "models"> = {}): Multiplier => ({
  by: ratio(by),
  models,
  ...more,
});

/** By provider and part of a tier. A tier that is not here has no published multiplier: its calls are unpriced. */
const MULTIPLIERS: Record<string, Record<string, readonly Multiplier[]>> = {
  openai: {
    // https://developers.openai.com/api/docs/guides/batch,
    // https://developers.openai.com/api/docs/guides/flex-processing
    batch: [half],
    flex: [half],
    // https://openai.com/api-priority-processing/
    priority: [
      of("2.5", /^gpt-5\.5$/, { short: true }),
      of("2", /^gpt-5\.4$/, { short: true }),
      of("2", /^gpt-5(?:\.[12])?$|^gpt-5\.4-mini$|^gpt-4\.1-nano$/),
      of("1.8", /^gpt-5-mini$/),
      of("1.75", /^gpt-4\.1(?:-mini)?$|^gpt-4o-2024-05-13$|^o3$/),
      of("1.7", /^gpt-4o$/),
      { by: { numerator: 5n, denominator: 3n }, models: /^gpt-4o-mini$/ },
    ],
    // https://developers.openai.com/api/docs/models/gpt-5.4-pro: 10% more for models since GPT-5.4.
    regional: [
      of("1.1", /^gpt-(?:5\.[4-9]|6)(?:-|$)/),
      of("1", /^(?:gpt-(?:3\.5|4|5(?:\.[0-3])?(?:-|$))|o\d|text-embedding-|chatgpt-)/),
    ],
  },
  anthropic: {
    // https://platform.claude.com/docs/en/build-with-claude/batch-processing
    batch: [half],
    // https://platform.claude.com/docs/en/manage-claude/data-residency: Opus 4.6, Sonnet 4.6 and later.
    us: [of("1.1", /^claude-[a-z]+-(?:[5-9]|4-[6-9])(?:-|$)/)],
    // https://platform.claude.com/docs/en/build-with-claude/fast-mode
    fast: [of("6", /^claude-opus-4-[67]$/), of("2", /^claude-opus-(?:4-8|5)$/)],
  },
  google: {
    // https://ai.google.dev/gemini-api/docs/optimization: priority is 1.75 to 2 times as much, by model.
    batch: [half],
    flex: [of("0.5", /^(?:regional\/)?gemini-/)],
    // https://cloud.google.com/vertex-ai/generative-ai/pricing: 10% more outside of the global endpoint, for Claude from
    // 4.5 on and Gemini from 3.5 on. https://github.com/BerriAI/litellm/pull/37543
    regional: [
      of("1.1", /^claude-(?:(?:haiku|sonnet|opus)-4-[5-9]|(?:sonnet|opus|fable)-[5-9])|^gemini-3\.[5-9]/),
      of("1", /^claude-(?:3|4|opus-4-[01])/),
    ],
    priority: [
      of("1.8", /^gemini-3\.[78]-flash$/),
      // https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
      of("1.8", /^gemini-3(?:\.1)?-pro-preview$|^gemini-3\.1-flash-lite$/, { approximate: true }),
    ],
  },
  aws: {
    // https://docs.aws.amazon.com/bedrock/latest/userguide/capacity-limits-cost-optimization.html
    batch: [half],
    // https://aws.amazon.com/bedrock/service-tiers/ has no numbers: a discount for flex, a premium for priority. Half
    // is what https://github.com/vectorize-io/hindsight/issues/2072 was billed.
    flex: [{ ...half, approximate: true }],
  },
  // https://console.groq.com/docs/flex-processing: as on demand. https://console.groq.com/docs/batch
  groq: { batch: [half], flex: [{ by: ONE }] },
  // https://prices.azure.com/api/retail/prices: meters "Batch", "pp" and "Dz", over those of "Gl". Regional meters cost
  // 1.1 to 1.32 times as much, data zones of other models 1.1 or 1.2 times, by region.
  azure: {
    batch: [of("0.5", /^(?:gpt-|o\d)/)],
    priority: [
      of("2.5", /^gpt-5\.5$/, { short: true }),
      of("2", /^gpt-5\.4$|^gpt-5\.6-(?:sol|terra|luna)$/, { short: true }),
      of("2", /^gpt-5(?:\.[12])?$|^gpt-5\.3-codex$|^gpt-5\.4-mini$/),
      of("1.8", /^gpt-5-mini$/),
      of("1.75", /^gpt-4\.1(?:-mini)?$/),
    ],
    data_zone: [of("1.1", /^gpt-5(?:-mini|-nano|-pro)?$|^gpt-4\.1$|^o(?:1|3(?:-2025-04-16)?)$/)],
  },
  // They change the fee for a request: see `published.ts`.
  perplexity: Object.fromEntries(["low", "medium", "high"].map((size) => [`search-${size}`, [of("1", /^sonar/)]])),
};

/** `"Flex"` -> `"flex"`, `"us+batch"` -> `"batch+us"`. Null for a call at the standard price. */
export function canonicalTier(tier: string | null): string | null {
  if (tier === null) return null;
  const parts = tier
    .split("+")
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "" && !STANDARD_TIERS.has(part))
    .flatMap((part) => ALIASES.get(part)?.split("+") ?? part);
  return parts.length === 0 ? null : [...new Set(parts)].sort().join("+");
}

export interface TierMultiplier {
  by: Ratio;
  /** True if a part of it is not the provider's word. */
  approximate: boolean;
}

/**
 * @param model the catalogue's id. Null if the catalogue does not have it.
 * @param isLong whether the catalogue's price of long context holds.
 * @returns null if a part of the tier has no multiplier for the model. The price is unknown then.
 */
export function tierMultiplier(
  provider: string,
  model: string | null,
  tier: string,
  isLong: boolean,
): TierMultiplier | null {
  const tiers = Object.hasOwn(MULTIPLIERS, provider) ? MULTIPLIERS[provider]! : {};
  const product = { by: ONE, approximate: false };
  for (const part of tier.split("+")) {
    const published = Object.hasOwn(tiers, part) ? tiers[part]! : [];
    const found = published.find(({ models }) => !models || (model !== null && models.test(model)));
    if (!found || (found.short && isLong)) return null;
    product.by = times(product.by, found.by);
    product.approximate ||= found.approximate === true;
  }
  return product;
}

/** The parts of tiers that have a published multiplier for a model, by the catalogue's id. */
export function publishedTiers(provider: string, model: string): string[] {
  const tiers = Object.hasOwn(MULTIPLIERS, provider) ? MULTIPLIERS[provider]! : {};
  return Object.keys(tiers).filter((part) => tierMultiplier(provider, model, part, false) !== null);
}

export interface OwnMultiplier {
  multiplier: Ratio;
  /** The parts of the tier that it is for, and those that are left. Null if none. */
  known: string | null;
  rest: string | null;
}

const NOTHING: OwnMultiplier = { multiplier: ONE, known: null, rest: null };

/** @param multipliers of a custom price, by part of a tier. */
export function ownMultiplier(multipliers: ReadonlyMap<string, Ratio> | undefined, tier: string | null): OwnMultiplier {
  if (tier === null) return NOTHING;
  if (multipliers === undefined || multipliers.size === 0) return { ...NOTHING, rest: tier };
  const parts = Map.groupBy(tier.split("+"), (part) => multipliers.has(part));
  const known = parts.get(true) ?? [];
  return {
    multiplier: known.reduce((product, part) => times(product, multipliers.get(part)!), ONE),
    known: known.join("+") || null,
    rest: parts.get(false)?.join("+") ?? null,
  };
}
