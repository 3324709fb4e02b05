/** What a call is like, in a word or two. */

/** Why a call is in no sum, from its rule; the call itself has the whole reason. */
export function notCounted(rule: string): string {
  if (rule === "litellm cache_hit") return "from a cache";
  if (rule.endsWith("; seen twice")) return "seen twice";
  if (rule.endsWith("; another span of the call counts")) return "another span counts";
  return "a span around calls";
}

/** `model_unknown` -> `model unknown`. */
export function reasonWords(reason: string | null): string {
  return (reason ?? "unknown").replaceAll("_", " ");
}
