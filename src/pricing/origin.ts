/** Where the price of a stored call came from, and how far to trust it, by what the catalogue in use says. */
import type { Catalogue } from "./catalogue.ts";
import { CORRECTED_SOURCE } from "./catalogue-model.ts";
import type { Price, PriceConfidence } from "./price.ts";

export interface PriceOrigin {
  /** Null if the catalogue does not have the entry any more. */
  confidence: PriceConfidence | null;
  /** Why it is not exact. */
  reason: string | null;
  /** The correction of ours that replaced the catalogue's price; `from` is the day on which it began to hold. */
  correction: { source: string; from: string | null } | null;
}

const EXACT: PriceOrigin = { confidence: "exact", reason: null, correction: null };

/** @param endedAtMs the end of the call, by which the price was chosen. */
export function originOf(
  catalogue: Catalogue,
  { source, provider, model }: Pick<Price, "source" | "provider" | "model">,
  endedAtMs: number,
): PriceOrigin {
  // Unit prices of the project's own, with or without a tier.
  if (/^custom(?::(?!factor|same_as)|$)/.test(source)) return EXACT;
  const about = catalogue.about(provider, model);
  if (about === null) {
    return { confidence: null, reason: "the catalogue in use does not have the entry any more", correction: null };
  }
  if (!source.startsWith(CORRECTED_SOURCE)) {
    return { ...EXACT, confidence: about.doubt === null ? "exact" : "approximate", reason: about.doubt };
  }
  if (about.correction === null) return EXACT;
  const { source: published, periods } = about.correction;
  const begun = periods.findLast(({ from }) => from === undefined || Date.parse(from) <= endedAtMs);
  return { ...EXACT, correction: { source: published, from: begun?.from ?? null } };
}
