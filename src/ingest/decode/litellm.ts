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
  isProvidersRequest,
  keptIds,
  keptStart,
  keptText,
} from "./item.ts";
import { MAX_DURATION_MS, CACHE_HIT_RULE, type Call, MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS } from "../../ledger/call.ts";
import { canonicalProvider } from "../../pricing/provider.ts";
import { callKey } from "../../ledger/key.ts";
import { type Decoded } from "./decoded.ts";
import { litellmUsageOf } from "./litellm-usage.ts";
import { statedUsd } from "./reported-cost.ts";
import { moreTelling, placeOf, servedBy } from "./served.ts";
import { isOptimized, joinTiers, tierText } from "./tiers.ts";
import { type Json, objectOrNull } from "./usage-objects/paths.ts";

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
  ["image_variation", "image_edit"],
  ["create_video", "video_generation"],
  ["video_generation", "video_generation"],
  ["video_remix", "video_generation"],
  ["ocr", "ocr"],
  ["search", "search"],
  ["vector_store_search", "search"],
  ["transcription", "transcription"],
  ["speech", "speech"],
  ["moderation", "moderation"],
]);

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
  const base = entry["api_base"] ?? objectOrNull(entry["hidden_params"])?.["api_base"];
  const apiBase = typeof base === "string" && base !== "" ? base : null;
  const named = canonicalProvider(sentProvider);
  const model = modelOf(entry, sentProvider, servedBy(named, apiBase, null) !== named);
  const provider = servedBy(named, apiBase, model);
  const cost = statedUsd("response_cost", entry["response_cost"]);
  const read = litellmUsageOf(entry, metadata, provider, { failed, fromCache });
  return {
    ...read.usage,
    usageSemantics: read.semantics,
    costIs: "exact",
    coveredBy: "api",
    doubt: read.doubt,
    otherIds: fromCache ? [] : requestIdsOf(entry),
    unknownUsageMembers: [...read.unknown, ...cost.unread],
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
    provider,
    model,
    requestProvider: sentProvider === provider ? null : sentProvider,
    requestModel: textField(entry, "model_group"),
    operation: operationOf(textField(entry, "call_type")),
    serviceTier: joinTiers(serviceTierOf(entry, metadata), read.tier, placeOf(apiBase, model)),
    userId:
      textField(metadata, "user_api_key_user_id") ??
      textField(entry, "end_user") ??
      textField(metadata, "user_api_key_end_user_id"),
    sessionId: null,
    tags: tagsOf(entry["request_tags"], metadata["user_api_key_team_alias"]),
    status: failed ? "error" : "ok",
    errorType: failed ? errorTypeOf(entry) : null,
    reportedCostPico: cost.pico ?? read.reportedCostPico,
    billable: !fromCache,
    wrapper: false,
    rule: fromCache ? CACHE_HIT_RULE : "litellm",
  };
}

/** The provider's id of the request. A gateway behind LiteLLM may repeat a caller's `x-request-id`. */
function requestIdsOf(entry: Json): readonly string[] {
  const headers = objectOrNull(objectOrNull(entry["hidden_params"])?.["additional_headers"]) ?? {};
  const idOf = (name: string): string => (typeof headers[name] === "string" ? headers[name] : "");
  const requestId = idOf("llm_provider-x-request-id");
  return keptIds([
    idOf("llm_provider-request-id"),
    idOf("llm_provider-x-amzn-requestid"),
    ...(isProvidersRequest(requestId) ? [requestId] : []),
  ]);
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

/** OpenAI's own models, by the name that others sell them under. */
const MADE_BY_OPENAI = /^openai\/(?:gpt-|o\d)/;

/** The model, without the name of its provider in front, by which LiteLLM chose the route. */
function modelOf(entry: Json, provider: string, isElsewhere: boolean): string {
  const model = textField(entry, "model") ?? textField(entry, "model_group") ?? "unknown";
  const routed = objectOrNull(entry["hidden_params"])?.["litellm_model_name"];
  const asked = typeof routed === "string" && routed !== "" ? keptText(routed, "model") : null;
  const route = `${provider}/`;
  const withoutRoute = (name: string): string => {
    if (!name.startsWith(route) || name.length === route.length) return name;
    return isElsewhere && MADE_BY_OPENAI.test(name) ? name : name.slice(route.length);
  };
  return moreTelling(withoutRoute(model), asked && withoutRoute(asked));
}

function operationOf(callType: string | null): string {
  if (callType === null) return "chat";
  return OPERATIONS.get(callType) ?? OPERATIONS.get(callType.replace(/^a/, "")) ?? callType;
}

/** What a batch has used is logged with the call that fetches it. https://docs.litellm.ai/docs/batches */
const BATCHES = /^a?(?:create|retrieve)_batch$/;

/** The service tier that the provider reports, or what was asked for. */
function serviceTierOf(entry: Json, metadata: Json): string | null {
  const asked = objectOrNull(entry["model_parameters"]) ?? {};
  const answers = [entry["response"], metadata["usage_object"]].map(objectOrNull);
  const tier = [...answers, asked].map((of) => tierText(of?.["service_tier"] ?? of?.["serviceTier"])).find(Boolean);
  const isBatch = BATCHES.test(textField(entry, "call_type") ?? "");
  const isFaster = [entry["response"], asked].some((of) => isOptimized(objectOrNull(of) ?? {}));
  const own = [
    tier,
    tierText(asked["speed"]),
    tierText(asked["inference_geo"]),
    isFaster ? "optimized" : null,
    isBatch ? "batch" : null,
  ];
  const joined = joinTiers(...own.map((said) => said ?? null));
  return joined === null ? null : keptText(joined, "service_tier");
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
