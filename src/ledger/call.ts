/**
 * The canonical form: one `Call` is one priced call of a model, whichever tool reported it. Decoders make it, pricing
 * reads it, and the write path stores it. Token counts are inclusive: `inputTokens` includes cache reads, cache writes,
 * audio and images, and `outputTokens` includes reasoning, audio and images.
 */
import { DAY_MS } from "../time.ts";
import { type CountField, COUNTS } from "./counts.ts";
import type { CoveredBy } from "./covered-by.ts";

/** The counts of a call: integers from 0 to 2^31-1, or null if the emitter did not send the count. */
export type Usage = Record<CountField, number | null>;

export const COUNT_FIELDS = Object.keys(COUNTS) as CountField[];

/** The name of each count in the native form, in the database and in answers. */
export const COUNT_NAMES = Object.fromEntries(COUNT_FIELDS.map((field) => [field, COUNTS[field].name])) as Readonly<
  Record<CountField, string>
>;

/** The usage in which no count is known. */
export const NO_USAGE = Object.fromEntries(COUNT_FIELDS.map((field) => [field, null])) as Readonly<Usage>;

/** Makes a usage by asking for each count by its name. */
export function usageBy(countOf: (name: string) => number | null): Usage {
  const usage = { ...NO_USAGE };
  for (const field of COUNT_FIELDS) {
    const count = countOf(COUNT_NAMES[field]);
    if (count !== null) usage[field] = count;
  }
  return usage;
}

export interface Call extends Usage {
  /** The ledger's key, made from the start and the client's identity: see `callKey`. */
  id: string;
  clientId: string;
  traceId: string | null;
  spanId: string | null;
  parentId: string | null;
  /** The id that the provider gave its response. */
  responseId: string | null;
  /** Other texts by which reports of the same call may be known: ids of the request, or its conversation and counts. */
  otherIds: readonly string[];
  /** Start of the call, epoch ms. */
  startedAtMs: number;
  /** Microseconds, a whole number. */
  durationUs: number | null;
  application: string;
  environment: string;
  provider: string;
  model: string;
  requestModel: string | null;
  /** The provider as it was sent, if that is another name than `provider`. */
  requestProvider: string | null;
  operation: string;
  serviceTier: string | null;
  userId: string | null;
  sessionId: string | null;
  tags: Record<string, string>;
  status: "ok" | "error";
  errorType: string | null;
  /** The cost that the caller reported. It is stored for comparison and never used. */
  reportedCostPico: bigint | null;
  /** False if the call has no cost of its own: a gateway's cache hit, or a wrapper while calls may be below it. */
  billable: boolean;
  /** True for a span around calls that repeats their usage. */
  wrapper: boolean;
  /** Why no cost would be honest, whatever the prices. `usageSemantics` has it in words. */
  doubt: Doubt | null;
  /** Paths of members of the provider's usage object that no rule reads, and of reported costs that cannot be read. */
  unknownUsageMembers: readonly string[];
  /** The decoding rule that decided whether this is a call, e.g. `native` or `gen_ai.operation.name`. */
  rule: string;
  /** How the token counts were read, e.g. `inclusive`, or `exclusive: cache added`. */
  usageSemantics: string;
  /** How the cost of what is counted compares with the true cost. Emitters may leave out what is priced. */
  costIs: CostIs;
  /** What pays for the call. */
  coveredBy: CoveredBy;
}

export const COSTS_ARE = ["exact", "lower_bound", "upper_bound", "estimate"] as const;
/** `estimate` if the direction is unknown. */
export type CostIs = (typeof COSTS_ARE)[number];

/** A usage that may be read in two ways, or whose parts contradict each other. */
export type Doubt = "usage_ambiguous" | "usage_contradictory";

/** The part of a call that its price depends on. */
export type PriceableCall = Usage &
  Pick<Call, "provider" | "model" | "operation" | "serviceTier" | "status" | "startedAtMs" | "durationUs"> &
  Partial<Pick<Call, "billable" | "wrapper" | "doubt">>;

/** A span that is not a call. It joins calls to the spans above them, and may carry their user, session and tags. */
export interface Link extends Pick<Call, "userId" | "sessionId" | "tags" | "parentId"> {
  traceId: string;
  spanId: string;
  startedAtMs: number;
  /** True if its attributes mark a span around calls. It has no usage of its own. */
  wrapper: boolean;
  /**
   * True if the request body shows that its trace is about calls. Any other link is kept only if the ledger knows its
   * trace.
   */
  ofInterest: boolean;
}

export const MAX_TOKENS = 2 ** 31 - 1;
/** The longest text, in UTF-16 units. */
export const MAX_TEXT = 512;
/** A year. No call lasts longer. */
export const MAX_DURATION_MS = 366 * DAY_MS;
/** How many of a call's tags are rolled up. The others are only stored with the call. */
export const MAX_ROLLED_TAGS = 10;
/** The longest tag key, the longest tag value (UTF-16 units), and how many tags a call may have. */
export const MAX_TAG_KEY = 128;
export const MAX_TAG_VALUE = 512;
export const MAX_TAGS = 50;
/** How many other ids a caller may send with a call. */
export const MAX_OTHER_IDS = 4;
/** Spans of one trace are found if they begin at most this long before or after one another. */
export const REACH_MS = 2 * DAY_MS;
/** The default time for which a wrapper waits for calls below it. */
export const DEFAULT_GRACE_SECONDS = 300;
const EARLIEST_MS = Date.UTC(2020, 0, 1);
const MAX_AHEAD_MS = 5 * 60_000;

/** Tells whether the ledger accepts this start: from 2020 to five minutes after `nowMs`. */
export function withinLedgerTime(startedAtMs: number, nowMs: number): boolean {
  return startedAtMs >= EARLIEST_MS && startedAtMs <= nowMs + MAX_AHEAD_MS;
}

/** The rule of a call that a gateway answered from its own cache. */
export const CACHE_HIT_RULE = "litellm cache_hit";
