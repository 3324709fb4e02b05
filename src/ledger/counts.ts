/**
 * The counts of a call, declared once. The type `Usage`, the native form, the columns of calls and rollups, the sums in
 * answers and the API's description derive from this list. `.github/CONTRIBUTING.md` says what a new count takes.
 */

interface Count {
  /** The name in the native form, in the database and in answers. */
  name: string;
  /** The text in the API's description. */
  description: string;
  /** If set, rollups sum it. `shown` puts the sum in every row of a summary, `stored` only into its price buckets. */
  summed?: "shown" | "stored";
}

const DECLARED = {
  inputTokens: { name: "input_tokens", description: "All input tokens, including cached ones.", summed: "shown" },
  outputTokens: { name: "output_tokens", description: "All output tokens, including reasoning.", summed: "shown" },
  cacheReadTokens: { name: "cache_read_tokens", description: "Part of the input.", summed: "shown" },
  cacheWriteTokens: {
    name: "cache_write_tokens",
    description: "Part of the input: all cache writes, whether kept for five minutes or an hour.",
    summed: "shown",
  },
  cacheWrite5mTokens: { name: "cache_write_5m_tokens", description: "Part of the cache writes." },
  cacheWrite1hTokens: { name: "cache_write_1h_tokens", description: "Part of the cache writes.", summed: "stored" },
  reasoningTokens: { name: "reasoning_tokens", description: "Part of the output.", summed: "shown" },
  inputAudioTokens: {
    name: "input_audio_tokens",
    description: "Part of the input: audio tokens that were not cached.",
    summed: "stored",
  },
  cacheReadAudioTokens: {
    name: "cache_read_audio_tokens",
    description: "Part of the cache reads: audio tokens.",
    summed: "stored",
  },
  cacheReadImageTokens: {
    name: "cache_read_image_tokens",
    description: "Part of the cache reads: image tokens.",
    summed: "stored",
  },
  outputAudioTokens: { name: "output_audio_tokens", description: "Part of the output.", summed: "stored" },
  inputImageTokens: {
    name: "input_image_tokens",
    description: "Part of the input: image tokens that were not cached.",
    summed: "stored",
  },
  outputImageTokens: { name: "output_image_tokens", description: "Part of the output.", summed: "stored" },
  webSearches: {
    name: "web_searches",
    description: "The number of web searches that the provider made for the call.",
    summed: "stored",
  },
  citationTokens: {
    name: "citation_tokens",
    description: "Tokens of citations. They are neither input nor output.",
    summed: "stored",
  },
  fileSearches: {
    name: "file_searches",
    description: "The number of searches in files or documents that the provider made for the call.",
    summed: "stored",
  },
  codeExecutions: {
    name: "code_executions",
    description: "The number of times that the provider ran code for the call.",
    summed: "stored",
  },
  audioSeconds: { name: "audio_seconds", description: "Seconds of audio, where they are billed.", summed: "stored" },
  inputCharacters: {
    name: "input_characters",
    description: "Characters of text, where they are billed.",
    summed: "stored",
  },
  outputImages: {
    name: "output_images",
    description: "Images that were made, where they are billed.",
    summed: "stored",
  },
  pages: { name: "pages", description: "Pages of documents, where they are billed.", summed: "stored" },
} as const satisfies Record<string, Count>;

export type CountField = keyof typeof DECLARED;

export const COUNTS: Readonly<Record<CountField, Count>> = DECLARED;

/** The names of the counts that every row of a summary shows. */
export type ShownCount = {
  [F in CountField]: (typeof DECLARED)[F] extends { summed: "shown"; name: infer N extends string } ? N : never;
}[CountField];
