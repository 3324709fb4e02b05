/**
 * The native form: one JSON object per call, in snake_case. Unknown fields are ignored, so that callers may send more
 * than is read. Known fields are never coerced. If one is wrong, the item is refused.
 */
import { hasUnits } from "../../ledger/buckets.ts";
import { readingOf } from "./item.ts";
import { type Reading } from "./item.ts";
import { moreTelling, placeOf, servedBy } from "./served.ts";
import {
  MAX_DURATION_MS,
  COSTS_ARE,
  COUNT_FIELDS,
  MAX_OTHER_IDS,
  MAX_TEXT,
  MAX_TOKENS,
  usageBy,
  type Call,
} from "../../ledger/call.ts";
import {
  isProvidersRequest,
  keptStart,
  ItemRefused,
  keptText,
  keptUsage,
  textField,
  requiredField,
  objectItem,
  decodeItems,
} from "./item.ts";
import { COVERED_BY } from "../../ledger/covered-by.ts";
import { usdToPico } from "../../money.ts";
import { canonicalProvider } from "../../pricing/provider.ts";
import { parseInstant } from "../../time.ts";
import { callKey } from "../../ledger/key.ts";
import { type Decoded } from "./decoded.ts";
import { type ProviderUsage, readProviderUsage, wrongCountIn } from "./provider-usage.ts";
import { remembered } from "./remembered.ts";
import { readTags } from "./tags.ts";
import { joinTiers } from "./tiers.ts";

type Item = Record<string, unknown>;

const providerNamed = remembered(canonicalProvider);

/** Decodes the items of a native body. `errors` has the items that were refused, by index. */
export function decodeNative(items: readonly unknown[], nowMs: number): Decoded {
  return decodeItems(items, (item) => decodeItem(item, nowMs));
}

function decodeItem(value: unknown, nowMs: number): Call {
  const item = objectItem(value, "a call");
  const clientId = requiredField(item, "id");
  const startedAtMs = timestamp(item["timestamp"], nowMs);
  const status = oneOf(item, "status", ["ok", "error"]) ?? "ok";
  const sentProvider = textField(item, "provider");
  const requestModel = textField(item, "request_model");
  const model = moreTelling(requiredField(item, "model"), requestModel);
  const baseUrl = textField(item, "base_url");
  const provider = servedBy(providerNamed(sentProvider ?? "unknown"), baseUrl, model);
  const { usage, semantics, doubt, provided } = usageOf(item, provider, status);
  return {
    id: callKey(startedAtMs, clientId),
    clientId,
    traceId: textField(item, "trace_id"),
    spanId: textField(item, "span_id"),
    parentId: textField(item, "parent_id"),
    responseId: textField(item, "response_id"),
    startedAtMs,
    durationUs: duration(item["duration_ms"]),
    application: textField(item, "application") ?? "unknown",
    environment: textField(item, "environment") ?? "unknown",
    provider,
    model,
    requestModel,
    requestProvider: sentProvider === provider ? null : sentProvider,
    operation: textField(item, "operation") ?? "chat",
    serviceTier: joinTiers(textField(item, "service_tier"), provided?.tier ?? null, placeOf(baseUrl, model)),
    userId: textField(item, "user_id"),
    sessionId: textField(item, "session_id"),
    tags: tags(item["tags"]),
    status,
    errorType: textField(item, "error_type"),
    reportedCostPico: cost(item["cost_usd"]) ?? provided?.reportedCostPico ?? null,
    billable: true,
    wrapper: false,
    rule: "native",
    doubt,
    otherIds: otherIds(item),
    unknownUsageMembers: provided?.unknown ?? [],
    usageSemantics: semantics,
    costIs: oneOf(item, "cost_is", COSTS_ARE) ?? "exact",
    coveredBy: oneOf(item, "covered_by", COVERED_BY) ?? "api",
    ...usage,
  };
}

interface ReadUsage extends Reading {
  /** Of the provider's own object. */
  provided: ProviderUsage | null;
}

/**
 * The counts of the item's own fields. Without a total there, those of the provider's own `usage` object, and of the
 * fields what it does not say.
 *
 * @throws ItemRefused if the item's own fields contradict each other.
 */
function usageOf(item: Item, provider: string, status: Call["status"]): ReadUsage {
  const usage = usageBy((name) => count(item, name));
  if (usage.cacheWriteTokens === null && (usage.cacheWrite5mTokens ?? usage.cacheWrite1hTokens) !== null) {
    usage.cacheWriteTokens = (usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0);
  }
  if (usage.inputTokens === null && usage.outputTokens === null) {
    const provided = providedUsage(item["usage"], provider);
    if (provided) {
      for (const field of COUNT_FIELDS) usage[field] = provided.usage[field] ?? usage[field];
      return { ...readingOf(usage, `provider usage (${provided.form})`, provided.ambiguous), provided };
    }
    // A failed call that reports no usage used nothing.
    if (status === "error" && !hasUnits(usage)) Object.assign(usage, { inputTokens: 0, outputTokens: 0 });
  }
  return { usage: keptUsage(usage), semantics: "inclusive", doubt: null, provided: null };
}

/** @throws ItemRefused if a count that is read is none. It is not coerced either. */
function providedUsage(value: unknown, provider: string): ProviderUsage | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object") throw new ItemRefused("usage must be the provider's usage object");
  const provided = readProviderUsage(value, provider);
  const wrong = provided === null ? wrongCountIn(value, provider) : null;
  if (wrong !== null) throw new ItemRefused(`usage.${wrong} must be a whole number from 0 to ${MAX_TOKENS}`);
  return provided;
}

function oneOf<T extends string>(item: Item, field: string, allowed: readonly T[]): T | null {
  const value = textField(item, field);
  if (value === null) return null;
  const found = allowed.find((known) => known === value);
  if (found === undefined) throw new ItemRefused(`${field} must be one of ${allowed.join(", ")}`);
  return found;
}

function count(item: Item, field: string): number | null {
  const value = item[field];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_TOKENS) {
    throw new ItemRefused(`${field} must be a whole number from 0 to ${MAX_TOKENS}`);
  }
  return value;
}

function timestamp(value: unknown, nowMs: number): number {
  if (value === undefined || value === null) throw new ItemRefused("timestamp is required");
  const ms = typeof value === "string" ? textInstant(value) : typeof value === "number" ? Math.floor(value) : null;
  if (ms === null) throw new ItemRefused("timestamp must be RFC 3339 with an offset, or epoch milliseconds");
  return keptStart(ms, nowMs, "timestamp");
}

/** `infinity`, as Postgres writes it, and years past 9999 are instants, but too late for the ledger. */
function textInstant(text: string): number | null {
  return parseInstant(text) ?? (/^[+-]?(?:infinity$|\d{6}-)/i.test(text) ? Number.POSITIVE_INFINITY : null);
}

function duration(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_DURATION_MS)) {
    throw new ItemRefused(`duration_ms must be a number from 0 to ${MAX_DURATION_MS}`);
  }
  return Math.round(value * 1_000);
}

function tags(value: unknown): Record<string, string> {
  const read = readTags(value);
  if (typeof read === "string") throw new ItemRefused(read);
  return read;
}

function otherIds(item: Item): string[] {
  const requestId = textField(item, "request_id");
  const value = item["other_ids"];
  const ids = requestId !== null && isProvidersRequest(requestId) ? [requestId] : [];
  if (value === undefined || value === null) return ids;
  if (!Array.isArray(value) || value.length > MAX_OTHER_IDS)
    throw new ItemRefused(`other_ids must be a list of at most ${MAX_OTHER_IDS} texts`);
  for (const id of value) {
    if (typeof id !== "string") throw new ItemRefused(`other_ids must be a list of at most ${MAX_OTHER_IDS} texts`);
    if (id.includes("\n")) throw new ItemRefused("other_ids must not contain a line break");
    if (id !== "") ids.push(keptText(id, "other_ids"));
  }
  return ids;
}

function cost(value: unknown): bigint | null {
  if (value === undefined || value === null) return null;
  const short = typeof value === "number" || (typeof value === "string" && value.length <= MAX_TEXT);
  const pico = short ? usdToPico(value) : null;
  if (pico === null) throw new ItemRefused("cost_usd must be a number of USD, not negative, with at most 12 decimals");
  return pico;
}
