/**
 * The provider's own report, if an emitter passes the response on inside a document. Nothing is closer to the truth, so
 * it takes precedence over the attributes around it. Only documents with the shape of a response are read. Otherwise
 * the text of a streamed answer could name its own price.
 */
import { COUNT_FIELDS, type Usage, NO_USAGE } from "../../../ledger/call.ts";
import { UNIT_COUNTS } from "../../../ledger/buckets.ts";
import {
  ADK_RESPONSE,
  GENKIT_OUTPUT,
  LANGSMITH_USAGE,
  OUTPUT_MIME_TYPE,
  OUTPUT_VALUE,
  PROVIDER_METADATA,
  USAGE_DETAILS,
} from "./attributes.ts";
import { readLangfuseUsage } from "./langfuse.ts";
import { atOneTier } from "./langsmith.ts";
import { readProviderUsage, wrongCountIn } from "../provider-usage.ts";
import { isOptimized, joinTiers, tierText } from "../tiers.ts";
import { toolCallsOf } from "../tool-calls.ts";
import { countAt, type Json, objectOrNull } from "../usage-objects/paths.ts";
import { documentOf, type Attributes } from "./span.ts";

export interface Report {
  /** Inclusive counts. A document may hold only some. */
  usage: Usage;
  semantics: string;
  model: string | null;
  responseId: string | null;
  serviceTier: string | null;
  ambiguous: string | null;
  reportedCostPico: bigint | null;
  unknown: readonly string[];
}

const NOTHING: Report = {
  usage: NO_USAGE,
  semantics: "",
  model: null,
  responseId: null,
  serviceTier: null,
  ambiguous: null,
  reportedCostPico: null,
  unknown: [],
};

/** The readers of documents, by attribute. */
const READERS: readonly (readonly [
  string,
  (document: Json, provider: string, attributes: Attributes) => Report | null,
])[] = [
  [USAGE_DETAILS, readUsageDetails],
  [PROVIDER_METADATA, readProviderMetadata],
  [OUTPUT_VALUE, readOutputValue],
  [GENKIT_OUTPUT, readGenkitOutput],
  [ADK_RESPONSE, readAdkResponse],
  [LANGSMITH_USAGE, readLangsmithUsage],
];

/**
 * The document that tells most. Of several with as many counts it is the one with larger totals, which is of the end of
 * a stream.
 *
 * @param provider the provider of the call. Some count in ways that their objects do not show.
 */
export function reportOf(attributes: Attributes, provider: string): Report {
  let best: Report | null = null;
  for (const [name, read] of READERS) {
    const document = attributes.has(name) ? documentOf(attributes, name) : null;
    const report = document && read(document, provider, attributes);
    if (report) best = best === null ? report : joined(best, report);
  }
  return best ?? NOTHING;
}

function joined(first: Report, second: Report): Report {
  const [most, other] = tellsMore(second.usage, first.usage) ? [second, first] : [first, second];
  const usage = { ...most.usage };
  for (const field of UNIT_COUNTS) usage[field] ??= other.usage[field];
  return {
    ...most,
    usage,
    model: most.model ?? other.model,
    responseId: most.responseId ?? other.responseId,
    serviceTier: joinTiers(most.serviceTier, other.serviceTier),
    ambiguous: most.ambiguous ?? other.ambiguous,
    reportedCostPico: most.reportedCostPico ?? other.reportedCostPico,
    unknown: [...most.unknown, ...other.unknown],
  };
}

function tellsMore(usage: Usage, than: Usage): boolean {
  const told = (of: Usage): number => COUNT_FIELDS.filter((field) => of[field] !== null).length;
  const total = (of: Usage): number => (of.inputTokens ?? 0) + (of.outputTokens ?? 0);
  return told(usage) - told(than) > 0 || (told(usage) === told(than) && total(usage) > total(than));
}

/** The report of a wrapper. It repeats the documents of its last step, so only the usage that it states is its own. */
export function wrapperReportOf(attributes: Attributes, provider: string): Report {
  const document = attributes.has(USAGE_DETAILS) ? documentOf(attributes, USAGE_DETAILS) : null;
  return (document && readUsageDetails(document, provider)) ?? NOTHING;
}

/** Langfuse's document: its own counts, or the provider's object. */
function readUsageDetails(document: Json, provider: string): Report | null {
  const own = readLangfuseUsage(document);
  if (own !== null) return { ...NOTHING, ...own };
  const whole = report(provider, document, null, null, null);
  return whole.semantics === "" && whole.ambiguous === null ? null : whole;
}

/** The AI SDK's document: one object per provider. OpenAI's has only the counts for which the SDK has no field. */
function readProviderMetadata(document: Json, provider: string): Report | null {
  for (const name of Object.keys(document)) {
    const metadata = objectOrNull(document[name]);
    if (metadata === null) continue;
    const raw = usageIn(metadata);
    const whole = withTools(report(provider, raw, null, text(metadata["responseId"]), tierOf(metadata)), metadata);
    if (whole.semantics !== "") return whole;
    const writes = raw && (countAt(raw, "cacheWriteTokens") ?? countAt(raw, "cacheWriteInputTokens"));
    const usage = { ...whole.usage };
    if (writes !== null && !Number.isNaN(writes)) usage.cacheWriteTokens = writes;
    const tells = whole.serviceTier ?? whole.responseId ?? whole.ambiguous ?? usage.cacheWriteTokens;
    if (tells !== null || usage.webSearches !== null) return { ...whole, usage };
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
  if (!isResponse(document)) return null;
  const model = text(document["model"]) ?? text(document["modelVersion"]) ?? text(document["model_version"]);
  const id = text(document["id"]) ?? text(document["responseId"]) ?? text(document["response_id"]);
  return withTools(report(provider, usageIn(document), model, id, tierOf(document)), document);
}

/** OpenAI's, Anthropic's, Bedrock's, Google's or Cohere's. */
function isResponse(document: Json): boolean {
  if (RESPONSE_OBJECTS.has(document["object"]) || document["type"] === "message") return true;
  if (typeof document["stopReason"] === "string" && objectOrNull(document["output"]) !== null) return true;
  if (usageIn(document) === null) return false;
  if (typeof document["finish_reason"] === "string" && objectOrNull(document["message"]) !== null) return true;
  return Array.isArray(document["candidates"]);
}

/** The usage object of an answer, under the name that its provider or a client of it has for that. */
function usageIn(answer: Json): Json | null {
  for (const name of ["usage", "usageMetadata", "usage_metadata"]) {
    const usage = objectOrNull(answer[name]);
    if (usage !== null) return usage;
  }
  return null;
}

/** The tier of an answer, and whether Bedrock served it with optimized latency. */
function tierOf(answer: Json): string | null {
  const tier = tierText(answer["service_tier"]) ?? tierText(answer["serviceTier"]) ?? null;
  return joinTiers(tier, isOptimized(answer) ? "optimized" : null);
}

function withTools(report: Report, answer: Json): Report {
  const { counts, ambiguous, unknown } = toolCallsOf(answer, report.usage);
  return {
    ...report,
    usage: { ...report.usage, ...counts },
    ambiguous: report.ambiguous ?? ambiguous,
    unknown: unknown.length === 0 ? report.unknown : [...report.unknown, ...unknown],
  };
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
    usageIn(raw),
    text(raw["model"]) ?? text(raw["modelVersion"]),
    text(raw["id"]) ?? text(raw["responseId"]),
    tierOf(raw),
  );
  if (whole.semantics !== "") return withTools(whole, raw);
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
  const raw = usageIn(document);
  const model = text(document["modelVersion"]) ?? text(document["model_version"]);
  return raw && withTools(report(provider, raw, model, null, null), document);
}

/** LangSmith's document: LangChain's usage object. */
function readLangsmithUsage(document: Json, provider: string): Report {
  const { usage, tier } = atOneTier(document);
  return report(provider, usage, null, null, tier);
}

function report(
  provider: string,
  raw: Json | null,
  model: string | null,
  responseId: string | null,
  tier: string | null,
): Report {
  const whole = readProviderUsage(raw, provider);
  if (whole === null) {
    const wrong = wrongCountIn(raw, provider);
    const ambiguous = wrong === null ? null : `${wrong} is no count`;
    return { ...NOTHING, model, responseId, ambiguous, serviceTier: tier ?? text(raw?.["service_tier"]) };
  }
  const { usage, form, ambiguous, reportedCostPico, unknown } = whole;
  const serviceTier = joinTiers(tier, whole.tier);
  const semantics = `provider usage (${form})`;
  return { usage, semantics, model, responseId, serviceTier, ambiguous, reportedCostPico, unknown };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
