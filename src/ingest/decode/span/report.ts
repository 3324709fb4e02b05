/**
 * The provider's own report, if an emitter passes the response on inside a document. Nothing is closer to the truth, so
 * it takes precedence over the attributes around it. Only documents with the shape of a response are read. Otherwise
 * the text of a streamed answer could name its own price.
 */
import { type Usage, NO_USAGE } from "../../../ledger/call.ts";
import {
  ADK_RESPONSE,
  GENKIT_OUTPUT,
  OUTPUT_MIME_TYPE,
  OUTPUT_VALUE,
  PROVIDER_METADATA,
  USAGE_DETAILS,
} from "./attributes.ts";
import { readLangfuseUsage } from "./langfuse.ts";
import { countAt, readProviderUsage } from "../provider-usage.ts";
import { documentOf, objectOrNull, type Attributes } from "./span.ts";

type Json = Record<string, unknown>;

export interface Report {
  /** Inclusive counts. A document may hold only some. */
  usage: Usage;
  semantics: string;
  model: string | null;
  responseId: string | null;
  serviceTier: string | null;
}

const NOTHING: Report = { usage: NO_USAGE, semantics: "", model: null, responseId: null, serviceTier: null };

/** The readers of documents, by attribute. The first document that can be read is taken. */
const READERS: readonly (readonly [
  string,
  (document: Json, provider: string, attributes: Attributes) => Report | null,
])[] = [
  [USAGE_DETAILS, readUsageDetails],
  [PROVIDER_METADATA, readProviderMetadata],
  [OUTPUT_VALUE, readOutputValue],
  [GENKIT_OUTPUT, readGenkitOutput],
  [ADK_RESPONSE, readAdkResponse],
];

/** @param provider the provider of the call. Some count in ways that their objects do not show. */
export function reportOf(attributes: Attributes, provider: string): Report {
  for (const [name, read] of READERS) {
    const document = attributes.has(name) ? documentOf(attributes, name) : null;
    const report = document && read(document, provider, attributes);
    if (report) return report;
  }
  return NOTHING;
}

/** The report of a wrapper. It repeats the documents of its last step, so only the usage that it states is its own. */
export function wrapperReportOf(attributes: Attributes): Report {
  const document = attributes.has(USAGE_DETAILS) ? documentOf(attributes, USAGE_DETAILS) : null;
  return (document && readUsageDetails(document)) ?? NOTHING;
}

function readUsageDetails(document: Json): Report | null {
  const read = readLangfuseUsage(document);
  return read && { ...NOTHING, ...read };
}

/** The AI SDK's document: one object per provider. OpenAI's has only the counts for which the SDK has no field. */
function readProviderMetadata(document: Json, provider: string): Report | null {
  for (const name of Object.keys(document)) {
    const metadata = objectOrNull(document[name]);
    if (metadata === null) continue;
    const raw = objectOrNull(metadata["usage"]) ?? objectOrNull(metadata["usageMetadata"]);
    const serviceTier = text(metadata["serviceTier"]) ?? text(raw?.["service_tier"]);
    const responseId = text(metadata["responseId"]);
    const whole = readProviderUsage(raw, provider);
    if (whole) return { ...NOTHING, usage: whole.usage, semantics: semanticsOf(whole.form), serviceTier, responseId };
    const writes = raw && (countAt(raw, "cacheWriteTokens") ?? countAt(raw, "cacheWriteInputTokens"));
    const usage = writes === null || Number.isNaN(writes) ? NO_USAGE : { ...NO_USAGE, cacheWriteTokens: writes };
    if (serviceTier !== null || responseId !== null || usage !== NO_USAGE) {
      return { ...NOTHING, usage, serviceTier, responseId };
    }
  }
  return null;
}

/** OpenInference's document: the raw response of OpenAI, Anthropic or Bedrock, or LangChain's generations. */
function readOutputValue(document: Json, provider: string, attributes: Attributes): Report | null {
  if (attributes.get(OUTPUT_MIME_TYPE) !== "application/json") return null;
  return readGenerations(document, provider) ?? readResponse(document, provider);
}

const RESPONSE_OBJECTS: ReadonlySet<unknown> = new Set(["chat.completion", "text_completion", "response", "list"]);

function readResponse(document: Json, provider: string): Report | null {
  const converse = typeof document["stopReason"] === "string" && objectOrNull(document["output"]) !== null;
  if (!RESPONSE_OBJECTS.has(document["object"]) && document["type"] !== "message" && !converse) return null;
  const raw = objectOrNull(document["usage"]);
  return report(provider, raw, text(document["model"]), text(document["id"]), text(document["service_tier"]));
}

function readGenerations(document: Json, provider: string): Report | null {
  const generations = document["generations"];
  const generation =
    Array.isArray(generations) && Array.isArray(generations[0]) ? objectOrNull(generations[0][0]) : null;
  if (generation === null) return null;
  const message = objectOrNull(objectOrNull(generation["message"])?.["kwargs"]) ?? {};
  const metadata = objectOrNull(message["response_metadata"]) ?? {};
  const info = objectOrNull(generation["generationInfo"]) ?? {};
  const llm = objectOrNull(document["llmOutput"]) ?? {};
  const raw = objectOrNull(metadata["usage"]) ?? objectOrNull(llm["usage"]) ?? objectOrNull(message["usage_metadata"]);
  // LangChain joins texts that chunks repeat, so `model` of a streamed response holds the name twice.
  const model = text(metadata["model_name"]) ?? text(metadata["model"]) ?? text(llm["model"]);
  const id = text(metadata["id"]) ?? text(message["id"]) ?? text(llm["id"]);
  return report(provider, raw, model, id, text(metadata["service_tier"]) ?? text(info["service_tier"]));
}

/** Genkit's document: the raw response as `raw` or `custom`, and its own `usage`, which counts as Google does. */
function readGenkitOutput(document: Json, provider: string): Report | null {
  const raw = objectOrNull(document["raw"]) ?? objectOrNull(document["custom"]) ?? {};
  const whole = report(
    provider,
    objectOrNull(raw["usage"]) ?? objectOrNull(raw["usageMetadata"]),
    text(raw["model"]) ?? text(raw["modelVersion"]),
    text(raw["id"]) ?? text(raw["responseId"]),
    text(raw["service_tier"]),
  );
  if (whole.semantics !== "") return whole;
  const own = objectOrNull(document["usage"]);
  if (own === null) return null;
  const [input, output, total] = [
    countAt(own, "inputTokens"),
    countAt(own, "outputTokens"),
    countAt(own, "totalTokens"),
  ];
  const [thoughts, cached] = [countAt(own, "thoughtsTokens"), countAt(own, "cachedContentTokens")];
  if ([input, output, thoughts, cached].some(Number.isNaN) || (input === null && output === null)) return null;
  // The total shows whether the output includes the thoughts.
  const outside = output !== null && thoughts !== null && total !== (input ?? 0) + output ? thoughts : 0;
  const usage = {
    ...NO_USAGE,
    inputTokens: input,
    outputTokens: output === null ? null : output + outside,
    cacheReadTokens: cached,
    reasoningTokens: thoughts,
  };
  return { ...whole, usage, semantics: outside > 0 ? "genkit usage: thoughts added" : "genkit usage" };
}

/** Google ADK's document: the response, in camel case or in snake case. */
function readAdkResponse(document: Json, provider: string): Report | null {
  const raw = objectOrNull(document["usageMetadata"]) ?? inCamelCase(objectOrNull(document["usage_metadata"]));
  return raw && report(provider, raw, text(document["modelVersion"]) ?? text(document["model_version"]), null, null);
}

function inCamelCase(object: Json | null): Json | null {
  const camel = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return object && Object.fromEntries(Object.keys(object).map((key) => [camel(key), object[key]]));
}

function report(
  provider: string,
  raw: Json | null,
  model: string | null,
  responseId: string | null,
  tier: string | null,
): Report {
  const serviceTier = tier ?? text(raw?.["service_tier"]);
  const whole = readProviderUsage(raw, provider);
  if (whole === null) return { ...NOTHING, model, responseId, serviceTier };
  return { usage: whole.usage, semantics: semanticsOf(whole.form), model, responseId, serviceTier };
}

function semanticsOf(form: string): string {
  return `provider usage (${form})`;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
