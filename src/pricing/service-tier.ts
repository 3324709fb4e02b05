/** Service tiers: which names mean the standard price, and what providers take off for all models of a tier. */
import { ratio, type Ratio } from "./ratio.ts";

const STANDARD = new Set(["", "auto", "default", "standard", "on_demand", "standard_only"]);

/** Of the standard price, by provider and tier; only where it is published for every model. */
const MULTIPLIERS: Record<string, Record<string, Ratio>> = {
  openai: { batch: ratio("0.5"), flex: ratio("0.5") },
  anthropic: { batch: ratio("0.5") },
  google: { batch: ratio("0.5") },
};

/** `"Flex"` -> `"flex"`; null for a call at the standard price. */
export function canonicalTier(tier: string | null): string | null {
  if (tier === null) return null;
  const name = tier.trim().toLowerCase();
  return STANDARD.has(name) ? null : name;
}

/** @returns null when the tier has no common multiplier: its price is unknown then. */
export function tierMultiplier(provider: string, tier: string): Ratio | null {
  const tiers = Object.hasOwn(MULTIPLIERS, provider) ? MULTIPLIERS[provider]! : {};
  return Object.hasOwn(tiers, tier) ? tiers[tier]! : null;
}
