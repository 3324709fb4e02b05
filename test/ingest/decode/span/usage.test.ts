import { describe, expect, it } from "vitest";
import { COUNTS } from "../../../../src/ingest/decode/span/attributes.ts";
import { NO_USAGE, type Usage } from "../../../../src/ledger/call.ts";
import { chat, decode, decodeOne, type Attributes } from "../otlp/request.ts";

const NONE = NO_USAGE;

function call(attributes: Attributes): { attributes: Attributes } {
  return { attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", ...attributes } };
}

function usageOf(attributes: Attributes, scope = "test"): Usage & { usageSemantics: string } {
  const trace = decodeOne(call(attributes), { scope });
  const usage = { ...NONE, usageSemantics: trace.usageSemantics };
  for (const field of Object.keys(NONE) as (keyof Usage)[]) usage[field] = trace[field] as never;
  return usage;
}

describe("token counts", () => {
  const names = Object.entries(COUNTS).flatMap(([field, all]) => all.map((name) => [name, field] as const));

  it.each(names)("%s is %s", (name, field) => {
    const totals = { "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50 };
    const trace = decodeOne(call(/^(input|output)Tokens$/.test(field) ? { [name]: 7 } : { ...totals, [name]: 7 }));
    expect(trace[field as keyof Usage]).toBe(7);
  });

  it.each(Object.entries(COUNTS))("%s: an earlier name wins", (field, [first, ...others]) => {
    const later = Object.fromEntries(others.map((name) => [name, 8]));
    const totals = { "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50 };
    expect(decodeOne(call({ ...totals, ...later, [first!]: 7 }))[field as keyof Usage]).toBe(7);
  });

  it("are null where nothing was sent, never 0", () => {
    expect(usageOf({})).toEqual({ ...NONE, usageSemantics: "" });
  });

  it.each([-1, 1.5, true, "", "12abc", "1e3", "-1", 2 ** 31, 9_223_372_036_854_775_807n, NaN, ["1"]])(
    "refuses %s, and only the span that has it",
    (count) => {
      const { items, calls, errors } = decode({ spans: [chat({ "gen_ai.usage.input_tokens": count }), chat()] });
      expect(items).toBe(2);
      expect(calls).toHaveLength(1);
      expect(errors).toEqual([
        { index: 0, code: "invalid", message: expect.stringContaining("gen_ai.usage.input_tokens") },
      ]);
    },
  );

  it.each([0, 2 ** 31 - 1, "123"])("takes %s", (count) => {
    expect(decodeOne(chat({ "gen_ai.usage.input_tokens": count })).inputTokens).toBe(Number(count));
  });

  it("add up the writes where only their two kinds are stated", () => {
    const kinds = {
      "gen_ai.usage.cache_creation.5m_input_tokens": 3,
      "gen_ai.usage.cache_creation.1h_input_tokens": 4,
    };
    expect(decodeOne(chat(kinds))).toMatchObject({ cacheWriteTokens: 7, inputTokens: 100 });
  });
});

describe("input with or without cache", () => {
  const cached = {
    "gen_ai.provider.name": "anthropic",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 30,
    "gen_ai.usage.cache_creation.input_tokens": 20,
  };

  it.each([
    ["test", 100, "inclusive"],
    ["opentelemetry.instrumentation.anthropic", 100, "inclusive"],
    // 100 + 30 + 20
    ["@traceloop/instrumentation-anthropic", 150, "exclusive: cache added"],
    ["@openlit/instrumentation-anthropic", 150, "exclusive: cache added"],
    ["@traceloop/instrumentation-langchain", 150, "exclusive: cache added, as far as it was sent"],
    ["@traceloop/instrumentation-bedrock", 150, "exclusive: cache added, as far as it was sent"],
    ["@arizeai/openinference-instrumentation-bedrock", 150, "exclusive: cache added, as far as it was sent"],
    ["@mastra/otel", 150, "exclusive: cache added, as far as it was sent"],
    ["@mastra/otel-exporter", 100, "inclusive"],
    ["com.anthropic.sdk.typescript", 100, "inclusive"],
  ])("scope %s: %i", (scope, inputTokens, usageSemantics) => {
    expect(usageOf(cached, scope)).toMatchObject({
      inputTokens,
      cacheReadTokens: 30,
      cacheWriteTokens: 20,
      usageSemantics,
    });
  });

  it("adds the cache to version 5 of the AI SDK alone", () => {
    const span = { ...cached, "ai.operationId": "ai.generateText.doGenerate" };
    expect(usageOf({ ...span, "ai.request.headers.user-agent": "ai/5.0.277" }, "ai").inputTokens).toBe(150);
    expect(usageOf({ ...span, "ai.request.headers.user-agent": "ai/6.0.326" }, "ai").inputTokens).toBe(100);
    // Streams carry no user agent: from version 6 on they say what was not cached.
    expect(usageOf(span, "ai").inputTokens).toBe(150);
    expect(usageOf({ ...span, "ai.usage.inputTokenDetails.noCacheTokens": 50 }, "ai").inputTokens).toBe(100);
    expect(usageOf({ ...span, "ai.operationId": "ai.streamObject.doStream" }, "ai").inputTokens).toBe(100);
    expect(usageOf({ ...span, "gen_ai.provider.name": "openai.chat" }, "ai").inputTokens).toBe(100);
  });

  it("adds the cache wherever it is larger than the input", () => {
    const span = { ...cached, "gen_ai.usage.cache_read.input_tokens": 81 };
    // 81 + 20 > 100, so 100 + 81 + 20
    expect(usageOf(span)).toMatchObject({
      inputTokens: 201,
      usageSemantics: "exclusive: cache added, as it exceeded the input",
    });
    expect(usageOf({ ...span, "gen_ai.usage.cache_read.input_tokens": 80 }).inputTokens).toBe(100);
  });

  it("adds what a total has beside input and output", () => {
    const span = { ...cached, "gen_ai.usage.output_tokens": 40, "gen_ai.usage.reasoning_tokens": 10 };
    const counts = (total: unknown, name = "gen_ai.usage.total_tokens") => {
      const { inputTokens, outputTokens } = usageOf({ ...span, [name]: total });
      return [inputTokens, outputTokens];
    };
    // 100 in, of which or beside which 50 are cached; 40 out, with or without 10 of reasoning.
    expect(counts(140)).toEqual([100, 40]);
    expect(counts(190)).toEqual([150, 40]);
    expect(counts(150, "llm.token_count.total")).toEqual([100, 50]);
    expect(counts(200, "ai.usage.totalTokens")).toEqual([150, 50]);
    expect(counts("190")).toEqual([150, 40]);
    // Another sum proves nothing, and what is no number is no reason to refuse a span.
    for (const total of [170, 0, -1, "many", true, NaN]) expect(counts(total)).toEqual([100, 40]);
    // 50 are cached and 50 reasoning: which of them is beside?
    const even = { ...span, "gen_ai.usage.output_tokens": 60, "gen_ai.usage.reasoning_tokens": 50 };
    expect(usageOf({ ...even, "gen_ai.usage.total_tokens": 210 })).toMatchObject({
      inputTokens: 100,
      outputTokens: 60,
    });
    expect(usageOf({ ...even, "gen_ai.usage.total_tokens": 260 })).toMatchObject({
      inputTokens: 150,
      outputTokens: 110,
    });
  });

  it("keeps a provider's own inclusive usage that contradicts itself, without a cost", () => {
    const response = {
      object: "response",
      usage: { input_tokens: 5, input_tokens_details: { cached_tokens: 6 }, output_tokens: 1 },
    };
    expect(decodeOne(openInference(response))).toMatchObject({
      inputTokens: 5,
      cacheReadTokens: null,
      doubt: "usage_contradictory",
    });
  });

  it("says that streamed chats of OpenLLMetry's OpenAI may be estimates", () => {
    expect(usageOf({ "gen_ai.usage.input_tokens": 4 }, "@traceloop/instrumentation-openai").usageSemantics).toContain(
      "estimate",
    );
  });
});

describe("output with or without reasoning", () => {
  const thought = { "gen_ai.usage.output_tokens": 50, "gen_ai.usage.reasoning_tokens": 40 };

  it("is inclusive unless the reasoning exceeds it", () => {
    expect(usageOf(thought)).toMatchObject({ outputTokens: 50, usageSemantics: "inclusive" });
    // 50 + 60
    expect(usageOf({ ...thought, "gen_ai.usage.reasoning_tokens": 60 }).outputTokens).toBe(110);
  });

  it("leaves Gemini's thoughts out in version 5 of the AI SDK", () => {
    const span = { ...thought, "gen_ai.system": "google.generative-ai", "ai.operationId": "ai.streamText.doStream" };
    // 50 + 40
    expect(usageOf(span, "ai").outputTokens).toBe(90);
    expect(usageOf({ ...span, "ai.usage.inputTokenDetails.noCacheTokens": 1 }, "ai").outputTokens).toBe(50);
  });
});

describe("the provider's own usage", () => {
  const wrong = { "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1 };

  it("beats the attributes: Anthropic, with both kinds of writes", () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 40,
      output_tokens_details: { thinking_tokens: 15 },
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 12, ephemeral_1h_input_tokens: 18 },
      service_tier: "priority",
    };
    const metadata = JSON.stringify({ anthropic: { usage } });
    expect(decodeOne(call({ ...wrong, "ai.response.providerMetadata": metadata }))).toMatchObject({
      inputTokens: 240, // 10 + 200 + 30
      outputTokens: 40,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      cacheWrite5mTokens: 12,
      cacheWrite1hTokens: 18,
      reasoningTokens: 15,
      serviceTier: "priority",
      usageSemantics: "provider usage (anthropic)",
    });
  });

  it("beats the attributes: Gemini, thoughts and tool prompts added", () => {
    const usageMetadata = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 7,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 90 },
        { modality: "AUDIO", tokenCount: 10 },
      ],
      cacheTokensDetails: [{ modality: "TEXT", tokenCount: 60 }],
    };
    expect(
      usageOf({ ...wrong, "ai.response.providerMetadata": JSON.stringify({ google: { usageMetadata } }) }),
    ).toMatchObject({
      inputTokens: 107,
      outputTokens: 50,
      cacheReadTokens: 60,
      reasoningTokens: 30,
      inputAudioTokens: 10,
    });
  });

  it("of OpenAI in the AI SDK only fills up the cache writes", () => {
    const metadata = JSON.stringify({ openai: { serviceTier: "flex", usage: { cacheWriteTokens: 5 } } });
    expect(decodeOne(chat({ "ai.response.providerMetadata": metadata }))).toMatchObject({
      inputTokens: 100,
      cacheWriteTokens: 5,
      serviceTier: "flex",
      usageSemantics: "inclusive",
    });
  });

  it("is read from a raw response, not from text that looks like one", () => {
    const raw = {
      object: "chat.completion",
      id: "c1",
      model: "gpt-x",
      usage: { prompt_tokens: 70, completion_tokens: 30 },
    };
    expect(decodeOne(openInference(raw))).toMatchObject({
      inputTokens: 70,
      outputTokens: 30,
      model: "gpt-x",
      responseId: "c1",
    });
    expect(decodeOne(openInference(raw, "text/plain"))).toMatchObject({
      inputTokens: 50,
      outputTokens: 5,
      responseId: null,
    });
    expect(decodeOne(openInference({ usage: raw.usage }))).toMatchObject({ inputTokens: 50, outputTokens: 5 });
  });

  it("is read from a list of one response, not from several", () => {
    const response = {
      object: "chat.completion",
      id: "chatcmpl-1",
      model: "gpt-5-mini-2025-08-07",
      service_tier: "flex",
      usage: { prompt_tokens: 60, completion_tokens: 6 },
    };
    expect(decodeOne(openInference([response]))).toMatchObject({
      inputTokens: 60,
      outputTokens: 6,
      model: "gpt-5-mini-2025-08-07",
      serviceTier: "flex",
      responseId: "chatcmpl-1",
    });
    expect(decodeOne(openInference([response, response]))).toMatchObject({ inputTokens: 50, responseId: null });
  });

  it("is read from Bedrock's Converse, whose input leaves the cache out", () => {
    const usage = {
      inputTokens: 60,
      outputTokens: 6,
      totalTokens: 116,
      cacheReadInputTokens: 30,
      cacheWriteInputTokens: 20,
    };
    const response = { output: { message: { role: "assistant", content: [] } }, stopReason: "end_turn", usage };
    // 60 + 30 + 20
    expect(decodeOne(openInference(response))).toMatchObject({
      inputTokens: 110,
      outputTokens: 6,
      cacheReadTokens: 30,
    });
    expect(decodeOne(openInference({ usage }))).toMatchObject({ inputTokens: 50, outputTokens: 5 });
  });

  it("names the model once, also where LangChain joined the names of chunks", () => {
    const response_metadata = { model_name: "gpt-5-mini", model: "gpt-5-minigpt-5-mini", id: "resp_1" };
    const generation = { message: { kwargs: { response_metadata } } };
    expect(decodeOne(openInference({ generations: [[generation]] }))).toMatchObject({
      model: "gpt-5-mini",
      responseId: "resp_1",
    });
  });

  it.each([-1, 0.5, "7", 2 ** 40])("is not believed with a count of %s", (prompt_tokens) => {
    const raw = { object: "chat.completion", usage: { prompt_tokens, completion_tokens: 3 } };
    expect(decodeOne(openInference(raw))).toMatchObject({ inputTokens: 50, outputTokens: 5 });
  });

  it("is read from Genkit, whose own usage counts as Gemini does", () => {
    const usage = { inputTokens: 100, outputTokens: 20, thoughtsTokens: 30, cachedContentTokens: 60, totalTokens: 150 };
    const span = {
      "genkit:metadata:subtype": "model",
      "genkit:name": "googleai/gemini-x",
      "genkit:output": JSON.stringify({ usage }),
    };
    expect(decodeOne({ attributes: span })).toMatchObject({
      provider: "google",
      model: "gemini-x",
      inputTokens: 100,
      outputTokens: 50, // 20 + 30, as the total has them beside each other
      cacheReadTokens: 60,
      reasoningTokens: 30,
    });
  });
});

describe("Langfuse usage details", () => {
  function details(usage: object): Usage & { usageSemantics: string } {
    const { usageSemantics, ...counts } = usageOf({
      "langfuse.observation.type": "generation",
      "langfuse.observation.usage_details": JSON.stringify(usage),
    });
    return { ...counts, usageSemantics };
  }

  it("are a partition", () => {
    const usage = {
      input: 10,
      input_cached_tokens: 20,
      input_audio_tokens: 3,
      input_cache_creation_5m: 4,
      input_cache_creation_1h: 5,
      output: 6,
      output_reasoning_tokens: 7,
      output_audio_tokens: 8,
      output_accepted_prediction_tokens: 1,
      total: 64,
    };
    expect(details(usage)).toEqual({
      ...NONE,
      inputTokens: 42, // 10 + 20 + 3 + 4 + 5
      outputTokens: 22, // 6 + 7 + 8 + 1
      cacheReadTokens: 20,
      cacheWriteTokens: 9,
      cacheWrite5mTokens: 4,
      cacheWrite1hTokens: 5,
      reasoningTokens: 7,
      inputAudioTokens: 3,
      outputAudioTokens: 8,
      inputImageTokens: null,
      outputImageTokens: null,
      webSearches: null,
      usageSemantics: "partitioned",
    });
  });

  it("are inclusive where input and output alone are the total", () => {
    const usage = { input: 30, input_cached_tokens: 20, output: 6, total: 36 };
    expect(details(usage)).toMatchObject({
      inputTokens: 30,
      outputTokens: 6,
      cacheReadTokens: 20,
      usageSemantics: "inclusive",
    });
  });

  it("leave no cost where their parts have something in common, as the total shows", () => {
    const doubtOf = (usage: object): unknown =>
      decodeOne(
        call({
          "langfuse.observation.type": "generation",
          "langfuse.observation.usage_details": JSON.stringify(usage),
        }),
      ).doubt;
    expect(doubtOf({ input: 30, input_cached_tokens: 20, input_audio_tokens: 5, output: 6, total: 36 })).toBe(
      "usage_ambiguous",
    );
    expect(doubtOf({ input: 5, input_cached_tokens: 20, input_audio_tokens: 25, output: 6, total: 36 })).toBe(
      "usage_ambiguous",
    );
    expect(doubtOf({ input: 5, input_cached_tokens: 20, output: 6, total: 31 })).toBeNull();
  });

  it("recover a lost input from the total", () => {
    const usage = {
      input: null,
      output: 6,
      output_reasoning_tokens: 4,
      input_cached_tokens: 20,
      total: 60,
      nested: { a: 1 },
    };
    expect(details(usage)).toMatchObject({ inputTokens: 50, outputTokens: 10, cacheReadTokens: 20 });
  });

  it("may be a provider's own object", () => {
    const usage = { prompt_tokens: 30, completion_tokens: 6, prompt_tokens_details: { cached_tokens: 20 } };
    expect(details(usage)).toMatchObject({
      inputTokens: 30,
      cacheReadTokens: 20,
      usageSemantics: "provider usage (openai)",
    });
  });

  it("that are no counts leave the usage unknown", () => {
    for (const usage of [{ input: -1, output: 2 }, { input: 1.5 }, {}, []]) {
      expect(details(usage)).toMatchObject({ inputTokens: null, outputTokens: null });
    }
  });
});

/** An LLM span of OpenInference: 50 and 5 tokens by its attributes, and a raw response. */
function openInference(response: object, mimeType = "application/json"): { attributes: Attributes } {
  return {
    attributes: {
      "openinference.span.kind": "LLM",
      "llm.model_name": "asked",
      "llm.token_count.prompt": 50,
      "llm.token_count.completion": 5,
      "output.value": JSON.stringify(response),
      "output.mime_type": mimeType,
    },
  };
}
