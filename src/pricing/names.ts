/**
 * Model names: one model is sent in many forms, and a form is understood only if a table here or the catalogue says so.
 * All names are in lower case.
 */

/** What is around a name: paths, ARNs and marks that do not change the price. */
const AROUND: readonly (readonly [RegExp, string])[] = [
  [/^arn:aws[a-z-]*:bedrock:[^:/]*:[^:/]*:(?:foundation-model|inference-profile)\//, ""],
  // Some models cost more in one region of Vertex AI than globally: Claude from 4.5, and Gemini from 3.5 on.
  [
    /^projects\/[^/]+\/locations\/(?!global\/)[^/]+\/publishers\/(?:anthropic\/models\/|google\/models\/(?=gemini-3\.[5-9]))/,
    "regional/",
  ],
  [/^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/[^/]+\/models\//, ""],
  [/^models\//, ""],
  // The window that Claude Code asks for. Long context is priced by the input, not by the window.
  [/\[1m\]$/, ""],
  [/@default$/, ""],
];

/**
 * Other spellings of a name at a provider (null: at all), tried one after the other, each on the result of the last.
 */
const SPELLINGS: readonly (readonly [string | null, RegExp, string])[] = [
  // LiteLLM's route and region: `bedrock/converse/…`, `bedrock/us-east-1/…`. A model in one region has the regional
  // price.
  ["aws", /^(?:(?:converse|converse_like|invoke|mantle)\/)?(?:[a-z]{2}(?:-gov)?-[a-z]+-\d\/)?/, ""],
  ["aws", /^(?:us|us-gov|eu|apac|jp|au|ca|sa|in)\./, ""],
  ["aws", /^anthropic\./, ""],
  ["google", /^regional\/(?=claude-(?:3|(?:opus|sonnet)-4(?:@|-0|-1|-20)))/, ""],
  ["azure", /^gpt-35-/, "gpt-3.5-"],
  ["openai", /^(ft:[^:]+):.*$/, "$1"],
  // OpenRouter's ways to choose among a model's hosts.
  ["openrouter", /:(?:beta|nitro|floor|exacto)$/, ""],
  [null, /(\d)\.(?=\d)/g, "$1-"],
];

/** Names of models that the catalogue has under another one, by provider. */
const ALIASES: Record<string, Record<string, string>> = {
  anthropic: { "claude-2.0": "claude-2", "claude-2.1": "claude-2" },
  google: {
    "gemini-1.5-flash-8b": "gemini-flash-1.5-8b",
    "gemini-1.5-flash-8b-001": "gemini-flash-1.5-8b",
    "gemini-1.5-flash-8b-latest": "gemini-flash-1.5-8b",
    "gemma-3-1b-it": "gemma-3",
    "gemma-3-4b-it": "gemma-3",
    "gemma-3-12b-it": "gemma-3",
    "gemma-3-27b-it": "gemma-3",
    "gemma-3n-e2b-it": "gemma-3n",
    "gemma-3n-e4b-it": "gemma-3n",
    "gemini-3.1-pro-preview-customtools": "gemini-3.1-pro-preview",
    "gemini-live-2.5-flash-native-audio": "gemini-live-2.5-flash",
    "gemini-live-2.5-flash-preview-native-audio": "gemini-live-2.5-flash",
  },
  mistral: {
    "mistral-medium-2604": "mistral-medium-3-5",
    "mixtral-8x7b-instruct": "mixtral-8x7b",
    "open-mistral-nemo-2407": "mistral-nemo",
    "pixtral-12b-2409": "pixtral-12b",
    "devstral-latest": "devstral-2512",
    "devstral-medium-latest": "devstral-2512",
    "ministral-14b-latest": "ministral-14b-2512",
  },
  // https://github.com/BerriAI/litellm/pull/35503
  "x-ai": {
    "grok-4.20-0309-reasoning": "grok-4.20",
    "grok-4.20-0309-non-reasoning": "grok-4.20",
    "grok-4.20-reasoning": "grok-4.20",
    "grok-4.20-non-reasoning": "grok-4.20",
    "grok-4.20-multi-agent-0309": "grok-4.20-multi-agent",
  },
  openai: {
    "computer-use-preview": "computer-use",
    "computer-use-preview-2025-03-11": "computer-use",
    "omni-moderation": "moderation",
    "omni-moderation-latest": "moderation",
    "text-moderation-latest": "moderation",
    "text-moderation-stable": "moderation",
    "text-moderation-007": "moderation",
  },
};

/** Names that only one provider's models have, whoever is said to have served them. */
const PROVIDER_BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^accounts\/fireworks\//, "fireworks"],
  [/^@cf\//, "cloudflare"],
  [
    /^(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|in|global)\.)?(?:anthropic|amazon|meta|mistral|deepseek|cohere|ai21|openai|qwen|writer|nvidia|google)\.[a-z]/,
    "aws",
  ],
];

/** `publishers/google/models/gemini-2.5-flash@default` -> `gemini-2.5-flash`. */
export function bareName(sent: string): string {
  return AROUND.reduce((name, [pattern, by]) => name.replace(pattern, by), sent.trim().toLowerCase());
}

/** The spellings to look for, the sent one first. */
export function spellingsOf(provider: string, name: string): Set<string> {
  const found = new Set([name]);
  let spelling = name;
  for (const [at, pattern, by] of SPELLINGS) {
    if (at !== null && at !== provider) continue;
    spelling = spelling.replace(pattern, by);
    found.add(spelling);
  }
  return found;
}

export function aliasOf(provider: string, name: string): string | undefined {
  const aliases = Object.hasOwn(ALIASES, provider) ? ALIASES[provider]! : {};
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

export function providerByName(name: string): string | undefined {
  return PROVIDER_BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * `bedrock/us.amazon.nova-lite-v1:0` -> `["bedrock", "us.amazon.nova-lite-v1:0"]`, `openai:gpt-4o` -> `["openai",
 * "gpt-4o"]`.
 */
export function makerAndModel(name: string): readonly [string, string] | null {
  const parts = /^([^/:]+)[/:](.+)$/.exec(name);
  return parts && [parts[1]!, parts[2]!];
}

const DATE = String.raw`20\d\d-?\d\d-?\d\d`;
const VERSION = String.raw`v\d+(?::\d+)?`;
/** What may follow a name that the catalogue has whole: a full date or a version. */
const AFTER_WHOLE = new RegExp(`^(?:[-@](?:${DATE}|${VERSION}|00\\d)|:\\d+k?){1,4}$`);
/**
 * What may follow a name that the catalogue has as a beginning: short dates, too. A preview is another model without
 * one.
 */
const AFTER_BEGINNING = new RegExp(
  `^(?:[-@](?:(?:preview-|exp-)?(?:${DATE}|\\d\\d-\\d{2,4})|${VERSION}|\\d{3,4}|latest)|:\\d+k?){0,4}$`,
);

/** Tells whether `name` is `known` with a date or version: `gpt-4o-2024-08-06`, but not `gpt-4o-custom`. */
export function isVersionOf(known: string, name: string, beginning: boolean): boolean {
  if (!name.startsWith(known)) return false;
  // `gpt-5-nano-` already has the separator.
  const rest = name.slice(/[-@:]$/.test(known) ? known.length - 1 : known.length);
  return (beginning ? AFTER_BEGINNING : AFTER_WHOLE).test(rest);
}
