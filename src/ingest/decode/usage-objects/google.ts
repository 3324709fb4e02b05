/** The Gemini API and Vertex AI, in the spelling of their APIs and in that of Python clients. */
import { type Form, respelled, snakeCase } from "./form.ts";

export const GOOGLE: Form = {
  name: "google",
  source: "https://ai.google.dev/api/generate-content#UsageMetadata",
  marks: ["promptTokenCount", "candidatesTokenCount", "responseTokenCount", "totalTokenCount"],
  counts: {
    inputTokens: ["promptTokenCount"],
    outputTokens: ["candidatesTokenCount", "responseTokenCount"],
    cacheReadTokens: ["cachedContentTokenCount"],
    cacheReadAudioTokens: ["cacheTokensDetails.AUDIO"],
    cacheReadImageTokens: ["cacheTokensDetails.IMAGE"],
    reasoningTokens: ["thoughtsTokenCount"],
    inputAudioTokens: ["promptTokensDetails.AUDIO"],
    outputAudioTokens: ["candidatesTokensDetails.AUDIO", "responseTokensDetails.AUDIO"],
    inputImageTokens: ["promptTokensDetails.IMAGE"],
    outputImageTokens: ["candidatesTokensDetails.IMAGE", "responseTokensDetails.IMAGE"],
  },
  add: {
    inputTokens: ["toolUsePromptTokenCount"],
    inputAudioTokens: ["toolUsePromptTokensDetails.AUDIO"],
    // Google counts the pages of a document as images. A live model sells video at the price of images.
    inputImageTokens: [
      "promptTokensDetails.DOCUMENT",
      "promptTokensDetails.VIDEO",
      "toolUsePromptTokensDetails.IMAGE",
      "toolUsePromptTokensDetails.DOCUMENT",
      "toolUsePromptTokensDetails.VIDEO",
    ],
    cacheReadImageTokens: ["cacheTokensDetails.DOCUMENT", "cacheTokensDetails.VIDEO"],
    outputImageTokens: ["candidatesTokensDetails.DOCUMENT"],
  },
  leavesOut: { outputTokens: ["reasoningTokens"] },
  takeOff: {
    inputAudioTokens: ["cacheTokensDetails.AUDIO"],
    inputImageTokens: ["cacheTokensDetails.IMAGE", "cacheTokensDetails.DOCUMENT", "cacheTokensDetails.VIDEO"],
  },
  omitsZeros: true,
  cachedParts: ["cacheTokensDetails"],
  outputParts: ["candidatesTokensDetails", "responseTokensDetails"],
  // Video that a model makes has a price of its own, and no bucket.
  ambiguous: ["candidatesTokensDetails.VIDEO", "responseTokensDetails.VIDEO"],
  tiers: ["trafficType", "serviceTier"],
  known: [
    "totalTokenCount",
    "promptTokensDetails.",
    "candidatesTokensDetails.",
    "responseTokensDetails.",
    "cacheTokensDetails.",
    "toolUsePromptTokensDetails.",
    "billablePromptUsage.",
  ],
};

export const GOOGLE_IN_PYTHON: Form = respelled(GOOGLE, snakeCase);

/** Embedding a video has a price of its own, and no bucket. Nothing else comes without output, or was blocked. */
export const GOOGLE_EMBEDDING: Form = {
  ...GOOGLE,
  marks: ["promptTokenCount"],
  unless: ["candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount", "cachedContentTokenCount"],
  ambiguous: [...GOOGLE.ambiguous!, "promptTokensDetails.VIDEO"],
};

export const GOOGLE_EMBEDDING_IN_PYTHON: Form = respelled(GOOGLE_EMBEDDING, snakeCase);
