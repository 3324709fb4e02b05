/** Service tiers: the names that mean the standard price, and the multipliers that providers publish for all models. */
import { ratio, type Ratio } from "./ratio.ts";

const STANDARD = new Set(["", "auto", "default", "standard", "on_demand", "standard_only"]);

/** Multipliers of the standard price, by provider and tier. Only those that are published for every model are here. */
const MULTIPLIERS: Record<string, Record<string, Ratio>> = {
  openai: { batch: ratio("0.5"), flex: ratio("0.5") },
  anthropic: { batch: ratio("0.5") },
  google: { batch: ratio("0.5") },
};

/** `"Flex"` -> `"flex"`. Null for a call at the standard price. */
export function canonicalTier(tier: string | null): string | null {
  if (tier === null) return null;
  const name = tier.trim().toLowerCase();
  return STANDARD.has(name) ? null : name;
}

/** @returns null if the tier has no common multiplier. Its price is unknown then. */
export function tierMultiplier(provider: string, tier: string): Ratio | null {
  const tiers = Object.hasOwn(MULTIPLIERS, provider) ? MULTIPLIERS[provider]! : {};
  return Object.hasOwn(tiers, tier) ? tiers[tier]! : null;
}
