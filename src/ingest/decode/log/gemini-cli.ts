/**
 * The log events of Gemini CLI and of Qwen Code, which grew from it. Cached tokens are inside the input. The tokens of
 * tool results are input beside it. Thoughts are outside the output of Gemini models, and inside that of others.
 */
import type { Call, Usage } from "../../../ledger/call.ts";
import { evidenceOf } from "../evidence.ts";
import { type Reading, readingOf } from "../item.ts";
import { NO_COST } from "../reported-cost.ts";
import { PERSON } from "../span/context-attributes.ts";
import { textOf, type Attributes } from "../span/span.ts";
import { callOf, countOf, countsOf, durationOf, endOf, eventTimeOf, NOTHING_USED, text } from "./fields.ts";
import type { LogEmitter, LogRecord } from "./record.ts";

const SESSION = "session.id";
const MODEL = ["model", "model_name"];
const RESPONSE_ID = "response_id";
const PROMPT_ID = "prompt_id";
const DURATION = "duration_ms";
const TOOL_TOKENS = "tool_token_count";
const TOTAL = "total_token_count";
const AUTH = "auth_type";
/** The installation stands for who is not signed in. */
const INSTALLATION = "installation.id";
const GENAI_USER = "gen_ai.user.id";

const COUNTS = {
  inputTokens: "input_token_count",
  outputTokens: "output_token_count",
  cacheReadTokens: "cached_content_token_count",
  reasoningTokens: "thoughts_token_count",
} as const satisfies Partial<Record<keyof Usage, string>>;

const TAGS = { role: "role", subagent: "subagent_name" };

const SHARED = {
  events: new Set(["api_response", "api_error"]),
  attributes: [
    SESSION,
    ...MODEL,
    RESPONSE_ID,
    PROMPT_ID,
    DURATION,
    TOOL_TOKENS,
    TOTAL,
    AUTH,
    INSTALLATION,
    GENAI_USER,
    ...Object.values(COUNTS),
    ...Object.values(TAGS),
  ],
};

export const GEMINI_CLI: LogEmitter = emitter("gemini_cli.", "gemini-cli");
export const QWEN_CODE: LogEmitter = emitter("qwen-code.", "qwen-code");

/** @param program as its session files are known to evidence. They name no response. */
function emitter(prefix: string, program: string): LogEmitter {
  return {
    ...SHARED,
    prefix,
    toCall: (record, event, nowMs) => toCall(record, prefix + event, program, event === "api_error", nowMs),
  };
}

function toCall(record: LogRecord, rule: string, program: string, failed: boolean, nowMs: number): Call {
  const { attributes } = record;
  const sessionId = text(attributes, [SESSION], "session");
  const model = text(attributes, MODEL, "model") ?? "unknown";
  const provider = providerOf(attributes, model);
  const reading = failed ? NOTHING_USED : usageOf(attributes, provider);
  const { inputTokens, cacheReadTokens, outputTokens } = reading.usage;
  const counts = [inputTokens, cacheReadTokens, outputTokens];
  const clientId = [
    rule,
    sessionId ?? "",
    eventTimeOf(record) ?? endOf(record),
    textOf(attributes, [PROMPT_ID]) ?? "",
    model,
    failed ? "failed" : `${inputTokens}/${outputTokens}`,
  ].join(":");
  return callOf(
    {
      record,
      rule,
      clientId,
      responseId: failed ? null : text(attributes, [RESPONSE_ID], "response id"),
      otherIds: failed ? [] : evidenceOf(program, sessionId, counts, endOf(record) / 1_000),
      durationUs: durationOf(attributes, DURATION),
      provider,
      sentProvider: null,
      model,
      requestModel: model === "unknown" ? null : model,
      reading,
      serviceTier: null,
      userId: text(attributes, ["user.email", GENAI_USER, ...PERSON.slice(1), INSTALLATION], "user"),
      sessionId,
      tags: Object.fromEntries(Object.entries(TAGS).map(([tag, name]) => [tag, textOf(attributes, [name])])),
      failed,
      cost: NO_COST,
    },
    nowMs,
  );
}

/** Qwen Code names the way it was signed in, by which it chooses the provider's API. */
function providerOf(attributes: Attributes, model: string): string {
  const auth = textOf(attributes, [AUTH]) ?? "";
  if (/^(?:.*\/)?gemini-/i.test(model) || /gemini|vertex|google|cloud-shell/.test(auth)) return "google";
  if (auth.startsWith("qwen")) return "alibaba";
  if (auth === "anthropic" || /^claude-/i.test(model)) return "anthropic";
  return "openai";
}

function usageOf(attributes: Attributes, provider: string): Reading {
  const usage = countsOf(attributes, COUNTS);
  const semantics: string[] = ["inclusive"];
  const tools = countOf(attributes, TOOL_TOKENS) ?? toolsInTotal(attributes, usage, provider);
  if (usage.inputTokens !== null && tools > 0) {
    usage.inputTokens += tools;
    semantics.push("tokens of tools added to input");
  }
  if (provider === "google" && usage.outputTokens !== null && (usage.reasoningTokens ?? 0) > 0) {
    usage.outputTokens += usage.reasoningTokens!;
    semantics.push("reasoning added to output");
  }
  return readingOf(usage, semantics.join("; "));
}

/** Qwen Code does not name the tokens of tools, but they are in the total. */
function toolsInTotal(attributes: Attributes, usage: Usage, provider: string): number {
  const total = countOf(attributes, TOTAL);
  if (provider !== "google" || total === null) return 0;
  return Math.max(0, total - (usage.inputTokens ?? 0) - (usage.outputTokens ?? 0) - (usage.reasoningTokens ?? 0));
}
