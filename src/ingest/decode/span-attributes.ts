/**
 * The attribute names that emitters use, per canonical field in order of priority: the first that
 * is set wins. A new dialect is a new name here; the walkers keep exactly what these tables name.
 */
import type { Usage } from "../trace.ts";

export const PROVIDER = [
  "gen_ai.provider.name",
  "gen_ai.system",
  "gen_ai.model.provider",
  "llm.provider",
  "llm.system",
  "ai.model.provider",
];

/** The model that answered; where none is sent, the one that was asked for stands in. */
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
];

export const OPERATION = ["gen_ai.operation.name"];
export const RESPONSE_ID = ["gen_ai.response.id", "ai.response.id"];
export const RESPONSE_TIER = ["openai.response.service_tier", "gen_ai.openai.response.service_tier"];
export const REQUEST_TIER = ["openai.request.service_tier", "gen_ai.openai.request.service_tier"];

export const COUNTS: Readonly<Record<keyof Usage, readonly string[]>> = {
  inputTokens: [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
  ],
  outputTokens: [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
  ],
  cacheReadTokens: [
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
  ],
  cacheWriteTokens: [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
  ],
  cacheWrite5mTokens: ["gen_ai.usage.cache_creation.5m_input_tokens"],
  cacheWrite1hTokens: ["gen_ai.usage.cache_creation.1h_input_tokens"],
  reasoningTokens: [
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
  ],
  inputAudioTokens: [
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.audio_input_tokens",
    "gen_ai.usage.details.input_audio_tokens",
    "llm.token_count.prompt_details.audio",
  ],
  outputAudioTokens: [
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.audio_output_tokens",
    "gen_ai.usage.details.output_audio_tokens",
    "llm.token_count.completion_details.audio",
  ],
};

export const REPORTED_COST = [
  "gen_ai.usage.cost",
  "gen_ai.usage.total_cost",
  "gen_ai.cost.total_cost",
  "operation.cost",
  "llm.cost.total",
];

export const USER = [
  "user.id",
  "langfuse.user.id",
  "enduser.id",
  "ai.telemetry.metadata.userId",
  "traceloop.association.properties.user_id",
  "llm.user",
  "metadata.user_api_key_user_id",
  "metadata.user_api_key_end_user_id",
  "ai.settings.context.userId",
  "mastra.metadata.userId",
  "traceloop.association.properties.userId",
  "metadata.userId",
];
export const SESSION = [
  "gen_ai.conversation.id",
  "session.id",
  "langfuse.session.id",
  "traceloop.association.properties.session_id",
  "traceloop.association.properties.sessionId",
  "ai.telemetry.metadata.sessionId",
  "ai.settings.context.sessionId",
  "mastra.metadata.sessionId",
  "metadata.sessionId",
];
/** The same inside OpenInference's `metadata`, which is one JSON document. */
export const METADATA_USER = ["userId", "user_id"];
export const METADATA_SESSION = ["sessionId", "session_id"];

export const APPLICATION = ["service.name"];
export const ENVIRONMENT = ["deployment.environment.name", "deployment.environment", "langfuse.environment"];

export const TAG_PREFIXES = [
  "traceloop.association.properties.",
  "langfuse.trace.metadata.",
  "ai.telemetry.metadata.",
  "metadata.",
  "ai.settings.context.",
  "mastra.metadata.",
];
/** Lists of bare tags, which become one tag named `tag`. */
export const TAG_LISTS = ["langfuse.trace.tags", "mastra.tags", "tag.tags"];
/** Resource attributes that are tags themselves. */
export const RESOURCE_TAGS = ["team"];
/** Framework bookkeeping inside `metadata`: no one groups costs by a checkpoint. */
export const NOT_TAGS = /^(ls_|langgraph_|checkpoint_ns$)/;

export const ERROR_TYPE = ["error.type"];
export const HTTP_STATUS = "http.response.status_code";
export const FINISH_REASONS = ["gen_ai.response.finish_reasons", "ai.response.finishReason", "llm.finish_reason"];
export const LEVEL = "langfuse.observation.level";

export const AI_OPERATION = "ai.operationId";
export const AI_USER_AGENT = "ai.request.headers.user-agent";
export const AI_NO_CACHE = "ai.usage.inputTokenDetails.noCacheTokens";
export const LANGFUSE_TYPE = "langfuse.observation.type";
export const OPENINFERENCE_KIND = "openinference.span.kind";
export const MASTRA_TYPE = "mastra.span.type";
export const GENKIT_TYPE = "genkit:type";
export const GENKIT_SUBTYPE = "genkit:metadata:subtype";
export const GENKIT_NAME = "genkit:name";
export const TRACELOOP_KIND = "traceloop.span.kind";
export const OUTPUT_MIME_TYPE = "output.mime_type";

/** JSON documents as text, some of them large: read only where a rule asks. */
export const USAGE_DETAILS = "langfuse.observation.usage_details";
export const COST_DETAILS = "langfuse.observation.cost_details";
export const PROVIDER_METADATA = "ai.response.providerMetadata";
export const OUTPUT_VALUE = "output.value";
export const GENKIT_OUTPUT = "genkit:output";
export const METADATA = "metadata";
export const INVOCATION_PARAMETERS = "llm.invocation_parameters";

export const DOCUMENTS: ReadonlySet<string> = new Set([
  USAGE_DETAILS,
  COST_DETAILS,
  PROVIDER_METADATA,
  OUTPUT_VALUE,
  GENKIT_OUTPUT,
  METADATA,
  INVOCATION_PARAMETERS,
]);

/** Every attribute name that is read, beside those that begin with one of `TAG_PREFIXES`. */
export const READ_NAMES: ReadonlySet<string> = new Set(
  [
    [PROVIDER, RESPONSE_MODEL, REQUEST_MODEL, OPERATION, RESPONSE_ID, RESPONSE_TIER, REQUEST_TIER],
    [...Object.values(COUNTS), REPORTED_COST, USER, SESSION, APPLICATION, ENVIRONMENT, ERROR_TYPE, FINISH_REASONS],
    [TAG_LISTS, RESOURCE_TAGS, HTTP_STATUS, LEVEL, AI_OPERATION, AI_USER_AGENT, AI_NO_CACHE, LANGFUSE_TYPE],
    [OPENINFERENCE_KIND, MASTRA_TYPE, GENKIT_TYPE, GENKIT_SUBTYPE, GENKIT_NAME, TRACELOOP_KIND, OUTPUT_MIME_TYPE],
    [...DOCUMENTS],
  ].flat(2),
);

export function isRead(name: string): boolean {
  return READ_NAMES.has(name) || TAG_PREFIXES.some((prefix) => name.startsWith(prefix));
}
