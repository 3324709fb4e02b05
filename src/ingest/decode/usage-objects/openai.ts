/**
 * OpenAI's chat completions, Responses, embeddings, images, realtime and transcription. Most providers and gateways
 * have the first of these forms, with members of their own: DeepSeek, Groq, Mistral, Moonshot, OpenRouter, Cerebras,
 * vLLM.
 */
import { camelCase, type Form, respelled } from "./form.ts";

/** Members that gateways and serving stacks add to anybody's object. */
const TIMINGS = ["queue_time", "prompt_time", "completion_time", "total_time", "time_info.", "latency_checkpoint."];

export const OPENAI: Form = {
  name: "openai",
  source: "https://platform.openai.com/docs/api-reference/responses/object",
  marks: ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"],
  counts: {
    inputTokens: ["prompt_tokens", "input_tokens"],
    outputTokens: ["completion_tokens", "output_tokens"],
    cacheReadTokens: [
      "prompt_tokens_details.cached_tokens",
      "input_tokens_details.cached_tokens",
      "cached_tokens",
      "prompt_cache_hit_tokens",
      "num_cached_tokens",
    ],
    cacheWriteTokens: [
      "prompt_tokens_details.cache_write_tokens",
      "input_tokens_details.cache_write_tokens",
      "prompt_tokens_details.cache_creation_tokens",
    ],
    reasoningTokens: [
      "completion_tokens_details.reasoning_tokens",
      "output_tokens_details.reasoning_tokens",
      "reasoning_tokens",
    ],
    inputAudioTokens: ["prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"],
    outputAudioTokens: ["completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"],
    cacheReadAudioTokens: [
      "prompt_tokens_details.cached_tokens_details.audio_tokens",
      "input_tokens_details.cached_tokens_details.audio_tokens",
    ],
    cacheReadImageTokens: ["input_tokens_details.cached_tokens_details.image_tokens"],
    // Of the images API. In chats the images of a prompt have no price of their own.
    inputImageTokens: ["input_tokens_details.image_tokens"],
    outputImageTokens: ["completion_tokens_details.image_tokens", "output_tokens_details.image_tokens"],
    webSearches: ["server_tool_use.web_search_requests", "server_tool_use_details.web_search_requests"],
    codeExecutions: ["server_tool_use.code_execution_requests"],
    audioSeconds: ["prompt_audio_seconds"],
  },
  takeOff: {
    inputAudioTokens: [
      "prompt_tokens_details.cached_tokens_details.audio_tokens",
      "input_tokens_details.cached_tokens_details.audio_tokens",
    ],
    inputImageTokens: ["input_tokens_details.cached_tokens_details.image_tokens"],
  },
  cachedParts: ["input_tokens_details.cached_tokens_details", "prompt_tokens_details.cached_tokens_details"],
  imagesMatter: true,
  outputParts: ["output_tokens_details.image_tokens", "completion_tokens_details.audio_tokens"],
  reasoning: "inside",
  ambiguous: [
    // With a key of one's own OpenRouter bills only a fee.
    "is_byok",
    // Writes for longer than half an hour have no price here.
    "prompt_tokens_details.cache_write_tokens_details.ttl_12h_tokens",
    "input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",
  ],
  tiers: ["service_tier", "speed", "inference_geo"],
  known: [
    "total_tokens",
    "prompt_tokens_details.text_tokens",
    "input_tokens_details.text_tokens",
    "prompt_tokens_details.image_tokens",
    "completion_tokens_details.text_tokens",
    "output_tokens_details.text_tokens",
    "completion_tokens_details.accepted_prediction_tokens",
    "completion_tokens_details.rejected_prediction_tokens",
    "prompt_tokens_details.video_tokens",
    "prompt_tokens_details.cached_tokens_details.text_tokens",
    "input_tokens_details.cached_tokens_details.text_tokens",
    "prompt_tokens_details.cache_write_tokens_details.ttl_30m_tokens",
    "input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",
    "prompt_cache_miss_tokens",
    "request_count",
    "num_requests",
    "cost_details.",
    "server_tool_use_details.tool_calls_requested",
    "server_tool_use_details.tool_calls_executed",
    ...TIMINGS,
  ],
};

/** The realtime API, and transcription billed by tokens. */
export const REALTIME: Form = {
  name: "openai",
  source: "https://platform.openai.com/docs/api-reference/realtime-server-events/response/done",
  marks: [
    ...["text_tokens", "audio_tokens", "image_tokens", "cached_tokens"].map((key) => `input_token_details.${key}`),
    ...["text_tokens", "audio_tokens"].map((key) => `output_token_details.${key}`),
  ],
  counts: {
    inputTokens: ["input_tokens"],
    outputTokens: ["output_tokens"],
    cacheReadTokens: ["input_token_details.cached_tokens"],
    cacheReadAudioTokens: ["input_token_details.cached_tokens_details.audio_tokens"],
    cacheReadImageTokens: ["input_token_details.cached_tokens_details.image_tokens"],
    inputAudioTokens: ["input_token_details.audio_tokens"],
    outputAudioTokens: ["output_token_details.audio_tokens"],
    inputImageTokens: ["input_token_details.image_tokens"],
  },
  takeOff: {
    inputAudioTokens: ["input_token_details.cached_tokens_details.audio_tokens"],
    inputImageTokens: ["input_token_details.cached_tokens_details.image_tokens"],
  },
  cachedParts: ["input_token_details.cached_tokens_details"],
  imagesMatter: true,
  outputParts: ["output_token_details"],
  known: ["total_tokens", "type", "input_token_details.", "output_token_details."],
};

/** Transcription billed by the second. */
export const DURATION: Form = {
  name: "openai",
  source: "https://platform.openai.com/docs/api-reference/audio/json-object",
  marks: ["seconds"],
  unless: ["prompt_tokens", "input_tokens"],
  counts: { audioSeconds: ["seconds"] },
  omitsZeros: true,
  known: ["type"],
};

/** Two TypeScript clients respell the object. Others, as the AI SDK's version 4, mean something else by these names. */
export const OPENAI_IN_TYPESCRIPT: readonly Form[] = ["mistral", "openrouter"].map((provider) => ({
  ...respelled(OPENAI, camelCase),
  name: provider,
  provider,
}));
