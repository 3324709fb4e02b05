/** Perplexity's Sonar, and what the AI SDK passes on of it. */
import { camelCase, type Form, respelled } from "./form.ts";

export const PERPLEXITY: Form = {
  name: "perplexity",
  source: "https://docs.perplexity.ai/docs/getting-started/pricing",
  marks: ["citation_tokens", "num_search_queries", "search_context_size"],
  counts: {
    inputTokens: ["prompt_tokens"],
    outputTokens: ["completion_tokens"],
    reasoningTokens: ["reasoning_tokens"],
    webSearches: ["num_search_queries"],
    citationTokens: ["citation_tokens"],
  },
  // Its total leaves reasoning out, and bills it.
  leavesOut: { outputTokens: ["reasoningTokens"] },
  searchContext: "search_context_size",
  known: ["total_tokens", "cost."],
};

export const PERPLEXITY_ITSELF: Form = { ...PERPLEXITY, provider: "perplexity", marks: ["prompt_tokens"] };

/** The AI SDK's document has only the counts for which the SDK has no field. */
export const PERPLEXITY_IN_AI_SDK: Form = respelled(PERPLEXITY, camelCase);
