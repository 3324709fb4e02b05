/**
 * The usage objects that are known, in order. The first form that fits the provider and has a mark in the object is
 * taken.
 */
import { ANTHROPIC, ANTHROPIC_ITSELF } from "./anthropic.ts";
import { BEDROCK, BEDROCK_IN_PYTHON, BEDROCK_ITSELF, META_ON_BEDROCK } from "./bedrock.ts";
import { BILLED_UNITS, COHERE_TOKENS } from "./cohere.ts";
import { AI_SDK, LANGCHAIN, LITELLM_PASSED_ON } from "./emitters.ts";
import type { Form } from "./form.ts";
import { GOOGLE, GOOGLE_EMBEDDING, GOOGLE_EMBEDDING_IN_PYTHON, GOOGLE_IN_PYTHON } from "./google.ts";
import { MISTRAL, PAGES } from "./mistral.ts";
import { DURATION, OPENAI, OPENAI_IN_TYPESCRIPT, REALTIME } from "./openai.ts";
import { PERPLEXITY, PERPLEXITY_IN_AI_SDK, PERPLEXITY_ITSELF } from "./perplexity.ts";
import { XAI, XAI_CHAT, XAI_RESPONSES } from "./xai.ts";

export const FORMS: readonly Form[] = [
  BEDROCK_ITSELF,
  PERPLEXITY_ITSELF,
  XAI_CHAT,
  XAI_RESPONSES,
  MISTRAL,
  ...OPENAI_IN_TYPESCRIPT,
  META_ON_BEDROCK,
  GOOGLE_EMBEDDING,
  GOOGLE_EMBEDDING_IN_PYTHON,
  GOOGLE,
  GOOGLE_IN_PYTHON,
  BEDROCK,
  BEDROCK_IN_PYTHON,
  ANTHROPIC,
  ANTHROPIC_ITSELF,
  LITELLM_PASSED_ON,
  REALTIME,
  LANGCHAIN,
  AI_SDK,
  BILLED_UNITS,
  COHERE_TOKENS,
  PAGES,
  DURATION,
  PERPLEXITY,
  PERPLEXITY_IN_AI_SDK,
  XAI,
  OPENAI,
];
