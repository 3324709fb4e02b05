/** The service, provider, model and operation of a span. */
import { canonicalProvider } from "../../../pricing/provider.ts";
import { remembered } from "../remembered.ts";
import { moreTelling, placeOf, servedBy } from "../served.ts";
import { joinTiers, tierText } from "../tiers.ts";
import {
  AI_OPERATION,
  APPLICATION,
  ENVIRONMENT,
  GATEWAY_MARKS,
  GENKIT_NAME,
  GENKIT_SUBTYPE,
  INVOCATION_PARAMETERS,
  LANGFUSE_TYPE,
  LANGSMITH_KIND,
  NOT_ENVIRONMENT,
  OPENINFERENCE_KIND,
  OPERATION,
  PROVIDER,
  REQUEST_MODEL,
  REQUEST_TIER,
  RESPONSE_ID,
  RESPONSE_MODEL,
  RESPONSE_TIER,
  SERVER,
  SPEED,
} from "./attributes.ts";
import { METADATA } from "./context-attributes.ts";
import type { Report } from "./report.ts";
import { documentOf, textOf, type Attributes, type Span } from "./span.ts";

const UNKNOWN = "unknown";
const DEFAULT_OPERATION = "chat";
const OTHER_ENVIRONMENT = ENVIRONMENT.filter((name) => name !== NOT_ENVIRONMENT.name);

/** The operation by a span's kind, for spans that name no operation. */
const OPERATIONS: readonly (readonly [string, RegExp, string])[] = [
  [AI_OPERATION, /^ai\.embed/, "embeddings"],
  [AI_OPERATION, /^ai\.rerank/, "rerank"],
  [LANGFUSE_TYPE, /^embedding$/, "embeddings"],
  [LANGSMITH_KIND, /^embedding$/, "embeddings"],
  [OPENINFERENCE_KIND, /^EMBEDDING$/, "embeddings"],
  [OPENINFERENCE_KIND, /^RERANKER$/, "rerank"],
  [GENKIT_SUBTYPE, /^embedder$/, "embeddings"],
];

/** Genkit names plugins instead of providers. */
const GENKIT_PLUGINS = new Map([
  ["googleai", "google"],
  ["vertexai", "google"],
]);

const canonical = remembered(canonicalProvider);

export function applicationOf({ attributes, source }: Span): string {
  return textOf(source.resource, APPLICATION) ?? textOf(attributes, APPLICATION) ?? UNKNOWN;
}

export function environmentOf({ attributes, source }: Span): string {
  const names = source.resource.has(NOT_ENVIRONMENT.mark) ? OTHER_ENVIRONMENT : ENVIRONMENT;
  return textOf(source.resource, names) ?? textOf(attributes, names) ?? UNKNOWN;
}

export function operationOf(attributes: Attributes): string {
  const named = textOf(attributes, OPERATION);
  if (named !== null) return named;
  for (const [name, pattern, operation] of OPERATIONS) {
    const value = attributes.get(name);
    if (typeof value === "string" && pattern.test(value)) return operation;
  }
  return DEFAULT_OPERATION;
}

export function providerOf({ attributes, source }: Span): string {
  const gateway = GATEWAY_MARKS.find(([mark]) => attributes.has(mark))?.[1];
  return (
    gateway ?? servedBy(namedProvider({ attributes, source }), textOf(attributes, SERVER), requestModelOf(attributes))
  );
}

function namedProvider({ attributes, source }: Pick<Span, "attributes" | "source">): string {
  const named = textOf(attributes, PROVIDER);
  // Some frameworks send the service's own name as the provider.
  if (named !== null && named !== textOf(source.resource, APPLICATION)) return canonical(named);
  const [plugin] = genkitModel(attributes);
  const fallback = plugin ?? fieldOf(attributes, METADATA, "ls_provider");
  return fallback === null ? UNKNOWN : canonical(GENKIT_PLUGINS.get(fallback) ?? fallback);
}

/** The provider's name as it was sent, if that is another. */
export function sentProviderOf(attributes: Attributes, provider: string): string | null {
  const named =
    textOf(attributes, PROVIDER) ?? genkitModel(attributes)[0] ?? fieldOf(attributes, METADATA, "ls_provider");
  return named === provider ? null : named;
}

export function requestModelOf(attributes: Attributes): string | null {
  const asked = fieldOf(attributes, INVOCATION_PARAMETERS, "model");
  return asked ?? textOf(attributes, REQUEST_MODEL) ?? genkitModel(attributes)[1];
}

/** The model that answered. If none is named, the model that was asked for. */
export function modelOf(attributes: Attributes, report: Report): string {
  const answered = textOf(attributes, RESPONSE_MODEL) ?? report.model;
  const asked = textOf(attributes, REQUEST_MODEL) ?? requestModelOf(attributes);
  return answered === null ? (asked ?? UNKNOWN) : moreTelling(answered, asked);
}

/** What the answer says of the tier. Without that, what was asked for. */
export function serviceTierOf(attributes: Attributes, report: Report, model: string): string | null {
  const given = joinTiers(textOf(attributes, RESPONSE_TIER), report.serviceTier) ?? askedTierOf(attributes);
  return joinTiers(given, placeOf(textOf(attributes, SERVER), model));
}

const TIER_PARAMETERS = ["service_tier", "serviceTier", "speed", "inference_geo"];

function askedTierOf(attributes: Attributes): string | null {
  const parameters = attributes.has(INVOCATION_PARAMETERS) ? documentOf(attributes, INVOCATION_PARAMETERS) : null;
  const asked = parameters === null ? [] : TIER_PARAMETERS.map((name) => tierText(parameters[name]) ?? null);
  const speed = textOf(attributes, SPEED);
  return joinTiers(textOf(attributes, REQUEST_TIER), speed === "normal" ? null : speed, ...asked);
}

export function responseIdOf(attributes: Attributes, report: Report): string | null {
  return textOf(attributes, RESPONSE_ID) ?? report.responseId;
}

/** `openai/gpt-4.1-mini` -> plugin and model. */
function genkitModel(attributes: Attributes): [plugin: string | null, model: string | null] {
  const name = textOf(attributes, [GENKIT_NAME]) ?? "";
  const slash = name.indexOf("/");
  return slash > 0 ? [name.slice(0, slash), name.slice(slash + 1) || null] : [null, name || null];
}

function fieldOf(attributes: Attributes, document: string, field: string): string | null {
  const value = attributes.has(document) ? documentOf(attributes, document)?.[field] : null;
  return typeof value === "string" && value !== "" ? value : null;
}
