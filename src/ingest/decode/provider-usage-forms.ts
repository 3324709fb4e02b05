/**
 * How providers write their usage objects: which keys hold which count, and what has to be added or
 * taken off so that the totals are inclusive and no token is counted twice. A test compares the
 * table with the extractors of the price catalogue, and names what is different on purpose.
 */
import type { Usage } from "../trace.ts";

/**
 * Paths are keys joined by dots. In a list of `{modality, tokenCount}`, as Google writes them, a key is a modality and
 * stands for the sum of its counts.
 */
type Paths = readonly string[];
type Counts = Readonly<Partial<Record<keyof Usage, Paths>>>;

export interface Form {
  /** The provider whose form it is. */
  name: string;
  /** Only for calls to this provider, as others write the same keys and mean something else. */
  provider?: string;
  /** Any of these paths marks the form, whatever it holds. */
  marks: Paths;
  /** Any of these shows that the object is not the provider's own. */
  unless?: Paths;
  /** Of each count, the first path that is set. */
  counts: Counts;
  /** All of these are added to a count: what the provider leaves out of it. */
  add?: Counts;
  /** All of these are taken off a count: what is part of another one. */
  takeOff?: Counts;
  /** Totals of 0 are left out, so that a part may stand alone. */
  omitsZeros?: boolean;
  /**
   * Where it is told which of the cached tokens are images. An object with cached tokens that does not tell leaves its
   * image tokens to the plain input: some may be the cached ones, and would be counted twice.
   */
  cachedParts?: Paths;
  /** Is the reasoning outside the output, where `total_tokens` does not tell? Without this the output includes it. */
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
    // Of its images API. In chats the images of a prompt have no price of their own.
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
  // Its total leaves both out too, and it bills them.
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

/** In order: the first form that fits the provider, and has a mark in the object, is taken. */
export const FORMS: readonly Form[] = [
  // The AI SDK has the same names, with the cache inside or outside of the input.
  {
    ...BEDROCK,
    provider: "aws",
    marks: ["inputTokens", "outputTokens"],
    unless: ["cachedInputTokens", "inputTokenDetails"],
  },
  { ...PERPLEXITY, provider: "perplexity", marks: ["prompt_tokens"] },
  // Its newer API has OpenAI's names and includes the reasoning.
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
      // The pages of a document are images.
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
    // Of its realtime API.
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
    // What is billed leaves some of the tokens out; of reranking it is no tokens at all. Images are beside the input.
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
