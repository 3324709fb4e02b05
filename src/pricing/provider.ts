/**
 * Provider names: emitters name one provider in many ways, the ledger and the catalogue in one. Names are compared
 * whole, without case and punctuation: `x_ai`, `x-ai` and `xAI` are one, `openai-compatible` and `openai` are two.
 */

/** What a gateway or framework is called that uses many providers: the price is then its model's maker's. */
export const UNKNOWN = "unknown";

/** The names that emitters use, by canonical id. The id itself is understood too. */
const NAMES: Record<string, string> = {
  openai: "openai text-completion-openai openai-responses openai-chat",
  anthropic: "anthropic anthropic_text",
  google: `google google.generative-ai google-generative-ai google.vertex google-vertex google_vertex_ai gcp.gemini
    gcp.gen_ai gcp.vertex_ai gcp gemini google-gla google-genai googleai google-ai google-ai-studio google-gemini
    google_vertexai vertex vertexai vertex_ai_beta vertex.anthropic google_anthropic_vertex google.vertex.anthropic
    vertex_ai-anthropic_models vertex_ai-language-models vertex_ai-chat-models chat-google-generative-ai
    anthropic-vertex google-vertex-anthropic generativelanguage`,
  azure: `azure azure.ai.openai az.ai.openai azure-openai azure.ai.inference az.ai.inference azure-ai azure-ai-inference
    azure_text azure-openai-responses microsoft.azure azure-foundry azure-ai-foundry microsoft.foundry azure-cognitive-services`,
  aws: `aws aws.bedrock bedrock bedrock_converse bedrock-runtime amazon-bedrock amazon bedrock_mantle bedrock.anthropic
    amazon-bedrock.anthropic anthropic-bedrock bedrock-mantle aws-bedrock-converse`,
  "x-ai": "xai grok",
  mistral: "mistral mistralai mistral-ai-studio codestral text-completion-codestral mistral-ai",
  cohere: "cohere cohere_chat cohere-v2",
  deepseek: "deepseek deepseek-ai",
  groq: "groq groqcloud",
  perplexity: "perplexity perplexity-ai pplx",
  moonshotai: "moonshotai moonshot kimi moonshot-ai",
  together: "together together-ai togethercomputer together-compute",
  fireworks: "fireworks fireworks-ai",
  openrouter: "openrouter open-router openrouter-ai",
  "github-copilot": "github-copilot copilot githubcopilot",
  cerebras: "cerebras cerebras-ai",
  cloudflare: "cloudflare workers-ai workersai cloudflare-workers-ai",
  minimax: "minimax minimaxi minimax-ai",
  novita: "novita novita-ai",
  voyageai: "voyage voyage-ai",
  zai: "zai z-ai z.ai",
  zhipuai: "zhipu zhipuai bigmodel",
  ovhcloud: "ovhcloud ovh ovh-ai-endpoints",
  avian: "avian avian-io",
  arcee: "arcee arcee-ai",
  baseten: "baseten",
  cursor: "cursor",
  modal: "modal",
  [UNKNOWN]: `unknown litellm litellm_proxy vercel vercel_ai_gateway vercel-gateway gateway ai-gateway cloudflare-ai-gateway
    cf-ai-gateway portkey helicone helicone-gateway bifrost kong requesty pydantic-ai-gateway pydantic-gateway
    gcp.vertex.agent strands-agents langchain langgraph llamaindex other none null undefined n/a`,
};

const CANONICAL = new Map<string, string>(
  Object.entries(NAMES).flatMap(([id, names]) => [id, ...names.split(/\s+/)].map((name) => [bare(name), id] as const)),
);

/** The API names that SDKs append to a provider, as in `openai.responses` or `vertex.anthropic.messages`. */
const API_SUFFIX =
  /[.](?:chat|responses|messages|completion|completions|embedding|embeddings|reranking|image|speech|transcription|text|textembedding|converse|generativeai|maas|realtime|files|video)$/;

/**
 * `openai.chat` -> `openai`, `gcp.gemini` -> `google`, `litellm` -> `unknown`. Other names are only put in lower case.
 */
export function canonicalProvider(name: string): string {
  const sent = name.trim().toLowerCase();
  if (sent === "") return UNKNOWN;
  for (let rest = sent; ; rest = rest.replace(API_SUFFIX, "")) {
    const id = CANONICAL.get(bare(rest));
    if (id !== undefined) return id;
    if (!API_SUFFIX.test(rest)) return rest;
  }
}

function bare(name: string): string {
  return name.replace(/[^a-z0-9]/g, "");
}
