/**
 * The log events of Gemini CLI and of Qwen Code, which grew from it. Cached tokens are inside the input. The tokens of
 * tool results are input beside it. Thoughts are outside the output of Gemini models, and inside that of others.
 */
import type { AgentTag } from "../../../ledger/agent-tags.ts";
import type { Call, Usage } from "../../../ledger/call.ts";
import { coverBySignIn } from "../covered-by.ts";
import { evidenceOf } from "../evidence.ts";
import { type Reading, readingOf } from "../item.ts";
import { remembered } from "../remembered.ts";
import { NO_COST } from "../reported-cost.ts";
import { textOf, type Attributes } from "../span/span.ts";
import {
  callOf,
  countOf,
  countsOf,
  durationOf,
  endOf,
  eventTimeOf,
  NOTHING_USED,
  text,
  textsOf,
  userOf,
} from "./fields.ts";
import type { LogContext, LogEmitter, LogRecord } from "./record.ts";

const SESSION = "session.id";
const MODEL = ["model", "model_name"];
const RESPONSE_ID = "response_id";
const PROMPT_ID = "prompt_id";
const DURATION = "duration_ms";
const TOOL_TOKENS = "tool_token_count";
const TOTAL = "total_token_count";
const AUTH = "auth_type";

const COUNTS = {
  inputTokens: "input_token_count",
  outputTokens: "output_token_count",
  cacheReadTokens: "cached_content_token_count",
  reasoningTokens: "thoughts_token_count",
} as const satisfies Partial<Record<keyof Usage, string>>;

const TAGS = { role: "role", subagent: "subagent_name" } as const satisfies Partial<Record<AgentTag, string>>;

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
    ...Object.values(COUNTS),
    ...Object.values(TAGS),
  ],
};

export const GEMINI_CLI: LogEmitter = emitter("gemini-cli", "gemini_cli.");
export const QWEN_CODE: LogEmitter = emitter("qwen-code", "qwen-code.");

function emitter(agent: string, prefix: string): LogEmitter {
  return {
    ...SHARED,
    agent,
    prefix,
    toCall: (record, event, context) => toCall(record, agent, prefix + event, event === "api_error", context),
  };
}

/**
 * The ids that Gemini CLI's two records of one call share, and its session file. All three know input and output as the
 * provider counts them, without thoughts and tools. Neither the span nor this record has the response's id. Only
 * the time tells failed calls apart.
 */
export function idsOf(record: LogRecord, sessionId: string | null, failed: boolean, counts: Counts): string[] {
  const written = eventTimeOf(record);
  if (!failed) return evidenceOf(GEMINI, sessionId, counts, endOf(record) / 1_000);
  return sessionId === null || written === null ? [] : [`${GEMINI}:${sessionId}:failed@${written}`];
}

type Counts = readonly [input: number | null, output: number | null];
const GEMINI = "gemini-cli";

function toCall(record: LogRecord, agent: string, rule: string, failed: boolean, { nowMs, persons }: LogContext): Call {
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
      agent,
      // Qwen Code writes its records within the span of the call.
      inItsSpan: agent !== GEMINI,
      rule,
      clientId,
      responseId: failed ? null : text(attributes, [RESPONSE_ID], "response id"),
      otherIds:
        agent === GEMINI
          ? idsOf(record, sessionId, failed, [
              countOf(attributes, COUNTS.inputTokens),
              countOf(attributes, COUNTS.outputTokens),
            ])
          : failed
            ? []
            : evidenceOf(agent, sessionId, counts, endOf(record) / 1_000),
      durationUs: durationOf(attributes, DURATION),
      provider,
      sentProvider: null,
      model,
      requestModel: model === "unknown" ? null : model,
      reading,
      serviceTier: null,
      coveredBy: coverBySignIn(textOf(attributes, [AUTH])),
      userId: userOf(record, persons),
      sessionId,
      tags: textsOf(attributes, TAGS),
      failed,
      cost: NO_COST,
    },
    nowMs,
  );
}

function providerOf(attributes: Attributes, model: string): string {
  return providerBySignIn(textOf(attributes, [AUTH]) ?? "", model) ?? "openai";
}

/** Qwen Code names the way it was signed in, by which it chooses the provider's API. Null: neither that nor the model tells. */
export function providerBySignIn(auth: string, model: string): string | null {
  const maker = makerOf(model);
  if (maker === "google" || /gemini|vertex|google|cloud-shell/.test(auth)) return "google";
  if (auth.startsWith("qwen")) return "alibaba";
  return auth === "anthropic" ? "anthropic" : maker;
}

const makerOf = remembered((model) =>
  /^(?:.*\/)?gemini-/i.test(model) ? "google" : /^claude-/i.test(model) ? "anthropic" : null,
);

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
