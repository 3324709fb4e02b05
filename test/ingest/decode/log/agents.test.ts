/** The rules of coding agents' logs and spans one by one, in both encodings. Whole recordings are in `captures.test.ts`. */
import { describe, expect, it } from "vitest";
import { decodeLogsJson, decodeLogsProtobuf } from "../../../../src/ingest/decode/otlp/logs.ts";
import { decodeOtlpJson } from "../../../../src/ingest/decode/otlp/traces.ts";
import type { Decoded } from "../../../../src/ingest/decode/decoded.ts";
import { personsOf } from "../../../../src/ingest/decode/span/context-attributes.ts";
import { noteOf } from "../../../../src/ledger/note.ts";
import type { Call } from "../../../../src/ledger/call.ts";
import { createPricer } from "../../../../src/pricing/cost.ts";
import { apiRequest, logsRequest, logsToProtobuf, type LogInput } from "../otlp/logs-request.ts";
import { type Attributes, NOW, START_NS, TRACE_ID } from "../otlp/request.ts";

const SPAN_ID = "b7ad6b7169203331";
const PLACE = { traceId: TRACE_ID, spanId: SPAN_ID };
const WRITTEN = new Date(Number(START_NS.slice(0, -6))).toISOString();
const DETAILS = "gen_ai.client.inference.operation.details";

interface Source {
  resource?: Attributes;
  scope?: string;
}

/** Both encodings of a request must say the same. */
function decode(
  records: LogInput[],
  source: Source = {},
  persons = personsOf(["email", "account", "install"]),
): Decoded {
  const json = logsRequest(
    records.map((record) => ({ timeUnixNano: START_NS, ...record })),
    { resource: {}, scope: "any", ...source },
  );
  const decoded = decodeLogsJson(json, NOW, Infinity, persons);
  expect(decodeLogsProtobuf(logsToProtobuf(json), NOW, Infinity, persons)).toEqual(decoded);
  return decoded;
}

function callsOf(records: LogInput[], source: Source = {}): Call[] {
  const { calls, errors } = decode(records, source);
  expect(errors).toEqual([]);
  return calls;
}

function only(records: LogInput[], source: Source = {}): Call {
  const calls = callsOf(records, source);
  expect(calls).toHaveLength(1);
  return calls[0]!;
}

function spansOf(scope: string, spans: Attributes[], resource: Attributes = {}): Decoded {
  const value = (attributes: Attributes): object[] =>
    logsRequest([{ attributes }]).resourceLogs[0]!.scopeLogs[0]!.logRecords[0]!.attributes;
  return decodeOtlpJson(
    {
      resourceSpans: [
        {
          resource: { attributes: value(resource) },
          scopeSpans: [
            {
              scope: { name: scope },
              spans: spans.map((attributes, index) => ({
                traceId: TRACE_ID,
                spanId: `${index + 1}`.padStart(16, "a"),
                startTimeUnixNano: START_NS,
                endTimeUnixNano: START_NS,
                attributes: value(attributes),
              })),
            },
          ],
        },
      ],
    },
    NOW,
  );
}

describe("Codex", () => {
  const codex = (attributes: Attributes, record: LogInput = {}): LogInput => ({
    timeUnixNano: 0,
    observedTimeUnixNano: START_NS,
    ...record,
    attributes: {
      "conversation.id": "c-1",
      "event.timestamp": WRITTEN,
      model: "gpt-5.5",
      auth_mode: "ApiKey",
      ...attributes,
    },
  });
  const completed = (attributes: Attributes = {}): LogInput =>
    codex({
      "event.name": "codex.sse_event",
      "event.kind": "response.completed",
      input_token_count: "1001",
      output_token_count: "201",
      cached_token_count: 900,
      reasoning_token_count: 20,
      tool_token_count: "1202",
      ...attributes,
    });

  it("counts an answer by its record with counts, which may be texts, at the time that the record names", () => {
    const twin = codex({ "event.name": "codex.sse_event", "event.kind": "response.completed" });
    const call = only([twin, completed()]);
    expect(call).toMatchObject({
      inputTokens: 1001,
      outputTokens: 201,
      cacheReadTokens: 900,
      reasoningTokens: 20,
      startedAtMs: Date.parse(WRITTEN),
      application: "codex",
      coveredBy: "api",
      tags: { agent: "codex" },
    });
    expect(only([completed({ auth_mode: "ChatGPT" })]).coveredBy).toBe("plan");
  });

  it("counts a refused request and a broken stream as failed calls, and no other request", () => {
    const request = (status: number): LogInput =>
      codex({ "event.name": "codex.api_request", "http.response.status_code": status });
    const broken = codex({ "event.name": "codex.sse_event", "error.message": "idle timeout" });
    expect(callsOf([request(200)])).toEqual([]);
    expect(only([request(429)])).toMatchObject({ status: "error", errorType: "429", inputTokens: 0 });
    expect(only([request(200), broken])).toMatchObject({ status: "error", outputTokens: 0, reportedCostPico: 0n });
    // Several records of one failure have one time, and so one key.
    expect(new Set(callsOf([broken, broken]).map(({ id }) => id)).size).toBe(1);
  });

  it("joins the span by its conversation, which any span of its trace names, or by its trace until one does", () => {
    const counts = {
      "gen_ai.usage.input_tokens": 1001,
      "gen_ai.usage.output_tokens": 201,
      "gen_ai.usage.cache_read.input_tokens": 900,
    };
    const answered = { ...counts, "codex.usage.total_tokens": 1202, "codex.usage.reasoning_output_tokens": 20 };
    const log = only([completed()]);
    const known = spansOf("codex_exec", [answered, { "conversation.id": "c-1", model: "gpt-5.5" }]).calls[0]!;
    expect(known).toMatchObject({ model: "gpt-5.5", sessionId: "c-1", reasoningTokens: 20, tags: { agent: "codex" } });
    expect(known.otherIds).toEqual(log.otherIds);
    const alone = spansOf("codex_exec", [answered]).calls[0]!;
    expect(alone).toMatchObject({ model: "unknown", inputTokens: 1001 });
    expect(alone.otherIds.some((id) => log.otherIds.includes(id))).toBe(false);
    // Two conversations in one trace: neither is taken.
    const two = spansOf("codex_exec", [answered, { "conversation.id": "c-1" }, { "conversation.id": "c-2" }]).calls[0]!;
    expect(two).toMatchObject({ sessionId: null });
    expect(spansOf("codex_exec", [{ "codex.turn.token_usage.total_tokens": 5, model: "gpt-5.5" }]).calls).toEqual([]);
  });
});

describe("Gemini CLI and Qwen Code", () => {
  const gemini = (event: string, attributes: Attributes = {}, record: LogInput = {}): LogInput => ({
    ...record,
    attributes: { "event.name": event, "event.timestamp": WRITTEN, "session.id": "s-1", ...attributes },
  });
  const COUNTS = {
    input_token_count: 4298,
    output_token_count: 229,
    cached_content_token_count: 3099,
    thoughts_token_count: 629,
  };
  const answer = gemini("gemini_cli.api_response", {
    ...COUNTS,
    tool_token_count: 32,
    model: "gemini-2.5-pro",
    role: "main",
  });
  const twinOf = (attributes: Attributes): LogInput =>
    gemini(DETAILS, {
      "gen_ai.operation.name": "generate_content",
      "gen_ai.provider.name": "gcp.gen_ai",
      "gen_ai.request.model": "gemini-2.5-pro",
      ...attributes,
    });
  const twin = twinOf({
    "gen_ai.response.id": "gem-1",
    "gen_ai.usage.input_tokens": 4298,
    "gen_ai.usage.output_tokens": 229,
  });
  const source = { scope: "gemini-cli" };

  it("gives an answer and its twin an id that they share, and the answer more counts", () => {
    const [first, second] = callsOf([answer, twin], source);
    expect(first).toMatchObject({
      inputTokens: 4330,
      outputTokens: 858,
      cacheReadTokens: 3099,
      tags: { agent: "gemini-cli", role: "main" },
    });
    expect(second).toMatchObject({
      inputTokens: 4298,
      outputTokens: 229,
      provider: "google",
      responseId: "gem-1",
      tags: { agent: "gemini-cli" },
    });
    // The file of the session has the cached tokens in its evidence, as the answer has.
    expect(second!.otherIds).toEqual(first!.otherIds.slice(0, 2));
    expect(second!.usageSemantics).toContain("without thoughts, cache and tools");
  });

  it("gives failed twins an id that they share, of their time alone, and counts no request before its answer", () => {
    const error = gemini("gemini_cli.api_error", {
      model: "gemini-2.5-pro",
      status_code: 429,
      "error.type": "ApiError",
    });
    const [first, second] = callsOf([error, twinOf({ "error.type": "ApiError" })], source);
    expect([first!.status, second!.status]).toEqual(["error", "error"]);
    expect(second!.otherIds).toEqual(first!.otherIds);
    expect(first!.otherIds).toHaveLength(1);
    expect(callsOf([twinOf({})], source)).toEqual([]);
  });

  it("never counts the span of Gemini CLI, also with counts", () => {
    const span = { "gen_ai.operation.name": "llm_call", "gen_ai.request.model": "gemini-2.5-pro" };
    const counts = { "gen_ai.usage.input_tokens": 4298, "gen_ai.usage.output_tokens": 229 };
    expect(spansOf("gemini-cli", [span, { ...span, ...counts }]).calls).toEqual([]);
  });

  it("places Qwen Code's record below the span in which it was written, and reads tokens of tools from the total", () => {
    const record = gemini(
      "qwen-code.api_response",
      { ...COUNTS, total_token_count: 5188, model: "gemini-2.5-pro", response_id: "gem-2" },
      PLACE,
    );
    const call = only([record]);
    expect(call).toMatchObject({
      inputTokens: 4330,
      outputTokens: 858,
      responseId: "gem-2",
      tags: { agent: "qwen-code" },
    });
    expect(call).toMatchObject({ traceId: TRACE_ID, parentId: SPAN_ID, spanId: noteOf(SPAN_ID) });
    const outside = gemini("qwen-code.api_response", {
      ...COUNTS,
      total_token_count: 4527,
      model: "qwen3-coder-plus",
      auth_type: "openai",
    });
    expect(only([outside])).toMatchObject({ provider: "openai", inputTokens: 4298, outputTokens: 229, traceId: null });
  });
});

describe("the event of a call", () => {
  const details = (attributes: Attributes = {}, record: LogInput = {}): LogInput => ({
    eventName: DETAILS,
    ...PLACE,
    ...record,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.response.model": "gpt-5-mini",
      "gen_ai.conversation.id": "s-1",
      "metadata.team": "search",
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 60,
      ...attributes,
    },
  });

  it("is read by the rules of spans", () => {
    expect(only([details({ "gen_ai.response.id": "resp-1" })])).toMatchObject({
      provider: "openai",
      model: "gpt-5-mini",
      inputTokens: 100,
      cacheReadTokens: 60,
      sessionId: "s-1",
      tags: { team: "search" },
      responseId: "resp-1",
      parentId: SPAN_ID,
      rule: DETAILS,
    });
  });

  it("counts alone without a span's ids, and is another call at another time", () => {
    const [first, second] = callsOf([
      details({}, { traceId: "", spanId: "" }),
      details({}, { traceId: "", spanId: "", timeUnixNano: `${BigInt(START_NS) + 1_000_000n}` }),
    ]);
    expect(first).toMatchObject({ traceId: null, spanId: null, parentId: null });
    expect(first!.id).not.toBe(second!.id);
  });

  it("counts a failure, and nothing of wrappers", () => {
    const failed = details({ "gen_ai.usage.input_tokens": "", "gen_ai.usage.output_tokens": "", "error.type": "429" });
    expect(callsOf([details({ "gen_ai.operation.name": "invoke_agent" })]).filter(({ billable }) => billable)).toEqual(
      [],
    );
    const { calls, errors } = decode([failed]);
    expect([...calls.map(({ status }) => status), ...errors.map(({ code }) => code)]).toEqual(["invalid"]);
    expect(
      only([
        {
          ...failed,
          attributes: { ...failed.attributes, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0 },
        },
      ]),
    ).toMatchObject({ status: "error" });
  });
});

describe("Cline", () => {
  const tokens = (attributes: Attributes = {}): LogInput => ({
    body: { stringValue: "task.tokens" },
    attributes: {
      ulid: "01J",
      tokensIn: 100,
      tokensOut: 20,
      cacheReadTokens: 300,
      cacheWriteTokens: 50,
      totalCost: 0.0042,
      provider: "bedrock",
      model: "anthropic.claude-sonnet-4-5-20250929-v1:0",
      ...attributes,
    },
  });

  it("adds cached tokens to the input, and takes its cost", () => {
    expect(only([tokens()])).toMatchObject({
      inputTokens: 450,
      outputTokens: 20,
      provider: "aws",
      sessionId: "01J",
      reportedCostPico: 4_200_000_000n,
      tags: { agent: "cline" },
      application: "cline",
    });
  });

  it("leaves an event of this name that has no counts to others, and refuses counts that cannot be", () => {
    expect(callsOf([{ body: { stringValue: "task.tokens" }, attributes: { n: 1 } }])).toEqual([]);
    expect(decode([tokens({ tokensIn: -1 })]).errors).toMatchObject([{ code: "invalid" }]);
  });
});

describe("Claude Code", () => {
  const price = (call: Call) => createPricer().costOf(call);

  it("prices a model with a long context, on Bedrock and on Vertex like the model itself", () => {
    const plain = price(only([apiRequest()])).costPico;
    expect(plain).not.toBeNull();
    for (const model of ["claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5@20250929"])
      expect(price(only([apiRequest({ model })])).costPico).not.toBeNull();
    const bedrock = only([apiRequest({ model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0" })]);
    expect(bedrock.provider).toBe("aws");
    expect(price(bedrock).costPico).not.toBeNull();
  });

  it("counts no summary of a sub-agent, and no note that retries are used up", () => {
    const named = (name: string): LogInput =>
      apiRequest({ "event.name": name }, { body: { stringValue: `claude_code.${name}` } });
    expect(callsOf([named("subagent_completed"), named("api_retries_exhausted"), named("not_known_yet")])).toEqual([]);
  });

  it("has one set of tags in records and spans", () => {
    const log = only([
      apiRequest({
        query_source: "agent:builtin:explore",
        "agent.name": "explore",
        effort: "high",
        "skill.name": "pdf",
      }),
    ]);
    const span = spansOf("com.anthropic.claude_code.tracing", [
      {
        "span.type": "llm_request",
        model: "claude-haiku-5-5",
        "gen_ai.request.model": "claude-haiku-5-5",
        input_tokens: 1,
        output_tokens: 1,
        query_source_safe: "agent.builtin.explore",
        effort: "high",
        "skill.name": "pdf",
      },
    ]).calls[0]!;
    expect(log.tags).toEqual({
      agent: "claude-code",
      query_source: "agent:builtin:explore",
      subagent: "explore",
      effort: "high",
      skill: "pdf",
    });
    expect(span.tags).toEqual(log.tags);
    expect(span.application).toBe("claude-code");
  });

  it("takes the person, then the account, then the installation, or those that the setting names", () => {
    const all = { "user.email": "ada@example.com", "user.account_uuid": "acc-1", "user.id": "install-1" };
    const userOf = (attributes: Attributes, kinds: Parameters<typeof personsOf>[0]) =>
      decode([apiRequest(attributes)], {}, personsOf(kinds)).calls[0]!.userId;
    const order = ["email", "account", "install"] as const;
    expect(userOf(all, order)).toBe("ada@example.com");
    expect(userOf({ ...all, "user.email": null }, order)).toBe("acc-1");
    expect(userOf({ "user.id": "install-1" }, order)).toBe("install-1");
    expect(userOf(all, ["install", "email"])).toBe("install-1");
    expect(userOf({ "user.id": "install-1" }, ["email"])).toBeNull();
  });
});

describe("Copilot", () => {
  const chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "github",
    "gen_ai.request.model": "gpt-5-mini",
  };
  const counts = { "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20 };

  it.each(["github.copilot", "copilot-chat"])(
    "takes credits as an exact cost and no multiplier as money: %s",
    (scope) => {
      const credits = {
        "github.copilot.nano_aiu": 1_234_567_891,
        "github.copilot.cost": 3,
        "gen_ai.request.reasoning.level": "low",
      };
      const [call] = spansOf(scope, [{ ...chat, ...counts, ...credits }]).calls;
      expect(call).toMatchObject({
        provider: "github",
        reportedCostPico: 12_345_678_910n,
        tags: { agent: "copilot", effort: "low" },
      });
      expect(spansOf(scope, [{ ...chat, ...counts, "github.copilot.cost": 3 }]).calls[0]).toMatchObject({
        provider: "openai",
        reportedCostPico: null,
      });
    },
  );

  it("bills no agent and no turn around calls", () => {
    const around = { ...counts, "gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "github" };
    expect(spansOf("github.copilot", [around]).calls.filter(({ billable }) => billable)).toEqual([]);
    const turn = { eventName: "copilot_chat.agent.turn", attributes: { ...counts, "turn.index": 1 } };
    expect(callsOf([turn], { scope: "copilot-chat" })).toEqual([]);
  });
});

describe("any agent", () => {
  it("refuses a record of a time that cannot be, and of counts that went backwards, and keeps the others", () => {
    const { calls, errors } = decode([
      apiRequest({ output_tokens: -5 }),
      apiRequest({}, { timeUnixNano: `${BigInt(NOW + 600_000) * 1_000_000n}` }),
      apiRequest({}, { timeUnixNano: 0 }),
      apiRequest({ input_tokens: "100" }),
    ]);
    expect(errors.map(({ index, code }) => [index, code])).toEqual([
      [0, "invalid"],
      [1, "timestamp_range"],
      [2, "timestamp_range"],
    ]);
    expect(calls).toMatchObject([{ inputTokens: 450 }]);
  });

  it("tags the calls of opencode, whose spans are a library's", () => {
    const span = {
      "ai.operationId": "ai.streamText.doStream",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.system": "openai",
      "gen_ai.usage.input_tokens": 5,
      "gen_ai.usage.output_tokens": 1,
    };
    expect(spansOf("ai", [span], { "service.name": "opencode" }).calls[0]!.tags).toEqual({ agent: "opencode" });
    expect(spansOf("ai", [span], { "service.name": "shop" }).calls[0]!.tags).toEqual({});
  });
});
