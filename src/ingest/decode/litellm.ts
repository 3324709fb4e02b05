/**
 * LiteLLM's generic logging callback: one JSON object per call that its proxy made. Counts are in
 * OpenAI's form for every provider, so input includes cached tokens. Messages and answers are not read.
 */
import { canonicalProvider } from "../../pricing/provider.ts";
import { traceKey } from "../key.ts";
import { CACHE_HIT_RULE, MAX_TOKENS, type Decoded, type Trace, type Usage } from "../trace.ts";
import { cleanText, decodeItems, keptStart, keptText, keptUsage } from "./item.ts";
import { MAX_TAG_KEY, MAX_TAG_VALUE } from "./span-context.ts";
import { MAX_TAGS } from "./tags.ts";
import { floatToPico } from "./span-langfuse.ts";
import { COUNT_FIELDS, countAt, NO_USAGE, readProviderUsage } from "./span-provider-usage.ts";
import { objectOrNull, SpanRefused } from "./span.ts";

type Json = Record<string, unknown>;

const US_PER_SECOND = 1_000_000;
const US_PER_MS = 1_000;
const MAX_DURATION_US = 366 * 86_400 * US_PER_SECOND;

/** Operations by call type; the asynchronous types have an `a` in front. Other types stand for themselves. */
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

/** Paths of a count inside LiteLLM's own usage object. It fills what it does not know with 0: the largest is meant. */
const COUNTS: Readonly<Record<keyof Usage, readonly string[]>> = {
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
  // Which of its image tokens are cached LiteLLM does not tell; they stay plain input.
  inputImageTokens: [],
  outputImageTokens: ["completion_tokens_details.image_tokens"],
  webSearches: ["server_tool_use.web_search_requests", "prompt_tokens_details.web_search_requests"],
};

/** Decodes the entries of a body; what is wrong with some is in `errors`, by index. */
export function decodeLitellm(items: readonly unknown[], nowMs: number): Decoded {
  return decodeItems(items, (item) => toTrace(item, nowMs));
}

function toTrace(value: unknown, nowMs: number): Trace {
  const entry = objectOrNull(value);
  if (entry === null) throw new SpanRefused("invalid", "an entry is a JSON object");
  if (Object.hasOwn(entry, "__proto__") || Object.hasOwn(entry, "constructor"))
    throw new SpanRefused("invalid", "__proto__ and constructor are not field names");

  const metadata = objectOrNull(entry["metadata"]) ?? {};
  const clientId = text(entry, "id");
  if (clientId === null) throw new SpanRefused("invalid", "id is required");
  const startedAtUs = microseconds(entry, "startTime");
  if (startedAtUs === null) throw new SpanRefused("invalid", "startTime is required");
  const startedAtMs = keptStart(Math.floor(startedAtUs / US_PER_MS), nowMs, "startTime");
  const failed = isFailure(entry);
  const fromCache = entry["cache_hit"] === true;
  const sentProvider = text(entry, "custom_llm_provider") ?? "unknown";
  return {
    ...usageOf(entry, metadata, failed, fromCache),
    id: traceKey(startedAtMs, clientId),
    clientId,
    traceId: text(entry, "trace_id"),
    spanId: null,
    parentId: null,
    // Of a call that was not answered the id is LiteLLM's own.
    responseId: failed || fromCache ? null : clientId,
    startedAtMs,
    durationUs: durationOf(startedAtUs, microseconds(entry, "endTime")),
    application: text(metadata, "user_api_key_alias") ?? "unknown",
    environment: "unknown",
    provider: canonicalProvider(sentProvider),
    model: modelOf(entry, sentProvider),
    requestModel: text(entry, "model_group"),
    operation: operationOf(text(entry, "call_type")),
    serviceTier: serviceTierOf(entry, metadata),
    userId:
      text(metadata, "user_api_key_user_id") ?? text(entry, "end_user") ?? text(metadata, "user_api_key_end_user_id"),
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
): Usage & Pick<Trace, "usageSemantics"> {
  // LiteLLM repeats the counts of the answer that it kept; no provider has counted them again.
  if (fromCache) return { ...NO_USAGE, inputTokens: 0, outputTokens: 0, usageSemantics: "cache hit: nothing used" };
  const provided = usageObject(metadata["usage_object"]);
  const usage = { ...(provided?.usage ?? NO_USAGE) };
  usage.inputTokens ??= count(entry, "prompt_tokens");
  usage.outputTokens ??= count(entry, "completion_tokens");
  const usageSemantics = provided?.semantics ?? "inclusive";
  const empty = (usage.inputTokens ?? 0) === 0 && (usage.outputTokens ?? 0) === 0;
  if (!empty) return { ...keptUsage(usage), usageSemantics };
  // No answer comes without tokens: then its zeros stand for counts that LiteLLM does not have.
  return failed
    ? { ...NO_USAGE, inputTokens: 0, outputTokens: 0, usageSemantics: "failed: nothing used" }
    : { ...NO_USAGE, usageSemantics: "" };
}

/** LiteLLM's own form, or that of a provider where it passes one on. */
function usageObject(value: unknown): { usage: Usage; semantics: string } | null {
  const object = objectOrNull(value);
  if (object === null) return null;
  if (!Object.hasOwn(object, "prompt_tokens")) {
    const raw = readProviderUsage(object);
    return raw && { usage: raw.usage, semantics: `provider usage (${raw.form})` };
  }
  const usage: Usage = { ...NO_USAGE };
  for (const field of COUNT_FIELDS) usage[field] = largest(object, COUNTS[field]);
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

function notACount(what: string): SpanRefused {
  return new SpanRefused("invalid", `${what} must be a whole number from 0 to ${MAX_TOKENS}`);
}

/** Epoch seconds as a float hold microseconds, but not exactly: rounding brings them back. */
function microseconds(entry: Json, field: string): number | null {
  const value = entry[field];
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isFinite(value)) return Math.round(value * US_PER_SECOND);
  throw new SpanRefused("invalid", `${field} must be a number of seconds since 1970`);
}

/** Null too where the proxy's clock was set back during the call. */
function durationOf(startUs: number, endUs: number | null): number | null {
  const durationUs = endUs === null ? -1 : endUs - startUs;
  return durationUs >= 0 && durationUs <= MAX_DURATION_US ? durationUs : null;
}

function isFailure(entry: Json): boolean {
  const status = text(entry, "status") ?? "success";
  if (status === "success" || status === "failure") return status === "failure";
  throw new SpanRefused("invalid", "status must be one of success, failure");
}

/** A model may still carry the name of its provider, by which LiteLLM chose the route. */
function modelOf(entry: Json, provider: string): string {
  const model = text(entry, "model") ?? text(entry, "model_group") ?? "unknown";
  const route = `${provider}/`;
  return model.startsWith(route) && model.length > route.length ? model.slice(route.length) : model;
}

function operationOf(callType: string | null): string {
  if (callType === null) return "chat";
  return OPERATIONS.get(callType) ?? OPERATIONS.get(callType.replace(/^a/, "")) ?? callType;
}

/** What the provider says it gave, else what was asked for. */
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

/** All request tags as one, those of the form `key:value` by their key too, and the team of the caller's key. */
function tagsOf(requestTags: unknown, team: unknown): Record<string, string> {
  const tags = new Map<string, string>();
  const add = (key: string, value: unknown): void => {
    if (typeof value !== "string" || value === "" || tags.size >= MAX_TAGS || tags.has(key)) return;
    tags.set(key, cleanText(value, MAX_TAG_VALUE));
  };
  add("team", team);
  const given = Array.isArray(requestTags) ? requestTags.filter((tag) => typeof tag === "string" && tag !== "") : [];
  // LiteLLM adds what the HTTP client calls itself, which is no tag of anyone's.
  const own = (given as string[]).filter((tag) => !tag.startsWith("User-Agent:"));
  add("tag", own.join(","));
  for (const tag of own) {
    const [, key = "", value] = /^([A-Za-z][\w.-]*):\s*([^/\s].*)$/s.exec(tag) ?? [];
    if (key !== "" && key.length <= MAX_TAG_KEY && key !== "constructor") add(key, value);
  }
  return Object.fromEntries(tags);
}

function text(owner: Json, field: string): string | null {
  const value = Object.hasOwn(owner, field) ? owner[field] : null;
  if (value === undefined || value === null || value === "") return null;
  if (typeof value !== "string") throw new SpanRefused("invalid", `${field} must be a string`);
  return keptText(value, field);
}
