/** Kinds of usage objects, with their arithmetic: what each member changes, at list prices of 2026-11-20. */
import type { Kind } from "./emitted.ts";

/** A quantity, and USD per million of it. */
type Line = readonly [number, number];

export interface PricedKind extends Kind {
  name: string;
  /** Tokens, per million. */
  lines?: readonly Line[];
  /** Calls and searches, per thousand. */
  fees?: readonly Line[];
  /** Why there is no cost. */
  unpriced?: string;
  source: string;
}

const CLAUDE = "https://platform.claude.com/docs/en/about-claude/pricing";
const COMPACTION = "https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage";
const ADVISOR = "https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool";
const FAST = "https://platform.claude.com/docs/en/build-with-claude/fast-mode";
const GEO = "https://platform.claude.com/docs/en/manage-claude/data-residency";
const BEDROCK = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html";
const BEDROCK_TIERS = "https://aws.amazon.com/bedrock/service-tiers/";
const NOVA = "https://aws.amazon.com/bedrock/pricing/";
const GEMINI = "https://ai.google.dev/gemini-api/docs/pricing";
const VERTEX = "https://cloud.google.com/vertex-ai/docs/reference/rest/v1/GenerateContentResponse#UsageMetadata";
const OPENAI = "https://developers.openai.com/api/docs/pricing";
const REALTIME = "https://platform.openai.com/docs/api-reference/realtime-server-events/response/done";
const XAI = "https://docs.x.ai/developers/pricing#tools-pricing";
const SONAR = "https://docs.perplexity.ai/docs/getting-started/pricing";

const opus = (usage: Kind["usage"], more: Partial<Kind> = {}): Kind => ({
  provider: "anthropic",
  model: "claude-opus-4-8",
  usage: { input_tokens: 1_000, output_tokens: 100, ...usage },
  ...more,
});
/** LiteLLM restates the totals and passes the rest on. */
const litellm = (more: Kind["usage"] = {}): Kind["usage"] => ({
  prompt_tokens: 1_000,
  completion_tokens: 100,
  ...more,
});

const COMPACTED = [
  { type: "compaction", input_tokens: 180_000, output_tokens: 3_500 },
  { type: "message", input_tokens: 1_000, output_tokens: 100 },
];

const ANTHROPIC: PricedKind[] = [
  {
    name: "Anthropic, without a cache",
    ...opus(
      {},
      {
        litellm: litellm(),
        attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 },
        event: { input_tokens: 1_000, output_tokens: 100 },
      },
    ),
    lines: [
      [1_000, 5],
      [100, 25],
    ],
    source: CLAUDE,
  },
  {
    name: "Anthropic, cache writes for 5 minutes and for an hour",
    ...opus(
      {
        cache_read_input_tokens: 4_000,
        cache_creation_input_tokens: 3_000,
        cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      },
      {
        litellm: {
          prompt_tokens: 8_000,
          completion_tokens: 100,
          cache_read_input_tokens: 4_000,
          cache_creation_input_tokens: 3_000,
          prompt_tokens_details: {
            cached_tokens: 4_000,
            cache_creation_tokens: 3_000,
            cache_creation_token_details: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
          },
        },
        attributes: {
          "gen_ai.usage.input_tokens": 8_000,
          "gen_ai.usage.output_tokens": 100,
          "gen_ai.usage.cache_read.input_tokens": 4_000,
          "gen_ai.usage.cache_creation.input_tokens": 3_000,
          "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 1_000,
          "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 2_000,
        },
        event: {
          input_tokens: 1_000,
          output_tokens: 100,
          cache_read_tokens: 4_000,
          cache_creation_tokens: 3_000,
          cache_creation_5m_tokens: 1_000,
          cache_creation_1h_tokens: 2_000,
        },
      },
    ),
    lines: [
      [1_000, 5],
      [4_000, 0.5],
      [1_000, 6.25],
      [2_000, 10],
      [100, 25],
    ],
    source: CLAUDE,
  },
  {
    name: "Anthropic, only the parts of cache writes",
    ...opus({ cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 } }),
    litellm: {
      prompt_tokens: 4_000,
      completion_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
    },
    lines: [
      [1_000, 5],
      [1_000, 6.25],
      [2_000, 10],
      [100, 25],
    ],
    source: CLAUDE,
  },
  {
    name: "Anthropic, cache writes of which a part has no time to live",
    ...opus({
      cache_creation_input_tokens: 3_000,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2_000 },
    }),
    unpriced: "usage_ambiguous",
    source: CLAUDE,
  },
  {
    name: "Anthropic, more parts of cache writes than cache writes",
    ...opus({
      cache_creation_input_tokens: 1_000,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
    }),
    unpriced: "usage_contradictory",
    source: CLAUDE,
  },
  ...(
    [
      // 1.1 x $5, 1.1 x $25
      ["us", 5.5, 27.5],
      ["global", 5, 25],
      ["not_available", 5, 25],
    ] as const
  ).map(([inference_geo, input, output]) => ({
    name: `Anthropic, inference_geo ${inference_geo}`,
    ...opus({ inference_geo, service_tier: "standard" }, { litellm: litellm({ inference_geo }) }),
    lines: [
      [1_000, input],
      [100, output],
    ] as const,
    source: GEO,
  })),
  {
    name: "Anthropic, inference_geo of a place without a price",
    ...opus({ inference_geo: "mars" }, { litellm: litellm({ inference_geo: "mars" }) }),
    unpriced: "tier_unknown",
    source: GEO,
  },
  {
    name: "Anthropic, batch",
    ...opus({ service_tier: "batch" }, { litellm: litellm({ service_tier: "batch" }) }),
    attributes: {
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
      "anthropic.response.service_tier": "batch",
    },
    lines: [
      [1_000, 2.5],
      [100, 12.5],
    ],
    source: CLAUDE,
  },
  {
    name: "Anthropic, batch in the US",
    ...opus(
      { service_tier: "batch", inference_geo: "us" },
      { litellm: litellm({ service_tier: "batch", inference_geo: "us" }) },
    ),
    lines: [
      [1_000, 2.75],
      [100, 13.75],
    ],
    source: GEO,
  },
  {
    name: "Anthropic, priority, whose price is agreed upon",
    ...opus({ service_tier: "priority" }, { litellm: litellm({ service_tier: "priority" }) }),
    unpriced: "tier_unknown",
    source: "https://platform.claude.com/docs/en/api/service-tiers",
  },
  {
    name: "Anthropic, fast mode",
    ...opus({ speed: "fast" }, { litellm: litellm({ speed: "fast" }) }),
    event: { input_tokens: 1_000, output_tokens: 100, speed: "fast" },
    lines: [
      [1_000, 10],
      [100, 50],
    ],
    source: FAST,
  },
  {
    name: "Anthropic, fast mode in the US",
    ...opus({ speed: "fast", inference_geo: "us" }, { litellm: litellm({ speed: "fast", inference_geo: "us" }) }),
    lines: [
      [1_000, 11],
      [100, 55],
    ],
    source: FAST,
  },
  {
    name: "Anthropic, a tier that is no text",
    ...opus({ service_tier: 7 }, { litellm: litellm({ service_tier: 7 }) }),
    unpriced: "usage_ambiguous",
    source: CLAUDE,
  },
  {
    name: "Anthropic, a turn of compaction, which the totals leave out",
    ...opus({ iterations: COMPACTED }, { litellm: litellm({ iterations: COMPACTED }) }),
    lines: [
      [181_000, 5],
      [3_600, 25],
    ],
    source: COMPACTION,
  },
  {
    name: "Anthropic, turns with caches of their own",
    ...opus({
      cache_read_input_tokens: 500,
      server_tool_use: { web_search_requests: 2 },
      iterations: [
        {
          type: "message",
          input_tokens: 200,
          output_tokens: 50,
          cache_creation_input_tokens: 300,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 300 },
        },
        { type: "message", input_tokens: 1_000, output_tokens: 100, cache_read_input_tokens: 500 },
      ],
    }),
    lines: [
      [1_200, 5],
      [500, 0.5],
      [300, 10],
      [150, 25],
    ],
    fees: [[2, 10]],
    source: COMPACTION,
  },
  ...[
    { type: "advisor_message", model: "claude-fable-5", input_tokens: 800, output_tokens: 1_600 },
    { type: "a_type_of_tomorrow", input_tokens: 1, output_tokens: 1 },
    { type: "message", output_tokens: 1 },
    "none",
  ].map((turn) => ({
    name: `Anthropic, the turn ${JSON.stringify(turn)}, whose price is another or unknown`,
    ...opus(
      { iterations: [{ type: "message", input_tokens: 1_000, output_tokens: 100 }, turn] },
      { litellm: litellm({ iterations: [{ type: "message", input_tokens: 1_000, output_tokens: 100 }, turn] }) },
    ),
    unpriced: "usage_ambiguous",
    source: ADVISOR,
  })),
  {
    name: "Anthropic, a turn of compaction that reads a cache, which LiteLLM's totals have",
    ...opus({
      input_tokens: 200,
      iterations: [
        { type: "compaction", input_tokens: 300, output_tokens: 50, cache_read_input_tokens: 8_000 },
        { type: "message", input_tokens: 200, output_tokens: 100 },
      ],
    }),
    litellm: {
      prompt_tokens: 8_500,
      completion_tokens: 150,
      iterations: [
        { type: "compaction", input_tokens: 300, output_tokens: 50, cache_read_input_tokens: 8_000 },
        { type: "message", input_tokens: 200, output_tokens: 100 },
      ],
    },
    lines: [
      [500, 5],
      [8_000, 0.5],
      [150, 25],
    ],
    source: COMPACTION,
  },
  {
    name: "Anthropic, turns that are less than the totals",
    ...opus({ iterations: [{ type: "message", input_tokens: 10, output_tokens: 100 }] }),
    unpriced: "usage_ambiguous",
    source: COMPACTION,
  },
  {
    name: "Anthropic, web searches, and pages that were fetched, which are free",
    ...opus(
      { server_tool_use: { web_search_requests: 3, web_fetch_requests: 9 } },
      { litellm: litellm({ server_tool_use: { web_search_requests: 3, web_fetch_requests: 9 } }) },
    ),
    attributes: {
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
      "gen_ai.usage.details.web_search_requests": 3,
    },
    lines: [
      [1_000, 5],
      [100, 25],
    ],
    fees: [[3, 10]],
    source: CLAUDE,
  },
  {
    name: "Anthropic, web searches in a batch: only tokens are cheaper",
    ...opus(
      { server_tool_use: { web_search_requests: 3 }, service_tier: "batch" },
      { litellm: litellm({ server_tool_use: { web_search_requests: 3 }, service_tier: "batch" }) },
    ),
    lines: [
      [1_000, 2.5],
      [100, 12.5],
    ],
    fees: [[3, 10]],
    source: CLAUDE,
  },
  {
    name: "Anthropic, code that it ran, billed by the hour of a container",
    ...opus(
      { server_tool_use: { code_execution_requests: 1 } },
      { litellm: litellm({ server_tool_use: { code_execution_requests: 1 } }) },
    ),
    unpriced: "price_unknown",
    source: "https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool#usage-and-pricing",
  },
];

const converse = (usage: Kind["usage"], more: Partial<Kind> = {}): Kind => ({
  provider: "aws.bedrock",
  model: "global.anthropic.claude-opus-4-8",
  usage: { inputTokens: 100, outputTokens: 50, ...usage },
  ...more,
});

const BEDROCK_KINDS: PricedKind[] = [
  {
    name: "Bedrock, cache writes for an hour",
    ...converse(
      {
        cacheReadInputTokens: 0,
        cacheWriteInputTokens: 9_634,
        cacheDetails: [{ ttl: "1h", inputTokens: 9_634 }],
      },
      {
        litellm: {
          prompt_tokens: 9_734,
          completion_tokens: 50,
          cache_creation_input_tokens: 9_634,
          prompt_tokens_details: { cache_creation_token_details: { ephemeral_1h_input_tokens: 9_634 } },
        },
        event: { input_tokens: 100, output_tokens: 50, cache_creation_tokens: 9_634, cache_creation_1h_tokens: 9_634 },
      },
    ),
    lines: [
      [100, 5],
      [9_634, 10],
      [50, 25],
    ],
    source: BEDROCK,
  },
  {
    name: "Bedrock, cache writes for both times to live, in a region",
    ...converse({
      cacheReadInputTokens: 1_000,
      cacheWriteInputTokens: 700,
      cacheDetails: [
        { ttl: "1h", inputTokens: 500 },
        { ttl: "5m", inputTokens: 200 },
      ],
    }),
    model: "eu.anthropic.claude-opus-4-8",
    lines: [
      [100, 5.5],
      [1_000, 0.55],
      [200, 6.875],
      [500, 11],
      [50, 27.5],
    ],
    source: BEDROCK,
  },
  {
    name: "Bedrock, cache details alone",
    ...converse({ cacheDetails: [{ ttl: "1h", inputTokens: 500 }] }),
    litellm: { prompt_tokens: 600, completion_tokens: 50, cacheDetails: [{ ttl: "1h", inputTokens: 500 }] },
    lines: [
      [100, 5],
      [500, 10],
      [50, 25],
    ],
    source: BEDROCK,
  },
  {
    name: "Bedrock, a time to live without a price",
    ...converse({ cacheWriteInputTokens: 500, cacheDetails: [{ ttl: "24h", inputTokens: 500 }] }),
    unpriced: "usage_ambiguous",
    source: BEDROCK,
  },
  {
    name: "Bedrock, cache details in Python's spelling",
    provider: "aws.bedrock",
    model: "global.anthropic.claude-opus-4-8",
    usage: {
      input_tokens: 100,
      output_tokens: 50,
      cache_read_input_tokens: 1_000,
      cache_write_input_tokens: 500,
      cache_details: [{ ttl: "1h", input_tokens: 500 }],
    },
    lines: [
      [100, 5],
      [1_000, 0.5],
      [500, 10],
      [50, 25],
    ],
    source: BEDROCK,
  },
  {
    name: "Bedrock, the body of Claude, which has Anthropic's form",
    provider: "aws.bedrock",
    model: "global.anthropic.claude-opus-4-8",
    usage: {
      input_tokens: 100,
      output_tokens: 50,
      cache_creation_input_tokens: 500,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 500 },
    },
    lines: [
      [100, 5],
      [500, 10],
      [50, 25],
    ],
    source: BEDROCK,
  },
  {
    name: "Bedrock, the body of Nova, with both names of its cache",
    provider: "aws.bedrock",
    model: "amazon.nova-lite-v1:0",
    usage: { inputTokens: 100, outputTokens: 50, cacheReadInputTokenCount: 1_000, cacheReadInputTokens: 1_000 },
    lines: [
      [100, 0.06],
      [1_000, 0.015],
      [50, 0.24],
    ],
    source: NOVA,
  },
  {
    name: "Bedrock, InvokeModel's metrics",
    provider: "aws.bedrock",
    model: "amazon.nova-lite-v1:0",
    usage: { inputTokenCount: 100, outputTokenCount: 50, cacheReadInputTokenCount: 1_000, invocationLatency: 900 },
    lines: [
      [100, 0.06],
      [1_000, 0.015],
      [50, 0.24],
    ],
    source: NOVA,
  },
  {
    name: "Bedrock, the body of Llama",
    provider: "aws.bedrock",
    model: "us.meta.llama3-3-70b-instruct-v1:0",
    usage: { prompt_token_count: 100, generation_token_count: 50 },
    lines: [
      [100, 0.72],
      [50, 0.72],
    ],
    source: NOVA,
  },
  ...(
    [
      [{ serviceTier: { type: "flex" } }, 2.5, 12.5],
      [{ serviceTier: { type: "priority" } }, null, null],
      [{ serviceTier: { type: "default" } }, 5, 25],
      [{ serviceTier: { type: "reserved" } }, null, null],
      [{ performanceConfig: { latency: "standard" } }, 5, 25],
      [{ performanceConfig: { latency: "optimized" } }, null, null],
    ] as const
  ).map(([response, input, output]) => ({
    name: `Bedrock, ${JSON.stringify(response)}`,
    ...converse({}, { response: response as Kind["usage"], litellm: { prompt_tokens: 100, completion_tokens: 50 } }),
    ...(input === null
      ? { unpriced: "tier_unknown" }
      : {
          lines: [
            [100, input],
            [50, output],
          ] as const,
        }),
    source: BEDROCK_TIERS,
  })),
  {
    name: "Bedrock, a tool on its servers, whose price is not here",
    ...converse({ serverToolUsage: { webGroundingRequests: 2 } }),
    unpriced: "usage_ambiguous",
    source: NOVA,
  },
];

const flash = (usage: Kind["usage"], more: Partial<Kind> = {}): Kind => ({
  provider: "gcp.gemini",
  model: "gemini-2.5-flash",
  usage: { promptTokenCount: 1_000, candidatesTokenCount: 100, ...usage },
  ...more,
});

const GOOGLE: PricedKind[] = [
  {
    name: "Google, thoughts and a prompt for a tool, which its totals leave out",
    ...flash({ thoughtsTokenCount: 50, toolUsePromptTokenCount: 30, totalTokenCount: 1_180 }),
    lines: [
      [1_030, 0.3],
      [150, 2.5],
    ],
    source: VERTEX,
  },
  {
    name: "Google, cached text",
    ...flash({
      cachedContentTokenCount: 900,
      cacheTokensDetails: [{ modality: "TEXT", tokenCount: 900 }],
    }),
    lines: [
      [100, 0.3],
      [900, 0.03],
      [100, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, cached audio",
    ...flash(
      {
        promptTokenCount: 100_000,
        cachedContentTokenCount: 90_000,
        promptTokensDetails: [
          { modality: "AUDIO", tokenCount: 95_000 },
          { modality: "TEXT", tokenCount: 5_000 },
        ],
        cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 90_000 }],
      },
      {
        litellm: {
          prompt_tokens: 100_000,
          completion_tokens: 100,
          prompt_tokens_details: {
            cached_tokens: 90_000,
            audio_tokens: 95_000,
            text_tokens: 5_000,
            cached_tokens_details: { audio_tokens: 90_000 },
          },
        },
        attributes: {
          "gen_ai.usage.input_tokens": 100_000,
          "gen_ai.usage.output_tokens": 100,
          "gen_ai.usage.details.cache_read_tokens": 90_000,
          "gen_ai.usage.details.input_audio_tokens": 95_000,
          "gen_ai.usage.details.cache_audio_read_tokens": 90_000,
        },
      },
    ),
    lines: [
      [5_000, 0.3],
      [90_000, 0.1],
      [5_000, 1],
      [100, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, audio and a cache that is not told apart",
    ...flash(
      {
        cachedContentTokenCount: 200,
        promptTokensDetails: [
          { modality: "AUDIO", tokenCount: 300 },
          { modality: "TEXT", tokenCount: 700 },
        ],
      },
      {
        litellm: litellm({ prompt_tokens_details: { cached_tokens: 200, audio_tokens: 300, text_tokens: 700 } }),
        attributes: {
          "gen_ai.usage.input_tokens": 1_000,
          "gen_ai.usage.output_tokens": 100,
          "gen_ai.usage.details.cache_read_tokens": 200,
          "gen_ai.usage.details.input_audio_tokens": 300,
        },
      },
    ),
    unpriced: "usage_ambiguous",
    source: GEMINI,
  },
  {
    name: "Google, audio in the prompt and in the prompt for a tool",
    ...flash({
      toolUsePromptTokenCount: 40,
      promptTokensDetails: [
        { modality: "AUDIO", tokenCount: 300 },
        { modality: "TEXT", tokenCount: 700 },
      ],
      toolUsePromptTokensDetails: [{ modality: "AUDIO", tokenCount: 40 }],
    }),
    lines: [
      [700, 0.3],
      [340, 1],
      [100, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, images, documents and video, which cost what text does",
    ...flash({
      promptTokensDetails: [
        { modality: "IMAGE", tokenCount: 258 },
        { modality: "DOCUMENT", tokenCount: 258 },
        { modality: "VIDEO", tokenCount: 300 },
        { modality: "TEXT", tokenCount: 184 },
      ],
    }),
    lines: [
      [1_000, 0.3],
      [100, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, audio at the price of text",
    ...flash(
      { promptTokensDetails: [{ modality: "AUDIO", tokenCount: 600 }] },
      {
        model: "gemini-2.5-pro",
        litellm: litellm({ prompt_tokens_details: { audio_tokens: 600, text_tokens: 400 } }),
        attributes: {
          "gen_ai.usage.input_tokens": 1_000,
          "gen_ai.usage.output_tokens": 100,
          "gen_ai.usage.details.input_audio_tokens": 600,
        },
      },
    ),
    lines: [
      [1_000, 1.25],
      [100, 10],
    ],
    source: "https://cloud.google.com/vertex-ai/generative-ai/pricing",
  },
  {
    name: "Google, cached audio at the price of cached text",
    ...flash(
      {
        cachedContentTokenCount: 500,
        promptTokensDetails: [{ modality: "AUDIO", tokenCount: 600 }],
        cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 500 }],
      },
      { model: "gemini-3.5-flash-lite" },
    ),
    lines: [
      [500, 0.3],
      [500, 0.03],
      [100, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, speech that it made, and nothing else",
    ...flash(
      { candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 100 }] },
      { attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 } },
    ),
    model: "gemini-2.5-flash-preview-tts",
    lines: [
      [1_000, 0.5],
      [100, 10],
    ],
    source: GEMINI,
  },
  {
    name: "Google, video in a live session, at the price of images",
    ...flash({
      responseTokenCount: 100,
      promptTokensDetails: [
        { modality: "VIDEO", tokenCount: 900 },
        { modality: "TEXT", tokenCount: 100 },
      ],
      responseTokensDetails: [{ modality: "AUDIO", tokenCount: 100 }],
    }),
    model: "gemini-3.1-flash-live-preview",
    lines: [
      [100, 0.75],
      [900, 1],
      [100, 12],
    ],
    source: GEMINI,
  },
  {
    name: "Google, an answer that may be video",
    ...flash({}, { attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 } }),
    model: "gemini-omni-flash-preview",
    unpriced: "usage_ambiguous",
    source: GEMINI,
  },
  {
    name: "Google, an image that was embedded",
    provider: "gcp.gemini",
    model: "gemini-embedding-2",
    operation: "embeddings",
    usage: { promptTokenCount: 1_000, promptTokensDetails: [{ modality: "IMAGE", tokenCount: 1_000 }] },
    lines: [[1_000, 0.45]],
    source: GEMINI,
  },
  {
    name: "Google, a video that was embedded, whose price has no bucket",
    provider: "gcp.gemini",
    model: "gemini-embedding-2",
    operation: "embeddings",
    usage: { promptTokenCount: 1_000, promptTokensDetails: [{ modality: "VIDEO", tokenCount: 1_000 }] },
    unpriced: "usage_ambiguous",
    source: GEMINI,
  },
  {
    name: "Google, more cached audio than audio",
    ...flash({
      cachedContentTokenCount: 500,
      promptTokensDetails: [{ modality: "AUDIO", tokenCount: 100 }],
      cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 500 }],
    }),
    unpriced: "usage_contradictory",
    source: GEMINI,
  },
  ...(
    [
      // Half of $0.30 and of $2.50.
      [{ trafficType: "ON_DEMAND_FLEX" }, 0.15, 1.25],
      [{ serviceTier: "flex" }, 0.15, 1.25],
      [{ trafficType: "ON_DEMAND" }, 0.3, 2.5],
      [{ trafficType: "TRAFFIC_TYPE_UNSPECIFIED" }, 0.3, 2.5],
      [{ trafficType: "TrafficType.ON_DEMAND" }, 0.3, 2.5],
      [{ serviceTier: "standard" }, 0.3, 2.5],
      [{ trafficType: "PROVISIONED_THROUGHPUT" }, null, null],
      [{ trafficType: "ON_DEMAND_PRIORITY" }, null, null],
    ] as const
  ).map(([tier, input, output]) => ({
    name: `Google, ${JSON.stringify(tier)}`,
    ...flash(tier as Kind["usage"]),
    ...(input === null
      ? { unpriced: "tier_unknown" }
      : {
          lines: [
            [1_000, input],
            [100, output],
          ] as const,
        }),
    source: VERTEX,
  })),
  {
    name: "Google, an image that it made, and text",
    ...flash(
      { candidatesTokenCount: 1_303, candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_290 }] },
      {
        litellm: {
          prompt_tokens: 1_000,
          completion_tokens: 1_303,
          completion_tokens_details: { image_tokens: 1_290, text_tokens: 13 },
        },
        attributes: {
          "gen_ai.usage.input_tokens": 1_000,
          "gen_ai.usage.output_tokens": 1_303,
          "gen_ai.usage.details.output_image_tokens": 1_290,
        },
      },
    ),
    model: "gemini-2.5-flash-image",
    lines: [
      [1_000, 0.3],
      [1_290, 30],
      [13, 2.5],
    ],
    source: GEMINI,
  },
  {
    name: "Google, an answer that may be an image",
    ...flash(
      { candidatesTokenCount: 1_290 },
      {
        litellm: {
          prompt_tokens: 1_000,
          completion_tokens: 1_290,
          // Filled with 0: it does not tell images.
          completion_tokens_details: { audio_tokens: 0, reasoning_tokens: 0 },
        },
        attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 1_290 },
      },
    ),
    model: "gemini-2.5-flash-image",
    unpriced: "usage_ambiguous",
    source: GEMINI,
  },
  {
    name: "Google, speech to speech",
    ...flash({
      responseTokenCount: 100,
      promptTokensDetails: [
        { modality: "AUDIO", tokenCount: 600 },
        { modality: "TEXT", tokenCount: 400 },
      ],
      responseTokensDetails: [
        { modality: "AUDIO", tokenCount: 80 },
        { modality: "TEXT", tokenCount: 20 },
      ],
    }),
    model: "gemini-live-2.5-flash",
    lines: [
      [400, 0.5],
      [600, 3],
      [80, 12],
      [20, 2],
    ],
    source: GEMINI,
  },
  {
    name: "Google, an answer that may be speech",
    ...flash({}, { attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 } }),
    model: "gemini-live-2.5-flash",
    unpriced: "usage_ambiguous",
    source: GEMINI,
  },
  {
    name: "Google, an answer grounded by searches, whose fee depends on the day's free ones",
    ...flash({}, { response: { groundingMetadata: { webSearchQueries: ["a", "b"] } } }),
    litellm: litellm({ prompt_tokens_details: { web_search_requests: 2 } }),
    unpriced: "price_unknown",
    source: `${GEMINI}#grounding`,
  },
  {
    name: "Google, sources from the web without the queries that found them",
    ...flash({}, { response: { groundingMetadata: { groundingChunks: [{ web: { uri: "https://a.example" } }] } } }),
    litellm: litellm({ prompt_tokens_details: { web_search_requests: 1 } }),
    unpriced: "price_unknown",
    source: `${GEMINI}#grounding`,
  },
  {
    name: "Google, an answer grounded in maps, whose fee depends on the day's free ones",
    ...flash({}, { response: { groundingMetadata: { groundingChunks: [{ maps: { placeId: "places/a" } }] } } }),
    litellm: litellm({ prompt_tokens_details: { google_maps_grounding_requests: 1 } }),
    unpriced: "usage_ambiguous",
    source: "https://github.com/BerriAI/litellm/pull/38418",
  },
];

const gpt = (usage: Kind["usage"], more: Partial<Kind> = {}): Kind => ({
  provider: "openai",
  model: "gpt-5",
  usage: { prompt_tokens: 1_000, completion_tokens: 100, ...usage },
  ...more,
});

const OPENAI_KINDS: PricedKind[] = [
  {
    name: "OpenAI, cached tokens and reasoning",
    ...gpt(
      { prompt_tokens_details: { cached_tokens: 600 }, completion_tokens_details: { reasoning_tokens: 60 } },
      {
        attributes: {
          "gen_ai.usage.input_tokens": 1_000,
          "gen_ai.usage.output_tokens": 100,
          "gen_ai.usage.cache_read.input_tokens": 600,
          "gen_ai.usage.reasoning.output_tokens": 60,
        },
      },
    ),
    lines: [
      [400, 1.25],
      [600, 0.125],
      [100, 10],
    ],
    source: OPENAI,
  },
  ...(
    [
      ["flex", 0.625, 5],
      ["batch", 0.625, 5],
      ["priority", 2.5, 20],
      ["default", 1.25, 10],
      ["auto", 1.25, 10],
      ["scale", null, null],
    ] as const
  ).map(([service_tier, input, output]) => ({
    name: `OpenAI, service_tier ${service_tier}`,
    ...gpt({ service_tier }),
    attributes: {
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
      "openai.response.service_tier": service_tier,
    },
    ...(input === null
      ? { unpriced: "tier_unknown" }
      : {
          lines: [
            [1_000, input],
            [100, output],
          ] as const,
        }),
    source: OPENAI,
  })),
  {
    name: "OpenAI, Responses, whose cached tokens are in the input",
    provider: "openai",
    model: "gpt-5",
    usage: {
      input_tokens: 1_000,
      input_tokens_details: { cached_tokens: 600 },
      output_tokens: 100,
      output_tokens_details: { reasoning_tokens: 60 },
      total_tokens: 1_100,
    },
    lines: [
      [400, 1.25],
      [600, 0.125],
      [100, 10],
    ],
    source: OPENAI,
  },
  {
    name: "OpenAI, audio in and out",
    ...gpt({
      prompt_tokens_details: { audio_tokens: 700, text_tokens: 300, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 80, text_tokens: 20 },
    }),
    model: "gpt-audio",
    lines: [
      [300, 2.5],
      [700, 32],
      [80, 64],
      [20, 10],
    ],
    source: OPENAI,
  },
  {
    name: "OpenAI, audio and a cache that is not told apart",
    ...gpt({
      prompt_tokens_details: { audio_tokens: 700, cached_tokens: 600 },
      completion_tokens_details: { audio_tokens: 80, text_tokens: 20 },
    }),
    model: "gpt-realtime",
    unpriced: "usage_ambiguous",
    source: REALTIME,
  },
  {
    name: "OpenAI, an answer that may be speech",
    ...gpt({}, { attributes: { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 } }),
    model: "gpt-audio",
    unpriced: "usage_ambiguous",
    source: OPENAI,
  },
  {
    name: "OpenAI, an answer of the older model that may be speech",
    ...gpt({}),
    model: "gpt-4o-audio-preview",
    unpriced: "usage_ambiguous",
    source: OPENAI,
  },
  {
    name: "OpenAI, realtime, with cached audio and images",
    provider: "openai",
    model: "gpt-realtime",
    usage: {
      input_tokens: 1_132,
      output_tokens: 121,
      input_token_details: {
        text_tokens: 119,
        audio_tokens: 513,
        image_tokens: 500,
        cached_tokens: 764,
        cached_tokens_details: { text_tokens: 64, audio_tokens: 400, image_tokens: 300 },
      },
      output_token_details: { text_tokens: 30, audio_tokens: 91 },
    },
    lines: [
      // 119 - 64 of text, 513 - 400 of audio, 500 - 300 of images.
      [55, 4],
      [113, 32],
      [200, 5],
      [64, 0.4],
      [400, 0.4],
      [300, 0.5],
      [30, 16],
      [91, 64],
    ],
    source: REALTIME,
  },
  {
    name: "OpenAI, realtime, with a cache that is not told apart",
    provider: "openai",
    model: "gpt-realtime",
    usage: {
      input_tokens: 1_000,
      output_tokens: 100,
      input_token_details: { text_tokens: 500, audio_tokens: 500, cached_tokens: 200 },
      output_token_details: { text_tokens: 30, audio_tokens: 70 },
    },
    unpriced: "usage_ambiguous",
    source: REALTIME,
  },
  {
    name: "OpenAI, an image made of an image",
    provider: "openai",
    model: "gpt-image-1.5",
    usage: {
      input_tokens: 400,
      output_tokens: 4_100,
      input_tokens_details: { text_tokens: 77, image_tokens: 323 },
      output_tokens_details: { text_tokens: 20, image_tokens: 4_080 },
    },
    litellm: {
      prompt_tokens: 400,
      completion_tokens: 4_100,
      prompt_tokens_details: { text_tokens: 77, image_tokens: 323 },
      completion_tokens_details: { text_tokens: 20, image_tokens: 4_080 },
    },
    lines: [
      [77, 5],
      [323, 8],
      [20, 10],
      [4_080, 32],
    ],
    source: OPENAI,
  },
  {
    name: "OpenAI, speech that was written down, by tokens",
    provider: "openai",
    model: "gpt-4o-transcribe",
    operation: "transcription",
    usage: {
      type: "tokens",
      input_tokens: 100,
      output_tokens: 20,
      input_token_details: { text_tokens: 10, audio_tokens: 90 },
    },
    lines: [
      [10, 2.5],
      [90, 6],
      [20, 10],
    ],
    source: OPENAI,
  },
  {
    name: "OpenAI, speech that was written down, without saying how much of the input it is",
    provider: "openai",
    model: "gpt-4o-transcribe",
    operation: "transcription",
    usage: { input_tokens: 100, output_tokens: 20 },
    litellm: { prompt_tokens: 100, completion_tokens: 20 },
    attributes: { "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20 },
    unpriced: "usage_ambiguous",
    source: OPENAI,
  },
  {
    name: "OpenAI, speech that it made, and nothing else",
    provider: "openai",
    model: "gpt-4o-mini-tts",
    operation: "speech",
    usage: {
      input_tokens: 100,
      output_tokens: 500,
      input_token_details: { text_tokens: 100, audio_tokens: 0 },
      output_token_details: { text_tokens: 0, audio_tokens: 500 },
    },
    lines: [
      [100, 0.6],
      [500, 12],
    ],
    source: "https://developers.openai.com/api/docs/models/gpt-4o-mini-tts",
  },
  {
    name: "OpenAI, audio of the older model",
    ...gpt({
      prompt_tokens_details: { audio_tokens: 700, text_tokens: 300, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 80, text_tokens: 20 },
    }),
    model: "gpt-4o-audio-preview-2024-12-17",
    lines: [
      [300, 2.5],
      [700, 40],
      [80, 80],
      [20, 10],
    ],
    source: "https://github.com/BerriAI/litellm/pull/19500",
  },
  {
    name: "OpenAI, embeddings",
    provider: "openai",
    model: "text-embedding-3-small",
    operation: "embeddings",
    usage: { prompt_tokens: 2_000, total_tokens: 2_000 },
    lines: [[2_000, 0.02]],
    source: OPENAI,
  },
  {
    name: "OpenAI, a model that searches for each answer",
    ...gpt({}),
    model: "gpt-4o-search-preview",
    lines: [
      [1_000, 2.5],
      [100, 10],
    ],
    fees: [[1, 25]],
    source: `${OPENAI}#built-in-tools`,
  },
  {
    name: "OpenAI, more cached tokens than tokens",
    ...gpt(
      { prompt_tokens_details: { cached_tokens: 1_001 } },
      { litellm: litellm({ prompt_tokens_details: { audio_tokens: 1_001 } }) },
    ),
    unpriced: "usage_contradictory",
    source: OPENAI,
  },
  {
    name: "OpenAI, more reasoning than output",
    ...gpt(
      { completion_tokens_details: { reasoning_tokens: 101 } },
      { litellm: litellm({ completion_tokens_details: { audio_tokens: 101 } }) },
    ),
    unpriced: "usage_contradictory",
    source: OPENAI,
  },
];

const response = (output: readonly Kind["usage"][], more: Kind["usage"] = {}): Kind => ({
  provider: "openai",
  model: "gpt-5",
  usage: { input_tokens: 1_000, output_tokens: 100, input_tokens_details: { cached_tokens: 0 } },
  litellm: litellm(),
  response: { model: "gpt-5", output: [{ type: "reasoning" }, ...output, { type: "message" }], ...more },
});
const search = (type?: string) => ({ type: "web_search_call", ...(type && { action: { type } }) });

const TOOLS: PricedKind[] = [
  ...(
    [
      ["two searches", [search("search"), search("search")], {}, [[2, 10]]],
      ["a search without its action", [search()], {}, [[1, 10]]],
      ["pages that it opened", [search("open_page"), search("find_in_page")], {}, []],
      [
        "searches that it counts itself",
        [search("search")],
        { tool_usage: { web_search: { num_requests: 3 } } },
        [[3, 10]],
      ],
      ["searches in files", [{ type: "file_search_call" }, { type: "file_search_call" }], {}, [[2, 2.5]]],
      [
        "both kinds of searches",
        [search("search"), { type: "file_search_call" }],
        {},
        [
          [1, 10],
          [1, 2.5],
        ],
      ],
      ["the older search tool", [search("search")], { tools: [{ type: "web_search_preview" }] }, [[1, 10]]],
      ...[
        "function_call",
        "custom_tool_call",
        "mcp_call",
        "mcp_list_tools",
        "computer_call",
        "local_shell_call",
        "apply_patch_call",
      ].map((type) => [`${type}, which costs tokens alone`, [{ type }], {}, []] as const),
    ] as const
  ).map(([what, output, more, fees]) => ({
    name: `OpenAI, ${what}`,
    ...response(output as unknown as Kind["usage"][], more),
    lines: [
      [1_000, 1.25],
      [100, 10],
    ] as const,
    fees: fees as unknown as Line[],
    source: `${OPENAI}#built-in-tools`,
  })),
  ...(
    [
      ["code that it ran, billed by the container", [{ type: "code_interpreter_call" }], {}],
      ["a shell on its servers", [{ type: "shell_call" }], {}],
      [
        "a search of a small model, billed in blocks of tokens",
        [search("search")],
        { model: "gpt-4.1-mini-2025-04-14" },
      ],
      ["an image that another model made", [{ type: "image_generation_call" }], {}],
      ["tokens of an image model", [], { tool_usage: { image_gen: { output_tokens: 515 } } }],
      [
        "the older search tool of a model that does not reason",
        [search("search")],
        { model: "gpt-4.1", tools: [{ type: "web_search_preview_2025_03_11" }] },
      ],
    ] as const
  ).map(([what, output, more]) => ({
    name: `OpenAI, ${what}`,
    ...response(output as unknown as Kind["usage"][], more as Kind["usage"]),
    unpriced: "usage_ambiguous",
    source: `${OPENAI}#built-in-tools`,
  })),
];

const grok = (usage: Kind["usage"], more: Partial<Kind> = {}): Kind => ({
  provider: "xai",
  model: "grok-4.3",
  usage: { prompt_tokens: 1_000, completion_tokens: 100, ...usage },
  ...more,
});

const sonar = (model: string, usage: Kind["usage"]): Kind => ({
  provider: "perplexity",
  model,
  usage: { prompt_tokens: 1_000, completion_tokens: 100, ...usage },
});

const OTHERS: PricedKind[] = [
  {
    name: "xAI, reasoning beside the output",
    ...grok({ total_tokens: 1_400, completion_tokens_details: { reasoning_tokens: 300 } }),
    lines: [
      [1_000, 1.25],
      [400, 2.5],
    ],
    source: "https://docs.x.ai/docs/guides/reasoning",
  },
  {
    name: "xAI, reasoning that a gateway has added",
    ...grok({ completion_tokens: 400, total_tokens: 1_400, completion_tokens_details: { reasoning_tokens: 300 } }),
    lines: [
      [1_000, 1.25],
      [400, 2.5],
    ],
    source: "https://docs.x.ai/docs/guides/reasoning",
  },
  {
    name: "xAI, tools on its servers",
    ...grok({
      num_server_side_tools_used: 8,
      server_side_tool_usage_details: {
        web_search_calls: 1,
        x_search_calls: 2,
        code_interpreter_calls: 3,
        file_search_calls: 1,
        mcp_calls: 1,
        document_search_calls: 0,
      },
      cost_in_usd_ticks: 33_000_000,
    }),
    lines: [
      [1_000, 1.25],
      [100, 2.5],
    ],
    fees: [
      [3, 5],
      [3, 5],
      [1, 2.5],
    ],
    source: XAI,
  },
  {
    name: "xAI, a Response, whose items are attempts",
    provider: "xai",
    model: "grok-4.3",
    usage: {
      input_tokens: 1_000,
      output_tokens: 100,
      num_server_side_tools_used: 1,
      server_side_tool_usage_details: { web_search_calls: 1, code_interpreter_calls: 0 },
    },
    response: {
      model: "grok-4.3",
      output: [{ type: "web_search_call" }, { type: "web_search_call" }, { type: "code_interpreter_call" }],
    },
    lines: [
      [1_000, 1.25],
      [100, 2.5],
    ],
    fees: [[1, 5]],
    source: XAI,
  },
  {
    name: "xAI, tools that it does not tell apart",
    ...grok({ num_server_side_tools_used: 2 }),
    unpriced: "usage_ambiguous",
    source: XAI,
  },
  {
    name: "xAI, searches in attached files, which cost more than those in stored ones",
    ...grok({ num_server_side_tools_used: 2, server_side_tool_usage_details: { document_search_calls: 2 } }),
    unpriced: "usage_ambiguous",
    source: XAI,
  },
  {
    name: "xAI, tools as its own client counts them",
    ...grok({ server_side_tool_usage: { SERVER_SIDE_TOOL_WEB_SEARCH: 2 } }),
    unpriced: "usage_ambiguous",
    source: "https://docs.x.ai/developers/tools/tool-usage-details",
  },
  {
    name: "xAI, sources of its live search",
    ...grok({ num_sources_used: 5 }),
    unpriced: "usage_ambiguous",
    source: "https://docs.x.ai/docs/guides/live-search",
  },
  ...(
    [
      ["sonar", "low", 1, 1, 5],
      ["sonar", "medium", 1, 1, 8],
      ["sonar", "high", 1, 1, 12],
      ["sonar-pro", "low", 3, 15, 6],
      ["sonar-pro", "medium", 3, 15, 10],
      ["sonar-pro", "high", 3, 15, 14],
      ["sonar-reasoning-pro", "low", 2, 8, 6],
      ["sonar-reasoning-pro", "high", 2, 8, 14],
    ] as const
  ).map(([model, search_context_size, input, output, fee]) => ({
    name: `Perplexity, ${model} with ${search_context_size} search context`,
    ...sonar(model, { search_context_size }),
    lines: [
      [1_000, input],
      [100, output],
    ] as const,
    fees: [[1, fee]] as const,
    source: SONAR,
  })),
  {
    name: "Perplexity, a search context without a price",
    ...sonar("sonar", { search_context_size: "galactic" }),
    unpriced: "tier_unknown",
    source: SONAR,
  },
  {
    name: "Perplexity, research: reasoning, citations and searches beside the output",
    ...sonar("sonar-deep-research", {
      reasoning_tokens: 73_248,
      citation_tokens: 7_299,
      num_search_queries: 74,
      search_context_size: "low",
    }),
    attributes: {
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
      "gen_ai.usage.details.reasoning_tokens": 73_248,
      "gen_ai.usage.details.citation_tokens": 7_299,
      "gen_ai.usage.details.num_search_queries": 74,
    },
    lines: [
      [1_000, 2],
      [100, 8],
      [73_248, 3],
      [7_299, 2],
    ],
    fees: [[74, 5]],
    source: SONAR,
  },
  {
    name: "Mistral, cached tokens",
    provider: "mistral_ai",
    model: "mistral-large-latest",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 600 } },
    lines: [
      [400, 0.5],
      [600, 0.05],
      [100, 1.5],
    ],
    source: "https://mistral.ai/pricing/api",
  },
  ...[{ connectors: { web_search: 2 } }, { connector_tokens: 7_112 }].map((more) => ({
    name: `Mistral, ${JSON.stringify(more)}, whose price is not here`,
    provider: "mistral_ai",
    model: "mistral-large-latest",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, ...more },
    unpriced: "usage_ambiguous",
    source: "https://docs.mistral.ai/agents/connectors/websearch",
  })),
  {
    name: "Mistral, seconds of audio beside tokens, whose price is not here",
    provider: "mistral_ai",
    model: "voxtral-small-latest",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, prompt_audio_seconds: 60 },
    unpriced: "price_unknown",
    source: "https://mistral.ai/pricing/api",
  },
  {
    name: "Mistral, pages with annotations, which cost more",
    provider: "mistral_ai",
    model: "mistral-ocr-latest",
    operation: "ocr",
    usage: { pages_processed: 2, pages_processed_annotation: 2, doc_size_bytes: 100 },
    unpriced: "usage_ambiguous",
    source: "https://github.com/BerriAI/litellm/issues/38546",
  },
  {
    name: "Cohere, billed units, which leave some tokens out",
    provider: "cohere",
    model: "command-r-08-2024",
    usage: {
      billed_units: { input_tokens: 1_000, output_tokens: 100 },
      tokens: { input_tokens: 1_500, output_tokens: 120 },
    },
    lines: [
      [1_000, 0.15],
      [100, 0.6],
    ],
    source: "https://cohere.com/pricing",
  },
  {
    name: "DeepSeek, its name of cached tokens",
    provider: "deepseek",
    model: "deepseek-v4-pro",
    usage: {
      prompt_tokens: 1_000,
      completion_tokens: 100,
      prompt_cache_hit_tokens: 600,
      prompt_cache_miss_tokens: 400,
    },
    litellm: litellm({ prompt_cache_hit_tokens: 600, prompt_cache_miss_tokens: 400 }),
    lines: [
      [400, 0.66],
      [600, 0.022],
      [100, 1.98],
    ],
    source: "https://api-docs.deepseek.com/quick_start/pricing",
  },
  {
    name: "Groq, with its timings",
    provider: "groq",
    model: "llama-3.3-70b-versatile",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, queue_time: 0.01, completion_time: 0.2, total_time: 0.3 },
    lines: [
      [1_000, 0.59],
      [100, 0.79],
    ],
    source: "https://groq.com/pricing",
  },
  {
    name: "OpenRouter, an image",
    provider: "openrouter",
    model: "google/gemini-2.5-flash-image",
    usage: {
      prompt_tokens: 1_000,
      completion_tokens: 1_303,
      completion_tokens_details: { image_tokens: 1_290, reasoning_tokens: 0 },
      cost: 0.0391,
      is_byok: false,
    },
    lines: [
      [1_000, 0.3],
      [1_290, 30],
      [13, 2.5],
    ],
    source: "https://openrouter.ai/google/gemini-2.5-flash-image",
  },
  {
    name: "OpenRouter, an answer that may be an image",
    provider: "openrouter",
    model: "openai/gpt-5-image",
    usage: { prompt_tokens: 1_000, completion_tokens: 1_290 },
    unpriced: "usage_ambiguous",
    source: "https://openrouter.ai/openai/gpt-5-image",
  },
  ...["openai/gpt-audio", "openai/gpt-4o-audio-preview"].map((model) => ({
    name: `OpenRouter, an answer of ${model} that may be speech`,
    provider: "openrouter",
    model,
    usage: { prompt_tokens: 1_000, completion_tokens: 100 },
    unpriced: "usage_ambiguous",
    source: "https://openrouter.ai/openai/gpt-audio",
  })),
  {
    name: "OpenRouter, cached tokens",
    provider: "openrouter",
    model: "openai/gpt-4o",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 600 } },
    lines: [
      [400, 2.5],
      [600, 1.25],
      [100, 10],
    ],
    source: "https://openrouter.ai/openai/gpt-4o",
  },
  {
    name: "OpenRouter, with a key of one's own",
    provider: "openrouter",
    model: "openai/gpt-4o-mini",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, is_byok: true },
    unpriced: "usage_ambiguous",
    source: "https://openrouter.ai/docs/use-cases/byok",
  },
  {
    name: "OpenRouter, a search, whose price depends on who searched",
    provider: "openrouter",
    model: "openai/gpt-4o-mini",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, server_tool_use: { web_search_requests: 1 } },
    unpriced: "price_unknown",
    source: "https://openrouter.ai/docs/features/web-search",
  },
  {
    name: "Azure, a search, which is not OpenAI's there",
    provider: "azure",
    model: "gpt-4o",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, server_tool_use: { web_search_requests: 1 } },
    unpriced: "price_unknown",
    source: "https://www.microsoft.com/bing/apis/grounding-pricing",
  },
];

export const KINDS: readonly PricedKind[] = [
  ...ANTHROPIC,
  ...BEDROCK_KINDS,
  ...GOOGLE,
  ...GOOGLE.map((kind) => ({ ...kind, name: `${kind.name}, in Python's spelling`, usage: inPython(kind.usage) })),
  ...OPENAI_KINDS,
  ...TOOLS,
  ...OTHERS,
];

/** As Python clients dump it, with the names of its enumerations. */
function inPython(usage: Kind["usage"]): Kind["usage"] {
  const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(usage).map(([key, value]) => [
      snake(key),
      Array.isArray(value)
        ? value.map(({ modality, tokenCount }: { modality: string; tokenCount: number }) => ({
            modality: `MediaModality.${modality}`,
            token_count: tokenCount,
          }))
        : value,
    ]),
  );
}
