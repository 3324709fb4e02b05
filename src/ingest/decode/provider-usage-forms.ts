/**
 * The forms of providers' usage objects: which keys hold which count, and which counts are added or taken off so that
 * the totals are inclusive and no token is counted twice. A test compares the table with the extractors of the price
 * catalogue, and names the intended differences.
 */
import type { Usage } from "../../ledger/call.ts";

/**
 * Keys joined by dots. In a list of `{modality, tokenCount}`, which Google writes, a key is a modality and stands for
 * the sum of its counts.
 */
type Paths = readonly string[];
type Counts = Readonly<Partial<Record<keyof Usage, Paths>>>;

export interface Form {
  /** The provider that writes this form. */
  name: string;
  /** If set, the form is only for calls to this provider, because others write the same keys with another meaning. */
  provider?: string;
  /** An object with any of these paths has this form. Their values do not matter. */
  marks: Paths;
  /** An object with any of these paths is not the provider's own. */
  unless?: Paths;
  /** The paths of each count. The first one that is set is taken. */
  counts: Counts;
  /** The parts that the provider leaves out of a count. All of them are added to it. */
  add?: Counts;
  /** The parts that also lie in another count. All of them are taken off. */
  takeOff?: Counts;
  /** True if the provider leaves out totals of 0, so that a part may stand alone. */
  omitsZeros?: boolean;
  /**
   * The paths that say which cached tokens are images. If an object has cached tokens and none of these paths, its
   * image tokens stay plain input, because some may be cached and would be counted twice.
   */
  cachedParts?: Paths;
  /** Where the reasoning is if `total_tokens` does not show it. If unset, the output always includes it. */
  reasoning?: "inside" | "outside";
}

const OPENAI: Form = {
  name: "openai",
  marks: ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"],
  counts: {
    inputTokens: ["prompt_tokens", "input_tokens"],
    outputTokens: ["completion_tokens", "output_tokens"],
    cacheReadTokens: [
      "prompt_tokens_details.cached_tokens",
      "input_tokens_details.cached_tokens",
      "cached_tokens",
      "prompt_cache_hit_tokens",
    ],
    cacheWriteTokens: ["prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens"],
    reasoningTokens: ["completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"],
    inputAudioTokens: ["prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"],
    outputAudioTokens: ["completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"],
    // The images API has this count. In chats the images of a prompt have no price of their own.
    inputImageTokens: ["input_tokens_details.image_tokens"],
    outputImageTokens: ["completion_tokens_details.image_tokens", "output_tokens_details.image_tokens"],
    webSearches: ["server_tool_use.web_search_requests"],
  },
  takeOff: { inputImageTokens: ["input_tokens_details.cached_tokens_details.image_tokens"] },
  cachedParts: ["input_tokens_details.cached_tokens_details"],
  reasoning: "inside",
};

const BEDROCK: Form = {
  name: "bedrock",
  marks: ["cacheReadInputTokens", "cacheWriteInputTokens"],
  counts: {
    inputTokens: ["inputTokens"],
    outputTokens: ["outputTokens"],
    cacheReadTokens: ["cacheReadInputTokens"],
    cacheWriteTokens: ["cacheWriteInputTokens"],
  },
  add: { inputTokens: ["cacheReadInputTokens", "cacheWriteInputTokens"] },
};

const PERPLEXITY: Form = {
  name: "perplexity",
  marks: ["citation_tokens", "num_search_queries", "search_context_size"],
  counts: {
    inputTokens: ["prompt_tokens"],
    outputTokens: ["completion_tokens"],
    reasoningTokens: ["reasoning_tokens"],
    webSearches: ["num_search_queries"],
  },
  // Perplexity's total leaves both out too, but they are billed.
  add: { outputTokens: ["reasoning_tokens", "citation_tokens"] },
};

const XAI: Form = {
  name: "x-ai",
  marks: ["cached_prompt_text_tokens"],
  counts: {
    inputTokens: ["prompt_tokens"],
    outputTokens: ["completion_tokens"],
    cacheReadTokens: ["prompt_tokens_details.cached_tokens", "cached_prompt_text_tokens"],
    reasoningTokens: ["completion_tokens_details.reasoning_tokens", "reasoning_tokens"],
    outputAudioTokens: ["completion_tokens_details.audio_tokens"],
  },
  reasoning: "outside",
};

/** The forms in order. The first one that fits the provider and has a mark in the object is taken. */
export const FORMS: readonly Form[] = [
  // The AI SDK uses the same names, and its input may or may not include the cache.
  {
    ...BEDROCK,
    provider: "aws",
    marks: ["inputTokens", "outputTokens"],
    unless: ["cachedInputTokens", "inputTokenDetails"],
  },
  { ...PERPLEXITY, provider: "perplexity", marks: ["prompt_tokens"] },
  // The newer API of xAI has OpenAI's names and includes the reasoning.
  { ...XAI, provider: "x-ai", marks: ["prompt_tokens"] },
  {
    name: "google",
    marks: ["promptTokenCount", "candidatesTokenCount"],
    counts: {
      inputTokens: ["promptTokenCount"],
      outputTokens: ["candidatesTokenCount", "responseTokenCount"],
      cacheReadTokens: ["cachedContentTokenCount"],
      reasoningTokens: ["thoughtsTokenCount"],
      inputAudioTokens: ["promptTokensDetails.AUDIO"],
      outputAudioTokens: ["candidatesTokensDetails.AUDIO", "responseTokensDetails.AUDIO"],
      inputImageTokens: ["promptTokensDetails.IMAGE"],
      outputImageTokens: ["candidatesTokensDetails.IMAGE", "responseTokensDetails.IMAGE"],
    },
    add: {
      inputTokens: ["toolUsePromptTokenCount"],
      outputTokens: ["thoughtsTokenCount"],
      inputAudioTokens: ["toolUsePromptTokensDetails.AUDIO"],
      // Google counts the pages of a document as images.
      inputImageTokens: [
        "promptTokensDetails.DOCUMENT",
        "toolUsePromptTokensDetails.IMAGE",
        "toolUsePromptTokensDetails.DOCUMENT",
      ],
      outputImageTokens: ["candidatesTokensDetails.DOCUMENT"],
    },
    takeOff: {
      inputAudioTokens: ["cacheTokensDetails.AUDIO"],
      inputImageTokens: ["cacheTokensDetails.IMAGE", "cacheTokensDetails.DOCUMENT"],
    },
    omitsZeros: true,
    cachedParts: ["cacheTokensDetails"],
  },
  BEDROCK,
  {
    name: "anthropic",
    marks: ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"],
    counts: {
      inputTokens: ["input_tokens"],
      outputTokens: ["output_tokens"],
      cacheReadTokens: ["cache_read_input_tokens"],
      cacheWriteTokens: ["cache_creation_input_tokens"],
      cacheWrite5mTokens: ["cache_creation.ephemeral_5m_input_tokens"],
      cacheWrite1hTokens: ["cache_creation.ephemeral_1h_input_tokens"],
      reasoningTokens: ["output_tokens_details.thinking_tokens"],
      webSearches: ["server_tool_use.web_search_requests"],
    },
    add: { inputTokens: ["cache_read_input_tokens", "cache_creation_input_tokens"] },
  },
  {
    // OpenAI's realtime API.
    name: "openai",
    marks: [
      ...["text_tokens", "audio_tokens", "image_tokens", "cached_tokens"].map((key) => `input_token_details.${key}`),
      ...["text_tokens", "audio_tokens"].map((key) => `output_token_details.${key}`),
    ],
    counts: {
      inputTokens: ["input_tokens"],
      outputTokens: ["output_tokens"],
      cacheReadTokens: ["input_token_details.cached_tokens"],
      inputAudioTokens: ["input_token_details.audio_tokens"],
      outputAudioTokens: ["output_token_details.audio_tokens"],
      inputImageTokens: ["input_token_details.image_tokens"],
    },
    takeOff: {
      inputAudioTokens: ["input_token_details.cached_tokens_details.audio_tokens"],
      inputImageTokens: ["input_token_details.cached_tokens_details.image_tokens"],
    },
    cachedParts: ["input_token_details.cached_tokens_details"],
  },
  {
    name: "langchain",
    marks: ["input_token_details", "output_token_details"],
    counts: {
      inputTokens: ["input_tokens"],
      outputTokens: ["output_tokens"],
      cacheReadTokens: ["input_token_details.cache_read"],
      cacheWriteTokens: ["input_token_details.cache_creation"],
      reasoningTokens: ["output_token_details.reasoning"],
      inputAudioTokens: ["input_token_details.audio"],
      outputAudioTokens: ["output_token_details.audio"],
    },
  },
  {
    // Billed units leave some tokens out. For reranking they are no tokens at all. Images are not part of the input.
    name: "cohere",
    marks: ["billed_units", "meta.billed_units"],
    counts: {
      inputTokens: ["billed_units.input_tokens", "meta.billed_units.input_tokens"],
      outputTokens: ["billed_units.output_tokens", "meta.billed_units.output_tokens"],
      inputImageTokens: ["billed_units.image_tokens", "meta.billed_units.image_tokens"],
    },
    add: { inputTokens: ["billed_units.image_tokens", "meta.billed_units.image_tokens"] },
    omitsZeros: true,
  },
  {
    name: "cohere",
    marks: ["tokens.input_tokens", "tokens.output_tokens"],
    counts: {
      inputTokens: ["tokens.input_tokens"],
      outputTokens: ["tokens.output_tokens"],
      cacheReadTokens: ["cached_tokens"],
    },
  },
  PERPLEXITY,
  XAI,
  OPENAI,
];
