/** xAI: its chat completions, its Responses, and its own SDK. */
import type { Form } from "./form.ts";

export const XAI: Form = {
  name: "x-ai",
  source: "https://docs.x.ai/developers/tools/tool-usage-details and https://docs.x.ai/developers/cost-tracking",
  marks: [
    "cached_prompt_text_tokens",
    "cost_in_usd_ticks",
    "server_side_tool_usage_details",
    "num_server_side_tools_used",
  ],
  counts: {
    inputTokens: ["prompt_tokens", "input_tokens"],
    outputTokens: ["completion_tokens", "output_tokens"],
    cacheReadTokens: [
      "prompt_tokens_details.cached_tokens",
      "input_tokens_details.cached_tokens",
      "cached_prompt_text_tokens",
    ],
    reasoningTokens: [
      "completion_tokens_details.reasoning_tokens",
      "output_tokens_details.reasoning_tokens",
      "reasoning_tokens",
    ],
    outputAudioTokens: ["completion_tokens_details.audio_tokens"],
    webSearches: ["server_side_tool_usage_details.web_search_calls"],
    fileSearches: ["server_side_tool_usage_details.file_search_calls"],
    codeExecutions: ["server_side_tool_usage_details.code_interpreter_calls"],
  },
  // Both searches cost the same.
  add: { webSearches: ["server_side_tool_usage_details.x_search_calls"] },
  reasoning: "outside",
  // Sources of the older live search, and files attached to messages, which cost more than stored ones.
  // So are the tools as xAI's own client counts them.
  ambiguous: ["num_sources_used", "server_side_tool_usage_details.document_search_calls", "server_side_tool_usage"],
  tools: { used: "num_server_side_tools_used", details: ["server_side_tool_usage_details"] },
  tiers: ["service_tier"],
  known: [
    "total_tokens",
    "prompt_text_tokens",
    "prompt_image_tokens",
    "prompt_tokens_details.",
    "completion_tokens_details.",
    "input_tokens_details.",
    "output_tokens_details.",
    "server_side_tool_usage_details.mcp_calls",
    "context_details.",
  ],
};

/** Its chat completions leave reasoning out of the output. */
export const XAI_CHAT: Form = { ...XAI, provider: "x-ai", marks: ["prompt_tokens"] };

/** Its Responses have OpenAI's names and include the reasoning. */
export const XAI_RESPONSES: Form = {
  ...XAI,
  provider: "x-ai",
  marks: ["input_tokens", "cost_in_usd_ticks", "server_side_tool_usage_details"],
  reasoning: "inside",
};
