/** Amazon Bedrock: Converse, the metrics of InvokeModel, and the bodies of Amazon's and Meta's own models. */
import type { Form } from "./form.ts";
import { respelled, snakeCase } from "./form.ts";

export const BEDROCK: Form = {
  name: "bedrock",
  source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html",
  marks: ["cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails"],
  counts: {
    inputTokens: ["inputTokens", "inputTokenCount", "inputTextTokenCount"],
    outputTokens: ["outputTokens", "outputTokenCount"],
    cacheReadTokens: ["cacheReadInputTokens", "cacheReadInputTokenCount"],
    cacheWriteTokens: ["cacheWriteInputTokens", "cacheWriteInputTokenCount"],
    cacheWrite5mTokens: ["cacheDetails.5m"],
    cacheWrite1hTokens: ["cacheDetails.1h"],
  },
  leavesOut: { inputTokens: ["cacheReadTokens", "cacheWriteTokens"] },
  writeParts: "cacheDetails",
  tiers: ["serviceTier", "service_tier"],
  ambiguous: ["serverToolUsage"],
  known: [
    "totalTokens",
    "cacheDetails",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
    "invocationLatency",
    "firstByteLatency",
  ],
};

/** The AI SDK uses the same names without a cache, and its input may or may not include that. */
export const BEDROCK_ITSELF: Form = {
  ...BEDROCK,
  provider: "aws",
  marks: ["inputTokens", "outputTokens", "inputTokenCount", "inputTextTokenCount"],
  unless: ["cachedInputTokens", "inputTokenDetails"],
};

/** Anthropic's object has `cache_read_input_tokens`, too. */
export const BEDROCK_IN_PYTHON: Form = {
  ...respelled(BEDROCK, snakeCase),
  marks: ["cache_write_input_tokens", "cache_details"],
  unless: ["prompt_tokens", "input_tokens_details"],
};

export const META_ON_BEDROCK: Form = {
  name: "bedrock",
  source: "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html",
  marks: ["generation_token_count"],
  counts: { inputTokens: ["prompt_token_count"], outputTokens: ["generation_token_count"] },
  known: ["generation", "stop_reason"],
};
