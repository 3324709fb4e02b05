/** Who served a call, and which of its two model names is priced, in each form that can say it. */
import { describe, expect, it } from "vitest";
import { decodeLitellm } from "../../../src/ingest/decode/litellm.ts";
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import type { Decoded } from "../../../src/ingest/decode/decoded.ts";
import { createPricer } from "../../../src/pricing/cost.ts";
import type { Attributes } from "./otlp/request.ts";
import { AT, onlyCall, priceOf, span } from "./usage-objects/emitted.ts";
import { decodeClaudeCode } from "./usage-objects/logs.ts";

const NOW = Date.UTC(2026, 10, 30);
const pricer = createPricer();

interface Said {
  provider: string;
  /** The model that was asked for, and the one that answered. */
  asked: string;
  answered?: string;
  address?: string;
}

const attributes = ({ provider, asked, answered }: Said): Attributes => ({
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": provider,
  "gen_ai.request.model": asked,
  ...(answered !== undefined && { "gen_ai.response.model": answered }),
  "gen_ai.usage.input_tokens": 1_000,
  "gen_ai.usage.output_tokens": 100,
});

/** 1,000 tokens in, 100 out. */
const FORMS: Record<string, (said: Said) => Decoded | null> = {
  native: ({ provider, asked, answered = asked, address }) =>
    decodeNative(
      [
        {
          id: "a",
          timestamp: AT,
          provider,
          model: answered,
          request_model: asked,
          base_url: address,
          input_tokens: 1_000,
          output_tokens: 100,
        },
      ],
      NOW,
    ),
  "server.address": (said) => span({ ...attributes(said), ...(said.address && { "server.address": said.address }) }),
  "url.full": (said) =>
    said.address ? span({ ...attributes(said), "url.full": `https://${said.address}/v1/x` }) : null,
  "OpenLLMetry's api_base": (said) =>
    said.address ? span({ ...attributes(said), "gen_ai.openai.api_base": `https://${said.address}/v1/` }) : null,
  LiteLLM: ({ provider, asked, answered = asked, address }) =>
    decodeLitellm(
      [
        {
          id: "a",
          startTime: AT / 1_000,
          custom_llm_provider: provider,
          model: answered,
          hidden_params: { litellm_model_name: asked },
          api_base: address && `https://${address}/v1`,
          prompt_tokens: 1_000,
          completion_tokens: 100,
        },
      ],
      NOW,
    ),
};

const inForms = <T extends readonly unknown[]>(rows: readonly T[]) =>
  rows.flatMap((row) => Object.keys(FORMS).map((form) => [form, ...row] as const));

function calls(form: string, said: Said): { provider: string; price: string } | null {
  const decoded = FORMS[form]!(said);
  if (decoded === null) return null;
  const call = onlyCall(decoded);
  if (typeof call === "string") throw new Error(call);
  return { provider: pricer.costOf(call).provider, price: priceOf(call) };
}

describe("the address of a call outranks the maker of the library", () => {
  it.each(
    inForms([
      // Per million: $2.50 and $10.
      ["openai", "gpt-4o", "api.openai.com", "openai", "0.0035"],
      ["openai", "gpt-4o", "api.openai.com:443", "openai", "0.0035"],
      ["openai", "gpt-4o", "acme.openai.azure.com", "azure", "0.0035"],
      ["openai", "gpt-4o", "acme.cognitiveservices.azure.com", "azure", "0.0035"],
      // Groq lists $0.075 and $0.30, Together $0.88 for both, OpenRouter what OpenAI does.
      ["openai", "openai/gpt-oss-20b", "api.groq.com", "groq", "0.000105"],
      ["openai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "api.together.xyz", "together", "0.000968"],
      ["openai", "openai/gpt-4o-mini", "openrouter.ai", "openrouter", "0.00021"],
      ["openai", "deepseek-v4-pro", "api.deepseek.com", "deepseek", "0.000858"],
      ["openai", "grok-3", "api.x.ai", "x-ai", "0.0045"],
      ["openai", "grok-3", "us-east-1.api.x.ai", "x-ai", "0.0045"],
      ["openai", "mistral-large-latest", "api.mistral.ai", "mistral", "0.00065"],
      ["openai", "gemini-2.5-flash", "generativelanguage.googleapis.com", "google", "0.00055"],
      ["openai", "gpt-5.4", "api.githubcopilot.com", "github-copilot", "0.004"],
      // Claude in a region of Bedrock: $5.50 and $27.50.
      ["anthropic", "us.anthropic.claude-opus-4-8", "bedrock-runtime.us-east-1.amazonaws.com", "aws", "0.00825"],
      // In a region of Vertex AI: 10% more for Claude from 4.5 and Gemini from 3.5 on.
      ["anthropic", "claude-opus-4-8", "us-east5-aiplatform.googleapis.com", "google", "0.00825"],
      ["vertex_ai", "claude-sonnet-4-5@20250929", "us-east5-aiplatform.googleapis.com", "google", "0.00495"],
      ["vertex_ai", "claude-sonnet-4-5@20250929", "aiplatform.googleapis.com", "google", "0.0045"],
      ["vertex_ai", "claude-3-5-haiku@20241022", "us-east5-aiplatform.googleapis.com", "google", "0.0012"],
      ["vertex_ai", "claude-opus-4-1@20250805", "us-east5-aiplatform.googleapis.com", "google", "0.0225"],
      ["vertex_ai", "gemini-3.5-flash", "aiplatform.eu.rep.googleapis.com", "google", "0.00264"],
      ["vertex_ai", "gemini-3.5-flash", "aiplatform.googleapis.com", "google", "0.0024"],
      ["vertex_ai", "gemini-2.5-flash", "us-central1-aiplatform.googleapis.com", "google", "0.00055"],
      [
        "vertex_ai",
        "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-8",
        "us-east5-aiplatform.googleapis.com",
        "google",
        "0.00825",
      ],
      ["anthropic", "claude-opus-4-8", "api.anthropic.com", "anthropic", "0.0075"],
      // Others sell open models at prices that are not here.
      ["openai", "openai/gpt-oss-20b", "api.deepinfra.com", "deepinfra", "model_unknown"],
      ["openai", "deepseek-ai/DeepSeek-V3", "api.siliconflow.cn", "siliconflow", "model_unknown"],
      // A server that nobody knows may be a gateway to OpenAI, but sells no open model at its maker's price.
      ["openai", "gpt-4o", "localhost:4000", "openai", "0.0035"],
      ["openai", "gpt-oss-20b", "localhost", "openai-compatible", "model_unknown"],
      ["openai", "openai/gpt-oss-20b", "127.0.0.1:1234", "openai-compatible", "model_unknown"],
      ["openai", "gpt-oss:20b", "localhost:11434", "openai-compatible", "model_unknown"],
      ["openai", "mistralai/mistral-small-latest", "llm.corp.internal", "openai-compatible", "model_unknown"],
      ["openai", "deepseek/deepseek-chat", "10.0.0.7:8000", "openai-compatible", "model_unknown"],
      // What only ends like a known name is another.
      ["openai", "gpt-4o", "api.openai.com.evil.example", "openai", "0.0035"],
      ["openai", "grok-3", "notapi.x.ai", "openai", "model_unknown"],
      // A library that says whom it called is believed where nobody is known.
      ["groq", "llama-3.3-70b-versatile", "localhost", "groq", "0.000669"],
    ] as const),
  )("%s: %s's %s at %s is %s's, $%s", (form, provider, asked, address, served, price) => {
    const call = calls(form, { provider, asked, address });
    if (call !== null) expect(call).toEqual({ provider: served, price });
  });

  it.each(
    inForms([
      // $2.50 and $15, 10% more in a region; older models cost the same there.
      ["gpt-5.4", "eu.api.openai.com", "0.0044"],
      ["gpt-5.4", "us.api.openai.com", "0.0044"],
      ["gpt-5.4", "api.openai.com", "0.004"],
      ["gpt-4o", "eu.api.openai.com", "0.0035"],
      // Nobody says what this costs there.
      ["gpt-audio", "eu.api.openai.com", "tier_unknown"],
    ] as const),
  )("%s: %s at %s costs $%s", (form, asked, address, price) => {
    const call = calls(form, { provider: "openai", asked, address });
    if (call !== null) expect(call).toEqual({ provider: "openai", price });
  });
});

describe("of two model names the one that says more is priced", () => {
  it.each(
    inForms([
      // Bedrock: $3 and $15 through `global.`, 10% more in regions.
      ["aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929", "0.0045"],
      ["aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929", "0.00495"],
      [
        "aws.bedrock",
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "0.00495",
      ],
      [
        "aws.bedrock",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5-20250929",
        "0.0045",
      ],
      ["bedrock", "bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929", "0.0045"],
      [
        "bedrock",
        "bedrock/converse/global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5-20250929",
        "0.0045",
      ],
      // Vertex AI: 10% more in one region.
      [
        "gcp.vertex_ai",
        "projects/acme/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5-20250929",
        "0.00495",
      ],
      [
        "gcp.vertex_ai",
        "projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5-20250929",
        "0.0045",
      ],
      // The first GPT-4o: $5 and $15.
      ["openai", "gpt-4o-2024-05-13", "gpt-4o", "0.0065"],
      ["openai", "gpt-4o", "gpt-4o-2024-05-13", "0.0065"],
      // Tuned: $3 and $12.
      ["openai", "ft:gpt-4.1-2025-04-14:acme::x1", "gpt-4.1-2025-04-14", "0.0042"],
      // Fast: $10 and $50.
      ["anthropic", "claude-opus-4-8-fast", "claude-opus-4-8", "0.015"],
      // Free, though the name that answered is not.
      ["openrouter", "deepseek/deepseek-r1:free", "deepseek/deepseek-r1", "0"],
      // An alias and another model: what answered is billed.
      ["anthropic", "claude-opus-5", "claude-opus-4-8", "0.0075"],
      ["openai", "gpt-5", "gpt-5-mini-2025-08-07", "0.00045"],
      // A deployment's name says nothing.
      ["azure", "gpt-4o-of-our-team", "gpt-4o-2024-08-06", "0.0035"],
      ["azure", "gpt-4o-of-our-team", "gpt-4o", "0.0035"],
      // A profile of another model.
      ["aws.bedrock", "global.anthropic.claude-opus-4-8", "anthropic.claude-sonnet-4-5-20250929-v1:0", "0.00495"],
    ] as const),
  )("%s: %s's %s, answered by %s, costs $%s", (form, provider, asked, answered, price) => {
    const call = calls(form, { provider, asked, answered });
    if (call !== null) expect(call.price).toBe(price);
  });
});

describe("Claude Code", () => {
  const event = { input_tokens: 1_000, output_tokens: 100 };
  const at = (changes: Attributes, resource: Attributes = {}) => {
    const call = onlyCall(decodeClaudeCode({ ...event, ...changes }, NOW, resource));
    return typeof call === "string" ? call : [pricer.costOf(call).provider, priceOf(call)];
  };

  it.each([
    [{ model: "claude-opus-4-8" }, "anthropic", "0.0075"],
    [{ model: "claude-opus-4-8", "anthropic.provider": "firstParty" }, "anthropic", "0.0075"],
    [{ model: "claude-opus-4-8[1m]" }, "anthropic", "0.0075"],
    [{ model: "us.anthropic.claude-opus-4-8" }, "aws", "0.00825"],
    [{ model: "global.anthropic.claude-opus-4-8" }, "aws", "0.0075"],
    [
      { model: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-opus-4-8" },
      "aws",
      "0.0075",
    ],
    [{ model: "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1" }, "aws", "model_unknown"],
    [{ model: "claude-opus-4-8", "anthropic.provider": "bedrock" }, "aws", "0.00825"],
    [{ model: "claude-sonnet-4-5@20250929" }, "google", "0.0045"],
    [{ model: "claude-opus-4-8@default[1m]" }, "google", "0.0075"],
    [{ model: "claude-opus-4-8", "anthropic.provider": "vertex" }, "google", "0.0075"],
    [{ model: "my-deployment", "anthropic.provider": "foundry" }, "azure", "model_unknown"],
    [{ model: "claude-opus-4-8", "server.address": "bedrock-runtime.eu-west-1.amazonaws.com" }, "aws", "0.00825"],
    [{ model: "claude-opus-4-8", "server.address": "gateway.corp.internal" }, "anthropic", "0.0075"],
  ])("%j is %s's: $%s", (changes, provider, price) => {
    expect(at(changes)).toEqual([provider, price]);
  });

  it("may say in its resource where it went", () => {
    const resource = { "server.address": "europe-west1-aiplatform.googleapis.com" };
    expect(at({ model: "claude-opus-4-8" }, resource)).toEqual(["google", "0.0075"]);
  });

  it("searches the web in a request of its own, and does not say how often", () => {
    expect(at({ model: "claude-opus-4-8", query_source: "web_search_tool" })).toEqual(["anthropic", "usage_ambiguous"]);
  });

  it("with more parts of cache writes than cache writes is kept, without a cost", () => {
    const more = { cache_creation_tokens: 5, cache_creation_1h_tokens: 6 };
    expect(at({ model: "claude-opus-4-8", ...more })).toEqual(["anthropic", "usage_contradictory"]);
  });
});
