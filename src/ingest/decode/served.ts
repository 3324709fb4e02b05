/** Who served a call, and which of its two model names says more. */
import { remembered } from "./remembered.ts";

/** Hosts of providers' APIs; the OpenAI and Anthropic SDKs are pointed at many of them. */
const HOSTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    anthropic: ["api.anthropic.com"],
    groq: ["api.groq.com"],
    together: ["api.together.xyz", "api.together.ai"],
    openrouter: ["openrouter.ai", "api.openrouter.ai"],
    fireworks: ["api.fireworks.ai"],
    deepseek: ["api.deepseek.com"],
    mistral: ["api.mistral.ai", "codestral.mistral.ai"],
    perplexity: ["api.perplexity.ai"],
    cerebras: ["api.cerebras.ai"],
    cohere: ["api.cohere.ai", "api.cohere.com"],
    moonshotai: ["api.moonshot.ai", "api.moonshot.cn"],
    novita: ["api.novita.ai"],
    minimax: ["api.minimax.io", "api.minimaxi.com", "api.minimax.com"],
    zai: ["api.z.ai"],
    zhipuai: ["open.bigmodel.cn"],
    voyageai: ["api.voyageai.com"],
    avian: ["api.avian.io"],
    baseten: ["inference.baseten.co"],
    arcee: ["api.arcee.ai"],
    // Of no provider that has a price here, but of another one than the library's maker.
    deepinfra: ["api.deepinfra.com"],
    nvidia: ["integrate.api.nvidia.com"],
    siliconflow: ["api.siliconflow.com", "api.siliconflow.cn"],
    sambanova: ["api.sambanova.ai"],
    hyperbolic: ["api.hyperbolic.xyz"],
    nebius: ["api.studio.nebius.com", "api.tokenfactory.nebius.com"],
    alibaba: ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"],
    huggingface: ["router.huggingface.co"],
    "github-models": ["models.github.ai", "models.inference.ai.azure.com"],
    unknown: ["ai-gateway.vercel.sh", "gateway.ai.cloudflare.com", "api.portkey.ai", "oai.helicone.ai"],
  }).flatMap(([provider, hosts]) => hosts.map((host) => [host, provider] as const)),
);

/** Ends of hosts that have a resource or a region in front. */
const HOST_ENDS: readonly (readonly [string, string])[] = [
  [".openai.azure.com", "azure"],
  [".azure-api.net", "azure"],
  [".cognitiveservices.azure.com", "azure"],
  [".services.ai.azure.com", "azure"],
  [".models.ai.azure.com", "azure"],
  [".googleapis.com", "google"],
  ["api.openai.com", "openai"],
  ["api.x.ai", "x-ai"],
  ["githubcopilot.com", "github-copilot"],
];

const BEDROCK_HOST = /^bedrock(-runtime|-mantle)?[.a-z0-9-]*\.(amazonaws\.com(\.cn)?|api\.aws)$/;

/** Models that anybody may serve, as local servers name them: by a maker, or by a size. */
const OPEN_MODEL = /^(?!(?:openai|anthropic|google|gemini|azure|x-?ai)\/(?!gpt-oss|gemma))[\w.-]+[/:]|^gpt-oss\b/i;

/**
 * The provider of a call: the one at its address, else the one that was named. A library names its own maker, whatever
 * server it was pointed at.
 *
 * @param address a host, with a port or without, or a URL.
 */
export function servedBy(named: string, address: string | null, model: string | null): string {
  if (address === null) return named;
  const { provider } = placeAt(address);
  if (provider !== null) return provider;
  // Nobody is known there: it may pass calls on to OpenAI, but not those for models that anybody may serve.
  return named === "openai" && model !== null && OPEN_MODEL.test(model) ? "openai-compatible" : named;
}

/** Bedrock and Vertex have names of their own for Claude models. */
const ON_BEDROCK = /^(?:bedrock\/)?(?:[a-z-]+\.)?anthropic\.|^arn:aws/;
const ON_VERTEX = /@(?:\d{8}|default)(?:\[1m\])?$|^projects\/|^publishers\/|^vertex_ai\//;

/** Who serves a Claude model of this name, if nothing else says so. */
export function claudeServedBy(model: string): string {
  return ON_BEDROCK.test(model) ? "aws" : ON_VERTEX.test(model) ? "google" : "anthropic";
}

/** Endpoints in one region, and the models that have a price of their own there: OpenAI's, and some on Vertex AI. */
const REGIONAL: readonly (readonly [RegExp, RegExp])[] = [
  [/^[a-z]{2}\.api\.openai\.com$/, /^/],
  [
    /^[a-z]+-[a-z]+\d+-aiplatform\.googleapis\.com$|^aiplatform\.[a-z]{2}\.rep\.googleapis\.com$/,
    /^(?:vertex_ai\/|anthropic\/|google\/|publishers\/\w+\/models\/)*(?:claude-|gemini-3\.[5-9])/i,
  ],
];

/** An endpoint in one region has a price of its own, as a tier has. A model that names its region needs none. */
export function placeOf(address: string | null, model: string): string | null {
  if (address === null) return null;
  return placeAt(address).regional.some((models) => models.test(model)) ? "regional" : null;
}

interface Place {
  /** The provider that is known there. */
  provider: string | null;
  /** The models that have a price of their own there. */
  regional: readonly RegExp[];
}

const placeAt = remembered((address): Place => {
  const host = hostOf(address);
  const known = HOSTS.get(host) ?? HOST_ENDS.find(([end]) => isBelow(host, end))?.[1];
  return {
    provider: known ?? (BEDROCK_HOST.test(host) ? "aws" : null),
    regional: REGIONAL.flatMap(([hosts, models]) => (hosts.test(host) ? [models] : [])),
  };
});

function isBelow(host: string, end: string): boolean {
  return host.endsWith(end) && (end.startsWith(".") || host.length === end.length || host.at(-end.length - 1) === ".");
}

/** `https://user@Host:443/path` -> `host`. */
function hostOf(address: string): string {
  const scheme = address.indexOf("://");
  const [authority] = address.slice(scheme < 0 ? 0 : scheme + 3).split(/[/?#]/, 1) as [string];
  return authority
    .slice(authority.lastIndexOf("@") + 1)
    .replace(/:\d*$/, "")
    .toLowerCase();
}

/** Names that lose their region, their date or their variant in an answer. */
const ROUTE = String.raw`(?:bedrock/)?(?:(?:converse|invoke)/)?`;
const PROFILE = new RegExp(`^${ROUTE}(?:arn:|(?:global|us|eu|apac|jp|au|ca|sa|in|us-gov)\\.)`, "i");
const PLACED = /^projects\/[^/]+\/locations\//i;
const FINE_TUNED = /^(?:openai\/)?ft:/i;
const SAYS_MORE = /^(?:[-@](?:20\d\d-?\d\d-?\d\d|v\d+(?::\d+)?|fast)|:[a-z]+)$/i;

/**
 * Of the model that answered and the one that was asked for, the one that says more: an answer has lost the region of a
 * profile or a path, the date of a version, what was tuned, or a variant that is billed.
 */
export function moreTelling(answered: string, asked: string | null): string {
  if (asked === null || asked === answered) return answered;
  if (asked.startsWith(answered)) return SAYS_MORE.test(asked.slice(answered.length)) ? asked : answered;
  const isPlaced = PROFILE.test(asked) || PLACED.test(asked) || FINE_TUNED.test(asked);
  if (!isPlaced || PROFILE.test(answered) || PLACED.test(answered) || FINE_TUNED.test(answered)) return answered;
  const bare = answered
    .toLowerCase()
    .replace(/^anthropic\./, "")
    .replace(/-v\d+(:\d+)?$/, "");
  return asked.toLowerCase().replaceAll("@", "-").includes(bare) ? asked : answered;
}
