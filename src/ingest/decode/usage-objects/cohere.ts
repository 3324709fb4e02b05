/** Cohere's Chat, Embed and Rerank. */
import type { Form } from "./form.ts";

/** Billed units leave some tokens out. For reranking they are no tokens at all. Images are not part of the input. */
export const BILLED_UNITS: Form = {
  name: "cohere",
  source: "https://docs.cohere.com/reference/chat",
  marks: ["billed_units", "meta.billed_units"],
  counts: {
    inputTokens: ["billed_units.input_tokens", "meta.billed_units.input_tokens"],
    outputTokens: ["billed_units.output_tokens", "meta.billed_units.output_tokens"],
    inputImageTokens: ["billed_units.image_tokens", "meta.billed_units.image_tokens"],
    fileSearches: ["billed_units.search_units", "meta.billed_units.search_units"],
  },
  add: { inputTokens: ["billed_units.image_tokens", "meta.billed_units.image_tokens"] },
  omitsZeros: true,
  known: [
    "billed_units.classifications",
    "meta.billed_units.classifications",
    "tokens.",
    "meta.tokens.",
    "meta.api_version.",
    "api_version.",
    "cached_tokens",
    "meta.cached_tokens",
  ],
};

export const COHERE_TOKENS: Form = {
  name: "cohere",
  source: "https://docs.cohere.com/reference/chat",
  marks: ["tokens.input_tokens", "tokens.output_tokens"],
  counts: {
    inputTokens: ["tokens.input_tokens"],
    outputTokens: ["tokens.output_tokens"],
    cacheReadTokens: ["cached_tokens"],
  },
};
