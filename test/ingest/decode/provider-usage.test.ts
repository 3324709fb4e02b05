/**
 * Usage objects of providers, against the extractors of the price catalogue: what they say we say too, and where we
 * say more or something else, it is named here with the reason.
 */
import { extractUsage, findProvider } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readProviderUsage } from "../../../src/ingest/decode/provider-usage.ts";
import { COUNT_FIELDS, type Usage } from "../../../src/ledger/call.ts";
import { contradiction } from "../../../src/ledger/buckets.ts";
import { scenarios, truthOf } from "../../captures.ts";

type Json = Record<string, unknown>;
type Counts = Partial<Record<keyof Usage, number>>;

/** What the catalogue calls our counts. */
const NAMES: Partial<Record<keyof Usage, string>> = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_tokens",
  cacheWriteTokens: "cache_write_tokens",
  cacheWrite5mTokens: "cache_write_5m_tokens",
  cacheWrite1hTokens: "cache_write_1h_tokens",
  reasoningTokens: "output_reasoning_tokens",
  inputAudioTokens: "input_audio_tokens",
  outputAudioTokens: "output_audio_tokens",
  inputImageTokens: "input_image_tokens",
  outputImageTokens: "output_image_tokens",
  webSearches: "web_searches",
};

/** Our reading, without the counts that are not told. */
function ours(usage: unknown, provider: string | null): Counts {
  const read = readProviderUsage(usage, provider);
  return Object.fromEntries(
    COUNT_FIELDS.flatMap((field) => (isNumber(read?.usage[field]) ? [[field, read!.usage[field]]] : [])),
  );
}

/** The catalogue's, of a response in which the object is found where the provider puts it. */
function theirs(usage: unknown, provider: string, flavor: string): Counts {
  const info = findProvider({ providerId: provider })!;
  const { root } = info.extractors!.find(({ api_flavor }) => api_flavor === flavor)!;
  // Cohere's root is inside of its usage object.
  const [outer = "", inner] = [root].flat() as string[];
  const response = outer === "response" ? { response: { [inner!]: usage } } : { [outer]: usage };
  const extracted = extractUsage(info, { model: "m", ...response }, flavor).usage;
  return Object.fromEntries(
    COUNT_FIELDS.flatMap((field) => (isNumber(extracted[NAMES[field]!]) ? [[field, extracted[NAMES[field]!]]] : [])),
  );
}

interface Example {
  provider: string;
  flavor: string;
  usage: Json;
  /** Where we differ from the extractor, and why. */
  but?: { because: string; counts: { [F in keyof Usage]?: number | undefined } };
}

const EXAMPLES: Record<string, Example> = {
  "OpenAI, chat": {
    provider: "openai",
    flavor: "chat",
    usage: {
      prompt_tokens: 8_552,
      completion_tokens: 982,
      total_tokens: 9_534,
      prompt_tokens_details: { cached_tokens: 3_184, audio_tokens: 20, cache_write_tokens: 4_184 },
      completion_tokens_details: { reasoning_tokens: 691, audio_tokens: 30, accepted_prediction_tokens: 0 },
    },
    but: { because: "some of the cached tokens may be audio", counts: { inputAudioTokens: undefined } },
  },
  "OpenAI, responses": {
    provider: "openai",
    flavor: "responses",
    usage: {
      input_tokens: 8_312,
      input_tokens_details: { cached_tokens: 3_104, cache_write_tokens: 4_104 },
      output_tokens: 822,
      output_tokens_details: { reasoning_tokens: 611 },
      total_tokens: 9_134,
    },
  },
  "OpenAI, embeddings": {
    provider: "openai",
    flavor: "embeddings",
    usage: { prompt_tokens: 2_178, total_tokens: 2_178 },
  },
  "OpenAI, images": {
    provider: "openai",
    flavor: "images",
    usage: {
      total_tokens: 4_500,
      input_tokens: 400,
      output_tokens: 4_100,
      input_tokens_details: { text_tokens: 77, image_tokens: 323 },
      output_tokens_details: { text_tokens: 20, image_tokens: 4_080 },
    },
  },
  "OpenAI, realtime": {
    provider: "openai",
    flavor: "realtime",
    usage: {
      total_tokens: 1_253,
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
    but: {
      because: "what is cached of audio and images is counted once, as cache read: 513 - 400, 500 - 300",
      counts: { inputAudioTokens: 113, inputImageTokens: 200, cacheReadAudioTokens: 400, cacheReadImageTokens: 300 },
    },
  },
  "Azure, responses": {
    provider: "azure",
    flavor: "responses",
    usage: {
      input_tokens: 20,
      input_tokens_details: { cached_tokens: 5 },
      output_tokens: 9,
      output_tokens_details: { reasoning_tokens: 4 },
    },
  },
  Anthropic: {
    provider: "anthropic",
    flavor: "default",
    usage: {
      input_tokens: 1_172,
      cache_creation_input_tokens: 9_344,
      cache_read_input_tokens: 3_172,
      cache_creation: { ephemeral_5m_input_tokens: 4_172, ephemeral_1h_input_tokens: 5_172 },
      output_tokens: 950,
      output_tokens_details: { thinking_tokens: 675 },
      server_tool_use: { web_search_requests: 3 },
      service_tier: "standard",
    },
  },
  "Anthropic, without a cache": {
    provider: "anthropic",
    flavor: "default",
    usage: { input_tokens: 100, output_tokens: 50, server_tool_use: { web_search_requests: 2 } },
  },
  "Anthropic, OpenAI's API": {
    provider: "anthropic",
    flavor: "chat",
    usage: {
      prompt_tokens: 100,
      cached_tokens: 40,
      completion_tokens: 50,
      completion_tokens_details: { reasoning_tokens: 9 },
    },
  },
  "Anthropic on Bedrock": {
    provider: "aws",
    flavor: "anthropic",
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 200,
      cache_creation: { ephemeral_5m_input_tokens: 12, ephemeral_1h_input_tokens: 18 },
      output_tokens: 40,
    },
    but: {
      because: "the 5-minute and 1-hour writes have prices of their own",
      counts: { cacheWrite5mTokens: 12, cacheWrite1hTokens: 18 },
    },
  },
  Google: {
    provider: "google",
    flavor: "default",
    usage: {
      promptTokenCount: 4_244,
      candidatesTokenCount: 229,
      thoughtsTokenCount: 629,
      cachedContentTokenCount: 3_122,
      totalTokenCount: 5_102,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 4_244 }],
      cacheTokensDetails: [{ modality: "TEXT", tokenCount: 3_122 }],
    },
  },
  "Google, a prompt for a tool": {
    provider: "google",
    flavor: "default",
    usage: {
      promptTokenCount: 100,
      candidatesTokenCount: 20,
      toolUsePromptTokenCount: 70,
      toolUsePromptTokensDetails: [
        { modality: "TEXT", tokenCount: 10 },
        { modality: "IMAGE", tokenCount: 40 },
        { modality: "AUDIO", tokenCount: 20 },
      ],
    },
  },
  "Google, only thoughts": {
    provider: "google",
    flavor: "default",
    usage: { promptTokenCount: 9, thoughtsTokenCount: 7 },
  },
  "Google, an image made": {
    provider: "google",
    flavor: "default",
    usage: {
      promptTokenCount: 1_000,
      candidatesTokenCount: 1_303,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 226 },
        { modality: "IMAGE", tokenCount: 516 },
        { modality: "DOCUMENT", tokenCount: 258 },
      ],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_290 }],
    },
  },
  "Google, cached images and audio": {
    provider: "google",
    flavor: "default",
    usage: {
      promptTokenCount: 2_000,
      candidatesTokenCount: 50,
      cachedContentTokenCount: 1_500,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 200 },
        { modality: "IMAGE", tokenCount: 1_032 },
        { modality: "DOCUMENT", tokenCount: 268 },
        { modality: "AUDIO", tokenCount: 500 },
      ],
      cacheTokensDetails: [
        { modality: "TEXT", tokenCount: 100 },
        { modality: "IMAGE", tokenCount: 900 },
        { modality: "DOCUMENT", tokenCount: 200 },
        { modality: "AUDIO", tokenCount: 300 },
      ],
    },
    but: {
      because: "what is cached is counted once, as cache read: 1,032 + 268 - 900 - 200 images, 500 - 300 audio",
      counts: { inputImageTokens: 200, inputAudioTokens: 200, cacheReadAudioTokens: 300, cacheReadImageTokens: 1_100 },
    },
  },
  "Google, cached images that are not told apart": {
    provider: "google",
    flavor: "default",
    usage: {
      promptTokenCount: 2_000,
      candidatesTokenCount: 50,
      cachedContentTokenCount: 1_900,
      promptTokensDetails: [{ modality: "IMAGE", tokenCount: 1_800 }],
    },
    but: { because: "1,900 + 1,800 > 2,000: they would be counted twice", counts: { inputImageTokens: undefined } },
  },
  "Bedrock Converse": {
    provider: "aws",
    flavor: "default",
    usage: {
      inputTokens: 100,
      outputTokens: 50,
      totalTokens: 850,
      cacheReadInputTokens: 400,
      cacheWriteInputTokens: 300,
    },
  },
  "Bedrock Converse, without a cache": {
    provider: "aws",
    flavor: "default",
    usage: { inputTokens: 100, outputTokens: 50, totalTokens: 150 },
  },
  "xAI, chat": {
    provider: "x-ai",
    flavor: "chat",
    usage: {
      prompt_tokens: 26,
      completion_tokens: 168,
      total_tokens: 498,
      prompt_tokens_details: { text_tokens: 26, audio_tokens: 0, image_tokens: 0, cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 304, audio_tokens: 0 },
      num_sources_used: 0,
    },
  },
  "xAI, without a total": {
    provider: "x-ai",
    flavor: "chat",
    usage: { prompt_tokens: 26, completion_tokens: 168, completion_tokens_details: { reasoning_tokens: 304 } },
  },
  "xAI, its own SDK": {
    provider: "x-ai",
    flavor: "default",
    usage: { prompt_tokens: 26, completion_tokens: 168, reasoning_tokens: 304, cached_prompt_text_tokens: 4 },
  },
  "xAI through a gateway that has added the reasoning": {
    provider: "x-ai",
    flavor: "chat",
    usage: {
      prompt_tokens: 26,
      completion_tokens: 472,
      total_tokens: 498,
      completion_tokens_details: { reasoning_tokens: 304 },
    },
    but: { because: "26 + 472 is the total already", counts: { outputTokens: 472 } },
  },
  Mistral: {
    provider: "mistral",
    flavor: "default",
    usage: {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 20 },
    },
  },
  "Cohere, chat": {
    provider: "cohere",
    flavor: "default",
    usage: { billed_units: { input_tokens: 5, output_tokens: 418 }, tokens: { input_tokens: 71, output_tokens: 418 } },
  },
  "Cohere, tokens alone": {
    provider: "cohere",
    flavor: "tokens",
    usage: { tokens: { input_tokens: 71, output_tokens: 418 }, cached_tokens: 16 },
  },
  "Cohere, embeddings": {
    provider: "cohere",
    flavor: "embeddings",
    usage: { api_version: { version: "2" }, billed_units: { input_tokens: 33 } },
  },
  "Cohere, embeddings of images": {
    provider: "cohere",
    flavor: "embeddings",
    usage: { billed_units: { input_tokens: 100, image_tokens: 2_716 } },
    but: {
      because: "image tokens are billed beside the others: 100 + 2,716",
      counts: { inputTokens: 2_816, inputImageTokens: 2_716 },
    },
  },
  "Perplexity, deep research": {
    provider: "perplexity",
    flavor: "default",
    usage: {
      prompt_tokens: 33,
      completion_tokens: 7_163,
      total_tokens: 7_196,
      citation_tokens: 20_016,
      num_search_queries: 18,
      reasoning_tokens: 73_997,
      search_context_size: "low",
      cost: { input_tokens_cost: 0.0001, reasoning_tokens_cost: 0.222, search_queries_cost: 0.09, total_cost: 0.41 },
    },
    but: {
      because: "citations have a price of their own, so they are not output: 7,163 + 73,997",
      counts: { outputTokens: 81_160, citationTokens: 20_016 },
    },
  },
  "Perplexity, sonar": {
    provider: "perplexity",
    flavor: "default",
    usage: { prompt_tokens: 24, completion_tokens: 2_681, total_tokens: 2_705, citation_tokens: null },
  },
  Groq: {
    provider: "groq",
    flavor: "default",
    usage: {
      prompt_tokens: 60,
      completion_tokens: 40,
      total_tokens: 100,
      queue_time: 0.01,
      prompt_tokens_details: { cached_tokens: 32 },
      completion_tokens_details: { reasoning_tokens: 12 },
    },
  },
  DeepSeek: {
    provider: "deepseek",
    flavor: "chat",
    usage: {
      prompt_tokens: 60,
      completion_tokens: 40,
      prompt_tokens_details: { cached_tokens: 32 },
      prompt_cache_hit_tokens: 32,
      prompt_cache_miss_tokens: 28,
    },
  },
  "DeepSeek, older": {
    provider: "deepseek",
    flavor: "chat",
    usage: { prompt_tokens: 60, completion_tokens: 40, prompt_cache_hit_tokens: 32, prompt_cache_miss_tokens: 28 },
    but: { because: "the cache was told by another name", counts: { cacheReadTokens: 32 } },
  },
  OpenRouter: {
    provider: "openrouter",
    flavor: "chat",
    usage: {
      prompt_tokens: 60,
      completion_tokens: 1_330,
      completion_tokens_details: { reasoning_tokens: 0, image_tokens: 1_290 },
      server_tool_use: { web_search_requests: 2 },
    },
    but: { because: "it tells images and searches, too", counts: { outputImageTokens: 1_290, webSearches: 2 } },
  },
};

describe("a provider's usage object", () => {
  it.each(Object.entries(EXAMPLES))("%s: counts what the catalogue's extractor does", (_, example) => {
    const { provider, flavor, usage, but } = example;
    const expected: { [F in keyof Usage]?: number | undefined } = {
      ...theirs(usage, provider, flavor),
      ...but?.counts,
    };
    for (const field of COUNT_FIELDS) if (expected[field] === undefined) delete expected[field];
    // A count of nothing may be told or not.
    expect(withoutZeros(ours(usage, provider))).toEqual(withoutZeros(expected));
    expect(contradiction(readProviderUsage(usage, provider)!.usage)).toBeNull();
  });

  it("that a real call had: counts what the catalogue's extractor does", () => {
    const seen = new Set<string>();
    for (const call of scenarios().flatMap((scenario) => truthOf(scenario).billable)) {
      const { provider } = call;
      for (const usage of [(call as unknown as Json)["raw_usage"]].flat() as (Json | null)[]) {
        const flavor = usage && flavorOf(provider, usage);
        if (!flavor) continue;
        seen.add(`${provider} ${flavor}`);
        const expected = withoutZeros(theirs(usage, provider, flavor));
        for (const known of [provider, null]) expect(withoutZeros(ours(usage, known))).toEqual(expected);
      }
    }
    expect(seen).toEqual(
      new Set(["openai chat", "openai responses", "openai embeddings", "anthropic default", "google default"]),
    );
  });

  it.each([
    ["Perplexity, deep research", "Perplexity, deep research"],
    ["xAI, chat", "xAI, chat"],
    ["Cohere, chat", "Cohere, chat"],
  ])("%s: is known by its shape, too", (_, name) => {
    const { provider, usage } = EXAMPLES[name]!;
    expect(withoutZeros(ours(usage, null))).toEqual(withoutZeros(ours(usage, provider)));
  });

  it("of Bedrock is not mistaken for the AI SDK's, which may count the cache in or not", () => {
    expect(readProviderUsage({ inputTokens: 100, outputTokens: 50, cachedInputTokens: 30 }, "aws")).toBeNull();
    expect(readProviderUsage({ inputTokens: 100, outputTokens: 50 }, null)).toBeNull();
  });

  it("that lacks the total which parts are added to has none", () => {
    const { usage } = readProviderUsage({ output_tokens: 5, cache_read_input_tokens: 30 })!;
    expect(usage).toMatchObject({ inputTokens: null, outputTokens: 5, cacheReadTokens: 30 });
    expect(readProviderUsage({ cacheWriteInputTokens: 30 }, "aws")!.usage).toMatchObject({
      inputTokens: null,
      cacheWriteTokens: 30,
    });
  });

  it("of a rerank is in searches, not in tokens", () => {
    const { usage, unknown } = readProviderUsage({ billed_units: { search_units: 2 } }, "cohere")!;
    expect(usage).toMatchObject({ inputTokens: null, outputTokens: null, fileSearches: 2 });
    expect(unknown).toEqual([]);
  });

  it("with more cached images than there are contradicts itself", () => {
    const { usage } = readProviderUsage({
      promptTokenCount: 100,
      candidatesTokenCount: 1,
      cachedContentTokenCount: 60,
      promptTokensDetails: [{ modality: "IMAGE", tokenCount: 50 }],
      cacheTokensDetails: [{ modality: "IMAGE", tokenCount: 60 }],
    })!;
    expect(contradiction(usage)).toMatch(/cached/);
  });

  it("with a count that is none is not read, wherever it is", () => {
    const broken = fc.constantFrom<unknown>(-1, 1.5, "7", true, 2 ** 31, {});
    const examples = Object.values(EXAMPLES).filter(({ but }) => but === undefined);
    fc.assert(
      fc.property(fc.constantFrom(...examples), broken, fc.nat(), ({ provider, flavor, usage }, value, at) => {
        const { extractors } = findProvider({ providerId: provider })!;
        const { root, mappings } = extractors!.find(({ api_flavor }) => api_flavor === flavor)!;
        const inside = [root].flat().slice(1) as string[];
        const read = mappings.filter(({ dest }) => Object.values(NAMES).includes(dest));
        const paths = read.map(({ path }) => [...inside, ...[path].flat()] as string[]);
        const told = paths.filter((path) => path.every((key) => typeof key === "string") && numberAt(usage, path));
        const copy = structuredClone(usage);
        const path = told[at % told.length]!;
        const owner = path.slice(0, -1).reduce<Json>((json, key) => json[key] as Json, copy);
        owner[path.at(-1)!] = value;
        expect(readProviderUsage(copy, provider)).toBeNull();
      }),
    );
  });
});

/** Of those whose objects are among the captured calls. */
function flavorOf(provider: string, usage: Json): string | null {
  if (provider === "anthropic") return "default";
  // Claude on Vertex AI has its maker's usage object.
  if (provider === "google") return Object.hasOwn(usage, "promptTokenCount") ? "default" : null;
  if (provider !== "openai") return null;
  if (Object.hasOwn(usage, "input_tokens")) return "responses";
  return Object.hasOwn(usage, "completion_tokens") ? "chat" : "embeddings";
}

function withoutZeros(counts: object): object {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function numberAt(usage: Json, path: readonly string[]): boolean {
  return isNumber(path.reduce<unknown>((json, key) => (json as Json | undefined)?.[key], usage));
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
