/**
 * Claude Code's log events. Each `api_request` is an answered call, and each `api_error` is a failed one. Its input
 * tokens do not include cached ones, so these are added here.
 */
import type { Usage } from "../../../ledger/call.ts";
import { floatToPico, usdToPico } from "../../../money.ts";
import { coverOfClaudeCode } from "../covered-by.ts";
import { claudeEvidenceOf } from "../evidence.ts";
import { type Reading, readingOf } from "../item.ts";
import { remembered } from "../remembered.ts";
import { NO_COST, type ReportedCost, stated, statedUsd } from "../reported-cost.ts";
import { claudeServedBy, servedBy } from "../served.ts";
import { CLAUDE_TAGS, PLAN, SEAT_TYPE } from "../span/agent-attributes.ts";
import { APPLICATION, SERVER } from "../span/attributes.ts";
import { textOf, type Attributes } from "../span/span.ts";
import { callOf, countOf, countsOf, durationOf, endOf, NOTHING_USED, text, textsOf, userOf } from "./fields.ts";
import type { LogEmitter, LogRecord } from "./record.ts";

const AGENT = "claude-code";
const PREFIX = "claude_code.";

const MODEL = "model";
const PROVIDER = "anthropic.provider";
const PROVIDERS = new Map([
  ["firstParty", "anthropic"],
  ["bedrock", "aws"],
  ["mantle", "aws"],
  ["vertex", "google"],
  ["foundry", "azure"],
]);
const REQUEST_ID = "request_id";
const CLIENT_REQUEST_ID = "client_request_id";
const SESSION = "session.id";
const DURATION = "duration_ms";
const SPEED = "speed";
/** The request of its search tool, which searches as often as the model wants to, and tells nowhere how often. */
const SEARCHES = "web_search_tool";
const COST_USD = "cost_usd";
const COST_MICROS = "cost_usd_micros";
const PICO_PER_MICRO_USD = 1_000_000n;
const US_PER_MS = 1_000;

const COUNTS = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_tokens",
  cacheWriteTokens: "cache_creation_tokens",
  cacheWrite5mTokens: "cache_creation_5m_tokens",
  cacheWrite1hTokens: "cache_creation_1h_tokens",
} as const satisfies Partial<Record<keyof Usage, string>>;

export const CLAUDE_CODE: LogEmitter = {
  agent: AGENT,
  prefix: PREFIX,
  events: new Set(["api_request", "api_error"]),
  attributes: [
    MODEL,
    PROVIDER,
    PLAN,
    SEAT_TYPE,
    REQUEST_ID,
    CLIENT_REQUEST_ID,
    SESSION,
    DURATION,
    SPEED,
    COST_USD,
    COST_MICROS,
    ...SERVER,
    ...Object.values(COUNTS),
    ...Object.values(CLAUDE_TAGS),
  ],
  owns: isFromClaudeCode,
  toCall(record, event, { nowMs, persons }) {
    const { attributes } = record;
    const failed = event === "api_error";
    const sessionId = text(attributes, [SESSION], "session");
    const userId = userOf(record, persons);
    const requestId = text(attributes, [REQUEST_ID], REQUEST_ID);
    const model = text(attributes, [MODEL], MODEL) ?? "unknown";
    const speed = text(attributes, [SPEED], SPEED);
    const sentProvider = text(attributes, [PROVIDER], PROVIDER);
    const provider = providerOf(record, sentProvider, model);
    const reading = failed ? NOTHING_USED : usageOf(attributes);
    return callOf(
      {
        record,
        agent: AGENT,
        rule: PREFIX + event,
        clientId: requestId ?? `${sessionId ?? userId ?? ""}:${record.timeNs}:${event}`,
        // Claude Code's spans name it as their response id, and so does the span of a request that failed.
        responseId: requestId,
        otherIds: [
          text(attributes, [CLIENT_REQUEST_ID], CLIENT_REQUEST_ID) ?? "",
          ...(requestId === null && !failed ? evidenceIn(record, sessionId) : []),
        ],
        durationUs: durationOf(attributes, DURATION),
        provider,
        sentProvider,
        model,
        reading,
        costIs: isUnsplit(reading.usage) ? "lower_bound" : "exact",
        // Fast mode has prices of its own. As a service tier it is never billed at the standard ones.
        serviceTier: speed === "normal" ? null : speed,
        coveredBy: coverOfClaudeCode(provider, textOf(attributes, [PLAN]), textOf(attributes, [SEAT_TYPE])),
        userId,
        sessionId,
        tags: textsOf(attributes, CLAUDE_TAGS),
        failed,
        cost: failed ? NO_COST : reportedCostOf(attributes),
      },
      nowMs,
    );
  },
};

/**
 * Without the prefix any tool may use these names. Then the scope, the service or the attributes must show the source.
 */
function isFromClaudeCode({ source, attributes }: LogRecord): boolean {
  const service = textOf(source.resource, APPLICATION) ?? "";
  return (
    /claude[-_.]code/i.test(`${source.scopeName} ${service}`) || (attributes.has(SESSION) && attributes.has(MODEL))
  );
}

const providerByModel = remembered(claudeServedBy);

function providerOf({ attributes, source }: LogRecord, sent: string | null, model: string): string {
  const named = PROVIDERS.get(sent ?? "");
  if (named !== undefined && named !== "anthropic") return named;
  return servedBy(providerByModel(model), textOf(attributes, SERVER) ?? textOf(source.resource, SERVER), model);
}

function usageOf(attributes: Attributes): Reading {
  const usage = countsOf(attributes, COUNTS);
  if (usage.inputTokens !== null) usage.inputTokens += (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  const searches = textOf(attributes, [CLAUDE_TAGS.query_source]) === SEARCHES;
  return readingOf(usage, "exclusive: cache added", searches ? "web searches whose number is not told" : null);
}

/** Releases before 2.1.110 name neither request nor response. */
function evidenceIn(record: LogRecord, sessionId: string | null): string[] {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = COUNTS;
  const counts = [inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens].map((name) =>
    countOf(record.attributes, name),
  );
  return claudeEvidenceOf(sessionId, counts, endOf(record) / US_PER_MS);
}

/** Older releases do not tell cache writes for an hour from those for five minutes. */
function isUnsplit({ cacheWriteTokens, cacheWrite5mTokens, cacheWrite1hTokens }: Usage): boolean {
  return (cacheWriteTokens ?? 0) > 0 && cacheWrite5mTokens === null && cacheWrite1hTokens === null;
}

/** Old releases send the amount as text. */
function reportedCostOf(attributes: Attributes): ReportedCost {
  const usd = attributes.get(COST_USD);
  const micros = attributes.get(COST_MICROS);
  if (typeof usd === "string") {
    const isDecimal = /^\d[\d.eE+-]{0,63}$/.test(usd);
    return stated(COST_USD, isDecimal ? (usdToPico(usd) ?? floatToPico(Number(usd))) : null);
  }
  if (usd !== undefined || micros === undefined) return statedUsd(COST_USD, usd);
  return stated(COST_MICROS, /^\d{1,12}$/.test(String(micros)) ? BigInt(String(micros)) * PICO_PER_MICRO_USD : null);
}
