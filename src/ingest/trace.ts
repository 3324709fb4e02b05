/**
 * The canonical form: one `Trace` is one LLM call, whatever emitter reported it. Decoders make it,
 * pricing reads it, the write stores it. Token counts are inclusive, as on the wire: `inputTokens`
 * holds cache reads, cache writes, audio and images; `outputTokens` holds reasoning, audio and images.
 */
import { z } from "zod";
import { count } from "../wire.ts";

/** The counts of a call, each `null` where the emitter did not say. Integers, 0 to 2^31-1. */
export interface Usage {
  inputTokens: number | null;
  outputTokens: number | null;
  cacheReadTokens: number | null;
  /** All cache writes; the two below are parts of it. */
  cacheWriteTokens: number | null;
  cacheWrite5mTokens: number | null;
  cacheWrite1hTokens: number | null;
  reasoningTokens: number | null;
  /** What is cached of audio and images counts as cache read, not here. */
  inputAudioTokens: number | null;
  outputAudioTokens: number | null;
  inputImageTokens: number | null;
  outputImageTokens: number | null;
  /** Searches of the web that the provider made for the call; no tokens. */
  webSearches: number | null;
}

/** What each count is called in the native form, in the database and in answers. */
export const COUNT_NAMES: Readonly<Record<keyof Usage, string>> = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_tokens",
  cacheWriteTokens: "cache_write_tokens",
  cacheWrite5mTokens: "cache_write_5m_tokens",
  cacheWrite1hTokens: "cache_write_1h_tokens",
  reasoningTokens: "reasoning_tokens",
  inputAudioTokens: "input_audio_tokens",
  outputAudioTokens: "output_audio_tokens",
  inputImageTokens: "input_image_tokens",
  outputImageTokens: "output_image_tokens",
  webSearches: "web_searches",
};
export const COUNT_FIELDS = Object.keys(COUNT_NAMES) as (keyof Usage)[];

/** A usage whose counts are got by their names. */
export function usageBy(countOf: (name: string) => number | null): Usage {
  const usage = {} as Usage;
  for (const field of COUNT_FIELDS) usage[field] = countOf(COUNT_NAMES[field]);
  return usage;
}

export interface Trace extends Usage {
  /** The ledger's key, from the start and the client's identity: see `traceKey`. */
  id: string;
  clientId: string;
  traceId: string | null;
  spanId: string | null;
  parentId: string | null;
  /** The provider's id of its response. */
  responseId: string | null;
  /** Start of the call, epoch ms. */
  startedAtMs: number;
  /** Whole microseconds. */
  durationUs: number | null;
  application: string;
  environment: string;
  provider: string;
  model: string;
  requestModel: string | null;
  operation: string;
  serviceTier: string | null;
  userId: string | null;
  sessionId: string | null;
  tags: Record<string, string>;
  status: "ok" | "error";
  errorType: string | null;
  /** The caller's own idea of the cost, kept beside ours. */
  reportedCostPico: bigint | null;
  /** False for what costs nothing of its own: a gateway's cache hit, a wrapper as long as calls may be below it. */
  billable: boolean;
  /** A span around calls, that restates what they cost. */
  wrapper: boolean;
  /** Which decoding rule decided that this is (or is not) a call, e.g. `native` or `gen_ai.operation.name`. */
  rule: string;
  /** How the token counts were read, e.g. `inclusive`, or `exclusive` where cache tokens were added. */
  usageSemantics: string;
}

/** What a price depends on. */
export type PricedCall = Usage &
  Pick<Trace, "provider" | "model" | "operation" | "serviceTier" | "status" | "startedAtMs" | "durationUs"> &
  Partial<Pick<Trace, "billable" | "wrapper">>;

/** Why one item of a batch was refused or remarked on; the batch goes on without it. */
export const ItemError = z
  .object({
    index: count.describe("Of the item, from 0."),
    code: z
      .enum(["invalid", "timestamp_range", "conflict"])
      .describe("With `conflict` the first one stays, and this counts as a duplicate."),
    message: z.string(),
  })
  .meta({ id: "ItemError" });
export type ItemError = z.infer<typeof ItemError>;

/** A span that is no call: it joins calls to the spans above them, and may say whose they are. */
export interface Link extends Pick<Trace, "userId" | "sessionId" | "tags" | "parentId"> {
  traceId: string;
  spanId: string;
  startedAtMs: number;
  /** Around calls, though without usage of its own. */
  wrapper: boolean;
  /** Does its trace have to do with calls, as far as its body shows? Others are kept only if the ledger knows the trace. */
  ofInterest: boolean;
}

/** What a decoder makes of a body: items are counted as the client sent them. */
export interface Decoded {
  items: number;
  traces: Trace[];
  /** Of each trace, its position among the items. */
  indexes: number[];
  errors: ItemError[];
  /** Spans around the calls. */
  links?: readonly Link[];
}

export const MAX_TOKENS = 2 ** 31 - 1;
export const MAX_TEXT = 512;
/** Tags beyond this many are kept on the trace but not rolled up. */
export const MAX_ROLLED_TAGS = 10;
/** How long a wrapper waits for calls below it, unless configured otherwise. */
export const DEFAULT_GRACE_SECONDS = 300;
const EARLIEST_MS = Date.UTC(2020, 0, 1);
const MAX_AHEAD_MS = 5 * 60_000;

/** Is this start within the time that the ledger keeps: 2020 to five minutes ahead of `nowMs`? */
export function withinLedgerTime(startedAtMs: number, nowMs: number): boolean {
  return startedAtMs >= EARLIEST_MS && startedAtMs <= nowMs + MAX_AHEAD_MS;
}

/** The rule of a call that a gateway answered from its own cache. */
export const CACHE_HIT_RULE = "litellm cache_hit";
