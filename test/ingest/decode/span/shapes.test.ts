/**
 * Spans of emitters of which there is no recording, in the shape that their documentation or source gives them.
 * Where there is one, it is a fixture of `test/ingest/captures.test.ts`.
 */
import { describe, expect, it } from "vitest";
import { decode, decodeOne, type Attributes } from "../otlp/request.ts";

describe("gateways", () => {
  const generation = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.provider.name": "OpenAI",
    "gen_ai.request.model": "openai/gpt-4o",
    "gen_ai.response.model": "openai/gpt-4o",
    "gen_ai.response.finish_reason": "stop",
    "gen_ai.usage.input_tokens": 150,
    "gen_ai.usage.input_tokens.cached": 10,
    "gen_ai.usage.input_tokens.audio": 4,
    "gen_ai.usage.output_tokens": 50,
    "gen_ai.usage.output_tokens.reasoning": 5,
    "gen_ai.usage.output_tokens.image": 3,
    "gen_ai.usage.total_cost": 0.0035,
    "user.id": "ada",
    "session.id": "s1",
    "trace.metadata.env": "production",
    "trace.metadata.openrouter.provider_name": "OpenAI",
    "trace.metadata.openrouter.provider_slug": "openai",
    "trace.metadata.openrouter.api_key_name": "assistant",
    "trace.metadata.openrouter.entity_id": "entity-1",
  };

  it("OpenRouter bills by itself, whoever answered", () => {
    const trace = decodeOne(
      { attributes: generation },
      { scope: "openrouter", resource: { "service.name": "openrouter" } },
    );
    expect(trace).toMatchObject({
      billable: true,
      provider: "openrouter",
      model: "openai/gpt-4o",
      inputTokens: 150,
      cacheReadTokens: 10,
      // Which of the cached tokens are audio is not said.
      inputAudioTokens: null,
      doubt: "usage_ambiguous",
      outputTokens: 50,
      reasoningTokens: 5,
      outputImageTokens: 3,
      reportedCostPico: 3_500_000_000n,
      userId: "ada",
      sessionId: "s1",
      tags: { env: "production", "openrouter.api_key_name": "assistant" },
    });
  });

  it("OpenRouter's failed generation is a failed call", () => {
    const failed = { ...generation, "gen_ai.response.finish_reason": "error" };
    expect(decodeOne({ attributes: failed })).toMatchObject({ status: "error" });
  });

  it.each(["gen_ai.model.provider", "gen_ai.provider.name"])("Cloudflare's AI Gateway, with %s", (provider) => {
    const attributes = {
      "gen_ai.request.model": "claude-haiku-4-5",
      [provider]: "anthropic",
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 7,
      "gen_ai.usage.cost": 0.0125,
      "gen_ai.prompt_json": "[]",
      "gen_ai.completion_json": "{}",
    };
    expect(decodeOne({ attributes }, { resource: { "service.name": "ai-gateway" } })).toMatchObject({
      billable: true,
      rule: "model and usage",
      application: "ai-gateway",
      provider: "anthropic",
      model: "claude-haiku-4-5",
      inputTokens: 12,
      outputTokens: 7,
      reportedCostPico: 12_500_000_000n,
    });
  });

  it("Vercel's AI Gateway states tier and cost, the cost as text", () => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.response.model": "gpt-5-mini",
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.cache_read.input_tokens": 60,
      "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.reasoning.output_tokens": 8,
      "vercel.ai_gateway.cost.total": "0.000105",
      "vercel.ai_gateway.service_tier": "flex",
    };
    expect(decodeOne({ attributes })).toMatchObject({ serviceTier: "flex", reportedCostPico: 105_000_000n });
  });

  it("LiteLLM: without an operation where messages are not logged, and no second call below", () => {
    const request = {
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.system": "openai",
      "gen_ai.response.id": "chatcmpl-1",
      "gen_ai.response.model": "gpt-4o-2024-08-06",
      "gen_ai.usage.prompt_tokens": 30,
      "gen_ai.usage.completion_tokens": 5,
      "gen_ai.usage.total_tokens": 35,
      "gen_ai.cost.total_cost": 0.000125,
      "metadata.user_api_key_user_id": "ada",
      "metadata.user_api_key_team_alias": "search",
    };
    const raw = { "llm.openai.model": "gpt-4o", "llm.openai.messages": "[]" };
    const spans = [
      { spanId: "00000000000000b1", parentSpanId: "00000000000000a1", attributes: raw },
      { spanId: "00000000000000a1", attributes: request },
    ];
    expect(decode({ scope: "litellm", spans })).toMatchObject({
      items: 2,
      calls: [
        {
          billable: true,
          provider: "openai",
          model: "gpt-4o-2024-08-06",
          inputTokens: 30,
          outputTokens: 5,
          reportedCostPico: 125_000_000n,
          userId: "ada",
          tags: { user_api_key_team_alias: "search" },
        },
      ],
    });
  });
});

describe("Pydantic AI and Logfire", () => {
  const request = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-haiku-4-5",
    "gen_ai.response.model": "claude-haiku-4-5-20251001",
    "gen_ai.usage.input_tokens": 600,
    "gen_ai.usage.output_tokens": 90,
    "gen_ai.usage.details.cache_read_tokens": 400,
    "gen_ai.usage.details.cache_write_tokens": 100,
    "gen_ai.usage.details.thinking_tokens": 60,
    "operation.cost": 0.00125,
  };

  it("count a request once, its run not at all", () => {
    const run = {
      agent_name: "assistant",
      model_name: "claude-haiku-4-5",
      "gen_ai.aggregated_usage.input_tokens": 600,
      "gen_ai.aggregated_usage.output_tokens": 90,
    };
    const { calls } = decode({ scope: "pydantic-ai", spans: [{ attributes: request }, { attributes: run }] });
    expect(calls).toMatchObject([
      {
        billable: true,
        inputTokens: 600,
        cacheReadTokens: 400,
        cacheWriteTokens: 100,
        outputTokens: 90,
        reasoningTokens: 60,
        reportedCostPico: 1_250_000_000n,
        usageSemantics: "inclusive; cache writes for an hour are not told from those for five minutes",
        costIs: "lower_bound",
      },
    ]);
  });

  it("keep a run's own sum as a wrapper's, in the older form", () => {
    const run = { ...request, "gen_ai.operation.name": "invoke_agent" };
    expect(decodeOne({ attributes: run })).toMatchObject({ billable: false, wrapper: true, inputTokens: 600 });
  });

  it("call Google by the API", () => {
    for (const name of ["google-gla", "google-vertex"])
      expect(decodeOne({ attributes: { ...request, "gen_ai.provider.name": name } }).provider).toBe("google");
  });

  it.each<[string, number]>([
    ["opentelemetry.instrumentation.google_genai", 140], // 90 + 50
    ["pydantic-ai", 90],
  ])("%s: Gemini's thoughts make an output of %i", (scope, outputTokens) => {
    const attributes = { ...request, "gen_ai.usage.details.thoughts_tokens": 50 };
    const { "gen_ai.usage.details.thinking_tokens": _, ...gemini } = attributes;
    expect(decodeOne({ attributes: gemini }, { scope })).toMatchObject({ outputTokens, reasoningTokens: 50 });
  });
});

describe("Google's ADK", () => {
  const call = {
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gen_ai.usage.input_tokens": 50,
    "gen_ai.usage.output_tokens": 20,
    "gcp.vertex.agent.session_id": "s1",
  };
  const adk = (attributes: Attributes) =>
    decodeOne({ attributes: { ...call, ...attributes } }, { scope: "gcp.vertex.agent" });

  it("says in Python's spelling what the response counted", () => {
    const usage_metadata = { prompt_token_count: 50, candidates_token_count: 20, thoughts_token_count: 30 };
    expect(adk({ "gcp.vertex.agent.llm_response": JSON.stringify({ usage_metadata }) })).toMatchObject({
      billable: true,
      provider: "unknown",
      inputTokens: 50,
      outputTokens: 50, // 20 + 30
      reasoningTokens: 30,
      sessionId: "s1",
    });
  });

  it("leaves the thoughts out of the output, until it has a name of the conventions for them", () => {
    const silent = { "gcp.vertex.agent.llm_response": "{}" };
    // 20 + 15
    expect(adk({ ...silent, "gen_ai.usage.experimental.reasoning_tokens": 15 }).outputTokens).toBe(35);
    expect(adk({ ...silent, "gen_ai.usage.reasoning.output_tokens": 15 }).outputTokens).toBe(20);
  });
});

describe("Claude Code", () => {
  it("reports calls as logs: the spans beside them are not a second call", () => {
    const request = {
      "span.type": "llm_request",
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": "claude-opus-5",
      model: "claude-opus-5",
      "session.id": "s1",
      request_id: "req_1",
      input_tokens: 2,
      output_tokens: 1_200,
      cache_read_tokens: 84_562,
      cache_creation_tokens: 7_096,
    };
    expect(decode({ spans: [{ attributes: request }] })).toMatchObject({ items: 1, calls: [] });
  });
});

describe("TanStack AI", () => {
  it("sends Anthropic's own input, which leaves the cache out, in each iteration and their sum", () => {
    const call = {
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": "claude-haiku-4-5",
      "gen_ai.usage.input_tokens": 500,
      "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 100,
    };
    for (const name of ["tanstack.ai.iteration", "tanstack.ai.iterations"])
      expect(decodeOne({ attributes: { ...call, [name]: 0 } }).inputTokens).toBe(600);
    expect(decodeOne({ attributes: call }).inputTokens).toBe(500);
  });
});

describe("Strands Agents", () => {
  const call = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "strands-agents",
    "gen_ai.event.start_time": "2026-11-29T00:00:00.000Z",
    "gen_ai.usage.input_tokens": 500,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read_input_tokens": 100,
    "gen_ai.usage.cache_write_input_tokens": 50,
  };

  it.each<[string, number]>([
    ["claude-haiku-4-5", 650], // 500 + 100 + 50
    ["us.anthropic.claude-haiku-4-5-20251001-v1:0", 500],
    ["gpt-5-mini", 500],
  ])("%s: an input of %i", (model, inputTokens) => {
    expect(decodeOne({ attributes: { ...call, "gen_ai.request.model": model } })).toMatchObject({
      provider: "unknown",
      inputTokens,
      cacheReadTokens: 100,
      cacheWriteTokens: 50,
    });
  });

  it("names no provider where it only repeats the service's name", () => {
    const named = { ...call, "gen_ai.system": "shop-agent", "gen_ai.request.model": "gpt-5-mini" };
    const { calls } = decode({ resource: { "service.name": "shop-agent" }, spans: [{ attributes: named }] });
    expect(calls).toMatchObject([{ provider: "unknown", application: "shop-agent" }]);
    expect(decodeOne({ attributes: named }).provider).toBe("shop-agent");
  });
});
