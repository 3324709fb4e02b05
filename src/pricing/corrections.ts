/**
 * Entries of our own, where the catalogue is known to be wrong or lacks a name whose price is published. Each stands
 * for a whole entry of the catalogue, or adds one. It yields to prices that the catalogue dates later than the entry's
 * last, and ends with the version that caught up.
 */
import { IN_ONE_REGION } from "./corrections-vertex.ts";
import { claude, type Correction, longContext, one, peaks, type Period, tokens, type Usd } from "./correction.ts";

const ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing";
const DEEPSEEK = "https://api-docs.deepseek.com/quick_start/pricing";
const MISTRAL = "https://mistral.ai/pricing/api and https://docs.mistral.ai/resources/changelogs";
const OPENAI = "https://developers.openai.com/api/docs/pricing";
const FINE_TUNING = `${OPENAI}#fine-tuning`;
const FINE_TUNING_QUOTED = "https://github.com/lanl/ursa/pull/109";
const COHERE = "https://cohere.com/pricing (FAQ); https://openrouter.ai/cohere/command-r-plus-04-2024";
/** OpenRouter passes Bedrock's price on. */
const TITAN = "https://aws.amazon.com/bedrock/pricing/; https://openrouter.ai/amazon/titan-embed-text-v2";

const DEEPSEEK_V3: Period[] = [
  { usd: tokens(0.27, 0.07, 1.1) },
  {
    hours: [
      [16.5, 24],
      [0, 0.5],
    ],
    usd: tokens(0.135, 0.035, 0.55),
  },
];
const DEEPSEEK_ALIASES: Period[] = [
  { from: "2025-09-05T16:00Z", usd: tokens(0.56, 0.07, 1.68) },
  { from: "2025-09-29", usd: tokens(0.28, 0.028, 0.42) },
  { from: "2026-04-24", usd: tokens(0.14, 0.028, 0.28) },
  { from: "2026-04-26", usd: tokens(0.14, 0.0028, 0.28) },
];

/** An alias that moved to another model on a day. */
function moved(id: string, before: Usd, from: string, after: Usd): Correction {
  return { provider: "mistral", id, names: [id], periods: [{ usd: before }, { from, usd: after }], source: MISTRAL };
}

const REGIONAL = "regional.anthropic.";
const GLOBAL = "global.anthropic.";
const FLAT_FROM = "2026-03-13";
const BEDROCK = "https://platform.claude.com/docs/en/build-with-claude/claude-in-amazon-bedrock";

function bedrock(id: string, input: number, output: number, flatFrom?: string): Correction {
  const usd = claude(input, output);
  const periods = [{ usd: longContext(usd) }, ...(flatFrom ? [{ from: flatFrom, usd }] : [])];
  return { provider: "aws", id, periods, source: `${ANTHROPIC}#long-context-pricing; ${BEDROCK}` };
}

function vertex(id: string, input: number, output: number, flatFrom?: string): Correction {
  return { ...bedrock(id, input, output, flatFrom), provider: "google" };
}

/** OpenRouter passes the maker's price on, but the catalogue lacks its long context there. */
function openRouter(id: string, usd: Usd): Correction {
  return { provider: "openrouter", id, periods: [{ usd }], source: `https://openrouter.ai/${id}` };
}

const grok4 = {
  provider: "x-ai",
  source: "https://docs.x.ai/developers/models, as quoted by https://github.com/theopenco/llmgateway/pull/2037",
};
const grokLong = (input: number, cache_read: number, output: number): Usd => ({
  ...longContext({ input, output }, 127_999, 2),
  cache_read,
});

const SEARCH = { web_search: 10 };
const GLM_PROMOTION_ENDS = "2026-09-09T16:00Z";

export const CORRECTIONS: readonly Correction[] = [
  // DeepSeek's two aliases: V3.1, then V3.2 without a discount at night, then V4 Flash.
  {
    provider: "deepseek",
    id: "deepseek-chat",
    names: ["deepseek-chat"],
    periods: [...DEEPSEEK_V3, ...DEEPSEEK_ALIASES],
    source: DEEPSEEK,
  },
  {
    provider: "deepseek",
    id: "deepseek-reasoner",
    names: ["deepseek-reasoner"],
    periods: [
      { usd: tokens(0.55, 0.14, 2.19) },
      {
        hours: [
          [16.5, 24],
          [0, 0.5],
        ],
        usd: tokens(0.135, 0.035, 0.55),
      },
      ...DEEPSEEK_ALIASES,
    ],
    source: DEEPSEEK,
  },
  {
    provider: "deepseek",
    id: "deepseek-v4-pro",
    periods: [{ usd: tokens(0.435, 0.003625, 0.87) }, ...peaks("2026-08-16T16:00Z", tokens(0.66, 0.022, 1.98))],
    source: DEEPSEEK,
  },
  {
    // V4 Flash is served and billed as V4.1 Flash since that was released.
    provider: "deepseek",
    id: "deepseek-v4-flash",
    periods: [
      { usd: tokens(0.14, 0.0028, 0.28) },
      ...peaks("2026-08-16T16:00Z", tokens(0.22, 0.007, 0.66)),
      ...peaks("2026-09-10T04:00Z", tokens(0.15, 0.003, 0.6)),
    ],
    source: DEEPSEEK,
  },
  {
    provider: "deepseek",
    id: "deepseek-flash",
    names: ["deepseek-flash"],
    periods: peaks("2026-09-10T04:00Z", tokens(0.15, 0.003, 0.6)),
    source: DEEPSEEK,
  },

  // Mistral's aliases move with its releases.
  moved("mistral-large-latest", { input: 2, output: 6 }, "2025-12-02", tokens(0.5, 0.05, 1.5)),
  moved("mistral-small-latest", { input: 0.1, output: 0.3 }, "2026-03-16", tokens(0.15, 0.015, 0.6)),
  moved("mistral-medium", tokens(0.4, 0.04, 2), "2026-06-16", tokens(1.5, 0.15, 7.5)),
  moved("magistral-small-latest", { input: 0.5, output: 1.5 }, "2026-07-01", tokens(0.15, 0.015, 0.6)),
  moved("ministral-3b-latest", { input: 0.04, output: 0.04 }, "2025-12-02", tokens(0.1, 0.01, 0.1)),
  one("mistral", "mistral-small-3", { input: 0.1, output: 0.3 }, MISTRAL, [
    "mistral-small-2501",
    "mistral-small-2503",
    "mistral-small-2506",
  ]),

  // Long context of Claude, until its surcharge ended.
  bedrock(`${REGIONAL}claude-sonnet-4-20250514-v1:0`, 3, 15),
  bedrock(`${GLOBAL}claude-sonnet-4-20250514-v1:0`, 3, 15),
  bedrock(`${REGIONAL}claude-sonnet-4-5-20250929-v1:0`, 3.3, 16.5),
  bedrock(`${GLOBAL}claude-sonnet-4-5-20250929-v1:0`, 3, 15),
  bedrock(`${REGIONAL}claude-sonnet-4-6-v1:0`, 3.3, 16.5, FLAT_FROM),
  bedrock(`${GLOBAL}claude-sonnet-4-6-v1:0`, 3, 15, FLAT_FROM),
  bedrock(`${REGIONAL}claude-opus-4-6-v1:0`, 5.5, 27.5, FLAT_FROM),
  bedrock(`${GLOBAL}claude-opus-4-6-v1:0`, 5, 25, FLAT_FROM),
  vertex("claude-4-sonnet", 3, 15),
  vertex("claude-sonnet-4-6", 3, 15, FLAT_FROM),
  vertex("claude-opus-4-6", 5, 25, FLAT_FROM),
  {
    provider: "anthropic",
    id: "claude-sonnet-4-0",
    periods: [{ usd: { ...longContext(claude(3, 15)), ...SEARCH } }],
    source: `${ANTHROPIC}#long-context-pricing`,
  },

  openRouter("openai/gpt-4o", tokens(2.5, 1.25, 10)),
  // The catalogue has it as GPT-4o.
  one(
    "openrouter",
    "openai/gpt-4o-audio-preview",
    { input: 2.5, output: 10 },
    "https://openrouter.ai/openai/gpt-4o-audio-preview",
  ),
  openRouter("google/gemini-2.5-pro", longContext(tokens(1.25, 0.125, 10))),
  openRouter("google/gemini-3.1-pro-preview", longContext(tokens(2, 0.2, 12))),
  openRouter("anthropic/claude-sonnet-4", longContext(claude(3, 15))),
  openRouter("x-ai/grok-4.3", longContext(tokens(1.25, 0.2, 2.5), 199_999, 2)),
  openRouter("x-ai/grok-4.20", longContext(tokens(1.25, 0.2, 2.5), 199_999, 2)),

  // Grok 4 above 128,000 tokens. Nobody says that its cached tokens cost more there.
  ...[
    "grok-4-fast-reasoning",
    "grok-4-fast-non-reasoning",
    "grok-4-1-fast-reasoning",
    "grok-4-1-fast-non-reasoning",
  ].map((id) => ({ ...grok4, id, periods: [{ usd: grokLong(0.2, 0.05, 0.5) }] })),
  { ...grok4, id: "grok-4-0709", periods: [{ usd: grokLong(3, 0.75, 15) }] },

  ...IN_ONE_REGION,

  // Fast mode where it is a model of its own.
  ...(
    [
      ["claude-opus-4-6", 30, 150],
      ["claude-opus-4-7", 30, 150],
      ["claude-opus-4-8", 10, 50],
      ["claude-opus-5", 10, 50],
    ] as const
  ).map(([id, input, output]) =>
    one("anthropic", `${id}-fast`, { ...claude(input, output), ...SEARCH }, `${ANTHROPIC}#fast-mode-pricing`),
  ),

  // One price for models of different sizes, or a price of another one of the name.
  one("openai", "davinci-002", { input: 2, output: 2 }, OPENAI),
  one("openai", "babbage-002", { input: 0.4, output: 0.4 }, OPENAI),
  one("aws", "amazon.titan-embed-text-v2:0", { input: 0.02 }, TITAN, [
    "amazon.titan-embed-text-v2:0",
    "amazon.titan-embed-text-v2",
  ]),
  one("groq", "openai/gpt-oss-safeguard-20b", tokens(0.075, 0.0375, 0.3), "https://groq.com/pricing"),
  one("cohere", "command-r-03-2024", { input: 0.5, output: 1.5 }, COHERE),
  one("cohere", "command-r-plus-04-2024", { input: 3, output: 15 }, COHERE),

  // Its price fell with that of Grok 4.20; it was first seen on that day.
  {
    provider: "x-ai",
    id: "grok-4.20-multi-agent",
    periods: [{ usd: tokens(2, 0.2, 6) }, { from: "2026-05-18", usd: longContext(tokens(1.25, 0.2, 2.5), 199_999, 2) }],
    source: "https://docs.x.ai/developers/pricing, as quoted by https://github.com/BerriAI/litellm/pull/35503",
  },

  // Each answer of theirs is searched for. The catalogue has no fee for that.
  ...(
    [
      ["sonar", 1, 1],
      ["sonar-pro", 3, 15],
      ["sonar-reasoning-pro", 2, 8],
    ] as const
  ).map(([id, input, output]) => openRouter(`perplexity/${id}`, { input, output, request: 5 })),
  ...["gpt-4o", "gpt-4o-mini"].map((of) => {
    const id = `${of}-search-preview`;
    const usd = of === "gpt-4o" ? { input: 2.5, output: 10 } : { input: 0.15, output: 0.6 };
    return one("openai", id, { ...usd, request: 25 }, `${OPENAI}#built-in-tools`, [id, `${id}-2025-03-11`]);
  }),

  // Fine-tuned models. The catalogue has GPT-4 at the price of the base model, and nobody publishes another.
  one("openai", "ft:gpt-4", {}, FINE_TUNING, ["ft:gpt-4-0613"]),
  ...(
    [
      ["gpt-4.1", 3, 0.75, 12],
      ["gpt-4.1-mini", 0.8, 0.2, 3.2],
      ["gpt-4.1-nano", 0.2, 0.05, 0.8],
    ] as const
  ).map(([model, input, cached, output]): Correction => ({
    ...one(
      "openai",
      `ft:${model}`,
      tokens(input, cached, output),
      `${FINE_TUNING}, as quoted by ${FINE_TUNING_QUOTED}`,
      [`ft:${model}-2025-04-14`],
    ),
    approximate: true,
  })),

  // The price of cache reads fell with that of the input.
  {
    provider: "openai",
    id: "o3",
    periods: [{ usd: { ...tokens(10, 2.5, 40), web_search: 10, file_search: 2.5 } }],
    source: "https://openai.com/index/introducing-o3-and-o4-mini/",
  },

  // Promotions that ended on a day which the catalogue gives in words only.
  {
    provider: "zai",
    id: "GLM-5.3-Flash",
    periods: [{ usd: tokens(0.075, 0.015, 0.25) }, { from: GLM_PROMOTION_ENDS, usd: tokens(0.15, 0.03, 0.5) }],
    source: "https://docs.z.ai/guides/overview/pricing",
  },
  {
    provider: "openrouter",
    id: "z-ai/glm-5.3-flash",
    periods: [{ usd: tokens(0.075, 0.015, 0.25) }, { from: GLM_PROMOTION_ENDS, usd: tokens(0.15, 0.03, 0.5) }],
    source: "https://openrouter.ai/z-ai/glm-5.3-flash",
  },
];

/** Entries without prices whose models cost nothing, by provider. */
export const FREE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["google", new Set(["gemma-3", "gemma-3n", "gemma-4-26b-a4b-it", "gemma-4-31b-it"])],
  ["openai", new Set(["moderation"])],
  ["github-copilot", new Set(["gpt-3.5-turbo", "gpt-4.1", "gpt-4o", "gpt-4o-mini"])],
]);
