/** What others say that a call cost, from every emitter and in every form; and what cannot be read as USD. */
import { describe, expect, it } from "vitest";
import { decodeLitellm } from "../../../src/ingest/decode/litellm.ts";
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import type { Call } from "../../../src/ledger/call.ts";
import { chat, decodeOne, NOW } from "./otlp/request.ts";

type Fields = Record<string, unknown>;

const TOKENS = { prompt_tokens: 100, completion_tokens: 20 };

function native(usage: Fields, provider = "openrouter"): Call {
  const { calls, errors } = decodeNative([{ id: "a", timestamp: NOW, model: "m", provider, usage }], NOW);
  expect(errors).toEqual([]);
  return calls[0]!;
}

function litellm(entry: Fields, usage: Fields = {}): Call {
  const of = { id: "a", startTime: NOW / 1_000, model: "m", custom_llm_provider: "openrouter", ...TOKENS };
  const metadata = { usage_object: { ...TOKENS, ...usage } };
  const { calls, errors } = decodeLitellm([{ ...of, metadata, ...entry }], NOW);
  expect(errors).toEqual([]);
  return calls[0]!;
}

const span = (attributes: Fields): Call => decodeOne(chat(attributes));
const json = (name: string, document: unknown): Call => span({ [name]: JSON.stringify(document) });
const metadata = (document: unknown): Call => json("ai.response.providerMetadata", document);
const response = (usage: Fields): Call =>
  span({
    "output.mime_type": "application/json",
    "output.value": JSON.stringify({ object: "chat.completion", usage: { ...TOKENS, ...usage } }),
  });

/** $0.0012 */
const PICO = 1_200_000_000n;

describe("a reported cost", () => {
  it.each<[string, () => Call]>([
    ["OpenRouter's usage", () => native({ ...TOKENS, cost: 0.0012 })],
    [
      "OpenRouter's fee and the bill of a key of one's own",
      () => native({ ...TOKENS, cost: 0.0002, is_byok: true, cost_details: { upstream_inference_cost: 0.001 } }),
    ],
    [
      "a key of OpenRouter's",
      () => native({ ...TOKENS, cost: 0.0012, is_byok: false, cost_details: { upstream_inference_cost: 0.001 } }),
    ],
    ["xAI's ticks", () => native({ ...TOKENS, cost_in_usd_ticks: 12_000_000 }, "x-ai")],
    ["xAI's ticks, of an unknown provider", () => native({ ...TOKENS, cost_in_usd_ticks: 12_000_000 }, "")],
    [
      "Perplexity's total",
      () => native({ ...TOKENS, cost: { total_cost: 0.0012, request_cost: 0.001 } }, "perplexity"),
    ],
    ["Perplexity's total, of an unknown provider", () => native({ ...TOKENS, cost: { total_cost: 0.0012 } }, "")],
    ["LiteLLM", () => litellm({ response_cost: 0.0012 })],
    ["LiteLLM before the provider", () => litellm({ response_cost: 0.0012 }, { cost: 7 })],
    ["the provider within LiteLLM", () => litellm({ response_cost: null }, { cost: 0.0012 })],
    ["Perplexity within LiteLLM", () => litellm({}, { cost: { total_cost: 0.0012 } })],
    ["xAI within LiteLLM", () => litellm({}, { cost_in_usd_ticks: 12_000_000 })],
    ["a response in OpenInference's document", () => response({ cost: 0.0012 })],
    ["ticks in OpenInference's document", () => response({ cost_in_usd_ticks: 12_000_000 })],
    [
      "the conventions' amount",
      () => span({ "gen_ai.usage.cost.amount": 0.0012, "gen_ai.usage.cost.currency": "USD" }),
    ],
    ["an amount without a currency", () => span({ "gen_ai.usage.cost.amount": 0.0012 })],
    ["a decimal as text", () => span({ "gen_ai.usage.cost": "0.0012" })],
    ["OpenLIT", () => span({ "gen_ai.usage.cost": 0.0012 })],
    ["OpenInference", () => span({ "llm.cost.total": 0.0012 })],
    ["AgentOps", () => span({ "gen_ai.usage.total_cost": 0.0012 })],
    ["LiteLLM's spans", () => span({ "gen_ai.cost.total_cost": 0.0012 })],
    ["Sentry", () => span({ "gen_ai.cost.total_tokens": 0.0012 })],
    ["Logfire", () => span({ "operation.cost": 0.0012 })],
    ["the second name, if the first cannot be read", () => span({ "gen_ai.usage.cost": -1, "operation.cost": 0.0012 })],
    // 120,000,000 nano units of $0.01 each
    ["GitHub Copilot's credits", () => span({ "github.copilot.nano_aiu": 120_000_000 })],
    ["Langfuse's total", () => json("langfuse.observation.cost_details", { input: 5, total: 0.0012 })],
    ["Langfuse's parts", () => json("langfuse.observation.cost_details", { input: 0.001, output: 0.0002 })],
    [
      "a raw object of OpenRouter at Langfuse",
      () => json("langfuse.observation.usage_details", { ...TOKENS, cost: 0.0012 }),
    ],
    ["LangSmith", () => json("langsmith.usage_metadata", { input_tokens: 100, total_cost: 0.0012 })],
    ["MLflow", () => json("mlflow.llm.cost", { input_cost: 0.001, total_cost: 0.0012 })],
    ["LangWatch", () => json("langwatch.metrics", { type: "json", value: { promptTokens: 100, cost: 0.0012 } })],
    ["Braintrust", () => json("braintrust.metrics", { prompt_tokens: 100, estimated_cost: 0.0012 })],
    ["the Vercel AI Gateway in an attribute", () => span({ "vercel.ai_gateway.cost.total": 0.0012 })],
    [
      "the Vercel AI Gateway in the AI SDK",
      () => metadata({ openai: { responseId: "r" }, gateway: { cost: "0.0012" } }),
    ],
    ["OpenRouter in the AI SDK", () => metadata({ openrouter: { usage: { promptTokens: 100, cost: 0.0012 } } })],
    ["xAI in the AI SDK", () => metadata({ xai: { costInUsdTicks: 12_000_000 } })],
  ])("is read from %s", (_, decode) => {
    const { reportedCostPico, unknownUsageMembers } = decode();
    expect(reportedCostPico).toBe(PICO);
    expect(unknownUsageMembers).toEqual([]);
  });

  it("of 0 is a cost, and of nothing is none", () => {
    expect(native({ ...TOKENS, cost: 0 }).reportedCostPico).toBe(0n);
    expect(native({ ...TOKENS, cost: null })).toMatchObject({ reportedCostPico: null, unknownUsageMembers: [] });
    expect(span({})).toMatchObject({ reportedCostPico: null, unknownUsageMembers: [] });
    expect(litellm({})).toMatchObject({ reportedCostPico: null, unknownUsageMembers: [] });
  });

  const BAD = [-0.1, 1e308, "0.0012", "free", true, [0.0012]];

  it.each(BAD)("of %j is not read, and is listed", (bad) => {
    const listed = (name: string) => ({ reportedCostPico: null, unknownUsageMembers: [name] });
    expect(native({ ...TOKENS, cost: bad })).toMatchObject(listed("cost"));
    expect(native({ ...TOKENS, cost: { total_cost: bad } }, "perplexity")).toMatchObject(listed("cost.total_cost"));
    expect(native({ ...TOKENS, cost_in_usd_ticks: bad }, "x-ai")).toMatchObject(listed("cost_in_usd_ticks"));
    expect(litellm({ response_cost: bad })).toMatchObject(listed("response_cost"));
    expect(litellm({}, { cost: bad })).toMatchObject(listed("cost"));
    expect(json("langfuse.observation.cost_details", { input: 1, output: bad })).toMatchObject(listed("output"));
    expect(json("mlflow.llm.cost", { total_cost: bad })).toMatchObject(listed("mlflow.llm.cost.total_cost"));
    if (bad === "0.0012" || Array.isArray(bad)) return;
    // A whole number this large does not fit into OTLP's integers.
    expect(span({ "gen_ai.usage.cost": bad === 1e308 ? 1e10 + 0.5 : bad })).toMatchObject(listed("gen_ai.usage.cost"));
    expect(metadata({ gateway: { cost: String(bad) } })).toMatchObject(listed("gateway.cost"));
  });

  it("in another currency is not read, and is listed", () => {
    const euros = span({ "gen_ai.usage.cost.amount": 0.0012, "gen_ai.usage.cost.currency": "EUR" });
    expect(euros).toMatchObject({ reportedCostPico: null, unknownUsageMembers: ["gen_ai.usage.cost.amount"] });
    const nested = native({ ...TOKENS, cost: { total_cost: 0.0012, currency: "EUR" } }, "perplexity");
    expect(nested).toMatchObject({ reportedCostPico: null, unknownUsageMembers: ["cost.total_cost"] });
  });
});
