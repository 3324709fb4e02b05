/**
 * Codex's log events. An answered call is the `sse_event` of a completed response that has counts; a twin without counts
 * precedes it. An `api_request` that was answered with an error is a failed call. Cached tokens are inside the input, and
 * reasoning is inside the output. No record names the response, so its conversation, its time and its counts identify it.
 */
import type { Call, Usage } from "../../../ledger/call.ts";
import { coverBySignIn } from "../covered-by.ts";
import { evidenceOf } from "../evidence.ts";
import { readingOf } from "../item.ts";
import { NO_COST } from "../reported-cost.ts";
import { textOf } from "../span/span.ts";
import { callOf, countsOf, durationOf, endOf, eventTimeOf, NOTHING_USED, type Said, text, userOf } from "./fields.ts";
import type { LogContext, LogEmitter, LogRecord } from "./record.ts";

const AGENT = "codex";
const PREFIX = "codex.";
const KIND = "event.kind";
const COMPLETED = "response.completed";
const CONVERSATION = "conversation.id";
const MODEL = ["model", "slug"];
const ERROR_MESSAGE = "error.message";
const STATUS = "http.response.status_code";
const DURATION = "duration_ms";
const EFFORT = "model_reasoning_effort";
/** Of a ChatGPT sign-in a plan pays, and of a key the account. */
const AUTH = "auth_mode";

const COUNTS = {
  inputTokens: "input_token_count",
  outputTokens: "output_token_count",
  cacheReadTokens: "cached_token_count",
  cacheWriteTokens: "cache_write_token_count",
  reasoningTokens: "reasoning_token_count",
} as const satisfies Partial<Record<keyof Usage, string>>;

export const CODEX: LogEmitter = {
  agent: AGENT,
  prefix: PREFIX,
  events: new Set(["sse_event", "api_request"]),
  attributes: [KIND, CONVERSATION, ...MODEL, STATUS, DURATION, EFFORT, AUTH, ...Object.values(COUNTS)],
  toCall: (record, event, context) =>
    event === "sse_event" ? answered(record, PREFIX + event, context) : refused(record, PREFIX + event, context),
};

function answered(record: LogRecord, rule: string, context: LogContext): Call | null {
  const { attributes } = record;
  const isCompleted = textOf(attributes, [KIND]) === COMPLETED;
  const failed = textOf(attributes, [ERROR_MESSAGE]) !== null;
  if (!failed && !(isCompleted && attributes.has(COUNTS.outputTokens))) return null;
  const usage = countsOf(attributes, COUNTS);
  const counts = [usage.inputTokens, usage.cacheReadTokens, usage.outputTokens];
  return call(record, rule, context, {
    counts: failed ? [] : counts,
    identity: failed ? "failed" : counts.join("/"),
    reading: failed ? NOTHING_USED : readingOf(usage, "inclusive"),
    // The time of the duration is that since the event before it.
    durationUs: null,
    failed,
  });
}

function refused(record: LogRecord, rule: string, context: LogContext): Call | null {
  const { attributes } = record;
  const status = Number(textOf(attributes, [STATUS]) ?? NaN);
  const failed = status >= 400 || (Number.isNaN(status) && textOf(attributes, [ERROR_MESSAGE]) !== null);
  if (!failed) return null;
  const durationUs = durationOf(attributes, DURATION);
  return call(record, rule, context, {
    counts: [],
    identity: `refused/${status}`,
    reading: NOTHING_USED,
    durationUs,
    failed,
  });
}

function call(
  record: LogRecord,
  rule: string,
  { nowMs, persons }: LogContext,
  {
    identity,
    counts,
    ...said
  }: { identity: string; counts: readonly (number | null)[] } & Pick<Said, "reading" | "durationUs" | "failed">,
): Call {
  const { attributes } = record;
  const sessionId = text(attributes, [CONVERSATION], "session");
  const clientId = `codex:${sessionId ?? ""}:${eventTimeOf(record) ?? endOf(record)}:${identity}`;
  return callOf(
    {
      ...said,
      record,
      agent: AGENT,
      rule,
      clientId,
      responseId: null,
      otherIds: said.failed ? [] : evidenceOf("codex", sessionId, counts, endOf(record) / 1_000),
      provider: "openai",
      sentProvider: null,
      model: text(attributes, MODEL, "model") ?? "unknown",
      requestModel: text(attributes, MODEL, "model"),
      serviceTier: null,
      userId: userOf(record, persons),
      sessionId,
      coveredBy: coverBySignIn(textOf(attributes, [AUTH])),
      tags: { effort: textOf(attributes, [EFFORT]) },
      cost: NO_COST,
    },
    nowMs,
  );
}
