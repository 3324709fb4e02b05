/**
 * Langfuse's own usage and cost documents. The usage keys are a partition: `input` does not include
 * `input_cached_tokens`, `output` does not include `output_reasoning_tokens`, and `total` is the sum of all.
 */
import { usdToPico } from "../../../money.ts";
import { type Usage, NO_USAGE } from "../../../ledger/call.ts";
import { countAt, readProviderUsage } from "../provider-usage.ts";

/** Keys of parts of the input or output, and their counts. Other keys with these prefixes are parts without a count. */
const PARTS: readonly (readonly [RegExp, keyof Usage])[] = [
  [/^(input_cache_creation_5m|input_cache_creation_ephemeral_5m.*)$/, "cacheWrite5mTokens"],
  [/^(input_cache_creation_1h|input_cache_creation_ephemeral_1h.*)$/, "cacheWrite1hTokens"],
  [/^(input_cached_tokens|input_cache_read.*|cache_read_input_tokens)$/, "cacheReadTokens"],
  [/^(input_cache_creation.*|input_cache_write.*|cache_creation_input_tokens)$/, "cacheWriteTokens"],
  [/^input_audio/, "inputAudioTokens"],
  [/^output_reasoning/, "reasoningTokens"],
  [/^output_audio/, "outputAudioTokens"],
  [/^input_image/, "inputImageTokens"],
  [/^output_image/, "outputImageTokens"],
];

export interface LangfuseUsage {
  usage: Usage;
  semantics: string;
}

/** @returns null if the document holds no counts that can be read. */
export function readLangfuseUsage(document: Record<string, unknown>): LangfuseUsage | null {
  const input = countAt(document, "input");
  const output = countAt(document, "output");
  const total = countAt(document, "total");
  if (input === null && output === null && total === null) {
    const raw = readProviderUsage(document);
    return raw && { usage: raw.usage, semantics: `provider usage (${raw.form})` };
  }
  const usage: Usage = { ...NO_USAGE };
  let inputParts = 0;
  let outputParts = 0;
  for (const key of Object.keys(document)) {
    if (key === "input" || key === "output" || typeof document[key] !== "number") continue;
    const isInput = key.startsWith("input_") || key.startsWith("cache_");
    if (!isInput && !key.startsWith("output_")) continue;
    const count = countAt(document, key)!;
    if (isInput) inputParts += count;
    else outputParts += count;
    const field = PARTS.find(([pattern]) => pattern.test(key))?.[1];
    if (field !== undefined) usage[field] = (usage[field] ?? 0) + count;
  }
  const writes = sum(usage.cacheWrite5mTokens, usage.cacheWrite1hTokens);
  if (writes !== null) usage.cacheWriteTokens = (usage.cacheWriteTokens ?? 0) + writes;

  const parts = inputParts + outputParts;
  const inclusive = parts > 0 && input !== null && output !== null && total === input + output;
  usage.inputTokens = input === null ? null : inclusive ? input : input + inputParts;
  usage.outputTokens = output === null ? null : inclusive ? output : output + outputParts;
  // An integration that subtracts an object from a number sends null. The total still includes the input.
  if (input === null && total !== null && usage.outputTokens !== null) usage.inputTokens = total - usage.outputTokens;
  const counts = Object.values(usage);
  if (counts.some((count) => count !== null && !(count >= 0))) return null;
  return { usage, semantics: inclusive ? "inclusive" : "partitioned" };
}

/** The stated total. If there is none, the sum of the parts. */
export function readLangfuseCost(document: Record<string, unknown>): bigint | null {
  const total = document["total"];
  if (typeof total === "number") return floatToPico(total);
  let cost: bigint | null = null;
  for (const value of Object.values(document)) {
    const part = typeof value === "number" ? floatToPico(value) : null;
    if (part !== null) cost = (cost ?? 0n) + part;
  }
  return cost;
}

/** Emitters add up costs in floats. Amounts below a pico-USD are noise then, and are rounded off. */
export function floatToPico(usd: number): bigint | null {
  return usdToPico(usd) ?? (usd > 0 && usd < 1e9 ? usdToPico(usd.toFixed(12)) : null);
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}
