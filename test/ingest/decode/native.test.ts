import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLines } from "../../../src/ingest/decode/json.ts";
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import { callKey } from "../../../src/ledger/key.ts";
import { type Call, NO_USAGE } from "../../../src/ledger/call.ts";

const tooMany = expect.objectContaining({ name: "ApiError", code: "body_too_large" });

const NOW = Date.UTC(2026, 2, 10);
const AT = Date.UTC(2026, 2, 9);

type Item = Record<string, unknown>;

const item = (fields: Item = {}): Item => ({ id: "a", timestamp: AT, model: "gpt-4o", ...fields });

function decodeOne(fields: Item): Call {
  const { calls, errors } = decodeNative([item(fields)], NOW);
  expect(errors).toEqual([]);
  return calls[0]!;
}

/** Why an item is refused. */
function refusal(fields: Item): string {
  const { calls, errors } = decodeNative([item(fields)], NOW);
  expect(calls).toEqual([]);
  return `${errors[0]!.code}: ${errors[0]!.message}`;
}

describe("decodeNative", () => {
  it("fills in what may be missing", () => {
    expect(decodeOne({})).toEqual({
      id: callKey(AT, "a"),
      clientId: "a",
      traceId: null,
      spanId: null,
      parentId: null,
      responseId: null,
      startedAtMs: AT,
      durationUs: null,
      application: "unknown",
      environment: "unknown",
      provider: "unknown",
      model: "gpt-4o",
      requestModel: null,
      requestProvider: null,
      doubt: null,
      otherIds: [],
      unknownUsageMembers: [],
      operation: "chat",
      serviceTier: null,
      userId: null,
      sessionId: null,
      tags: {},
      status: "ok",
      errorType: null,
      ...NO_USAGE,
      reportedCostPico: null,
      billable: true,
      wrapper: false,
      rule: "native",
      usageSemantics: "inclusive",
      costIs: "exact",
      coveredBy: "api",
    });
  });

  it("takes null and empty text as missing", () => {
    const fields = [
      "provider",
      "application",
      "environment",
      "operation",
      "user_id",
      "tags",
      "duration_ms",
      "cost_usd",
    ];
    expect(decodeOne(Object.fromEntries(fields.map((field) => [field, null])))).toEqual(decodeOne({}));
    const texts = Object.fromEntries(fields.slice(0, 5).map((field) => [field, ""]));
    expect(decodeOne(texts)).toEqual(decodeOne({}));
  });

  it("gives the same identity the same key, and others another", () => {
    const key = decodeOne({}).id;
    expect(decodeOne({ timestamp: new Date(AT).toISOString(), model: "other", user_id: "u" }).id).toBe(key);
    expect(decodeOne({ timestamp: AT + 0.9 }).id).toBe(key);
    expect(decodeOne({ id: "b" }).id).not.toBe(key);
    expect(decodeOne({ timestamp: AT + 1 }).id).not.toBe(key);
  });

  it("adds cache writes by age up where all writes are missing", () => {
    expect(decodeOne({ cache_write_5m_tokens: 3, cache_write_1h_tokens: 4, input_tokens: 10 }).cacheWriteTokens).toBe(
      7,
    );
    expect(decodeOne({ cache_write_1h_tokens: 4, input_tokens: 10 }).cacheWriteTokens).toBe(4);
    expect(decodeOne({ cache_write_tokens: 9, cache_write_1h_tokens: 4, input_tokens: 10 }).cacheWriteTokens).toBe(9);
  });

  it("takes images and searches as they are stated", () => {
    const counts = {
      input_tokens: 10,
      input_image_tokens: 6,
      output_tokens: 9,
      output_image_tokens: 8,
      web_searches: 2,
    };
    expect(decodeOne(counts)).toMatchObject({ inputImageTokens: 6, outputImageTokens: 8, webSearches: 2 });
    expect(refusal({ web_searches: 0.5 })).toMatch(/^invalid: web_searches/);
    expect(refusal({ ...counts, cache_read_tokens: 5 })).toMatch(/^invalid: cached, audio and image/);
    expect(refusal({ ...counts, reasoning_tokens: 2 })).toMatch(/^invalid: reasoning, audio and image/);
  });

  it("takes a failed call without usage as one that used nothing; with usage, as it says", () => {
    expect(decodeOne({ status: "error" })).toMatchObject({ inputTokens: 0, outputTokens: 0, status: "error" });
    expect(decodeOne({ status: "error", input_tokens: 5 })).toMatchObject({ inputTokens: 5, outputTokens: null });
    expect(decodeOne({ status: "ok" })).toMatchObject({ inputTokens: null, outputTokens: null });
  });

  it("keeps microseconds of a duration", () => {
    expect(decodeOne({ duration_ms: 12.3456 }).durationUs).toBe(12_346);
    expect(decodeOne({ duration_ms: 0 }).durationUs).toBe(0);
  });

  it("keeps a reported cost exactly", () => {
    expect(decodeOne({ cost_usd: "0.000000000001" }).reportedCostPico).toBe(1n);
    expect(decodeOne({ cost_usd: 0.1 }).reportedCostPico).toBe(100_000_000_000n);
    expect(decodeOne({ cost_usd: 0 }).reportedCostPico).toBe(0n);
  });

  it("takes what the cost is from who knows that fields are incomplete", () => {
    expect(decodeOne({ cost_is: "lower_bound" }).costIs).toBe("lower_bound");
    expect(decodeOne({ cost_is: null }).costIs).toBe("exact");
    expect(refusal({ cost_is: "about" })).toMatch(/^invalid: cost_is must be one of exact/);
  });

  it("refuses nesting past 32 levels in an item", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
    const lines = [nested(31), nested(32)].map((extra) => JSON.stringify(item({ extra })));
    const { calls, errors } = decodeNative(parseLines(lines.join("\n"), 2), NOW);
    expect(calls.map(({ model }) => model)).toEqual(["gpt-4o"]);
    expect(errors).toEqual([{ index: 1, code: "too_deep", message: "the item is nested deeper than 32 levels" }]);
  });

  it("counts the items, and tells errors by index", () => {
    const decoded = decodeNative([item(), 7, item({ id: "b" }), item({ timestamp: 1 })], NOW);
    expect(decoded.items).toBe(4);
    expect(decoded.calls.map(({ clientId }) => clientId)).toEqual(["a", "b"]);
    expect(decoded.errors.map(({ index, code }) => [index, code])).toEqual([
      [1, "invalid"],
      [3, "timestamp_range"],
    ]);
  });

  it("makes a trace or an error of any JSON, and a trace always keeps its bounds", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.double(),
      fc.string({ unit: "binary" }),
      fc.constantFrom(2 ** 31 - 1, 2 ** 31, 1, 1_000, AT, "a", "error", "2026-03-09T00:00:00Z"),
    );
    const fields = Object.keys(item()).concat(
      "input_tokens output_tokens cache_read_tokens cache_write_tokens cache_write_5m_tokens cache_write_1h_tokens reasoning_tokens input_audio_tokens output_audio_tokens input_image_tokens output_image_tokens web_searches duration_ms cost_usd tags status user_id".split(
        " ",
      ),
    );
    const any = fc.dictionary(fc.constantFrom(...fields), value).map((fields) => ({ ...item(), ...fields }));
    fc.assert(
      fc.property(fc.array(fc.oneof(any, fc.jsonValue()), { maxLength: 5 }), (items) => {
        const { calls, errors } = decodeNative(items, NOW);
        expect(calls.length + errors.length).toBe(items.length);
        for (const trace of calls) {
          const sum = (...parts: (number | null)[]): number => parts.reduce<number>((sum, n) => sum + (n ?? 0), 0);
          const { cacheReadTokens, cacheWriteTokens, inputAudioTokens, inputImageTokens, webSearches } = trace;
          const input = sum(cacheReadTokens, cacheWriteTokens, inputAudioTokens, inputImageTokens);
          const output = sum(trace.reasoningTokens, trace.outputAudioTokens, trace.outputImageTokens);
          for (const count of [trace.inputTokens, trace.outputTokens, cacheWriteTokens, webSearches, input, output]) {
            expect(count === null || (Number.isInteger(count) && count >= 0 && count <= 2 ** 31 - 1)).toBe(true);
          }
          for (const text of [trace.clientId, trace.model, trace.userId, ...Object.values(trace.tags)]) {
            expect(text === null || (text.isWellFormed() && !text.includes("\0") && text.length <= 512)).toBe(true);
          }
          expect(trace.durationUs === null || Number.isSafeInteger(trace.durationUs)).toBe(true);
          expect(trace.reportedCostPico === null || trace.reportedCostPico < 2n ** 63n).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("lines of NDJSON", () => {
  it("skips blank lines, takes CR LF, and counts lines that are not JSON as items in error", () => {
    const text = `${JSON.stringify(item())}\r\n\r\n  \n{"id":\n${JSON.stringify(item({ id: "b" }))}`;
    const decoded = decodeNative(parseLines(text, 10), NOW);
    expect(decoded).toMatchObject({ items: 3, errors: [{ index: 1, code: "invalid" }] });
    expect(decoded.calls).toHaveLength(2);
  });

  it("refuses more lines than allowed", () => {
    expect(decodeNative(parseLines("{}\n{}\n", 2), NOW).items).toBe(2);
    expect(() => parseLines("{}\n{}\n{}", 2)).toThrow(tooMany);
  });
});

describe("the provider's own usage object", () => {
  const counts = (usage: unknown) => {
    const { calls } = decodeNative([{ id: "u", timestamp: NOW, model: "m", usage }], NOW);
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens, usageSemantics } = calls[0]!;
    return [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens, usageSemantics];
  };

  it("of OpenAI is inclusive", () => {
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 300,
      prompt_tokens_details: { cached_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 200 },
    };
    expect(counts(usage)).toEqual([1_000, 300, 400, null, 200, "provider usage (openai)"]);
  });

  it("of Anthropic leaves cached tokens out of its input, so they are added", () => {
    // 100 + 400 read + 500 written
    const usage = {
      input_tokens: 100,
      output_tokens: 50,
      cache_read_input_tokens: 400,
      cache_creation_input_tokens: 500,
    };
    expect(counts(usage)).toEqual([1_000, 50, 400, 500, null, "provider usage (anthropic)"]);
  });

  it("is read as the named provider means it", () => {
    const of = (provider: string, usage: unknown) => decodeOne({ provider, usage });
    // xAI has the reasoning beside the output: 168 + 304
    const chat = {
      prompt_tokens: 26,
      completion_tokens: 168,
      completion_tokens_details: { reasoning_tokens: 304 },
    };
    expect(of("xai", chat)).toMatchObject({ outputTokens: 472, usageSemantics: "provider usage (x-ai)" });
    // OpenAI has it inside, so that this cannot be OpenAI's.
    expect(of("openai", chat)).toMatchObject({
      outputTokens: 168,
      reasoningTokens: null,
      doubt: "usage_contradictory",
    });
    // Perplexity too: 7,163 + 73,997. Citations are beside both.
    const research = {
      prompt_tokens: 33,
      completion_tokens: 7_163,
      reasoning_tokens: 73_997,
      citation_tokens: 20_016,
      num_search_queries: 18,
      cost: { input_tokens_cost: 0.0001, total_cost: 0.41 },
    };
    expect(of("perplexity", research)).toMatchObject({
      outputTokens: 81_160,
      citationTokens: 20_016,
      webSearches: 18,
    });
    expect(of("cohere", { billed_units: { input_tokens: 5, output_tokens: 418 } })).toMatchObject({
      inputTokens: 5,
      outputTokens: 418,
    });
    expect(of("bedrock", { inputTokens: 100, outputTokens: 50, totalTokens: 150 })).toMatchObject({
      inputTokens: 100,
      usageSemantics: "provider usage (bedrock)",
    });
  });

  it("counts images and searches", () => {
    const google = {
      promptTokenCount: 300,
      candidatesTokenCount: 1_300,
      promptTokensDetails: [{ modality: "IMAGE", tokenCount: 258 }],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_290 }],
    };
    expect(decodeOne({ usage: google })).toMatchObject({ inputImageTokens: 258, outputImageTokens: 1_290 });
    const searched = { input_tokens: 10, output_tokens: 5, server_tool_use: { web_search_requests: 3 } };
    expect(decodeOne({ usage: searched }).webSearches).toBe(3);
    // OpenAI's objects do not tell searches: the item's own field does.
    const chat = { prompt_tokens: 10, completion_tokens: 5 };
    expect(decodeOne({ usage: chat, web_searches: 2 })).toMatchObject({ inputTokens: 10, webSearches: 2 });
  });

  it("that nobody knows leaves the usage unknown", () => {
    expect(counts({ words: 3 })).toEqual([null, null, null, null, null, "inclusive"]);
  });

  it.each([
    ["negative", { input_tokens: -1, output_tokens: 1 }],
    ["fractional", { prompt_tokens: 1.5, completion_tokens: 1 }],
    ["text", { prompt_tokens: "12", completion_tokens: 1 }],
    ["nested and negative", { prompt_tokens: 1, completion_tokens: 1, prompt_tokens_details: { cached_tokens: -1 } }],
    ["no object", "x"],
    ["no number of searches", { input_tokens: 1, output_tokens: 1, server_tool_use: { web_search_requests: -1 } }],
    ["half a search", { prompt_tokens: 1, completion_tokens: 1, num_search_queries: 0.5 }],
    // 2,147,483,647 + 9
    ["in range but not added up", { input_tokens: 2 ** 31 - 1, cache_read_input_tokens: 9, output_tokens: 1 }],
  ])("with a count that is %s is refused", (_, usage) => {
    const { calls, errors } = decodeNative([{ id: "u", timestamp: NOW, model: "m", usage }], NOW);
    expect([calls.length, errors[0]?.code]).toEqual([0, "invalid"]);
  });

  it("with a count that is cached more often than it is there is kept with its totals, without a cost", () => {
    const usage = {
      promptTokenCount: 9,
      candidatesTokenCount: 1,
      cachedContentTokenCount: 8,
      promptTokensDetails: [{ modality: "IMAGE", tokenCount: 7 }],
      cacheTokensDetails: [{ modality: "IMAGE", tokenCount: 8 }],
    };
    expect(decodeOne({ usage })).toMatchObject({
      inputTokens: 9,
      outputTokens: 1,
      cacheReadTokens: null,
      doubt: "usage_contradictory",
    });
  });

  it("with numbers that are no counts under names that nobody reads is taken", () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      completion_tokens_per_sec: 12.5,
      time_to_first_token: 0.1,
    };
    expect(decodeOne({ usage })).toMatchObject({
      inputTokens: 10,
      unknownUsageMembers: ["completion_tokens_per_sec", "time_to_first_token"],
    });
  });

  it("came from where `base_url` says, whatever library called", () => {
    const call = decodeOne({ provider: "openai", base_url: "https://api.groq.com/openai/v1" });
    expect(call).toMatchObject({ provider: "groq", requestProvider: "openai" });
  });
});
