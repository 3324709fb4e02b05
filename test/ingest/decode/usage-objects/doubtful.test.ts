/** Statements that contradict each other or are no counts, in each form: a reason or a refusal, and never a cost. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../../../src/ledger/call.ts";
import { decodeLitellm } from "../../../../src/ingest/decode/litellm.ts";
import { AT, FORMS, type Kind, onlyCall, priceOf, span } from "./emitted.ts";

const KINDS: Record<string, (count: unknown) => Kind> = {
  "Anthropic's": (count) => ({
    provider: "anthropic",
    model: "claude-opus-4-8",
    usage: { input_tokens: 1_000, output_tokens: 100, cache_read_input_tokens: count, cache_creation_input_tokens: 0 },
    attributes: {
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
      "gen_ai.usage.cache_read.input_tokens": count,
    },
    event: { input_tokens: 1_000, output_tokens: 100, cache_read_tokens: count },
  }),
  "a turn of Anthropic's": (count) => ({
    provider: "anthropic",
    model: "claude-opus-4-8",
    usage: {
      input_tokens: 1,
      output_tokens: 1,
      iterations: [{ type: "message", input_tokens: count, output_tokens: 1 }],
    },
  }),
  "Bedrock's": (count) => ({
    provider: "aws.bedrock",
    model: "global.anthropic.claude-opus-4-8",
    usage: {
      inputTokens: 1_000,
      outputTokens: 100,
      cacheWriteInputTokens: 5,
      cacheDetails: [{ ttl: "1h", inputTokens: count }],
    },
  }),
  "Google's": (count) => ({
    provider: "gcp.gemini",
    model: "gemini-2.5-flash",
    usage: {
      promptTokenCount: 1_000,
      candidatesTokenCount: 100,
      promptTokensDetails: [{ modality: "AUDIO", tokenCount: count }],
    },
  }),
  "OpenAI's": (count) => ({
    provider: "openai",
    model: "gpt-5",
    usage: { prompt_tokens: 1_000, completion_tokens: count },
  }),
  "xAI's": (count) => ({
    provider: "xai",
    model: "grok-4.3",
    usage: {
      prompt_tokens: 1_000,
      completion_tokens: 100,
      server_side_tool_usage_details: { x_search_calls: count },
    },
  }),
  "Perplexity's": (count) => ({
    provider: "perplexity",
    model: "sonar-deep-research",
    usage: { prompt_tokens: 1_000, completion_tokens: 100, citation_tokens: count },
  }),
};

const WRONG = [-1, 1.5, 2 ** 31, 1e300, "7", "many", true, {}, Number.NaN];

const ROWS = Object.entries(KINDS).flatMap(([kind, made]) =>
  WRONG.flatMap((count) =>
    Object.entries(FORMS).flatMap(([form, send]) => {
      // JSON has no NaN. In attributes integers end before, maps are not read, and some emitters send digits in a text.
      const isAttribute = form === "OTLP attributes" || form === "Claude Code's event";
      if (isAttribute && (count === "7" || count === 1e300 || typeof count === "object")) return [];
      if (Number.isNaN(count) && form !== "native usage" && form !== "LiteLLM") return [];
      const decoded = send(made(count));
      return decoded === null ? [] : [[kind, form, count, decoded] as const];
    }),
  ),
);

describe("a count that is none", () => {
  it.each(ROWS)("in %s usage, as %s: %s costs nothing that is made up", (_kind, _form, _count, decoded) => {
    const call = onlyCall(decoded);
    if (typeof call === "string") expect(call).toMatch(/whole number|is not a/);
    else expect(priceOf(call)).toMatch(/^usage_/);
  });
});

describe("a document beside attributes", () => {
  const stated = (input: number, output: number) => ({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-opus-4-8",
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
  });
  const metadata = (usage: object) => ({
    "ai.operationId": "ai.streamText.doStream",
    "ai.response.providerMetadata": JSON.stringify({ anthropic: { usage } }),
  });
  const call = (attributes: Parameters<typeof span>[0]): Call => onlyCall(span(attributes)) as Call;
  const usage = { input_tokens: 1_000, output_tokens: 100, cache_read_input_tokens: 500 };

  it.each([
    ["tells the cache and as much", stated(1_500, 100), 1_500, 100, /^provider usage \(anthropic\)$/],
    ["leaves the cache out, and is less", stated(1_000, 100), 1_500, 100, /^provider usage \(anthropic\)$/],
    ["is of the end of the stream", stated(1_000, 384), 1_500, 384, /output from the attributes, which has more/],
    ["is of later turns, too", stated(4_000, 100), 4_000, 100, /input from the attributes, which has more/],
    ["has the cache twice", stated(2_000, 100), 1_500, 100, /^provider usage \(anthropic\)$/],
  ])("that %s: the larger one counts", (_, attributes, inputTokens, outputTokens, semantics) => {
    const read = call({ ...attributes, ...metadata(usage) });
    expect(read).toMatchObject({ inputTokens, outputTokens, cacheReadTokens: 500 });
    expect(read.usageSemantics).toMatch(semantics);
  });

  it("has reasoning in its output: attributes that add it are not larger", () => {
    const document = { ...usage, output_tokens_details: { thinking_tokens: 60 } };
    expect(call({ ...stated(1_500, 160), ...metadata(document) })).toMatchObject({ outputTokens: 100 });
  });

  it("that has 0 of a part which the attributes have may not know it", () => {
    const document = { ...usage, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
    const attributes = { ...stated(1_500, 100), "gen_ai.usage.cache_read.input_tokens": 500 };
    expect(call({ ...attributes, ...metadata(document) })).toMatchObject({ inputTokens: 1_500, cacheReadTokens: 500 });
  });

  it("and another document: the one with more counts is taken, with its time to live", () => {
    const split = { ...usage, cache_creation_input_tokens: 200, cache_creation: { ephemeral_1h_input_tokens: 200 } };
    const read = call({
      ...stated(1_700, 100),
      "langfuse.observation.type": "generation",
      "langfuse.observation.usage_details": JSON.stringify({ input: 1_700, output: 100, total: 1_800 }),
      ...metadata(split),
    });
    expect(read).toMatchObject({
      inputTokens: 1_700,
      cacheWrite1hTokens: 200,
      usageSemantics: "provider usage (anthropic)",
    });
    // 1,000 x $5 + 500 x $0.50 + 200 x $10 + 100 x $25 per million
    expect(priceOf(read)).toBe("0.00975");
  });

  it("that cannot be read as counts leaves no cost, though attributes have some", () => {
    const read = call({ ...stated(1_000, 100), ...metadata({ ...usage, cache_read_input_tokens: -5 }) });
    expect(read).toMatchObject({ inputTokens: 1_000, doubt: "usage_ambiguous" });
  });
});

describe("LiteLLM's plain counts beside its usage object", () => {
  const read = (usage_object: object, prompt_tokens: number, completion_tokens: number) =>
    decodeLitellm(
      [{ id: "a", startTime: AT / 1_000, model: "m", prompt_tokens, completion_tokens, metadata: { usage_object } }],
      AT,
    ).calls[0]!;

  it("are larger where the object is of a stream's beginning, and say so", () => {
    const call = read({ prompt_tokens: 1_000, completion_tokens: 1 }, 1_000, 384);
    expect(call).toMatchObject({ inputTokens: 1_000, outputTokens: 384 });
    expect(call.usageSemantics).toContain("output from the entry, which has more");
  });

  it("are less where the object has turns that they leave out", () => {
    const iterations = [
      { type: "compaction", input_tokens: 180_000, output_tokens: 3_500 },
      { type: "message", input_tokens: 23_000, output_tokens: 1_000 },
    ];
    const call = read({ input_tokens: 23_000, output_tokens: 1_000, iterations }, 23_000, 1_000);
    expect(call).toMatchObject({ inputTokens: 203_000, outputTokens: 4_500 });
  });

  it("have tools at a cost whose calls are told nowhere: no cost is honest", () => {
    const entry = { id: "a", startTime: AT / 1_000, model: "gpt-5", custom_llm_provider: "openai" };
    const plain = { prompt_tokens: 10, completion_tokens: 5, cost_breakdown: { tool_usage_cost: 0.01 } };
    const [call] = decodeLitellm([{ ...entry, ...plain }], AT).calls;
    expect(priceOf(call!)).toBe("usage_ambiguous");
  });
});
