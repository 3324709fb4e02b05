/** What emitters and providers say of a call's tier, speed and place. */
import { canonicalTier } from "../../pricing/service-tier.ts";
import { type Json, objectOrNull } from "./usage-objects/paths.ts";

/**
 * A tier as text or as `{type}`, without the name of its enumeration. Undefined if it is neither, null if it is not
 * said.
 */
export function tierText(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string") return value.slice(value.lastIndexOf(".") + 1);
  const type = objectOrNull(value)?.["type"];
  return typeof type === "string" ? type : undefined;
}

/**
 * What several sources say of one call's tier, speed and place; what means the standard price is left out beside
 * others.
 */
export function joinTiers(...said: readonly (string | null)[]): string | null {
  const [only = null, ...others] = said.filter((tier) => tier !== null);
  if (others.length === 0 && !only?.includes("+")) return only;
  const all = new Set(said.flatMap((tier) => tier?.split("+") ?? []).filter((tier) => tier !== ""));
  if (all.size <= 1) return [...all][0] ?? null;
  const special = [...all].filter((tier) => canonicalTier(tier) !== null);
  if (special.length === 0) return [...all][0]!;
  return [...new Set(special.map((tier) => tier.toLowerCase()))].sort().join("+");
}

/** Tells whether Bedrock was asked for optimized latency, or served with it. */
export function isOptimized(call: Json): boolean {
  return objectOrNull(call["performanceConfig"])?.["latency"] === "optimized";
}
