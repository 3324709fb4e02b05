/**
 * Price buckets: every token of a call lies in exactly one of them, and each has its own unit
 * price. They are made from the inclusive counts by subtraction, so no token is billed twice.
 */
import { MAX_TOKENS, type Usage } from "../ingest/trace.ts";

export const BUCKETS = [
  "input",
  "cache_read",
  "cache_write",
  "cache_write_1h",
  "input_audio",
  "output",
  "reasoning",
  "output_audio",
] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Where a bucket has no price of its own, its tokens cost what the named bucket's do. */
export const INSTEAD: Partial<Record<Bucket, Bucket>> = {
  cache_read: "input",
  cache_write: "input",
  reasoning: "output",
};

/** The tokens of a call by bucket, in the order of `BUCKETS`; unknown counts are 0 here. */
export function tokensByBucket(usage: Usage): number[] {
  const cacheRead = usage.cacheReadTokens ?? 0;
  const cacheWrite = usage.cacheWriteTokens ?? 0;
  const cacheWrite1h = usage.cacheWrite1hTokens ?? 0;
  const inputAudio = usage.inputAudioTokens ?? 0;
  const reasoning = usage.reasoningTokens ?? 0;
  const outputAudio = usage.outputAudioTokens ?? 0;
  return [
    (usage.inputTokens ?? 0) - cacheRead - cacheWrite - inputAudio,
    cacheRead,
    cacheWrite - cacheWrite1h,
    cacheWrite1h,
    inputAudio,
    (usage.outputTokens ?? 0) - reasoning - outputAudio,
    reasoning,
    outputAudio,
  ];
}

/**
 * Do the parts of a usage fit into their totals?
 *
 * @returns the contradiction in words, or null when there is none.
 */
export function contradiction(usage: Usage): string | null {
  // A decoder may have added counts up that were each in range.
  if ((usage.inputTokens ?? 0) > MAX_TOKENS || (usage.outputTokens ?? 0) > MAX_TOKENS) {
    return `a token count adds up to more than ${MAX_TOKENS}`;
  }
  const write = usage.cacheWriteTokens ?? 0;
  if ((usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0) > write) {
    return "cache_write_5m_tokens and cache_write_1h_tokens exceed cache_write_tokens";
  }
  const inside = (usage.cacheReadTokens ?? 0) + write + (usage.inputAudioTokens ?? 0);
  if (inside > (usage.inputTokens ?? MAX_TOKENS)) {
    return "cached and audio tokens exceed input_tokens, which includes them";
  }
  const made = (usage.reasoningTokens ?? 0) + (usage.outputAudioTokens ?? 0);
  if (made > (usage.outputTokens ?? MAX_TOKENS)) {
    return "reasoning and audio tokens exceed output_tokens, which includes them";
  }
  return null;
}
