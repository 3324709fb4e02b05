/**
 * The attribute names that emitters use, by field, in order of priority: the first one that is set wins. A new dialect
 * is a new name here. The readers of both encodings keep exactly the attributes that these tables name.
 */
import type { CountField } from "../../../ledger/counts.ts";
import { AGENT_ATTRIBUTES } from "./agent-attributes.ts";
import {
  BOOKKEEPING,
  CODE_OF_RESOURCES,
  IDENTITIES,
  METADATA,
  RESOURCE_TAGS,
  TAG_PREFIXES,
} from "./context-attributes.ts";
import { remembered } from "../remembered.ts";

export const PROVIDER = [
  // LangSmith guesses its `gen_ai.system` by the name of the model.
  "langsmith.metadata.ls_provider",
  "gen_ai.provider.name",
  "gen_ai.system",
  "gen_ai.model.provider",
  "llm.provider",
  "llm.system",
  "ai.model.provider",
  "langfuse.observation.metadata.ls_provider",
  "langwatch.langchain.run.metadata.ls_provider",
];
/** Attributes that only one gateway sends, and the gateway. It bills the call, so it is the provider. */
export const GATEWAY_MARKS: readonly (readonly [string, string])[] = [
  ["trace.metadata.openrouter.provider_name", "openrouter"],
  ["trace.metadata.openrouter.provider_slug", "openrouter"],
  ["openrouter.provider_slug", "openrouter"],
];

/** The model that answered. If none is sent, the model that was asked for stands in. */
export const RESPONSE_MODEL = [
  "gen_ai.response.model",
  "llm.response.model_name",
  "ai.response.model",
  "langfuse.observation.model.name",
];
export const REQUEST_MODEL = [
  "gen_ai.request.model",
  "llm.request.model_name",
  "llm.model_name",
  "embedding.model_name",
  "ai.model.id",
  "ai.model.name",
  "langfuse.observation.metadata.ls_model_name",
  "langsmith.metadata.ls_model_name",
  "langwatch.langchain.run.metadata.ls_model_name",
];

/** Where the request went. */
export const SERVER = ["server.address", "url.full", "http.url", "gen_ai.openai.api_base", "net.peer.name"];
export const OPERATION = ["gen_ai.operation.name"];
export const RESPONSE_ID = ["gen_ai.response.id", "ai.response.id"];
/** Ids of the one request that a span is about. `request_id` alone is not here: applications use it for their own. */
export const REQUEST_IDS = [
  "anthropic.request.id",
  "aws.request.id",
  "aws.request_id",
  "http.request.header.x-client-request-id",
  "http.request.header.x_client_request_id",
];
export const RESPONSE_TIER = [
  "openai.response.service_tier",
  "gen_ai.openai.response.service_tier",
  "anthropic.response.service_tier",
  "gen_ai.response.service_tier",
  "vercel.ai_gateway.service_tier",
];
export const REQUEST_TIER = [
  "openai.request.service_tier",
  "gen_ai.openai.request.service_tier",
  "gen_ai.request.service_tier",
];
/** Claude Code's. */
export const SPEED = ["speed"];

/** Counts of thoughts that the output does not include. */
export const GOOGLE_THOUGHTS = "gen_ai.usage.details.thoughts_tokens";
export const ADK_THOUGHTS = "gen_ai.usage.experimental.reasoning_tokens";

/** The sum of input, output and counts that are in neither. */
export const TOTAL = ["gen_ai.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens"];

type Names = readonly string[];

export const COUNTS: Readonly<Record<"inputTokens" | "outputTokens", Names> & Partial<Record<CountField, Names>>> = {
  inputTokens: [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "usage.prompt_tokens",
  ],
  outputTokens: [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "usage.completion_tokens",
  ],
  cacheReadTokens: [
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "usage.cached_tokens",
  ],
  cacheWriteTokens: [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
  ],
  cacheWrite5mTokens: [
    "gen_ai.usage.cache_creation.5m_input_tokens",
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
  ],
  cacheWrite1hTokens: [
    "gen_ai.usage.cache_creation.1h_input_tokens",
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
  ],
  reasoningTokens: [
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.details.thinking_tokens",
    GOOGLE_THOUGHTS,
    ADK_THOUGHTS,
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "usage.reasoning_tokens",
  ],
  inputAudioTokens: [
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.audio_input_tokens",
    "gen_ai.usage.input_tokens.audio",
    "gen_ai.usage.details.input_audio_tokens",
    "llm.token_count.prompt_details.audio",
  ],
  cacheReadAudioTokens: ["gen_ai.usage.details.cache_audio_read_tokens"],
  outputAudioTokens: [
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.audio_output_tokens",
    "gen_ai.usage.output_tokens.audio",
    "gen_ai.usage.details.output_audio_tokens",
    "llm.token_count.completion_details.audio",
  ],
  inputImageTokens: [
    "gen_ai.usage.image.input_tokens",
    "gen_ai.usage.input_tokens.image",
    "gen_ai.usage.details.input_image_tokens",
  ],
  outputImageTokens: [
    "gen_ai.usage.image.output_tokens",
    "gen_ai.usage.output_tokens.image",
    "gen_ai.usage.details.output_image_tokens",
  ],
  webSearches: [
    "gen_ai.usage.web_search_requests",
    "gen_ai.usage.server_tool_use.web_search_requests",
    "gen_ai.usage.details.web_search_requests",
    "gen_ai.usage.details.num_search_queries",
    "anthropic.usage.server_tool_use.web_search_requests",
  ],
  citationTokens: ["gen_ai.usage.details.citation_tokens"],
};

/** Costs in USD, unless `COST_CURRENCY` says otherwise. */
export const REPORTED_COST = [
  "gen_ai.usage.cost.amount",
  "gen_ai.usage.cost",
  "gen_ai.usage.cost.total",
  "gen_ai.usage.cost_usd",
  "gen_ai.usage.total_cost",
  "gen_ai.cost.total_cost",
  "gen_ai.cost.total_tokens",
  "operation.cost",
  "llm.cost.total",
  "llm.usage.cost",
  "llm.usage.total_cost",
  "ai.total_cost",
  "vercel.ai_gateway.cost.total",
];
export const COST_CURRENCY = "gen_ai.usage.cost.currency";
/** What GitHub Copilot bills, in billionths of an AI credit. */
export const NANO_AIU = "github.copilot.nano_aiu";
export const LANGSMITH_USAGE = "langsmith.usage_metadata";
/** JSON documents with a cost in USD, and its key. */
export const COST_DOCUMENTS: readonly (readonly [string, string])[] = [
  [LANGSMITH_USAGE, "total_cost"],
  ["mlflow.llm.cost", "total_cost"],
  ["langwatch.metrics", "cost"],
  ["braintrust.metrics", "estimated_cost"],
];

export const APPLICATION = ["service.name"];
export const ENVIRONMENT = [
  "deployment.environment.name",
  "deployment.environment",
  "langfuse.environment",
  "env",
  "sentry.environment",
];
/** On resources that have the mark, this name holds something else: opencode puts the channel of its release there. */
export const NOT_ENVIRONMENT = { mark: "opencode.client", name: "deployment.environment.name" };

export const ERROR_TYPE = ["error.type"];
export const HTTP_STATUS = "http.response.status_code";
export const FINISH_REASONS = [
  "gen_ai.response.finish_reasons",
  "gen_ai.response.finish_reason",
  "ai.response.finishReason",
  "llm.finish_reason",
];
export const LEVEL = "langfuse.observation.level";

export const AI_OPERATION = "ai.operationId";
export const AI_USER_AGENT = "ai.request.headers.user-agent";
export const AI_NO_CACHE = "ai.usage.inputTokenDetails.noCacheTokens";
export const LANGFUSE_TYPE = "langfuse.observation.type";
export const LANGSMITH_KIND = "langsmith.span.kind";
export const LANGWATCH_TYPE = "langwatch.span.type";
/** Marks of an answer that was streamed. */
export const STREAMED = [
  "gen_ai.request.stream",
  "gen_ai.request.is_stream",
  "langfuse.observation.completion_start_time",
];
/** What a request of Claude Code's was for. */
export const QUERY_SOURCE = "query_source_safe";
export const REQUEST_TYPE = "llm.request.type";
export const LANGTRACE_VERSION = "langtrace.version";
/** The SDK that it instruments. */
export const LANGTRACE_SERVICE = "langtrace.service.name";
export const OPENINFERENCE_KIND = "openinference.span.kind";
export const GENKIT_TYPE = "genkit:type";
export const GENKIT_SUBTYPE = "genkit:metadata:subtype";
export const GENKIT_NAME = "genkit:name";
export const TRACELOOP_KIND = "traceloop.span.kind";
export const OUTPUT_MIME_TYPE = "output.mime_type";
/** Marks of frameworks whose spans have the application's own scope. */
export const STRANDS_START = "gen_ai.event.start_time";
export const TANSTACK = ["tanstack.ai.iteration", "tanstack.ai.iterations"];

/** JSON documents as text. Some are large, so they are parsed only if a rule needs them. */
export const USAGE_DETAILS = "langfuse.observation.usage_details";
export const COST_DETAILS = "langfuse.observation.cost_details";
export const PROVIDER_METADATA = "ai.response.providerMetadata";
export const OUTPUT_VALUE = "output.value";
export const GENKIT_OUTPUT = "genkit:output";
export const ADK_RESPONSE = "gcp.vertex.agent.llm_response";
export const INVOCATION_PARAMETERS = "llm.invocation_parameters";

export const DOCUMENTS: ReadonlySet<string> = new Set([
  USAGE_DETAILS,
  COST_DETAILS,
  PROVIDER_METADATA,
  OUTPUT_VALUE,
  GENKIT_OUTPUT,
  ADK_RESPONSE,
  METADATA,
  INVOCATION_PARAMETERS,
  ...COST_DOCUMENTS.map(([name]) => name),
  ...BOOKKEEPING,
]);

/** Every attribute name that is read, apart from names that begin with one of `TAG_PREFIXES`. */
export const READ_NAMES: ReadonlySet<string> = new Set(
  [
    [GATEWAY_MARKS.map(([mark]) => mark), PROVIDER, RESPONSE_MODEL, REQUEST_MODEL, OPERATION, RESPONSE_ID, REQUEST_IDS],
    [RESPONSE_TIER, REQUEST_TIER, SPEED, TOTAL, COST_CURRENCY, NANO_AIU],
    [...Object.values(COUNTS), REPORTED_COST, APPLICATION, ENVIRONMENT, ERROR_TYPE, FINISH_REASONS],
    [
      SERVER,
      ...RESOURCE_TAGS.map(([, names]) => names),
      Object.values(CODE_OF_RESOURCES),
      HTTP_STATUS,
      LEVEL,
      AI_OPERATION,
      AI_USER_AGENT,
      AI_NO_CACHE,
      LANGFUSE_TYPE,
    ],
    STREAMED,
    [
      QUERY_SOURCE,
      LANGSMITH_KIND,
      LANGWATCH_TYPE,
      REQUEST_TYPE,
      LANGTRACE_VERSION,
      LANGTRACE_SERVICE,
      NOT_ENVIRONMENT.mark,
    ],
    [OPENINFERENCE_KIND, GENKIT_TYPE, GENKIT_SUBTYPE, GENKIT_NAME, TRACELOOP_KIND, OUTPUT_MIME_TYPE],
    [STRANDS_START, TANSTACK, AGENT_ATTRIBUTES],
    [...DOCUMENTS, ...IDENTITIES],
  ].flat(2),
);

export const isRead = remembered(
  (name) => READ_NAMES.has(name) || TAG_PREFIXES.some((prefix) => name.startsWith(prefix)),
);
