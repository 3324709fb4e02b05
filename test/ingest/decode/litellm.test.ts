/** LiteLLM's callback: a captured body against what was true, and single entries against the rules they follow. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLitellm } from "../../../src/ingest/decode/litellm.ts";
import type { Call } from "../../../src/ledger/call.ts";
import { createPricer } from "../../../src/pricing/cost.ts";

const CAPTURES = join(import.meta.dirname, "../../fixtures/captures/litellm-generic-handmade");
const NOW = Date.UTC(2026, 10, 30);
/** 2026-09-21T14:13:21.25Z */
const START = 1790000001.25;

type Fields = Record<string, unknown>;

function read<T>(scenario: string, file: string): T {
  return JSON.parse(readFileSync(join(CAPTURES, scenario, file), "utf8")) as T;
}

const TOKENS: Record<string, keyof Call> = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cache_read_tokens: "cacheReadTokens",
  cache_write_tokens: "cacheWriteTokens",
  cache_write_5m_tokens: "cacheWrite5mTokens",
  cache_write_1h_tokens: "cacheWrite1hTokens",
  reasoning_tokens: "reasoningTokens",
};

describe("captured bodies", () => {
  it.each(["array", "single"])("%s", (scenario) => {
    const { billable } = read<{ billable: Fields[] }>(scenario, "truth.json");
    const decoded = decodeLitellm([read<unknown>(scenario, "01.body")].flat(), NOW);
    expect(decoded.errors).toEqual([]);
    const calls = decoded.calls.filter((call) => call.billable);
    expect(calls.length).toBe(billable.length);
    for (const [i, truth] of billable.entries()) {
      const call = calls[i]!;
      // A count of zero and a count that is not stated are the same amount of tokens.
      for (const [what, field] of Object.entries(TOKENS)) expect([what, call[field] ?? 0]).toEqual([what, truth[what]]);
      const sent = !(truth["not_transmitted"] as string[]).includes("model");
      expect(call).toMatchObject({
        provider: truth["provider"],
        model: sent ? truth["model"] : truth["request_model"],
        requestModel: truth["request_model"],
        operation: truth["operation"],
        status: truth["error"] === true ? "error" : "ok",
        userId: truth["user_id"],
        sessionId: null,
        application: truth["application"],
        environment: "unknown",
        tags: truth["tags"],
      });
    }
  });

  it("keep an answer from LiteLLM's own cache out of the bill, without tokens and at no cost", () => {
    const { calls } = decodeLitellm(read<unknown[]>("array", "01.body"), NOW);
    const cached = calls.filter((trace) => !trace.billable);
    expect(cached).toMatchObject([
      { clientId: "cached-answer", inputTokens: 0, outputTokens: 0, rule: "litellm cache_hit", reportedCostPico: 0n },
    ]);
    expect(createPricer().costOf(cached[0]!)).toMatchObject({ costPico: 0n, unpricedReason: null });
  });

  it("tell images that a model made, and its searches", () => {
    const usage_object = {
      prompt_tokens: 100,
      completion_tokens: 1_300,
      prompt_tokens_details: { image_tokens: 90, cached_tokens: 80, web_search_requests: 0 },
      completion_tokens_details: { image_tokens: 1_290 },
      server_tool_use: { web_search_requests: 2 },
    };
    const { calls } = decodeLitellm([{ id: "a", model: "m", startTime: START, metadata: { usage_object } }], NOW);
    // 90 images and 80 cached tokens of 100: some are both, and which is not told.
    expect(calls).toMatchObject([{ inputImageTokens: null, outputImageTokens: 1_290, webSearches: 2 }]);
  });

  it("give times, the reported cost, the error, and nothing of what was said", () => {
    const { calls } = decodeLitellm(read<unknown[]>("array", "01.body"), NOW);
    expect(calls[0]).toMatchObject({
      startedAtMs: 1790000001250,
      durationUs: 1_500_000,
      responseId: "chatcmpl-mock1",
    });
    // $0.0031 x 1e12
    expect(calls[0]!.reportedCostPico).toBe(3_100_000_000n);
    expect(calls[2]).toMatchObject({ status: "error", errorType: "RateLimitError", responseId: null });
    expect(JSON.stringify(calls, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /Oslo|Traceback|10\.0\.0\.1/,
    );
  });
});

function entry(fields: Fields = {}): Fields {
  return {
    id: "chatcmpl-1",
    call_type: "acompletion",
    status: "success",
    custom_llm_provider: "openai",
    model: "gpt-5-mini",
    startTime: START,
    endTime: START + 0.5,
    prompt_tokens: 100,
    completion_tokens: 20,
    ...fields,
  };
}

function decodeOne(fields: Fields): Call {
  const { calls, errors } = decodeLitellm([entry(fields)], NOW);
  expect(errors).toEqual([]);
  return calls[0]!;
}

const withUsage = (usage_object: unknown): Fields => ({ metadata: { usage_object } });

describe("times", () => {
  it.each([
    // The difference of these floats is 0.0019001960754 s.
    [1790000001.001, 1790000001.0029, 1790000001001, 1_900],
    [1790000001.999999, 1790000002.000001, 1790000001999, 2],
    [1790000001, 1790000001, 1790000001000, 0],
  ])("%d to %d are %d ms and %d us", (startTime, endTime, startedAtMs, durationUs) => {
    expect(decodeOne({ startTime, endTime })).toMatchObject({ startedAtMs, durationUs });
  });

  it.each([[null], [START - 1], [START + 400 * 86_400]])("gives no duration for an end of %d", (endTime) => {
    expect(decodeOne({ endTime }).durationUs).toBeNull();
  });
});

it.each([
  ["completion", "chat"],
  ["acompletion", "chat"],
  ["anthropic_messages", "chat"],
  ["aresponses", "chat"],
  ["atext_completion", "text_completion"],
  ["aembedding", "embeddings"],
  ["arerank", "rerank"],
  ["aimage_generation", "image_generation"],
  ["atranscription", "transcription"],
  ["aspeech", "speech"],
  ["amoderation", "moderation"],
  ["aimage_edit", "image_edit"],
  ["aocr", "ocr"],
  ["acreate_video", "video_generation"],
  ["asearch", "search"],
  ["allm_passthrough_route", "allm_passthrough_route"],
  [null, "chat"],
])("call type %s is operation %s", (call_type, operation) => {
  expect(decodeOne({ call_type }).operation).toBe(operation);
});

describe("usage", () => {
  it("takes the plain counts where there is no usage object", () => {
    expect(decodeOne({})).toMatchObject({ inputTokens: 100, outputTokens: 20, cacheReadTokens: null });
  });

  it("lets the usage object win over the plain counts", () => {
    const usage = { prompt_tokens: 1_000, completion_tokens: 200, prompt_tokens_details: { cached_tokens: 400 } };
    expect(decodeOne(withUsage(usage))).toMatchObject({ inputTokens: 1_000, outputTokens: 200, cacheReadTokens: 400 });
  });

  it("reads Anthropic's cache beside OpenAI's totals once: 500 of 1,000 were read, 300 written", () => {
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 200,
      prompt_tokens_details: { cached_tokens: 500 },
      cache_read_input_tokens: 500,
      cache_creation_input_tokens: 300,
    };
    expect(decodeOne(withUsage(usage))).toMatchObject({
      inputTokens: 1_000,
      cacheReadTokens: 500,
      cacheWriteTokens: 300,
    });
  });

  it("reads a provider's own object: 100 + 500 read + 300 written = 900", () => {
    const usage = {
      input_tokens: 100,
      output_tokens: 20,
      cache_read_input_tokens: 500,
      cache_creation_input_tokens: 300,
    };
    expect(decodeOne(withUsage(usage))).toMatchObject({
      inputTokens: 900,
      cacheReadTokens: 500,
      usageSemantics: "provider usage (anthropic)",
    });
  });

  it("adds cached tokens and reasoning that exceed the totals said to hold them", () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 20,
      prompt_tokens_details: { cached_tokens: 500 },
      completion_tokens_details: { reasoning_tokens: 50 },
    };
    expect(decodeOne(withUsage(usage))).toMatchObject({ inputTokens: 600, outputTokens: 70 });
  });

  it("takes an answer with no tokens at all for one whose usage is unknown", () => {
    const trace = decodeOne({ prompt_tokens: 0, completion_tokens: 0, call_type: "aimage_generation" });
    expect(trace).toMatchObject({ inputTokens: null, outputTokens: null });
    expect(createPricer().costOf(trace)).toMatchObject({ costPico: null, unpricedReason: "usage_unknown" });
  });

  it("takes a failed call without usage for one that used nothing", () => {
    const trace = decodeOne({ status: "failure", prompt_tokens: undefined, completion_tokens: undefined });
    expect(trace).toMatchObject({ inputTokens: 0, outputTokens: 0 });
    expect(createPricer().costOf(trace).costPico).toBe(0n);
  });
});

it("keeps an entry whose parts exceed their whole, with its totals", () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 20,
    cache_creation_input_tokens: 10,
    prompt_tokens_details: { cache_creation_token_details: { ephemeral_1h_input_tokens: 20 } },
  };
  const { calls, errors } = decodeLitellm([entry(withUsage(usage))], NOW);
  expect(errors).toEqual([]);
  expect(calls).toMatchObject([
    { inputTokens: 100, outputTokens: 20, cacheWriteTokens: null, doubt: "usage_contradictory" },
  ]);
});

describe("who and what", () => {
  it.each([
    [{ user_api_key_user_id: "ada" }, "customer", "ada"],
    [{ user_api_key_user_id: "" }, "customer", "customer"],
    [{ user_api_key_end_user_id: "other" }, null, "other"],
    [{}, null, null],
  ])("of %j and end user %s the user is %s", (metadata, end_user, userId) => {
    expect(decodeOne({ metadata, end_user }).userId).toBe(userId);
  });

  it("makes request tags one tag, and tags of their own by key, after the team of the caller's key", () => {
    const request_tags = ["jobID:77", "team:red", "plain", "https://x", "User-Agent: curl/8", "", 5, "a\0b:c"];
    expect(decodeOne({ request_tags, metadata: { user_api_key_team_alias: "search" } }).tags).toEqual({
      team: "search",
      tag: "jobID:77,team:red,plain,https://x,a\ufffdb:c",
      jobID: "77",
    });
  });

  it("strips the route from a model, and calls gateways no provider", () => {
    expect(decodeOne({ model: "openai/gpt-5-mini" }).model).toBe("gpt-5-mini");
    expect(decodeOne({ model: "meta/llama" }).model).toBe("meta/llama");
    expect(decodeOne({ custom_llm_provider: "vertex_ai" }).provider).toBe("google");
    expect(decodeOne({ custom_llm_provider: "litellm_proxy" }).provider).toBe("unknown");
  });

  it("prices by the tier that was given, else asked for", () => {
    expect(decodeOne({ model_parameters: { service_tier: "flex" } }).serviceTier).toBe("flex");
    const both = { model_parameters: { service_tier: "flex" }, response: { service_tier: "default" } };
    expect(decodeOne(both).serviceTier).toBe("default");
    // https://github.com/BerriAI/litellm/pull/9077: the call that fetches a batch has what the batch used.
    expect(decodeOne({ call_type: "aretrieve_batch" }).serviceTier).toBe("batch");
  });

  it("takes the error's class, else its code", () => {
    const failed = (error_information: unknown) => decodeOne({ status: "failure", error_information }).errorType;
    expect(failed({ error_class: "RateLimitError", error_code: "429" })).toBe("RateLimitError");
    expect(failed({ error_class: "", error_code: "429" })).toBe("429");
    expect(failed(null)).toBeNull();
  });
});

describe("a wrong entry", () => {
  it.each<[string, unknown, string]>([
    ["null", null, "JSON object"],
    ["a number", 5, "JSON object"],
    ["an array", [], "JSON object"],
    ["no id", entry({ id: undefined }), "id is required"],
    ["an empty id", entry({ id: "" }), "id is required"],
    ["a number as id", entry({ id: 5 }), "id must be a string"],
    ["a long id", entry({ id: "x".repeat(513) }), "longer"],
    ["NUL in the id", entry({ id: "a\0" }), "NUL"],
    ["half a surrogate pair in the model", entry({ model: "\ud800" }), "surrogate"],
    ["NUL in the user", entry({ end_user: "a\0" }), "NUL"],
    ["no start", entry({ startTime: undefined }), "startTime is required"],
    ["text as start", entry({ startTime: "1790000001.25" }), "startTime must be"],
    ["an infinite start", entry({ startTime: Number.POSITIVE_INFINITY }), "startTime must be"],
    ["an unknown status", entry({ status: "maybe" }), "status"],
    ["text as tokens", entry({ prompt_tokens: "100" }), "prompt_tokens"],
    ["negative tokens", entry({ completion_tokens: -1 }), "completion_tokens"],
    ["fractional tokens", entry({ completion_tokens: 1.5 }), "completion_tokens"],
    ["tokens past 2^31-1", entry({ prompt_tokens: 2 ** 31 }), "prompt_tokens"],
    ["a wrong count in the usage object", entry(withUsage({ prompt_tokens: true })), "usage_object.prompt_tokens"],
    [
      "a sum past 2^31-1",
      entry(withUsage({ prompt_tokens: 2, prompt_tokens_details: { cached_tokens: 2 ** 31 - 1 } })),
      "token count",
    ],
    [
      "a sum past 2^31-1 in a provider's form",
      entry(withUsage({ input_tokens: 2, output_tokens: 1, cache_read_input_tokens: 2 ** 31 - 1 })),
      "token count",
    ],
    ["__proto__", JSON.parse('{"id":"a","startTime":1790000001,"__proto__":{"x":1}}'), "__proto__"],
  ])("is refused alone: %s", (_, wrong, message) => {
    const { calls, indexes, errors } = decodeLitellm([entry({ id: "a" }), wrong, entry({ id: "b" })], NOW);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["a", "b"]);
    expect(indexes).toEqual([0, 2]);
    expect(errors).toEqual([{ index: 1, code: "invalid", message: expect.stringContaining(message) }]);
  });

  it.each([0, -1, 1.5e9, NOW / 1_000 + 301, NOW, 1e300])("start %d is out of range", (startTime) => {
    expect(decodeLitellm([entry({ startTime })], NOW).errors).toMatchObject([{ code: "timestamp_range" }]);
  });

  it.each([-1, Number.POSITIVE_INFINITY, "0.1", 1e15])(
    "a cost of %d is left out, as it is for comparison only",
    (cost) => {
      expect(decodeOne({ response_cost: cost }).reportedCostPico).toBeNull();
    },
  );
});

it("makes a trace or an error of any JSON, and a trace always keeps its bounds", () => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  const fields = fc.record(
    {
      id: fc.oneof(fc.string(), anything),
      startTime: fc.oneof(fc.double(), fc.constant(START), anything),
      endTime: anything,
      status: fc.oneof(fc.constantFrom("success", "failure"), anything),
      prompt_tokens: fc.oneof(fc.nat(), anything),
      metadata: fc.oneof(
        anything,
        fc.record({
          usage_object: fc.oneof(
            anything,
            fc.record({ prompt_tokens: fc.nat(), completion_tokens: anything, cache_read_input_tokens: fc.nat() }),
          ),
          user_api_key_user_id: anything,
        }),
      ),
      request_tags: anything,
      cache_hit: anything,
      response_cost: anything,
      error_information: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(anything, fields.map(entry)), { maxLength: 5 }), (items) => {
      const { calls, errors, indexes } = decodeLitellm(items, NOW);
      expect(calls.length + errors.length).toBe(items.length);
      expect(indexes.length).toBe(calls.length);
      for (const trace of calls) {
        expect(trace.inputTokens ?? 0).toBeLessThan(2 ** 31);
        expect(trace.outputTokens ?? 0).toBeLessThan(2 ** 31);
        expect(trace.startedAtMs).toBeLessThanOrEqual(NOW + 300_000);
        for (const value of Object.values(trace.tags)) expect(value.isWellFormed() && !value.includes("\0")).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
