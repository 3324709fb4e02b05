/** Provider names: emitters name one provider in many ways, the ledger and the catalogue in one. */

const ALIASES = new Map([
  ["google.generative-ai", "google"],
  ["google.vertex", "google"],
  ["gcp.gemini", "google"],
  ["gcp.gen_ai", "google"],
  ["gcp.vertex_ai", "google"],
  ["vertex_ai", "google"],
  ["google-gla", "google"],
  ["google-vertex", "google"],
  ["google_genai", "google"],
  ["google_vertexai", "google"],
  ["gemini", "google"],
  ["azure.ai.openai", "azure"],
  ["azure.ai.inference", "azure"],
  ["aws.bedrock", "aws"],
  ["bedrock", "aws"],
  ["amazon-bedrock", "aws"],
  ["amazon_bedrock", "aws"],
  ["x_ai", "x-ai"],
  ["xai", "x-ai"],
  ["mistral_ai", "mistral"],
  ["mistralai", "mistral"],
]);

/** The API names that SDKs append to a provider, as in `openai.responses` or `anthropic.messages`. */
const API_SUFFIX =
  /\.(chat|responses|messages|completion|completions|embedding|embeddings|reranking|image|speech|transcription|text)$/;

/** Gateways and frameworks use many providers, so their name says nothing about the price. */
const GATEWAYS = new Set(["litellm", "litellm_proxy", "gcp.vertex.agent", "strands-agents", "unknown", ""]);

/** `openai.chat` -> `openai`, `gcp.gemini` -> `google`, `litellm` -> `unknown`. Other names are only put in lower case. */
export function canonicalProvider(name: string): string {
  const lower = name.trim().toLowerCase();
  if (GATEWAYS.has(lower)) return "unknown";
  const bare = lower.replace(API_SUFFIX, "");
  return ALIASES.get(bare) ?? bare;
}
