/** How a cost compares with the true one, by what the emitter of the counts is known to leave out. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../../../src/ledger/call.ts";
import { chat, decodeOne, type Attributes } from "../otlp/request.ts";

const INPUT = "gen_ai.usage.input_tokens";
const OUTPUT = "gen_ai.usage.output_tokens";
const READ = "gen_ai.usage.cache_read.input_tokens";
const WRITE = "gen_ai.usage.cache_creation.input_tokens";
const LONG = { [INPUT]: 4_000 };
const CLAUDE = { "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-haiku-4-5", ...LONG };
const BEDROCK = { "gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "us.anthropic.claude-haiku-4-5-v1:0" };

function of(scope: string, attributes: Attributes): Call {
  return decodeOne(chat(attributes), { scope });
}

describe("the cost of a call is", () => {
  it.each<[Call["costIs"], string, string, Attributes]>([
    ["exact", "with all counts", "test", { ...LONG, [READ]: 3_000 }],
    ["exact", "of an emitter of which nothing is known", "test", LONG],
    ["exact", "where a prompt is too short to be cached", "@opentelemetry/instrumentation-openai", { [INPUT]: 1_023 }],
    ["exact", "with reads", "@opentelemetry/instrumentation-openai", { ...LONG, [READ]: 0 }],
    [
      "exact",
      "of embeddings",
      "@opentelemetry/instrumentation-openai",
      { ...LONG, "gen_ai.operation.name": "embeddings" },
    ],
    ["upper_bound", "without reads", "@opentelemetry/instrumentation-openai", { [INPUT]: 1_024 }],
    ["upper_bound", "without reads", "opentelemetry.instrumentation.openai_v2", LONG],
    ["upper_bound", "without reads", "langwatch.instrumentation.langchain", LONG],
    ["upper_bound", "without reads", "@traceloop/instrumentation-llamaindex", LONG],
    ["upper_bound", "without reads", "@langtrase/typescript-sdk", LONG],
    ["upper_bound", "without reads", "mistralai_sdk_tracer", { "gen_ai.provider.name": "mistral_ai" }],
    ["upper_bound", "without reads", "ai", LONG],
    [
      "estimate",
      "where writes have a price, too",
      "@opentelemetry/instrumentation-openai",
      { ...LONG, "gen_ai.request.model": "gpt-5.6" },
    ],
    ["estimate", "of a stream", "@traceloop/instrumentation-openai", { "gen_ai.provider.name": "openai" }],
    [
      "estimate",
      "of a stream, in an older version",
      "@traceloop/instrumentation-openai",
      { "gen_ai.operation.name": "", "llm.request.type": "chat" },
    ],
    ["lower_bound", "without the cache", "@opentelemetry/instrumentation-aws-sdk", BEDROCK],
    [
      "exact",
      "of a model without a cache",
      "@opentelemetry/instrumentation-aws-sdk",
      { ...BEDROCK, "gen_ai.request.model": "meta.llama3-8b-instruct-v1:0" },
    ],
    ["lower_bound", "without the cache", "@traceloop/instrumentation-bedrock", BEDROCK],
    ["lower_bound", "without the cache", "@traceloop/instrumentation-langchain", CLAUDE],
    ["lower_bound", "without writes", "gen_ai", { ...CLAUDE, [READ]: 100 }],
    ["lower_bound", "without writes", "@arizeai/openinference-instrumentation-langchain", CLAUDE],
    ["lower_bound", "with writes that are not told apart", "test", { ...CLAUDE, [WRITE]: 100 }],
    ["exact", "with no writes", "test", { ...CLAUDE, [WRITE]: 0 }],
    [
      "exact",
      "with writes that are told apart",
      "test",
      { ...CLAUDE, [WRITE]: 100, "gen_ai.usage.cache_creation.5m_input_tokens": 100 },
    ],
    ["exact", "with writes of another provider", "test", { ...LONG, [WRITE]: 100 }],
    [
      "estimate",
      "if bounds of both kinds meet",
      "@openlit/instrumentation-anthropic",
      { ...CLAUDE, [WRITE]: 100, "gen_ai.request.is_stream": true },
    ],
    [
      "lower_bound",
      "of searches",
      "com.anthropic.claude_code.tracing",
      { ...CLAUDE, query_source_safe: "web_search_tool" },
    ],
    ["estimate", "without thoughts and reads", "gemini-cli", { "gen_ai.provider.name": "google" }],
  ])("%s %s: %s", (costIs, _, scope, attributes) => {
    const call = of(scope, attributes);
    expect(call.costIs).toBe(costIs);
    // The receipt has the reason in words.
    if (costIs !== "exact") expect(call.usageSemantics).toMatch(/; .*(sent|told|estimate|high)/);
  });

  it("exact where the provider's own object is there, whatever the emitter leaves out", () => {
    const usage = { prompt_tokens: 4_000, completion_tokens: 20, total_tokens: 4_020 };
    const own = {
      "openinference.span.kind": "LLM",
      "output.mime_type": "application/json",
      "output.value": JSON.stringify({ object: "chat.completion", model: "gpt-5-mini", usage }),
    };
    expect(of("ai", own)).toMatchObject({ costIs: "exact", usageSemantics: "provider usage (openai)" });
  });

  it("exact for a call that failed and used nothing", () => {
    const failed = { [INPUT]: 0, [OUTPUT]: 0, "error.type": "429" };
    expect(of("@opentelemetry/instrumentation-openai", failed)).toMatchObject({ status: "error", costIs: "exact" });
  });
});

describe("Langtrace", () => {
  const scope = "@langtrase/typescript-sdk";
  const sent = { [INPUT]: 282, [OUTPUT]: 1_160, "langtrace.version": "6.3.7" };

  it.each<[string, Attributes]>([
    ["anthropic", {}],
    ["cohere", {}],
    ["openai", { "gen_ai.request.stream": true }],
  ])("sends the counts of %s in each other's place, and such a call has no cost", (service, more) => {
    const call = of(scope, { ...sent, "langtrace.service.name": service, ...more });
    expect(call).toMatchObject({ inputTokens: 1_160, outputTokens: 282, doubt: "usage_ambiguous" });
    expect(call.usageSemantics).toContain("in each other's place");
  });

  it.each<[string, Attributes]>([
    ["openai", {}],
    ["groq", { "gen_ai.request.stream": true }],
    ["anthropic", { "langtrace.version": "7.0.0" }],
  ])("sends those of %s in their own: %j", (service, more) => {
    const call = of(scope, { ...sent, "langtrace.service.name": service, ...more });
    expect(call).toMatchObject({ inputTokens: 282, outputTokens: 1_160, doubt: null });
  });
});
