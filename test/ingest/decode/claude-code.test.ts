/** Claude Code's log events: a captured body against what was true, in both encodings, and the rules one by one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOG_ATTRIBUTES } from "../../../src/ingest/decode/log/emitters.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../../src/ingest/decode/otlp/logs.ts";
import type { Decoded } from "../../../src/ingest/decode/decoded.ts";
import type { Call } from "../../../src/ledger/call.ts";
import { createPricer } from "../../../src/pricing/cost.ts";
import { apiRequest, logsRequest, logsToProtobuf, type JsonLogs, type LogInput } from "./otlp/logs-request.ts";
import { NOW, START_NS, type Attributes } from "./otlp/request.ts";

const malformed = expect.objectContaining({ name: "ApiError", code: "invalid_body" });
const tooMany = expect.objectContaining({ name: "ApiError", code: "body_too_large" });

const CAPTURES = join(import.meta.dirname, "../../fixtures/captures");
const START_MS = Number(START_NS.slice(0, -6));

function read<T>(path: string): T {
  return JSON.parse(readFileSync(join(CAPTURES, path), "utf8")) as T;
}

/** Both encodings of a request must say the same. */
function decodeBoth(json: JsonLogs): Decoded {
  const decoded = decodeLogsJson(json, NOW);
  expect(decodeLogsProtobuf(logsToProtobuf(json), NOW)).toEqual(decoded);
  return decoded;
}

function decode(records: LogInput[], rest: Parameters<typeof logsRequest>[1] = {}): Decoded {
  return decodeBoth(
    logsRequest(
      records.map((record) => ({ timeUnixNano: START_NS, ...record })),
      rest,
    ),
  );
}

function decodeOne(attributes: Attributes, record: LogInput = {}, rest: Parameters<typeof logsRequest>[1] = {}): Call {
  const { calls, errors } = decode([apiRequest(attributes, record)], rest);
  expect(errors).toEqual([]);
  expect(calls).toHaveLength(1);
  return calls[0]!;
}

describe("an answer of which all counts are 0", () => {
  const zeros = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_creation_tokens: 0, cost_usd: 0 };
  const nothing = { inputTokens: null, outputTokens: null, cacheReadTokens: null, cacheWriteTokens: null };

  it("was not told its usage: 1.0 logs one so after a 429", () => {
    const call = decodeOne(zeros);
    expect(call).toMatchObject({ ...nothing, usageSemantics: expect.stringContaining("not told") });
    expect(createPricer().costOf(call)).toMatchObject({ costPico: null, unpricedReason: "usage_unknown" });
  });

  it("is whole with any count, and a failed request used nothing", () => {
    expect(decodeOne({ ...zeros, cache_read_tokens: 5 })).toMatchObject({ inputTokens: 5, outputTokens: 0 });
    expect(
      decodeOne({ ...zeros, "event.name": "api_error" }, { body: { stringValue: "claude_code.api_error" } }),
    ).toMatchObject({ inputTokens: 0, outputTokens: 0 });
  });
});

describe("the captured body", () => {
  const body = read<JsonLogs>("claude-code-logs-handmade/logs-json/01.body");
  const { billable } = read<{ billable: Record<string, unknown>[] }>("claude-code-logs-handmade/logs-json/truth.json");

  it("gives each call with its true tokens, and nothing for prompts and tools", () => {
    const { items, calls, errors, indexes } = decodeBoth(body);
    expect({ items, errors, indexes }).toEqual({ items: 5, errors: [], indexes: [1, 3, 4] });
    for (const [i, truth] of billable.entries()) {
      expect(calls[i]).toMatchObject({
        provider: truth["provider"],
        model: truth["model"],
        operation: truth["operation"],
        inputTokens: truth["input_tokens"],
        outputTokens: truth["output_tokens"],
        cacheReadTokens: truth["error"] === true ? null : truth["cache_read_tokens"],
        cacheWriteTokens: truth["error"] === true ? null : truth["cache_write_tokens"],
        status: truth["error"] === true ? "error" : "ok",
        // The person comes before the installation, which the truth names.
        userId: "ada@example.com",
        sessionId: truth["session_id"],
        application: truth["application"],
        environment: "unknown",
        tags: truth["tags"],
        billable: true,
      });
    }
  });

  it("gives identities, times and what Claude Code thinks it cost", () => {
    const { calls } = decodeBoth(body);
    expect(calls).toMatchObject([
      // Logged at 1790000002.000 s, after 1.842 s. $0.0421 x 1e12
      {
        clientId: "req_mock_1",
        startedAtMs: 1790000000158,
        durationUs: 1_842_000,
        reportedCostPico: 42_100_000_000n,
        errorType: null,
      },
      { clientId: "req_mock_3", startedAtMs: 1790000002158 },
      {
        clientId: "00000000-0000-4000-8000-000000000001:1790000005000000000:api_error",
        startedAtMs: 1790000004988,
        durationUs: 12_000,
        reportedCostPico: 0n,
        errorType: "429",
      },
    ]);
    expect(createPricer().costOf(calls[2]!).costPico).toBe(0n);
    // 1,147 x $3 + 3,147 x $0.30 + 9,294 x $3.75 + 254 x $15 a million
    expect(createPricer().costOf(calls[0]!).costPico).toBe(43_047_600_000n);
  });

  it("gives the same keys when it is sent again", () => {
    expect(decodeBoth(body).calls.map(({ id }) => id)).toEqual(decodeBoth(body).calls.map(({ id }) => id));
  });
});

describe("which records are calls", () => {
  const bare: LogInput = { body: { stringValue: "something else" } };

  it.each<[string, Attributes, LogInput]>([
    ["the body", { "event.name": null }, {}],
    ["the attribute with its prefix", { "event.name": "claude_code.api_request" }, bare],
    ["the attribute without it", { "event.name": "api_request" }, bare],
    ["the field with its prefix", { "event.name": null }, { ...bare, eventName: "claude_code.api_request" }],
    ["the field without it", { "event.name": null }, { ...bare, eventName: "api_request" }],
    ["the attribute of a record without a body", { "event.name": "api_request" }, { body: {} }],
  ])("are known by %s", (_, attributes, record) => {
    expect(decodeOne(attributes, record).rule).toBe("claude_code.api_request");
  });

  it("needs a mark of Claude Code beside a name without its prefix", () => {
    const others = { resource: { "service.name": "shop" }, scope: "shop" };
    expect(decode([apiRequest({ "session.id": null }, bare)], others).calls).toEqual([]);
    expect(decode([apiRequest({}, bare)], others).calls).toHaveLength(1);
    expect(decode([apiRequest({ "session.id": null }, bare)], { ...others, scope: "claude-code" }).calls).toHaveLength(
      1,
    );
    expect(decode([apiRequest({ "session.id": null }, {})], others).calls).toHaveLength(1);
  });

  it.each(["user_prompt", "tool_result", "tool_decision", "api_request_body", "api_retries_exhausted", ""])(
    "are not %s",
    (name) => {
      const record = { body: { stringValue: `claude_code.${name}` }, eventName: `claude_code.${name}` };
      expect(decode([apiRequest({ "event.name": name }, record)])).toMatchObject({ items: 1, calls: [], errors: [] });
    },
  );

  it("are none where a record is empty", () => {
    expect(decode([{}, { body: { intValue: "5" } }])).toMatchObject({ items: 2, calls: [], errors: [] });
    expect(decodeLogsJson({}, NOW).items).toBe(0);
  });
});

describe("counts", () => {
  it("makes the input inclusive: 100 + 300 read + 50 written = 450", () => {
    expect(decodeOne({})).toMatchObject({ inputTokens: 450, cacheReadTokens: 300, cacheWriteTokens: 50 });
  });

  it("reads digits as text, as old releases send them", () => {
    const text = { input_tokens: "100", output_tokens: "20", cache_read_tokens: "300", cache_creation_tokens: "50" };
    const trace = decodeOne({ ...text, duration_ms: "1500", cost_usd: "0.0421" });
    expect(trace).toMatchObject({ inputTokens: 450, outputTokens: 20, durationUs: 1_500_000 });
    expect(trace.reportedCostPico).toBe(42_100_000_000n);
  });

  it("leaves what is not said unknown", () => {
    const trace = decodeOne({ input_tokens: null, output_tokens: null });
    expect(trace).toMatchObject({ inputTokens: null, outputTokens: null });
    expect(createPricer().costOf(trace)).toMatchObject({ costPico: null, unpricedReason: "usage_unknown" });
  });

  it.each<[Attributes, bigint | null]>([
    [{ cost_usd: 0.1 + 0.2 }, 300_000_000_000n],
    [{ cost_usd: null, cost_usd_micros: 42_100 }, 42_100_000_000n],
    [{ cost_usd: null, cost_usd_micros: "42100" }, 42_100_000_000n],
    [{ cost_usd: "" }, null],
    [{ cost_usd: "free" }, null],
    [{ cost_usd: -1 }, null],
    [{}, null],
  ])("reads the reported cost of %j", (attributes, pico) => {
    expect(decodeOne(attributes).reportedCostPico).toBe(pico);
  });

  it("takes the fast mode for a tier of its own, so that it is not billed as standard", () => {
    expect(decodeOne({ speed: "normal" }).serviceTier).toBeNull();
    const fast = decodeOne({ speed: "fast" });
    expect(createPricer().costOf(fast)).toMatchObject({ costPico: null, unpricedReason: "tier_unknown" });
  });
});

describe("time", () => {
  it("is the record's time less the duration", () => {
    expect(decodeOne({ duration_ms: 1_500 }).startedAtMs).toBe(START_MS - 1_500);
    expect(decodeOne({ duration_ms: 0.6 }).startedAtMs).toBe(START_MS - 1);
    expect(decodeOne({ duration_ms: null })).toMatchObject({ startedAtMs: START_MS, durationUs: null });
  });

  it("is that of the event where the record has none, else when it was observed", () => {
    const observed = { timeUnixNano: "0", observedTimeUnixNano: START_NS };
    expect(decodeOne({ duration_ms: null }, observed).startedAtMs).toBe(START_MS);
    const written = { "event.timestamp": new Date(START_MS - 5_000).toISOString(), duration_ms: null };
    expect(decodeOne(written, observed).startedAtMs).toBe(START_MS - 5_000);
  });
});

describe("who and what", () => {
  it("tells calls without a request id apart by session, time and event", () => {
    const ids = [
      decodeOne({}),
      decodeOne({ "session.id": "session-2" }),
      decodeOne({}, { timeUnixNano: `${START_NS.slice(0, -1)}1` }),
      decodeOne({ "event.name": "api_error" }, { body: { stringValue: "claude_code.api_error" } }),
      decodeOne({ request_id: "req_1" }),
      decodeOne({ request_id: "req_2" }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("takes the account before the installation", () => {
    expect(decodeOne({ "user.account_uuid": "account" }).userId).toBe("account");
    expect(decodeOne({ "user.id": null, "user.account_uuid": "account" }).userId).toBe("account");
  });

  it("takes application, environment and tags from the resource", () => {
    const resource = {
      "service.name": "agents",
      "deployment.environment.name": "ci",
      "team.id": "platform",
      department: "engineering",
      cost_center: "eng-1\0",
      "host.arch": "arm64",
    };
    expect(decodeOne({}, {}, { resource })).toMatchObject({
      application: "agents",
      environment: "ci",
      tags: { team: "platform", department: "engineering", cost_center: "eng-1\ufffd" },
    });
  });

  it("names an error by its status, else in its words", () => {
    const error = { body: { stringValue: "claude_code.api_error" } };
    expect(decodeOne({ status_code: "529" }, error).errorType).toBe("529");
    expect(decodeOne({ status_code: "undefined", error: "Connection error.\0" }, error).errorType).toBe(
      "Connection error.\ufffd",
    );
    expect(decodeOne({}, error)).toMatchObject({ errorType: null, inputTokens: 0, outputTokens: 0, status: "error" });
  });
});

describe("a wrong record", () => {
  it.each<[string, Attributes, LogInput]>([
    ["negative tokens", { input_tokens: -1 }, {}],
    ["fractional tokens", { output_tokens: 1.5 }, {}],
    ["no digits", { input_tokens: "12abc" }, {}],
    ["empty digits", { input_tokens: "" }, {}],
    ["a boolean", { input_tokens: true }, {}],
    ["tokens past 2^31-1", { input_tokens: 2 ** 31 }, {}],
    ["a sum past 2^31-1", { input_tokens: 2, cache_read_tokens: 2 ** 31 - 1 }, {}],
    ["an integer past 2^53", { output_tokens: 2n ** 60n }, {}],
    ["a negative duration", { duration_ms: -1 }, {}],
    ["an endless duration", { duration_ms: Number.POSITIVE_INFINITY }, {}],
    ["a long model", { model: "m".repeat(513) }, {}],
    ["NUL in the user", { "user.id": "a\0" }, {}],
    ["a long request id", { request_id: "r".repeat(513) }, {}],
  ])("is refused alone: %s", (_, attributes, record) => {
    const good = [apiRequest({ request_id: "a" }), apiRequest({ request_id: "b" })];
    const { calls, errors, indexes } = decode([good[0]!, apiRequest(attributes, record), good[1]!]);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["a", "b"]);
    expect(indexes).toEqual([0, 2]);
    expect(errors).toMatchObject([{ index: 1, code: "invalid" }]);
  });

  it.each(["0", "1000000000", "18446744073709551615", `${NOW + 301_000}000000`])("time %s is out of range", (time) => {
    const { errors } = decode([apiRequest({ duration_ms: 0 }, { timeUnixNano: time })]);
    expect(errors).toMatchObject([{ index: 0, code: "timestamp_range" }]);
  });

  it("has a time that is no number", () => {
    const json = logsRequest([apiRequest({}, { timeUnixNano: "soon" })]);
    expect(decodeLogsJson(json, NOW).errors).toMatchObject([{ index: 0, code: "invalid" }]);
  });
});

describe("a wrong body", () => {
  it.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["no list of resources", { resourceLogs: 5 }],
    ["a scope that is none", { resourceLogs: [{ scopeLogs: [null] }] }],
    ["attributes of a resource that are none", { resourceLogs: [{ resource: { attributes: [1] } }] }],
  ])("is malformed: %s", (_, value) => {
    expect(() => decodeLogsJson(value, NOW)).toThrow(malformed);
  });

  it.each<[string, unknown]>([
    ["a record that is none", null],
    ["attributes that are none", { attributes: [1] }],
  ])("refuses %s alone", (_, record) => {
    const good = logsRequest([apiRequest({}, { timeUnixNano: START_NS, eventName: "x" })]).resourceLogs[0]!
      .scopeLogs[0]!;
    const value = { resourceLogs: [{ scopeLogs: [{ ...good, logRecords: [record, ...good.logRecords] }] }] };
    const { calls, errors } = decodeLogsJson(value, NOW);
    expect(errors).toMatchObject([{ index: 0 }]);
    expect(calls).toHaveLength(1);
  });

  it("nests a record's body too deep", () => {
    let value: unknown = { stringValue: "x" };
    for (let i = 0; i < 40; i++) value = { arrayValue: { values: [value] } };
    const { errors } = decodeLogsJson({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: value }] }] }] }, NOW);
    expect(errors).toMatchObject([{ index: 0, code: "too_deep" }]);
  });

  it("is cut off anywhere: malformed or shorter, never anything else", () => {
    const whole = logsToProtobuf(logsRequest([apiRequest({}, { timeUnixNano: START_NS, eventName: "x" })]));
    for (let end = 1; end < whole.length; end++) {
      expect(() => decodeLogsProtobuf(whole.subarray(0, end), NOW)).toThrow(malformed);
    }
  });

  it("has too many records", () => {
    const json = logsRequest([apiRequest(), apiRequest()]);
    expect(() => decodeLogsJson(json, NOW, 1)).toThrow(tooMany);
    expect(() => decodeLogsProtobuf(logsToProtobuf(json), NOW, 1)).toThrow(tooMany);
  });
});

it("makes a trace, an error or nothing of any attributes, alike in both encodings", () => {
  const value = fc.oneof(
    fc.string(),
    fc.nat(),
    fc.double({ noInteger: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
  );
  const names = [...LOG_ATTRIBUTES];
  const attributes = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
  fc.assert(
    fc.property(attributes, attributes, (record, resource) => {
      const { calls, errors } = decode([apiRequest(record)], { resource: resource as Attributes });
      expect(calls.length + errors.length).toBe(1);
      for (const { inputTokens, outputTokens } of calls) {
        expect(Math.max(inputTokens ?? 0, outputTokens ?? 0)).toBeLessThan(2 ** 31);
      }
    }),
    { numRuns: 500 },
  );
});
