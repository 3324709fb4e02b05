/** Usage objects of libraries and gateways, which restate those of providers. */
import { ANTHROPIC } from "./anthropic.ts";
import type { Form } from "./form.ts";

export const LANGCHAIN: Form = {
  name: "langchain",
  source: "https://reference.langchain.com/python/langchain_core/messages/#UsageMetadata",
  marks: ["input_token_details", "output_token_details"],
  counts: {
    inputTokens: ["input_tokens"],
    outputTokens: ["output_tokens"],
    // What was used at another tier has that in front of its name.
    cacheReadTokens: ["cache_read", "flex_cache_read", "priority_cache_read"].map(
      (key) => `input_token_details.${key}`,
    ),
    cacheWriteTokens: ["input_token_details.cache_creation"],
    cacheWrite5mTokens: ["input_token_details.ephemeral_5m_input_tokens"],
    // LangSmith's own name is the second.
    cacheWrite1hTokens: ["ephemeral_1h_input_tokens", "ephemeral_1hr_input_tokens"].map(
      (key) => `input_token_details.${key}`,
    ),
    reasoningTokens: ["reasoning", "flex_reasoning", "priority_reasoning"].map((key) => `output_token_details.${key}`),
    inputAudioTokens: ["input_token_details.audio"],
    outputAudioTokens: ["output_token_details.audio"],
  },
  // It has no room for how the cached tokens and the audio overlap.
  cachedParts: [],
  // A part at another tier may be the whole or not.
  ambiguous: ["flex", "priority"].flatMap((tier) => [`input_token_details.${tier}`, `output_token_details.${tier}`]),
  known: ["total_tokens"],
};

/** The AI SDK from version 6 on. Before, its input might leave the cache out, and the object did not tell. */
export const AI_SDK: Form = {
  name: "ai-sdk",
  source: "https://ai-sdk.dev/docs/reference/ai-sdk-core/generate-text#usage",
  marks: ["inputTokenDetails", "outputTokenDetails"],
  original: "raw",
  counts: {
    inputTokens: ["inputTokens"],
    outputTokens: ["outputTokens"],
    cacheReadTokens: ["inputTokenDetails.cacheReadTokens", "cachedInputTokens"],
    cacheWriteTokens: ["inputTokenDetails.cacheWriteTokens"],
    reasoningTokens: ["outputTokenDetails.reasoningTokens", "reasoningTokens"],
  },
  known: [
    "inputTokenDetails.noCacheTokens",
    "outputTokenDetails.textTokens",
    "totalTokens",
    "raw.",
    "cachedInputTokens",
    "reasoningTokens",
  ],
};

/** LiteLLM's own, whatever the provider. It fills what it does not know with 0. */
export const LITELLM: Form = {
  name: "litellm",
  source: "https://docs.litellm.ai/docs/proxy/logging_spec",
  marks: ["prompt_tokens"],
  counts: {
    inputTokens: ["prompt_tokens"],
    outputTokens: ["completion_tokens"],
    cacheReadTokens: [
      "prompt_tokens_details.cached_tokens",
      "cache_read_input_tokens",
      "prompt_cache_hit_tokens",
      "cached_tokens",
    ],
    cacheWriteTokens: [
      "prompt_tokens_details.cache_creation_tokens",
      "prompt_tokens_details.cache_write_tokens",
      "cache_creation_input_tokens",
    ],
    cacheWrite5mTokens: [
      "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
      "cache_creation.ephemeral_5m_input_tokens",
      "cacheDetails.5m",
    ],
    cacheWrite1hTokens: [
      "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
      "cache_creation.ephemeral_1h_input_tokens",
      "cacheDetails.1h",
    ],
    reasoningTokens: ["completion_tokens_details.reasoning_tokens"],
    inputAudioTokens: ["prompt_tokens_details.audio_tokens"],
    inputImageTokens: ["prompt_tokens_details.image_tokens"],
    cacheReadAudioTokens: ["prompt_tokens_details.cached_tokens_details.audio_tokens"],
    citationTokens: ["citation_tokens"],
    audioSeconds: ["prompt_tokens_details.audio_length_seconds", "prompt_audio_seconds"],
    outputAudioTokens: ["completion_tokens_details.audio_tokens"],
    outputImageTokens: ["completion_tokens_details.image_tokens"],
    webSearches: [
      "server_tool_use.web_search_requests",
      "prompt_tokens_details.web_search_requests",
      "num_search_queries",
    ],
    codeExecutions: ["server_tool_use.code_execution_requests"],
  },
  fillsZeros: true,
  takeOff: { inputAudioTokens: ["prompt_tokens_details.cached_tokens_details.audio_tokens"] },
  cachedParts: ["prompt_tokens_details.cached_tokens_details"],
  reasoning: "inside",
  ambiguous: [
    "is_byok",
    "num_sources_used",
    "server_side_tool_usage",
    "connector_tokens",
    "connectors",
    "prompt_tokens_details.google_maps_grounding_requests",
  ],
  // Its totals have the turns of compaction or not, by version.
  turns: { ...ANTHROPIC.turns!, form: ANTHROPIC },
  tiers: ["service_tier", "speed", "inference_geo", "trafficType", "traffic_type"],
  searchContext: "search_context_size",
  known: [
    "total_tokens",
    "prompt_tokens_details.text_tokens",
    "prompt_tokens_details.video_tokens",
    "prompt_tokens_details.character_count",
    "prompt_tokens_details.image_count",
    "prompt_tokens_details.video_length_seconds",
    "prompt_tokens_details.cached_tokens_details.text_tokens",
    "completion_tokens_details.text_tokens",
    "completion_tokens_details.accepted_prediction_tokens",
    "completion_tokens_details.rejected_prediction_tokens",
    "server_tool_use.web_fetch_requests",
    "server_tool_use.tool_search_requests",
    "prompt_cache_miss_tokens",
    "cost.",
    "cost_details.",
  ],
};

/** Perplexity bills reasoning beside the output. */
export const LITELLM_PERPLEXITY: Form = {
  ...LITELLM,
  provider: "perplexity",
  counts: { ...LITELLM.counts, reasoningTokens: ["completion_tokens_details.reasoning_tokens", "reasoning_tokens"] },
  leavesOut: { outputTokens: ["reasoningTokens"] },
};

/** LiteLLM's, told from OpenAI's by what only LiteLLM has beside OpenAI's totals. */
export const LITELLM_PASSED_ON: Form = {
  ...LITELLM,
  marks: [
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "inference_geo",
    "speed",
    "iterations",
    "prompt_tokens_details.cache_creation_token_details",
  ],
};
