import { describe, expect, it } from "vitest";
import { callKey } from "../../../../src/ledger/key.ts";
import { chat, decode, decodeOne, NOW, START_NS, TRACE_ID, type Attributes } from "../otlp/request.ts";

const AT = Number(START_NS.slice(0, -6));
const SPAN_ID = "0000000000000001";

describe("identity and time", () => {
  it("is the trace, the span and the start", () => {
    const trace = decodeOne(chat({}, { parentSpanId: "00f067aa0ba902b7" }));
    expect(trace).toMatchObject({
      id: callKey(AT, `${TRACE_ID}:${SPAN_ID}`),
      clientId: `${TRACE_ID}:${SPAN_ID}`,
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      parentId: "00f067aa0ba902b7",
      startedAtMs: AT,
      durationUs: 250_000,
    });
  });

  it("cuts the start to the millisecond and the duration to the microsecond", () => {
    const start = BigInt(START_NS) + 999_999n;
    const span = { startTimeUnixNano: String(start), endTimeUnixNano: String(start + 1_999n) };
    expect(decodeOne(chat({}, span))).toMatchObject({ startedAtMs: AT, durationUs: 1 });
  });

  it("has no duration where the end is missing or before the start", () => {
    for (const endTimeUnixNano of ["0", String(BigInt(START_NS) - 1n)]) {
      expect(decodeOne(chat({}, { endTimeUnixNano })).durationUs).toBeNull();
    }
  });

  it.each([
    ["no start", "0"],
    ["before 2020", `${Date.UTC(2020, 0, 1) - 1}999999`],
    ["more than 5 minutes ahead", `${NOW + 300_001}000000`],
    ["as late as 64 bits allow", "18446744073709551615"],
  ])("refuses %s", (_, startTimeUnixNano) => {
    const { calls, errors } = decode({ spans: [chat({}, { startTimeUnixNano }), chat()] });
    expect(calls).toHaveLength(1);
    expect(errors).toMatchObject([{ index: 0, code: "timestamp_range" }]);
  });

  it.each([
    ["a trace id of zeros", { traceId: "0".repeat(32) }],
    ["a short trace id", { traceId: "0af7" }],
    ["a long span id", { spanId: "00f067aa0ba902b700f067aa0ba902b700f0" }],
    ["a span id of zeros", { spanId: "0".repeat(16) }],
  ])("refuses %s", (_, ids) => {
    expect(decode({ spans: [chat(), chat({}, ids)] }).errors).toMatchObject([{ index: 1, code: "invalid" }]);
  });

  it("drops a parent id that is none", () => {
    for (const parentSpanId of ["0".repeat(16), "ab"])
      expect(decodeOne(chat({}, { parentSpanId })).parentId).toBeNull();
  });
});

describe("dimensions", () => {
  it("are unknown where nothing names them", () => {
    expect(decodeOne({ attributes: { "gen_ai.operation.name": "chat" } })).toMatchObject({
      application: "unknown",
      environment: "unknown",
      provider: "unknown",
      model: "unknown",
      requestModel: null,
      serviceTier: null,
      userId: null,
      sessionId: null,
      responseId: null,
      reportedCostPico: null,
    });
  });

  it("come from the resource before the span", () => {
    const names = { "service.name": "bot", "deployment.environment": "staging" };
    expect(decodeOne(chat(names))).toMatchObject({ application: "bot", environment: "staging" });
    const resource = { "service.name": "web", "deployment.environment.name": "prod" };
    expect(decodeOne(chat(names), { resource })).toMatchObject({ application: "web", environment: "prod" });
  });

  it("prefer the model that answered", () => {
    const trace = decodeOne(chat({ "gen_ai.response.model": "gpt-5-mini-2025-08-07" }));
    expect(trace).toMatchObject({ model: "gpt-5-mini-2025-08-07", requestModel: "gpt-5-mini" });
    expect(decodeOne(chat()).model).toBe("gpt-5-mini");
  });

  it("know a provider by all its names", () => {
    for (const [name, provider] of [
      ["openai.responses", "openai"],
      ["gcp.gemini", "google"],
      ["aws.bedrock", "aws"],
    ]) {
      expect(decodeOne(chat({ "gen_ai.provider.name": name })).provider).toBe(provider);
    }
    expect(
      decodeOne({ attributes: { "openinference.span.kind": "LLM", metadata: '{"ls_provider":"anthropic"}' } }).provider,
    ).toBe("anthropic");
  });

  it("come from LangChain's notes where Langfuse has no field for them", () => {
    const notes = {
      "langfuse.observation.metadata.ls_provider": "google_genai",
      "langfuse.observation.metadata.ls_model_name": "gemini-2.5-flash",
    };
    expect(decodeOne({ attributes: { "langfuse.observation.type": "generation", ...notes } })).toMatchObject({
      provider: "google",
      model: "gemini-2.5-flash",
      requestModel: "gemini-2.5-flash",
    });
  });

  it("prefer the tier that was given over the one asked for", () => {
    const asked = { "openai.request.service_tier": "auto" };
    expect(decodeOne(chat(asked)).serviceTier).toBe("auto");
    expect(decodeOne(chat({ ...asked, "openai.response.service_tier": "flex" })).serviceTier).toBe("flex");
    expect(decodeOne(chat({ "anthropic.response.service_tier": "priority" })).serviceTier).toBe("priority");
    const parameters = { "llm.invocation_parameters": JSON.stringify({ service_tier: "flex", temperature: 0 }) };
    expect(decodeOne(chat(parameters)).serviceTier).toBe("flex");
    expect(decodeOne(chat({ ...parameters, "openai.response.service_tier": "default" })).serviceTier).toBe("default");
    const place = { "llm.invocation_parameters": JSON.stringify({ speed: "fast", inference_geo: "us" }) };
    expect(decodeOne(chat(place)).serviceTier).toBe("fast+us");
    // Claude Code says at which speed it asked.
    expect(decodeOne(chat({ speed: "fast" })).serviceTier).toBe("fast");
    expect(decodeOne(chat({ speed: "normal" })).serviceTier).toBeNull();
  });

  it.each([
    ["gen_ai.request.model", "x".repeat(513)],
    ["user.id", "x".repeat(513)],
    ["user.id", "a\0b"],
    ["session.id", "a\0b"],
    ["gen_ai.response.id", "a\0b"],
    ["gen_ai.provider.name", "x".repeat(513)],
  ])("refuses a %s that cannot be kept", (name, value) => {
    expect(decode({ spans: [chat({ [name]: value }), chat()] })).toMatchObject({
      calls: [{ spanId: "0000000000000002" }],
      errors: [{ index: 0, code: "invalid" }],
    });
    expect(decodeOne(chat({ [name]: "x".repeat(512) }))).toBeDefined();
  });
});

describe("reported cost", () => {
  it.each<[string, unknown, bigint | null]>([
    ["gen_ai.usage.cost", 0.00192, 1_920_000_000n],
    // A sum of floats: 18 decimals, of which 12 count.
    ["gen_ai.usage.cost", 0.006344000000000001, 6_344_000_000n],
    ["llm.cost.total", 0, 0n],
    ["operation.cost", "0.5", 500_000_000_000n],
    ["gen_ai.usage.cost", NaN, null],
    ["gen_ai.usage.cost", -1.5, null],
    ["langfuse.observation.cost_details", '{"input":0.001,"output":0.002,"total":0.003}', 3_000_000_000n],
    ["langfuse.observation.cost_details", '{"input":0.001,"output":0.002}', 3_000_000_000n],
  ])("%s = %s", (name, value, pico) => {
    expect(decodeOne(chat({ [name]: value })).reportedCostPico).toBe(pico);
  });
});

describe("user, session and tags", () => {
  it.each<[string, Attributes]>([
    ["conventions", { "user.id": "ada", "gen_ai.conversation.id": "s1" }],
    ["a number", { "enduser.id": 7, "session.id": 8 }],
    ["AI SDK", { "ai.telemetry.metadata.userId": "ada", "ai.telemetry.metadata.sessionId": "s1" }],
    [
      "OpenLLMetry",
      { "traceloop.association.properties.user_id": "ada", "traceloop.association.properties.session_id": "s1" },
    ],
    ["OpenInference", { metadata: '{"userId":"ada","session_id":"s1"}' }],
    ["Mastra", { "mastra.metadata.userId": "ada", "mastra.metadata.sessionId": "s1" }],
    ["Laminar", { "lmnr.association.properties.user_id": "ada", "lmnr.association.properties.session_id": "s1" }],
  ])("%s", (_, attributes) => {
    const trace = decodeOne(chat(attributes));
    const number = "enduser.id" in attributes;
    expect(trace).toMatchObject({ userId: number ? "7" : "ada", sessionId: number ? "8" : "s1", tags: {} });
  });

  it("takes no user that is said to be unknown, but the next that is told", () => {
    const unknown = { "ai.telemetry.metadata.userId": "unknown" };
    expect(decodeOne(chat(unknown)).userId).toBe(null);
    expect(decodeOne(chat({ ...unknown, "llm.user": "ada" })).userId).toBe("ada");
    expect(decodeOne(chat(unknown), { resource: { "user.id": "ada" } }).userId).toBe("ada");
  });

  it("collects tags from every source", () => {
    const attributes = {
      "traceloop.association.properties.a": "1",
      "langfuse.trace.metadata.b": "2",
      "ai.telemetry.metadata.c": "3",
      "metadata.d": "4",
      "ai.settings.context.e": "5",
      "mastra.metadata.f": "6",
      "metadata.number": 7,
      "langfuse.trace.tags": ["beta", "new"],
      metadata: '{"g":"8","h":9,"ls_provider":"openai","langgraph_node":"agent"}',
    };
    const tags = { a: "1", b: "2", c: "3", d: "4", e: "5", f: "6", g: "8", tag: "beta,new", team: "search" };
    expect(decodeOne(chat(attributes), { resource: { team: "search" } }).tags).toEqual(tags);
  });

  it("makes no tag of a framework's notes, some of which hold a whole response", () => {
    const notes = {
      "mastra.metadata.body": '{"id":"resp_1"}',
      "mastra.metadata.headers": "{}",
      "mastra.metadata.runId": "r",
    };
    expect(decodeOne(chat({ ...notes, "mastra.metadata.plan": "pro" })).tags).toEqual({ plan: "pro" });
  });

  it("keeps at most 50 tags, no long keys, and 512 characters of a value", () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`metadata.k${n}`, "v"]));
    expect(Object.keys(decodeOne(chat(many)).tags)).toHaveLength(50);
    const long = {
      [`metadata.${"k".repeat(129)}`]: "v",
      "metadata.long": `${"x".repeat(511)}\u{1f600}`,
      "metadata.nul": "a\0b",
    };
    // The cut goes through a surrogate pair, whose half is replaced.
    expect(decodeOne(chat(long)).tags).toEqual({ long: `${"x".repeat(511)}\ufffd`, nul: "a\ufffdb" });
  });

  it("takes each from the nearest span above that has it, in whatever order they come", () => {
    const [a, b, c] = ["00000000000000a1", "00000000000000b2", "00000000000000c3"];
    const leaf = chat({ "metadata.team": "own" }, { spanId: c, parentSpanId: b });
    const middle = { spanId: b, parentSpanId: a, attributes: { "user.id": "near", "metadata.plan": "pro" } };
    const root = {
      spanId: a,
      attributes: { "user.id": "far", "session.id": "s", "metadata.team": "far", "metadata.plan": "free" },
    };
    for (const spans of [
      [leaf, middle, root],
      [root, middle, leaf],
    ]) {
      const trace = decode({ spans }).calls.find(({ spanId }) => spanId === c);
      expect(trace).toMatchObject({ userId: "near", sessionId: "s", tags: { team: "own", plan: "pro" } });
    }
  });

  it("does not cross traces, and survives spans that are each other's parent", () => {
    const [a, b] = ["00000000000000a1", "00000000000000b2"];
    const other = { traceId: "f".repeat(32), spanId: b, attributes: { "user.id": "eve" } };
    expect(decode({ spans: [other, chat({}, { spanId: a, parentSpanId: b })] }).calls[0]!.userId).toBeNull();
    const circle = [
      chat({ "user.id": "ada" }, { spanId: a, parentSpanId: b }),
      chat({}, { spanId: b, parentSpanId: a }),
    ];
    expect(decode({ spans: circle }).calls).toMatchObject([{ userId: "ada" }, { spanId: b }]);
    expect(decodeOne(chat({}, { spanId: a, parentSpanId: a })).userId).toBeNull();
  });

  it("follows 5,000 spans one below the other", () => {
    const id = (n: number) => (n + 1).toString(16).padStart(16, "0");
    const spans = Array.from({ length: 5_000 }, (_, n) =>
      n === 0 ? chat({ "user.id": "ada" }) : chat({}, { spanId: id(n), parentSpanId: id(n - 1) }),
    );
    expect(new Set(decode({ spans }).calls.map(({ userId }) => userId))).toEqual(new Set(["ada"]));
  });
});

it("takes the user from above within its own trace, where two traces use the same span ids", () => {
  const [root, leaf] = ["00000000000000a1", "00000000000000a2"];
  const spans = ["1", "2"].flatMap((digit) => [
    { traceId: digit.repeat(32), spanId: root, attributes: { "user.id": `user-${digit}` } },
    chat({}, { traceId: digit.repeat(32), spanId: leaf, parentSpanId: root }),
  ]);
  expect(decode({ spans }).calls.map(({ userId }) => userId)).toEqual(["user-1", "user-2"]);
});
