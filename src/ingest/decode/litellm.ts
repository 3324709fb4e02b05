/**
 * LiteLLM's generic logging callback: one JSON object per call that its proxy made. For every provider the counts are
 * in OpenAI's form, so the input includes cached tokens. Messages and answers are not read.
 */
import {
  textField,
  ItemRefused,
  requiredField,
  objectItem,
  cleanText,
  decodeItems,
  keptStart,
  keptText,
  keptUsage,
} from "./item.ts";
import {
  MAX_DURATION_MS,
  CACHE_HIT_RULE,
  MAX_TOKENS,
  type Call,
  type Usage,
  MAX_TAG_KEY,
  MAX_TAG_VALUE,
  MAX_TAGS,
  COUNT_FIELDS,
  NO_USAGE,
} from "../../ledger/call.ts";
import type { CountField } from "../../ledger/counts.ts";
import { canonicalProvider } from "../../pricing/provider.ts";
import { callKey } from "../../ledger/key.ts";
import { type Decoded } from "./decoded.ts";
import { floatToPico } from "./span/langfuse.ts";
import { countAt, readProviderUsage } from "./provider-usage.ts";
import { objectOrNull } from "./span/span.ts";

type Json = Record<string, unknown>;

const US_PER_SECOND = 1_000_000;
const US_PER_MS = 1_000;
const MAX_DURATION_US = MAX_DURATION_MS * US_PER_MS;

/** The operation of each call type. Asynchronous types have an `a` in front. Any other type is the operation itself. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ["completion", "chat"],
  ["responses", "chat"],
  ["anthropic_messages", "chat"],
  ["text_completion", "text_completion"],
  ["generate_content", "generate_content"],
  ["generate_content_stream", "generate_content"],
  ["embedding", "embeddings"],
  ["rerank", "rerank"],
  ["image_generation", "image_generation"],
  ["image_edit", "image_edit"],
  ["transcription", "transcription"],
  ["speech", "speech"],
  ["moderation", "moderation"],
]);

/**
 * The paths of each count in LiteLLM's own usage object. Unknown values are 0 in it, so the largest value is the count.
 * LiteLLM does not say which image tokens of the input are cached, so they stay plain input.
 */
const COUNTS: Readonly<Partial<Record<CountField, readonly string[]>>> = {
  inputTokens: ["prompt_tokens"],
  outputTokens: ["completion_tokens"],
  cacheReadTokens: ["prompt_tokens_details.cached_tokens", "cache_read_input_tokens"],
  cacheWriteTokens: [
    "prompt_tokens_details.cache_creation_tokens",
    "prompt_tokens_details.cache_write_tokens",
    "cache_creation_input_tokens",
  ],
  cacheWrite5mTokens: ["prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens"],
  cacheWrite1hTokens: ["prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"],
  reasoningTokens: ["completion_tokens_details.reasoning_tokens"],
  inputAudioTokens: ["prompt_tokens_details.audio_tokens"],
  outputAudioTokens: ["completion_tokens_details.audio_tokens"],
  outputImageTokens: ["completion_tokens_details.image_tokens"],
  webSearches: ["server_tool_use.web_search_requests", "prompt_tokens_details.web_search_requests"],
};

/** Decodes the entries of a body. `errors` has the entries that were refused, by index. */
export function decodeLitellm(items: readonly unknown[], nowMs: number): Decoded {
  return decodeItems(items, (item) => toCall(item, nowMs));
}

function toCall(value: unknown, nowMs: number): Call {
  const entry = objectItem(value, "an entry");
  const metadata = objectOrNull(entry["metadata"]) ?? {};
  const clientId = requiredField(entry, "id");
  const startedAtUs = microseconds(entry, "startTime");
  if (startedAtUs === null) throw new ItemRefused("startTime is required");
  const startedAtMs = keptStart(Math.floor(startedAtUs / US_PER_MS), nowMs, "startTime");
  const failed = isFailure(entry);
  const fromCache = entry["cache_hit"] === true;
  const sentProvider = textField(entry, "custom_llm_provider") ?? "unknown";
  return {
    ...usageOf(entry, metadata, failed, fromCache),
    id: callKey(startedAtMs, clientId),
    clientId,
    traceId: textField(entry, "trace_id"),
    spanId: null,
    parentId: null,
    // If no provider answered the call, the id is LiteLLM's own.
    responseId: failed || fromCache ? null : clientId,
    startedAtMs,
    durationUs: durationOf(startedAtUs, microseconds(entry, "endTime")),
    application: textField(metadata, "user_api_key_alias") ?? "unknown",
    environment: "unknown",
    provider: canonicalProvider(sentProvider),
    model: modelOf(entry, sentProvider),
    requestModel: textField(entry, "model_group"),
    operation: operationOf(textField(entry, "call_type")),
    serviceTier: serviceTierOf(entry, metadata),
    userId:
      textField(metadata, "user_api_key_user_id") ??
      textField(entry, "end_user") ??
      textField(metadata, "user_api_key_end_user_id"),
    sessionId: null,
    tags: tagsOf(entry["request_tags"], metadata["user_api_key_team_alias"]),
    status: failed ? "error" : "ok",
    errorType: failed ? errorTypeOf(entry) : null,
    reportedCostPico: typeof entry["response_cost"] === "number" ? floatToPico(entry["response_cost"]) : null,
    billable: !fromCache,
    wrapper: false,
    rule: fromCache ? CACHE_HIT_RULE : "litellm",
  };
}

function usageOf(
  entry: Json,
  metadata: Json,
  failed: boolean,
  fromCache: boolean,
): Usage & Pick<Call, "usageSemantics"> {
  // LiteLLM repeats the counts of the answer in its cache. No provider has billed them again.
  if (fromCache) return { ...NO_USAGE, inputTokens: 0, outputTokens: 0, usageSemantics: "cache hit: nothing used" };
  const provided = usageObject(metadata["usage_object"]);
  const usage = { ...(provided?.usage ?? NO_USAGE) };
  usage.inputTokens ??= count(entry, "prompt_tokens");
  usage.outputTokens ??= count(entry, "completion_tokens");
  const usageSemantics = provided?.semantics ?? "inclusive";
  const empty = (usage.inputTokens ?? 0) === 0 && (usage.outputTokens ?? 0) === 0;
  if (!empty) return { ...keptUsage(usage), usageSemantics };
  // Every answer has tokens, so zeros stand for counts that LiteLLM does not know.
  return failed
    ? { ...NO_USAGE, inputTokens: 0, outputTokens: 0, usageSemantics: "failed: nothing used" }
    : { ...NO_USAGE, usageSemantics: "" };
}

/** Reads LiteLLM's own form, or the form of a provider if LiteLLM passes its usage object on. */
function usageObject(value: unknown): { usage: Usage; semantics: string } | null {
  const object = objectOrNull(value);
  if (object === null) return null;
  if (!Object.hasOwn(object, "prompt_tokens")) {
    const raw = readProviderUsage(object);
    return raw && { usage: raw.usage, semantics: `provider usage (${raw.form})` };
  }
  const usage: Usage = { ...NO_USAGE };
  for (const field of COUNT_FIELDS) usage[field] = largest(object, COUNTS[field] ?? []);
  const writes = (usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0);
  if (writes > 0) usage.cacheWriteTokens ??= writes;
  const semantics = ["provider usage (litellm)"];
  const cached = (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  if (usage.inputTokens !== null && cached > usage.inputTokens) {
    usage.inputTokens += cached;
    semantics.push("exclusive: cache added, as it exceeded the input");
  }
  const reasoning = usage.reasoningTokens ?? 0;
  if (usage.outputTokens !== null && reasoning > usage.outputTokens) {
    usage.outputTokens += reasoning;
    semantics.push("reasoning added to output");
  }
  return { usage, semantics: semantics.join("; ") };
}

function largest(object: Json, paths: readonly string[]): number | null {
  let found: number | null = null;
  for (const path of paths) {
    const count = countAt(object, path);
    if (Number.isNaN(count)) throw notACount(`usage_object.${path}`);
    if (count !== null) found = Math.max(found ?? 0, count);
  }
  return found;
}

function count(entry: Json, field: string): number | null {
  const value = countAt(entry, field);
  if (Number.isNaN(value)) throw notACount(field);
  return value;
}

function notACount(what: string): ItemRefused {
  return new ItemRefused(`${what} must be a whole number from 0 to ${MAX_TOKENS}`);
}

/** Reads epoch seconds. A float does not hold microseconds exactly, so they are rounded. */
function microseconds(entry: Json, field: string): number | null {
  const value = entry[field];
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isFinite(value)) return Math.round(value * US_PER_SECOND);
  throw new ItemRefused(`${field} must be a number of seconds since 1970`);
}

/** The duration. Null without an end, and if the proxy's clock was set back during the call. */
function durationOf(startUs: number, endUs: number | null): number | null {
  const durationUs = endUs === null ? -1 : endUs - startUs;
  return durationUs >= 0 && durationUs <= MAX_DURATION_US ? durationUs : null;
}

function isFailure(entry: Json): boolean {
  const status = textField(entry, "status") ?? "success";
  if (status === "success" || status === "failure") return status === "failure";
  throw new ItemRefused("status must be one of success, failure");
}

/** The model, without the name of its provider in front, by which LiteLLM chose the route. */
function modelOf(entry: Json, provider: string): string {
  const model = textField(entry, "model") ?? textField(entry, "model_group") ?? "unknown";
  const route = `${provider}/`;
  return model.startsWith(route) && model.length > route.length ? model.slice(route.length) : model;
}

function operationOf(callType: string | null): string {
  if (callType === null) return "chat";
  return OPERATIONS.get(callType) ?? OPERATIONS.get(callType.replace(/^a/, "")) ?? callType;
}

/** The service tier that the provider reports, or the one that was asked for. */
function serviceTierOf(entry: Json, metadata: Json): string | null {
  for (const owner of [entry["response"], metadata["usage_object"], entry["model_parameters"]]) {
    const tier = objectOrNull(owner)?.["service_tier"];
    if (typeof tier === "string" && tier !== "") return keptText(tier, "service_tier");
  }
  return null;
}

function errorTypeOf(entry: Json): string | null {
  const information = objectOrNull(entry["error_information"]) ?? {};
  const found = [information["error_class"], information["error_code"]].find(
    (value) => typeof value === "string" && value !== "",
  );
  return found === undefined ? null : cleanText(found as string);
}

/** One tag for all request tags, one more for each of the form `key:value`, and the team of the caller's key. */
function tagsOf(requestTags: unknown, team: unknown): Record<string, string> {
  const tags = new Map<string, string>();
  const add = (key: string, value: unknown): void => {
    if (typeof value !== "string" || value === "" || tags.size >= MAX_TAGS || tags.has(key)) return;
    tags.set(key, cleanText(value, MAX_TAG_VALUE));
  };
  add("team", team);
  const given = Array.isArray(requestTags) ? requestTags.filter((tag) => typeof tag === "string" && tag !== "") : [];
  // LiteLLM adds the HTTP client's own name, which no caller set as a tag.
  const own = (given as string[]).filter((tag) => !tag.startsWith("User-Agent:"));
  add("tag", own.join(","));
  for (const tag of own) {
    const [, key = "", value] = /^([A-Za-z][\w.-]*):\s*([^/\s].*)$/s.exec(tag) ?? [];
    if (key !== "" && key.length <= MAX_TAG_KEY && key !== "constructor") add(key, value);
  }
  return Object.fromEntries(tags);
}
