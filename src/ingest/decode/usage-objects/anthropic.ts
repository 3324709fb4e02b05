/** Anthropic's Messages API, also as Claude answers on Bedrock (InvokeModel) and on Vertex AI. */
import type { Form } from "./form.ts";

export const ANTHROPIC: Form = {
  name: "anthropic",
  source: "https://platform.claude.com/docs/en/api/messages",
  marks: [
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "iterations",
    "inference_geo",
    "speed",
  ],
  unless: ["prompt_tokens"],
  counts: {
    inputTokens: ["input_tokens"],
    outputTokens: ["output_tokens"],
    cacheReadTokens: ["cache_read_input_tokens"],
    cacheWriteTokens: ["cache_creation_input_tokens"],
    cacheWrite5mTokens: ["cache_creation.ephemeral_5m_input_tokens"],
    cacheWrite1hTokens: ["cache_creation.ephemeral_1h_input_tokens"],
    reasoningTokens: ["output_tokens_details.thinking_tokens"],
    webSearches: ["server_tool_use.web_search_requests"],
    codeExecutions: ["server_tool_use.code_execution_requests"],
  },
  leavesOut: { inputTokens: ["cacheReadTokens", "cacheWriteTokens"] },
  writeParts: "cache_creation",
  tiers: ["service_tier", "speed", "inference_geo"],
  turns: { path: "iterations", types: ["message", "compaction"] },
  known: [
    // Fetched pages and found tools are billed as input.
    "server_tool_use.web_fetch_requests",
    "server_tool_use.tool_search_requests",
    "output_tokens_details.",
    "total_tokens",
    "iterations",
  ],
};

/** Without a cache the object has only names that others use, too. */
export const ANTHROPIC_ITSELF: Form = {
  ...ANTHROPIC,
  provider: "anthropic",
  marks: ["input_tokens", "output_tokens"],
  unless: ["prompt_tokens", "input_tokens_details", "input_token_details"],
};
