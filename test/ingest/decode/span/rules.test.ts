import { createPricer } from "../../../../src/pricing/cost.ts";
import { describe, expect, it } from "vitest";
import { chat, decode, decodeOne, type Attributes } from "../otlp/request.ts";

const usage = { "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20 };
const model = { "gen_ai.request.model": "gpt-5-mini" };

describe("which spans are calls", () => {
  it.each<[string, Attributes]>([
    ["ai.operationId", { "ai.operationId": "ai.streamText.doStream" }],
    ["ai.operationId", { "ai.operationId": "ai.embed.doEmbed" }],
    ["ai.operationId", { "ai.operationId": "ai.rerank.doRerank", "openinference.span.kind": "CHAIN" }],
    ["langfuse.observation.type", { "langfuse.observation.type": "generation" }],
    ["langfuse.observation.type", { "langfuse.observation.type": "embedding" }],
    ["openinference.span.kind", { "openinference.span.kind": "LLM" }],
    ["openinference.span.kind", { "openinference.span.kind": "RERANKER" }],
    // Mastra: which span stands for the call depends on the version; the operation tells.
    ["gen_ai.operation.name", { "mastra.span.type": "model_inference", "gen_ai.operation.name": "chat" }],
    ["gen_ai.operation.name", { "mastra.span.type": "model_generation", "gen_ai.operation.name": "chat" }],
    ["gen_ai.operation.name", { "mastra.span.type": "rag_embedding", "gen_ai.operation.name": "embeddings" }],
    ["genkit:metadata:subtype", { "genkit:type": "action", "genkit:metadata:subtype": "embedder" }],
    ["gen_ai.operation.name", { "gen_ai.operation.name": "text_completion" }],
    ["gen_ai.operation.name", { "gen_ai.operation.name": "image_generation" }],
    ["model and usage", { ...model, ...usage }],
    ["model and usage", { ...model, ...usage, "gen_ai.operation.name": "acompletion" }],
  ])("by %s: %j", (rule, attributes) => {
    expect(decodeOne({ attributes })).toMatchObject({ billable: true, rule });
  });

  it.each<[string, Attributes]>([
    ["ai.operationId", { "ai.operationId": "ai.generateText", "gen_ai.operation.name": "chat" }],
    ["langfuse.observation.type", { "langfuse.observation.type": "agent" }],
    ["openinference.span.kind", { "openinference.span.kind": "CHAIN" }],
    ["gen_ai.operation.name", { "mastra.span.type": "model_generation", "gen_ai.operation.name": "model_generation" }],
    ["genkit:metadata:subtype", { "genkit:type": "action", "genkit:metadata:subtype": "flow" }],
    ["genkit:type", { "genkit:type": "util" }],
    ["traceloop.span.kind", { "traceloop.span.kind": "workflow", "gen_ai.operation.name": "chat" }],
    ...["invoke_agent", "invoke_workflow", "create_agent", "plan", "execute_tool", "retrieval", "agent_step"].map(
      (name): [string, Attributes] => ["gen_ai.operation.name", { "gen_ai.operation.name": name }],
    ),
    ["gen_ai.operation.name", { "gen_ai.operation.name": "model_generation" }],
    ["gen_ai.operation.name", { "gen_ai.operation.name": "model_chunk" }],
  ])("a wrapper by %s keeps its usage, not billable: %j", (rule, attributes) => {
    const trace = decodeOne({ attributes: { ...model, ...usage, ...attributes } });
    expect(trace).toMatchObject({ billable: false, wrapper: true, rule, inputTokens: 100, outputTokens: 20 });
    expect(decode({ spans: [{ attributes: { ...model, ...attributes } }] })).toMatchObject({
      items: 1,
      calls: [],
      errors: [],
      links: [{ ofInterest: true }],
    });
  });

  it("ignores a failed wrapper without usage, but not a failed call", () => {
    const wrapper = { attributes: { "gen_ai.operation.name": "invoke_agent" }, status: { code: 2 } };
    const call = { attributes: { "gen_ai.operation.name": "chat" }, status: { code: 2 } };
    const { items, calls } = decode({ spans: [wrapper, call] });
    expect(items).toBe(2);
    expect(calls).toMatchObject([
      { billable: true, model: "unknown", status: "error", inputTokens: 0, outputTokens: 0 },
    ]);
  });

  it("ignores spans that have nothing to do with models, whatever else is wrong with them", () => {
    const http = { attributes: { "http.request.method": "GET" }, traceId: "00", startTimeUnixNano: "0" };
    const raw = { attributes: { ...model, "llm.openai.messages": "[]" } };
    expect(decode({ spans: [http, raw] })).toMatchObject({ items: 2, calls: [], errors: [] });
    expect(decode({ spans: [http] }).links).toEqual([]);
  });

  it("keeps usage without a model as a wrapper", () => {
    expect(decodeOne({ attributes: usage })).toMatchObject({ billable: false, rule: "usage without model" });
  });

  it("takes embeddings without usage for a call whose usage is unknown", () => {
    const attributes = { "gen_ai.operation.name": "embeddings", ...model };
    expect(decodeOne({ attributes })).toMatchObject({ billable: true, inputTokens: null, usageSemantics: "" });
  });

  it.each([
    "moderation",
    "speech",
    "text_to_speech",
    "transcription",
    "image",
    "image_edit",
    "video_generation",
    "ocr",
    "rerank",
  ])("takes %s without tokens for a call", (operation) => {
    const attributes = { "gen_ai.operation.name": operation, ...model };
    expect(decodeOne({ attributes })).toMatchObject({ billable: true, operation, inputTokens: null });
  });

  it("takes a moderation for what it costs: nothing", () => {
    const attributes = {
      "gen_ai.operation.name": "moderation",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "omni-moderation-latest",
    };
    expect(createPricer().costOf(decodeOne({ attributes }))).toMatchObject({ costPico: 0n, unpricedReason: null });
    const unknown = { ...attributes, "gen_ai.request.model": "gpt-4o" };
    expect(createPricer().costOf(decodeOne({ attributes: unknown }))).toMatchObject({
      unpricedReason: "usage_unknown",
    });
  });

  it("does not read a wrapper's documents: they repeat its last step", () => {
    const metadata = JSON.stringify({
      anthropic: { usage: { input_tokens: 5, output_tokens: 6, cache_read_input_tokens: 7 } },
    });
    const step = { "gen_ai.operation.name": "agent_step", "ai.response.providerMetadata": metadata };
    expect(decode({ spans: [{ attributes: step }] }).calls).toEqual([]);
  });
});

describe("operation by kind", () => {
  it.each<[string, Attributes]>([
    ["chat", {}],
    ["generate_content", { "gen_ai.operation.name": "generate_content" }],
    ["embeddings", { "ai.operationId": "ai.embedMany.doEmbed" }],
    ["rerank", { "openinference.span.kind": "RERANKER" }],
    ["embeddings", { "openinference.span.kind": "EMBEDDING" }],
    ["embeddings", { "langfuse.observation.type": "embedding" }],
    ["embeddings", { "genkit:metadata:subtype": "embedder" }],
  ])("%s: %j", (operation, attributes) => {
    expect(decodeOne({ attributes: { ...model, ...usage, ...attributes } }).operation).toBe(operation);
  });
});

describe("failure", () => {
  it.each<[string, Attributes, string | null]>([
    ["error.type", { "error.type": "RateLimitError" }, "RateLimitError"],
    ["HTTP status", { "http.response.status_code": 429 }, "429"],
    ["Langfuse level", { "langfuse.observation.level": "ERROR" }, null],
    ["finish reasons", { "gen_ai.response.finish_reasons": ["error"] }, null],
    ["finish reasons as text", { "gen_ai.response.finish_reasons": '["error"]' }, null],
    ["finish reason", { "ai.response.finishReason": "error" }, null],
  ])("by %s, with the span's status unset", (_, attributes, errorType) => {
    expect(decodeOne(chat(attributes))).toMatchObject({ status: "error", errorType, inputTokens: 100 });
  });

  it("is not an HTTP status of 200, a finish reason of stop or an empty error type", () => {
    const attributes = { "http.response.status_code": 200, "ai.response.finishReason": "stop", "error.type": "" };
    expect(decodeOne(chat(attributes)).status).toBe("ok");
  });
});
