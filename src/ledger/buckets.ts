/**
 * Price buckets: every token of a call lies in exactly one bucket, and each bucket has its own unit price. Buckets are
 * made from the inclusive counts by subtraction, so no token is billed twice. Fees are buckets too: one unit is one
 * call or one search.
 */
import { type Usage, MAX_TOKENS } from "./call.ts";
import type { CountField } from "./counts.ts";

export const UNITS = ["token", "request", "search", "execution", "second", "character", "image", "page"] as const;
export type Unit = (typeof UNITS)[number];

interface BucketContent {
  unit: Unit;
  /**
   * Where the bucket lies: in the input that was not cached, in what was read from or written to a cache, in the
   * output, or beside these.
   */
  kind: "input" | "cached" | "output" | "beside";
  /** The count that the bucket is made from. Null means one unit per call. */
  of: CountField | null;
  /** The parts of that count that lie in other buckets. */
  less?: readonly CountField[];
  /**
   * The bucket whose price is used if this one has none. Audio has no substitute: it costs much more than text, so a
   * missing audio price means an unknown price.
   */
  instead?: string;
}

/**
 * If `request` has no price, the call has no fee. If another fee has no price, a call with some of it is unpriced.
 */
const DECLARED = {
  input: {
    unit: "token",
    kind: "input",
    of: "inputTokens",
    less: ["cacheReadTokens", "cacheWriteTokens", "inputAudioTokens", "inputImageTokens"],
  },
  cache_read: {
    unit: "token",
    kind: "cached",
    of: "cacheReadTokens",
    less: ["cacheReadAudioTokens", "cacheReadImageTokens"],
    instead: "input",
  },
  cache_write: {
    unit: "token",
    kind: "cached",
    of: "cacheWriteTokens",
    less: ["cacheWrite1hTokens"],
    instead: "input",
  },
  cache_write_1h: { unit: "token", kind: "cached", of: "cacheWrite1hTokens" },
  cache_read_audio: { unit: "token", kind: "cached", of: "cacheReadAudioTokens" },
  cache_read_image: { unit: "token", kind: "cached", of: "cacheReadImageTokens", instead: "cache_read" },
  input_audio: { unit: "token", kind: "input", of: "inputAudioTokens" },
  input_image: { unit: "token", kind: "input", of: "inputImageTokens", instead: "input" },
  output: {
    unit: "token",
    kind: "output",
    of: "outputTokens",
    less: ["reasoningTokens", "outputAudioTokens", "outputImageTokens"],
  },
  reasoning: { unit: "token", kind: "output", of: "reasoningTokens", instead: "output" },
  output_audio: { unit: "token", kind: "output", of: "outputAudioTokens" },
  output_image: { unit: "token", kind: "output", of: "outputImageTokens", instead: "output" },
  citation: { unit: "token", kind: "beside", of: "citationTokens" },
  request: { unit: "request", kind: "beside", of: null },
  web_search: { unit: "search", kind: "beside", of: "webSearches" },
  file_search: { unit: "search", kind: "beside", of: "fileSearches" },
  code_execution: { unit: "execution", kind: "beside", of: "codeExecutions" },
  audio_second: { unit: "second", kind: "beside", of: "audioSeconds" },
  character: { unit: "character", kind: "beside", of: "inputCharacters" },
  image: { unit: "image", kind: "beside", of: "outputImages" },
  page: { unit: "page", kind: "beside", of: "pages" },
} as const satisfies Record<string, BucketContent>;

export type Bucket = keyof typeof DECLARED;

/** What each bucket holds. */
export const CONTENTS: Readonly<Record<Bucket, BucketContent & { instead?: Bucket }>> = DECLARED;

export function unitOf(bucket: Bucket): Unit {
  return CONTENTS[bucket].unit;
}

export function isFee(bucket: Bucket): boolean {
  return unitOf(bucket) !== "token";
}

type Buckets = [Bucket, ...Bucket[]];
const DECLARED_BUCKETS = Object.keys(DECLARED) as Buckets;
export const TOKEN_BUCKETS = DECLARED_BUCKETS.filter((bucket) => !isFee(bucket)) as Buckets;
export const FEE_BUCKETS = DECLARED_BUCKETS.filter(isFee) as Buckets;
/** All buckets, in the order in which sums and prices are kept as lists: first tokens, then fees. */
export const BUCKETS: Buckets = [...TOKEN_BUCKETS, ...FEE_BUCKETS];

/** The number of units that a listed price is for, as providers publish it. */
export const LISTED_PER: Readonly<Record<Unit, number>> = {
  token: 1_000_000,
  request: 1_000,
  search: 1_000,
  execution: 1_000,
  second: 3_600,
  character: 1_000_000,
  image: 1,
  page: 1_000,
};

const CONTENTS_IN_ORDER = BUCKETS.map((bucket) => CONTENTS[bucket]);

/** The units of each bucket in one priced call, in the order of `BUCKETS`. An unknown count is 0 here. */
export function quantities(usage: Usage): number[] {
  const held = Array<number>(CONTENTS_IN_ORDER.length);
  for (let i = 0; i < held.length; i++) {
    const { of, less } = CONTENTS_IN_ORDER[i]!;
    let quantity = of === null ? 1 : (usage[of] ?? 0);
    if (less !== undefined) for (const part of less) quantity -= usage[part] ?? 0;
    held[i] = quantity;
  }
  return held;
}

/**
 * Checks that the parts of a usage fit into their totals.
 *
 * @returns the contradiction in words, or null if there is none.
 */
export function contradiction(usage: Usage): string | null {
  // Each count was in range, but a decoder may have added several.
  if ((usage.inputTokens ?? 0) > MAX_TOKENS || (usage.outputTokens ?? 0) > MAX_TOKENS) {
    return `the token counts of the input or the output add up to more than ${MAX_TOKENS}`;
  }
  const write = usage.cacheWriteTokens ?? 0;
  if ((usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0) > write) {
    return "cache_write_5m_tokens and cache_write_1h_tokens exceed cache_write_tokens";
  }
  const audio = usage.inputAudioTokens ?? 0;
  const image = usage.inputImageTokens ?? 0;
  // A decoder may have subtracted the cached ones.
  if (audio < 0 || image < 0) return "the cached audio or image tokens exceed the audio or image tokens of the input";
  const cachedParts = (usage.cacheReadAudioTokens ?? 0) + (usage.cacheReadImageTokens ?? 0);
  if (cachedParts > (usage.cacheReadTokens ?? MAX_TOKENS)) {
    return "cached audio and image tokens exceed cache_read_tokens, which includes them";
  }
  if ((usage.cacheReadTokens ?? 0) + write + audio + image > (usage.inputTokens ?? MAX_TOKENS)) {
    return "cached, audio and image tokens exceed input_tokens, which includes them";
  }
  const made = (usage.reasoningTokens ?? 0) + (usage.outputAudioTokens ?? 0) + (usage.outputImageTokens ?? 0);
  if (made > (usage.outputTokens ?? MAX_TOKENS)) {
    return "reasoning, audio and image tokens exceed output_tokens, which includes them";
  }
  return null;
}

/** The counts of what is billed beside tokens. */
export const UNIT_COUNTS: readonly CountField[] = BUCKETS.flatMap((bucket) =>
  CONTENTS[bucket].kind === "beside" ? (CONTENTS[bucket].of ?? []) : [],
);

/** True if a call used something that is billed beside tokens. */
export function hasUnits(usage: Usage): boolean {
  for (const field of UNIT_COUNTS) if ((usage[field] ?? 0) > 0) return true;
  return false;
}
