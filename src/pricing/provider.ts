/** Emitters name one provider in many ways; the ledger and the catalogue know it by one. */

const ALIASES = new Map([
  ["google.generative-ai", "google"],
  ["google.vertex", "google"],
  ["gcp.gemini", "google"],
  ["gcp.gen_ai", "google"],
  ["gcp.vertex_ai", "google"],
  ["vertex_ai", "google"],
  ["gemini", "google"],
  ["azure.ai.openai", "azure"],
  ["azure.ai.inference", "azure"],
  ["aws.bedrock", "aws"],
  ["bedrock", "aws"],
  ["amazon-bedrock", "aws"],
  ["x_ai", "x-ai"],
  ["xai", "x-ai"],
  ["mistral_ai", "mistral"],
  ["mistralai", "mistral"],
]);

/** API names that SDKs append to a provider, as in `openai.responses` or `anthropic.messages`. */
const API_SUFFIX = /\.(chat|responses|messages|completion|completions|embedding|embeddings|text)$/;

/** Gateways forward to many providers: their name says nothing about the price. */
const GATEWAYS = new Set(["litellm", "litellm_proxy", "unknown", ""]);

/** `openai.chat` -> `openai`, `gcp.gemini` -> `google`, `litellm` -> `unknown`; other names stay, in lower case. */
export function canonicalProvider(name: string): string {
  const lower = name.trim().toLowerCase();
  if (GATEWAYS.has(lower)) return "unknown";
  const bare = lower.replace(API_SUFFIX, "");
  return ALIASES.get(bare) ?? bare;
}
