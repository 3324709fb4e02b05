/**
 * Reads Claude Code's log events as calls. Each `api_request` is an answered call, and each `api_error` is a failed
 * one. Its input tokens do not include cached ones, so these are added here.
 */
import { MAX_DURATION_MS, MAX_TOKENS, type Call, type Usage, NO_USAGE } from "../../ledger/call.ts";
import { ItemRefused, cleanText, keptStart, keptText, type Reading, readingOf } from "./item.ts";
import { floatToPico, usdToPico } from "../../money.ts";
import { parseInstant } from "../../time.ts";
import { callKey } from "../../ledger/key.ts";
import type { LogRecord } from "./log.ts";
import { type ReportedCost, stated, statedUsd } from "./reported-cost.ts";
import { servedBy } from "./served.ts";
import { APPLICATION, ENVIRONMENT, SERVER } from "./span/attributes.ts";
import { textOf, type Attributes } from "./span/span.ts";

const PREFIX = "claude_code.";
const EVENTS: ReadonlySet<string> = new Set(["api_request", "api_error"]);
const EVENT_NAME = "event.name";
const EVENT_TIME = "event.timestamp";

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
const SESSION = "session.id";
/** The installation comes first, because every way to log in has it. */
const USER = ["user.id", "user.account_uuid"];
const DURATION = "duration_ms";
const SPEED = "speed";
const QUERY_SOURCE = "query_source";
/** The request of its search tool, which searches as often as the model wants to, and tells nowhere how often. */
const SEARCHES = "web_search_tool";
const STATUS_CODE = "status_code";
const ERROR = "error";
const COST_USD = "cost_usd";
const COST_MICROS = "cost_usd_micros";

const COUNTS = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_tokens",
  cacheWriteTokens: "cache_creation_tokens",
  cacheWrite5mTokens: "cache_creation_5m_tokens",
  cacheWrite1hTokens: "cache_creation_1h_tokens",
} as const satisfies Partial<Record<keyof Usage, string>>;

/** Tags, with the resource attributes that Claude Code's manual proposes for them. */
const TAGS: readonly (readonly [string, readonly string[]])[] = [
  ["team", ["team", "team.id"]],
  ["department", ["department"]],
  ["cost_center", ["cost_center"]],
];

/** The attribute names of records and resources that are read. */
export const LOG_ATTRIBUTES: ReadonlySet<string> = new Set(
  [
    [
      EVENT_NAME,
      EVENT_TIME,
      MODEL,
      PROVIDER,
      REQUEST_ID,
      SESSION,
      DURATION,
      SPEED,
      QUERY_SOURCE,
      STATUS_CODE,
      ERROR,
      COST_USD,
      COST_MICROS,
    ],
    [USER, APPLICATION, ENVIRONMENT, SERVER, Object.values(COUNTS), TAGS.map(([, names]) => names)],
  ].flat(3),
);

const US_PER_MS = 1_000;
const PICO_PER_MICRO_USD = 1_000_000n;

/**
 * @returns null for a record that is not a call.
 * @throws ItemRefused if a value of the record cannot be true or cannot be stored.
 */
export function toClaudeCodeCall(record: LogRecord, nowMs: number): Call | null {
  const event = eventOf(record);
  if (event === null) return null;
  const { attributes, source } = record;
  const failed = event === "api_error";
  const durationUs = durationOf(attributes);
  const startedAtMs = keptStart(
    startOf(record, durationUs),
    nowMs,
    "the call's start (the record's time minus its duration)",
  );
  const sessionId = text(attributes, [SESSION], "session");
  const userId = text(attributes, USER, "user");
  const requestId = text(attributes, [REQUEST_ID], REQUEST_ID);
  const clientId = requestId ?? keptText(`${sessionId ?? userId ?? ""}:${record.timeNs}:${event}`, "session");
  const model = text(attributes, [MODEL], MODEL) ?? "unknown";
  const speed = text(attributes, [SPEED], SPEED);
  const sentProvider = text(attributes, [PROVIDER], PROVIDER);
  const provider = providerOf(record, sentProvider, model);
  const cost = reportedCostOf(attributes);
  const { usage, semantics, doubt } = failed ? NOTHING_USED : usageOf(attributes);
  return {
    ...usage,
    id: callKey(startedAtMs, clientId),
    clientId,
    traceId: null,
    spanId: null,
    parentId: null,
    // Claude Code's spans name it as their response id. No response came to a request that failed.
    responseId: failed ? null : requestId,
    startedAtMs,
    durationUs,
    application: text(source.resource, APPLICATION, "application") ?? "unknown",
    environment: text(source.resource, ENVIRONMENT, "environment") ?? "unknown",
    provider,
    model,
    requestModel: null,
    requestProvider: sentProvider === provider ? null : sentProvider,
    doubt,
    unknownUsageMembers: cost.unread,
    operation: "chat",
    // Fast mode has prices of its own. As a service tier it is never billed at the standard ones.
    serviceTier: speed === "normal" ? null : speed,
    userId,
    sessionId,
    tags: tagsOf(source.resource),
    status: failed ? "error" : "ok",
    errorType: failed ? errorTypeOf(attributes) : null,
    reportedCostPico: failed ? 0n : cost.pico,
    billable: true,
    wrapper: false,
    rule: PREFIX + event,
    usageSemantics: semantics,
  };
}

/** The event's name, from the body, the field or the attribute, with or without the prefix. */
function eventOf(record: LogRecord): string | null {
  const attribute = record.attributes.get(EVENT_NAME);
  for (const name of [record.body, record.eventName, attribute]) {
    if (typeof name !== "string") continue;
    const event = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    if (EVENTS.has(event) && (event !== name || isFromClaudeCode(record))) return event;
  }
  return null;
}

/**
 * Without the prefix any tool may use these names. Then the scope, the service or the attributes must show the source.
 */
function isFromClaudeCode({ source, attributes }: LogRecord): boolean {
  const service = textOf(source.resource, APPLICATION) ?? "";
  return (
    /claude[-_.]code/i.test(`${source.scopeName} ${service}`) || (attributes.has(SESSION) && attributes.has(MODEL))
  );
}

/**
 * The record is written when the call has ended, so the call began one duration earlier. A second sending repeats both
 * values. The time at which the record was observed may differ.
 */
function startOf(record: LogRecord, durationUs: number | null): number {
  const endedAtUs = timeUs(record);
  return Math.floor((endedAtUs - (durationUs ?? 0)) / US_PER_MS);
}

function timeUs({ timeNs, observedNs, attributes }: LogRecord): number {
  if (timeNs === null) throw new ItemRefused("timeUnixNano is not a whole number");
  if (timeNs > 0n) return Number(timeNs / 1_000n);
  const written = attributes.get(EVENT_TIME);
  const writtenMs = typeof written === "string" ? parseInstant(written) : null;
  return writtenMs === null ? Number((observedNs ?? 0n) / 1_000n) : writtenMs * US_PER_MS;
}

function durationOf(attributes: Attributes): number | null {
  const value = attributes.get(DURATION);
  if (value === undefined) return null;
  const ms = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof ms === "number" && ms >= 0 && ms <= MAX_DURATION_MS) return Math.round(ms * US_PER_MS);
  throw new ItemRefused(`${DURATION} is not a number from 0 to ${MAX_DURATION_MS}`);
}

/** Bedrock and Vertex have names of their own for models. */
const ON_BEDROCK = /^(?:bedrock\/)?(?:[a-z-]+\.)?anthropic\.|^arn:aws/;
const ON_VERTEX = /@(?:\d{8}|default)(?:\[1m\])?$|^projects\/|^publishers\/|^vertex_ai\//;

function providerOf({ attributes, source }: LogRecord, sent: string | null, model: string): string {
  const named = PROVIDERS.get(sent ?? "");
  if (named !== undefined && named !== "anthropic") return named;
  const byModel = ON_BEDROCK.test(model) ? "aws" : ON_VERTEX.test(model) ? "google" : "anthropic";
  return servedBy(byModel, textOf(attributes, SERVER) ?? textOf(source.resource, SERVER), model);
}

const NOTHING_USED: Reading = {
  usage: { ...NO_USAGE, inputTokens: 0, outputTokens: 0 },
  semantics: "failed: nothing used",
  doubt: null,
};

function usageOf(attributes: Attributes): Reading {
  const usage: Usage = { ...NO_USAGE };
  for (const [field, name] of Object.entries(COUNTS)) usage[field as keyof Usage] = countOf(attributes, name);
  if (usage.inputTokens !== null) usage.inputTokens += (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  const searches = textOf(attributes, [QUERY_SOURCE]) === SEARCHES;
  return readingOf(usage, "exclusive: cache added", searches ? "web searches whose number is not told" : null);
}

/** Old releases send counts as digits in a text. */
function countOf(attributes: Attributes, name: string): number | null {
  const value = attributes.get(name);
  if (value === undefined) return null;
  const count = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS) return count;
  throw new ItemRefused(`${name} is not a whole number from 0 to ${MAX_TOKENS}`);
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

function errorTypeOf(attributes: Attributes): string | null {
  const status = textOf(attributes, [STATUS_CODE]);
  if (status !== null && /^\d{3}$/.test(status)) return status;
  const error = textOf(attributes, [ERROR]);
  return error && cleanText(error);
}

function tagsOf(resource: Attributes): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const [tag, names] of TAGS) {
    const value = textOf(resource, names);
    if (value !== null) tags[tag] = cleanText(value);
  }
  return tags;
}

function text(attributes: Attributes, names: readonly string[], what: string): string | null {
  const value = textOf(attributes, names);
  return value === null ? null : keptText(value, what);
}
