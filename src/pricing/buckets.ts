/**
 * Price buckets: every token of a call lies in exactly one of them, and each has its own unit
 * price. They are made from the inclusive counts by subtraction, so no token is billed twice. The
 * fees beside them go by the piece.
 */
import { MAX_TOKENS, type Usage } from "../ingest/trace.ts";

export const TOKEN_BUCKETS = [
  "input",
  "cache_read",
  "cache_write",
  "cache_write_1h",
  "input_audio",
  "input_image",
  "output",
  "reasoning",
  "output_audio",
  "output_image",
] as const;
/** A call without a price for `request` has no fee; searches without one leave it unpriced. */
export const FEE_BUCKETS = ["request", "web_search"] as const;
/** All of them, tokens first. */
export const BUCKETS = [...TOKEN_BUCKETS, ...FEE_BUCKETS] as const;
export type Bucket = (typeof BUCKETS)[number];

export const UNITS = ["token", "request", "search"] as const;
export type Unit = (typeof UNITS)[number];

export function unitOf(bucket: Bucket): Unit {
  return bucket === "request" ? "request" : bucket === "web_search" ? "search" : "token";
}

export function isFee(bucket: Bucket): boolean {
  return unitOf(bucket) !== "token";
}

/** Providers list their prices, and callers theirs, for so many units at once. */
export const LISTED_PER: Readonly<Record<Unit, number>> = { token: 1_000_000, request: 1_000, search: 1_000 };

/**
 * Where a bucket has no price of its own, its tokens cost what the named bucket's do. Not so audio, which is much dearer
 * than text: the catalogue would take the price of text, here a model without a price for audio has an unknown one.
 */
export const INSTEAD: Partial<Record<Bucket, Bucket>> = {
  cache_read: "input",
  cache_write: "input",
  input_image: "input",
  reasoning: "output",
  output_image: "output",
};

/** What a priced call holds of each bucket, in the order of `BUCKETS`; unknown counts are 0 here. */
export function quantities(usage: Usage): number[] {
  const cacheRead = usage.cacheReadTokens ?? 0;
  const cacheWrite = usage.cacheWriteTokens ?? 0;
  const cacheWrite1h = usage.cacheWrite1hTokens ?? 0;
  const inputAudio = usage.inputAudioTokens ?? 0;
  const inputImage = usage.inputImageTokens ?? 0;
  const reasoning = usage.reasoningTokens ?? 0;
  const outputAudio = usage.outputAudioTokens ?? 0;
  const outputImage = usage.outputImageTokens ?? 0;
  return [
    (usage.inputTokens ?? 0) - cacheRead - cacheWrite - inputAudio - inputImage,
    cacheRead,
    cacheWrite - cacheWrite1h,
    cacheWrite1h,
    inputAudio,
    inputImage,
    (usage.outputTokens ?? 0) - reasoning - outputAudio - outputImage,
    reasoning,
    outputAudio,
    outputImage,
    1,
    usage.webSearches ?? 0,
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
  const audio = usage.inputAudioTokens ?? 0;
  const image = usage.inputImageTokens ?? 0;
  // A decoder may have taken the cached ones off.
  if (audio < 0 || image < 0) return "more audio or image tokens are cached than there are";
  if ((usage.cacheReadTokens ?? 0) + write + audio + image > (usage.inputTokens ?? MAX_TOKENS)) {
    return "cached, audio and image tokens exceed input_tokens, which includes them";
  }
  const made = (usage.reasoningTokens ?? 0) + (usage.outputAudioTokens ?? 0) + (usage.outputImageTokens ?? 0);
  if (made > (usage.outputTokens ?? MAX_TOKENS)) {
    return "reasoning, audio and image tokens exceed output_tokens, which includes them";
  }
  return null;
}
