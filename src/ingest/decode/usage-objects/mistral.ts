/** What Mistral writes beside OpenAI's form: agents with connectors, and document processing. */
import type { Form } from "./form.ts";
import { OPENAI } from "./openai.ts";

export const MISTRAL: Form = {
  ...OPENAI,
  name: "mistral",
  provider: "mistral",
  source: "https://docs.mistral.ai/api/#tag/beta.conversations",
  marks: ["prompt_tokens"],
  // No price is published for what connectors read, nor here for the calls of each.
  ambiguous: [...OPENAI.ambiguous!, "connector_tokens", "connectors"],
};

export const PAGES: Form = {
  name: "mistral",
  source: "https://docs.mistral.ai/api/#tag/ocr",
  marks: ["pages_processed"],
  counts: { pages: ["pages_processed"] },
  omitsZeros: true,
  // Pages with annotations cost more, beside the others or instead of them.
  ambiguous: ["pages_processed_annotation"],
  known: ["doc_size_bytes"],
};
