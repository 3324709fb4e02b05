/**
 * Langfuse's own usage and cost documents. The usage keys are a partition: `input` does not include
 * `input_cached_tokens`, `output` does not include `output_reasoning_tokens`, and `total` is the sum of all.
 */
import { type Usage, NO_USAGE } from "../../../ledger/call.ts";
import { NO_COST, type ReportedCost, stated, statedUsd } from "../reported-cost.ts";
import { countAt, type Json } from "../usage-objects/paths.ts";

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
  /** What is ambiguous, in words. */
  ambiguous: string | null;
}

/** @returns null if the document is not Langfuse's own: users may pass their provider's object instead. */
export function readLangfuseUsage(document: Json): LangfuseUsage | null {
  const input = countAt(document, "input");
  const output = countAt(document, "output");
  const total = countAt(document, "total");
  if (input === null && output === null && total === null) return null;
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
  const ambiguous = overlapOf(usage, inclusive, total);
  return { usage, semantics: inclusive ? "inclusive" : "partitioned", ambiguous };
}

/** Parts that have something in common, as the total shows. */
function overlapOf(usage: Usage, inclusive: boolean, total: number | null): string | null {
  const { inputTokens, outputTokens, inputAudioTokens, cacheReadTokens } = usage;
  if (inclusive && (inputAudioTokens ?? 0) > 0 && (cacheReadTokens ?? 0) > 0)
    return "it does not say which cached tokens are audio";
  const parts = (inputTokens ?? 0) + (outputTokens ?? 0);
  return total !== null && parts > total ? "its parts add up to more than its total" : null;
}

/** The stated total. If there is none, the sum of the parts; a part that cannot be read leaves no sum. */
export function readLangfuseCost(document: Json): ReportedCost {
  if (document["total"] !== undefined && document["total"] !== null) return statedUsd("total", document["total"]);
  let pico: bigint | null = null;
  for (const [key, value] of Object.entries(document)) {
    const part = statedUsd(key, value);
    if (part.unread.length > 0) return part;
    if (part.pico !== null) pico = (pico ?? 0n) + part.pico;
  }
  return pico === null ? NO_COST : stated("", pico);
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}
