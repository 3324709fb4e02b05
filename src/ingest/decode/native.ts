/**
 * The native form: one JSON object per call, in snake_case. Unknown fields are ignored, so that
 * callers may send more than we read; known fields are never coerced, a wrong one refuses the item.
 */
import { usdToPico } from "../../money.ts";
import { contradiction } from "../../pricing/buckets.ts";
import { canonicalProvider } from "../../pricing/provider.ts";
import { parseInstant } from "../../time.ts";
import { traceKey } from "../key.ts";
import {
  COUNT_FIELDS,
  MAX_TEXT,
  MAX_TOKENS,
  usageBy,
  withinLedgerTime,
  type Decoded,
  type ItemError,
  type Trace,
  type Usage,
} from "../trace.ts";
import { MAX_DEPTH, nestsDeeper } from "./json.ts";
import { TooManyItems } from "./otlp-errors.ts";
import { readProviderUsage } from "./span-provider-usage.ts";
import { readTags } from "./tags.ts";

type Item = Record<string, unknown>;

/** One item is wrong; the others are not its concern. */
class InvalidItem extends Error {
  readonly code: ItemError["code"];
  constructor(message: string, code: ItemError["code"] = "invalid") {
    super(message);
    this.code = code;
  }
}

/** Decodes the items of a native body; what is wrong with some is in `errors`, by index. */
export function decodeNative(items: readonly unknown[], nowMs: number): Decoded {
  const traces: Trace[] = [];
  const indexes: number[] = [];
  const errors: ItemError[] = [];
  for (let index = 0; index < items.length; index++) {
    try {
      traces.push(decodeItem(items[index], nowMs));
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof InvalidItem)) throw error;
      errors.push({ index, code: error.code, message: error.message });
    }
  }
  return { items: items.length, traces, indexes, errors };
}

/** Decodes newline-delimited JSON: a line that is not JSON is an item in error. */
export function decodeNdjson(text: string, nowMs: number, maxItems: number): Decoded {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > maxItems) throw new TooManyItems(maxItems);
  return decodeNative(lines.map(parseLine), nowMs);
}

/** Stands for a line that cannot be parsed: no object, so it becomes an item error. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function decodeItem(value: unknown, nowMs: number): Trace {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InvalidItem("a trace is a JSON object");
  const item = value as Item;
  if (Object.hasOwn(item, "__proto__") || Object.hasOwn(item, "constructor"))
    throw new InvalidItem("__proto__ and constructor are not field names");
  if (nestsDeeper(item, MAX_DEPTH)) throw new InvalidItem(`nested deeper than ${MAX_DEPTH}`);

  const clientId = required(item, "id");
  const startedAtMs = timestamp(item["timestamp"], nowMs);
  const status = oneOf(item, "status", ["ok", "error"]) ?? "ok";
  const provider = canonicalProvider(text(item, "provider") ?? "unknown");
  const { usage, usageSemantics } = usageOf(item, provider, status);
  const wrong = contradiction(usage);
  if (wrong !== null) throw new InvalidItem(wrong);
  return {
    id: traceKey(startedAtMs, clientId),
    clientId,
    traceId: text(item, "trace_id"),
    spanId: text(item, "span_id"),
    parentId: text(item, "parent_id"),
    responseId: text(item, "response_id"),
    startedAtMs,
    durationUs: duration(item["duration_ms"]),
    application: text(item, "application") ?? "unknown",
    environment: text(item, "environment") ?? "unknown",
    provider,
    model: required(item, "model"),
    requestModel: text(item, "request_model"),
    operation: text(item, "operation") ?? "chat",
    serviceTier: text(item, "service_tier"),
    userId: text(item, "user_id"),
    sessionId: text(item, "session_id"),
    tags: tags(item["tags"]),
    status,
    errorType: text(item, "error_type"),
    ...usage,
    reportedCostPico: cost(item["cost_usd"]),
    billable: true,
    wrapper: false,
    rule: "native",
    usageSemantics,
  };
}

/**
 * The counts of the item's own fields; without a total there, those of the provider's own `usage` object, and of the
 * fields what it does not tell.
 */
function usageOf(item: Item, provider: string, status: Trace["status"]): { usage: Usage; usageSemantics: string } {
  const usage = usageBy((name) => count(item, name));
  if (usage.cacheWriteTokens === null && (usage.cacheWrite5mTokens ?? usage.cacheWrite1hTokens) !== null) {
    usage.cacheWriteTokens = (usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0);
  }
  if (usage.inputTokens === null && usage.outputTokens === null) {
    refuseWrongCounts(item["usage"], "usage");
    const provided = readProviderUsage(item["usage"], provider);
    if (provided) {
      for (const field of COUNT_FIELDS) usage[field] = provided.usage[field] ?? usage[field];
      return { usage, usageSemantics: `provider usage (${provided.form})` };
    }
    // A failed call that reports no usage used nothing.
    if (status === "error")
      return { usage: { ...usage, inputTokens: 0, outputTokens: 0 }, usageSemantics: "inclusive" };
  }
  return { usage, usageSemantics: "inclusive" };
}

/** A provider's counts are no more coerced than ours: what is called a count must be one. Some add what it cost. */
const COUNT_KEY = /(?:token(?!.*cost$)|^web_search_requests$|^num_search_queries$)/i;

function refuseWrongCounts(usage: unknown, name: string): void {
  if (usage === undefined || usage === null) return;
  if (typeof usage !== "object") throw new InvalidItem(`${name} must be the provider's usage object`);
  for (const [key, value] of Object.entries(usage)) {
    if (typeof value === "object") refuseWrongCounts(value, `${name}.${key}`);
    else if (COUNT_KEY.test(key)) count({ [key]: value }, key);
  }
}

function text(item: Item, field: string): string | null {
  const value = item[field];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw new InvalidItem(`${field} must be a string`);
  if (value.length > MAX_TEXT) throw new InvalidItem(`${field} is longer than ${MAX_TEXT} characters`);
  if (value.includes("\0") || !value.isWellFormed())
    throw new InvalidItem(`${field} holds a NUL or half a surrogate pair`);
  return value === "" ? null : value;
}

function required(item: Item, field: string): string {
  const value = text(item, field);
  if (value === null) throw new InvalidItem(`${field} is required`);
  return value;
}

function oneOf<T extends string>(item: Item, field: string, allowed: readonly T[]): T | null {
  const value = text(item, field);
  if (value === null) return null;
  const found = allowed.find((known) => known === value);
  if (found === undefined) throw new InvalidItem(`${field} must be one of ${allowed.join(", ")}`);
  return found;
}

function count(item: Item, field: string): number | null {
  const value = item[field];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_TOKENS) {
    throw new InvalidItem(`${field} must be a whole number from 0 to ${MAX_TOKENS}`);
  }
  return value;
}

function timestamp(value: unknown, nowMs: number): number {
  if (value === undefined || value === null) throw new InvalidItem("timestamp is required");
  const ms = typeof value === "string" ? textInstant(value) : typeof value === "number" ? Math.floor(value) : null;
  if (ms === null) throw new InvalidItem("timestamp must be RFC 3339 with an offset, or epoch milliseconds");
  if (!withinLedgerTime(ms, nowMs))
    throw new InvalidItem("timestamp is before 2020 or more than 5 minutes ahead", "timestamp_range");
  return ms;
}

/** Postgres' `infinity` and the years past 9999 are times, if none that the ledger keeps. */
function textInstant(text: string): number | null {
  return /^[+-]?(?:infinity$|\d{6}-)/i.test(text) ? Number.POSITIVE_INFINITY : parseInstant(text);
}

function duration(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_DURATION_MS)) {
    throw new InvalidItem(`duration_ms must be a number from 0 to ${MAX_DURATION_MS}`);
  }
  return Math.round(value * 1_000);
}

/** A year: what is longer is no duration of a call. */
export const MAX_DURATION_MS = 366 * 86_400_000;

function tags(value: unknown): Record<string, string> {
  const read = readTags(value);
  if (typeof read === "string") throw new InvalidItem(read);
  return read;
}

function cost(value: unknown): bigint | null {
  if (value === undefined || value === null) return null;
  const short = typeof value === "number" || (typeof value === "string" && value.length <= MAX_TEXT);
  const pico = short ? usdToPico(value) : null;
  if (pico === null) throw new InvalidItem("cost_usd must be a number of USD, not negative, with at most 12 decimals");
  return pico;
}
