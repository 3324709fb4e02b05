/**
 * The canonical form: one `Trace` is one LLM call, whatever emitter reported it. Decoders make it,
 * pricing reads it, the write stores it. Token counts are inclusive, as on the wire: `inputTokens`
 * holds cache reads, cache writes and audio; `outputTokens` holds reasoning and audio.
 */

/** The token counts of a call, each `null` where the emitter did not say. Integers, 0 to 2^31-1. */
export interface Usage {
  inputTokens: number | null;
  outputTokens: number | null;
  cacheReadTokens: number | null;
  /** All cache writes; the two below are parts of it. */
  cacheWriteTokens: number | null;
  cacheWrite5mTokens: number | null;
  cacheWrite1hTokens: number | null;
  reasoningTokens: number | null;
  inputAudioTokens: number | null;
  outputAudioTokens: number | null;
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
  Pick<Trace, "provider" | "model" | "operation" | "serviceTier" | "status" | "startedAtMs" | "durationUs">;

/** Why one item of a batch was refused or remarked on; the batch goes on without it. */
export interface ItemError {
  index: number;
  code: "invalid" | "timestamp_range" | "conflict";
  message: string;
}

/** A span that is no call: it joins calls to the spans above them, and may say whose they are. */
export interface Link extends Pick<Trace, "userId" | "sessionId" | "tags" | "parentId"> {
  traceId: string;
  spanId: string;
  startedAtMs: number;
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
