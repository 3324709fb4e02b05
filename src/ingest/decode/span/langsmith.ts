/**
 * LangSmith's usage document. It is LangChain's, whose parts have a tier in front of their names if the call was made at
 * one: `flex` is what was neither cached nor reasoning, `flex_cache_read` and `flex_reasoning` are the others.
 */
import { countAt, type Json, objectOrNull } from "../usage-objects/paths.ts";

const TIERS = ["flex", "priority"];
const SIDES = [
  { total: "input_tokens", details: "input_token_details", part: "cache_read" },
  { total: "output_tokens", details: "output_token_details", part: "reasoning" },
];

/**
 * If all tokens of a call were used at one tier, returns the document without the tier in its names. Otherwise the
 * document stays as it is, and is ambiguous.
 */
export function atOneTier(document: Json): { usage: Json; tier: string | null } {
  const tier = TIERS.find((tier) => SIDES.some(({ details }) => objectOrNull(document[details])?.[tier] !== undefined));
  if (tier === undefined) return { usage: document, tier: null };
  const usage = { ...document };
  for (const { total, details, part } of SIDES) {
    const { [tier]: rest, ...held } = objectOrNull(document[details]) ?? {};
    const atTier = countAt(held, `${tier}_${part}`) ?? 0;
    if (typeof rest !== "number" || rest + atTier !== countAt(document, total)) return { usage: document, tier: null };
    usage[details] = held;
  }
  return { usage, tier };
}
