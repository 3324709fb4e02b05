/** What each agent's files say of a call. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SOURCES } from "../../scripts/import/agents/sources.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { at, sessions, type Sent, START_MS } from "./agent-sessions.ts";
import { startFakeLedger } from "./fake-ledger.ts";

const json = (...records: object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");

async function imported(from: string, files: Record<string, string>, flags: string[] = []) {
  await using ledger = await startFakeLedger();
  const { run } = await sessions(from, files);
  const { calls, account } = await run(ledger, flags);
  // Whatever is sent must be what the ledger takes.
  const decoded = decodeNative(calls, START_MS + 3_600_000);
  expect(decoded.errors).toEqual([]);
  return { calls, decoded: decoded.calls, report: account.report().join("\n") };
}

const tokens = (calls: readonly Sent[]): unknown[] =>
  calls.map((call) => [call.input_tokens, call["cache_read_tokens"], call.output_tokens, call["reasoning_tokens"]]);

describe("Codex", () => {
  const THREAD = "01a2230c-152e-70d0-a163-926c6f9bf206";
  const usage = (n: number) => ({
    input_tokens: 1_000 * n,
    cached_input_tokens: 100 * n,
    output_tokens: 10 * n,
    reasoning_output_tokens: n,
    total_tokens: 1_010 * n,
  });
  const meta = (more = {}) => ({
    timestamp: at(0),
    type: "session_meta",
    payload: { id: THREAD, originator: "codex_cli", ...more },
  });
  const turn = { timestamp: at(0), type: "turn_context", payload: { model: "gpt-5.5", effort: "high" } };
  const count = (second: number, total: number, last?: number) => ({
    timestamp: at(second),
    type: "event_msg",
    payload: {
      type: "token_count",
      info: { total_token_usage: usage(total), ...(last !== undefined && { last_token_usage: usage(last) }) },
    },
  });
  const record = (second: number, id: string, n: number, thread = THREAD) => ({
    timestamp: at(second),
    type: "token_usage_record",
    payload: { thread_id: thread, response_id: id, usage: usage(n) },
  });

  it("knows the plan by the limits that come behind a response, and keeps it", async () => {
    const limited = (second: number, plan: string | null) => {
      const event = count(second, second, 1);
      return { ...event, payload: { ...event.payload, rate_limits: { plan_type: plan } } };
    };
    const files = {
      "rollout-a.jsonl": json(
        meta({ model_provider: "openai" }),
        turn,
        record(1, "a", 1),
        limited(1, null),
        record(2, "b", 1),
        limited(2, "plus"),
        record(3, "c", 1),
      ),
      "rollout-b.jsonl": json(meta({ id: THREAD.replace("01", "02"), model_provider: "azure" }), turn, count(1, 1, 1)),
    };
    const covers = async (...flags: string[]) =>
      (await imported("codex", files, flags)).calls.map((call) => call["covered_by"]);
    expect(await covers()).toEqual(["unknown", "plan", "plan", "api"]);
    expect(await covers("--covered-by", "api")).toEqual(["api", "plan", "plan", "api"]);
  });

  it("counts a response once, and not again by its event", async () => {
    const { calls } = await imported("codex", {
      "rollout-a.jsonl": json(
        meta(),
        turn,
        record(1, "resp_1", 1),
        count(1, 1, 1),
        record(2, "resp_2", 2),
        count(2, 3, 2),
      ),
    });
    expect(calls.map((call) => call["response_id"])).toEqual(["resp_1", "resp_2"]);
    expect(tokens(calls)).toEqual([
      [1_000, 100, 10, 1],
      [2_000, 200, 20, 2],
    ]);
    expect(calls[0]).toMatchObject({ model: "gpt-5.5", session_id: THREAD, tags: { effort: "high" } });
    expect(calls[0]!["other_ids"]).toHaveLength(2);
  });

  it("takes the last call's counts, else the difference of totals, and none from repeated or shrinking totals", async () => {
    const { calls, report } = await imported("codex", {
      "rollout-a.jsonl": json(meta(), turn, count(1, 1, 1), count(2, 1, 1), count(3, 3), count(4, 2)),
    });
    expect(tokens(calls)).toEqual([
      [1_000, 100, 10, 1],
      [2_000, 200, 20, 2],
    ]);
    expect(report).toContain("1 totals that go backwards");
  });

  it("leaves the history that a fork replays to its parent's file", async () => {
    const fork = meta({ id: "f0f0f0f0-0000-4000-8000-000000000002", forked_from_id: THREAD });
    const { calls } = await imported("codex", {
      "rollout-a.jsonl": json(meta(), turn, count(1, 1, 1)),
      "rollout-b.jsonl": json(fork, meta(), turn, record(0, "resp_9", 9), count(0, 1, 1), count(5, 3, 2)),
      "rollout-c.jsonl": json(fork, meta(), turn, count(0, 1, 1), count(5, 3, 2)),
    });
    // Of the second file the record is another session's, and what follows repeats records.
    expect(tokens(calls)).toEqual([
      [1_000, 100, 10, 1],
      [2_000, 200, 20, 2],
    ]);
  });
});

describe("Gemini CLI", () => {
  const message = (id: string, output: number) => ({
    id,
    type: "gemini",
    timestamp: at(1),
    model: "gemini-2.5-pro",
    tokens: { input: 100, output, cached: 40, thoughts: 7, tool: 3, total: 110 + output },
  });

  it("takes the last state of a message, from a document and from lines", async () => {
    const { calls } = await imported("gemini", {
      "h/chats/session-a.json": JSON.stringify({ sessionId: "s1", messages: [message("m1", 5)] }, null, 2),
      "h/chats/session-b.jsonl": json(
        { sessionId: "s2" },
        message("m2", 1),
        message("m2", 6),
        { $set: { messages: [message("m2", 6)] } },
        { id: "m2", type: "gemini", timestamp: at(2) },
      ),
    });
    // Tools are input besides, thoughts output besides.
    expect(tokens(calls)).toEqual([
      [103, 40, 12, 7],
      [103, 40, 13, 7],
    ]);
    expect(calls.map((call) => call["session_id"])).toEqual(["s1", "s2"]);
  });
});

describe("Qwen Code", () => {
  it("joins an answer to its telemetry event by the counts", async () => {
    const event = { "event.name": "qwen-code.api_response", response_id: "chatcmpl-abcdef", auth_type: "openai" };
    const { calls } = await imported("qwen", {
      "p/chats/a.jsonl": json(
        {
          type: "system",
          subtype: "ui_telemetry",
          timestamp: at(1),
          systemPayload: { uiEvent: { ...event, input_token_count: 100, output_token_count: 20 } },
        },
        {
          type: "assistant",
          uuid: "u1",
          sessionId: "s1",
          timestamp: at(1),
          model: "gpt-5",
          usageMetadata: {
            promptTokenCount: 100,
            candidatesTokenCount: 20,
            thoughtsTokenCount: 5,
            cachedContentTokenCount: 9,
          },
        },
      ),
    });
    expect(tokens(calls)).toEqual([[100, 9, 20, 5]]);
    expect(calls[0]).toMatchObject({ response_id: "chatcmpl-abcdef", provider: "openai" });
  });
});

describe("opencode", () => {
  it("reads the rows of its database, each step once and copies of a fork not at all", async () => {
    const folder = await sessions("opencode", { "readme.txt": "" });
    const database = new DatabaseSync(join(folder.folder, "opencode.db"));
    database.exec("create table message (id text, session_id text, time_created integer, data text)");
    database.exec("create table part (id text, message_id text, session_id text, time_created integer, data text)");
    const used = { input: 100, output: 20, reasoning: 5, cache: { read: 30, write: 40 } };
    const data = JSON.stringify({
      role: "assistant",
      modelID: "claude-sonnet-4-5",
      providerID: "anthropic",
      cost: 0.1 + 0.2,
      tokens: used,
      time: { created: START_MS, completed: START_MS + 2_000 },
    });
    for (const [id, session] of [
      ["msg_1", "ses_1"],
      ["msg_2", "ses_fork"],
    ] as const)
      database.prepare("insert into message values (?, ?, ?, ?)").run(id, session, START_MS, data);
    const step = JSON.stringify({ type: "step-finish", tokens: used, cost: 0.3 });
    database.prepare("insert into part values (?, ?, ?, ?, ?)").run("prt_1", "msg_1", "ses_1", START_MS, step);
    database.close();
    await using ledger = await startFakeLedger();
    const { calls } = await folder.run(ledger);
    expect(calls).toHaveLength(1);
    // Cache outside the input, reasoning outside the output.
    expect(calls[0]).toMatchObject({ input_tokens: 170, output_tokens: 25, cost_usd: "0.300000000000" });
    expect(decodeNative(calls, START_MS + 1).errors).toEqual([]);
  });
});

describe("GitHub Copilot", () => {
  it("counts chat spans alone, with credits as their cost", async () => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "github",
      "gen_ai.response.id": "resp_1",
      "gen_ai.response.model": "gpt-5",
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 10,
      "github.copilot.nano_aiu": 1_234_567,
    };
    const span = {
      name: "chat gpt-5",
      startTime: [START_MS / 1_000, 5e8],
      endTime: [START_MS / 1_000 + 1, 0],
      attributes,
    };
    const { calls } = await imported("copilot", {
      "otel.jsonl": json(span, { ...span, attributes: { ...attributes, "gen_ai.operation.name": "invoke_agent" } }),
    });
    // 1,234,567 x 10 pico-USD
    expect(calls).toMatchObject([{ cost_usd: "0.00001234567", duration_ms: 500, response_id: "resp_1" }]);
  });
});

describe("Cline and Roo Code", () => {
  const request = { tokensIn: 1_000, tokensOut: 10, cacheReads: 300, cacheWrites: 100, cost: 0.01 };
  const message = (text: object) => ({ ts: START_MS, type: "say", say: "api_req_started", text: JSON.stringify(text) });
  const files = {
    "1/ui_messages.json": JSON.stringify([message(request), message({ request: "a secret prompt" }), { say: "text" }]),
    "1/task_metadata.json": JSON.stringify({
      model_usage: [{ ts: START_MS - 1, model_id: "claude-sonnet-4-5", model_provider_id: "anthropic" }],
    }),
  };

  it("adds what was cached to the input of Cline, and not to that of Roo Code", async () => {
    const cline = await imported("cline", files);
    expect(cline.calls).toMatchObject([{ input_tokens: 1_400, model: "claude-sonnet-4-5", session_id: "1" }]);
    const roo = await imported("roo", { "1/ui_messages.json": files["1/ui_messages.json"] }, ["--model", "gpt-5"]);
    expect(roo.calls).toMatchObject([{ input_tokens: 1_000, cache_read_tokens: 300, model: "gpt-5" }]);
  });
});

describe("Cursor's export", () => {
  const HEAD =
    "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost";
  const row = `${at(0)},Included,gpt-5,No,100,20,300,7,427,$0.12`;

  it("counts identical rows each, and a row of another form not", async () => {
    const csv = `${HEAD}\n${row}\n${row}\n${row.replace(",7,", ",many,")}\n`;
    const { calls, report } = await imported("cursor-csv", { "a.csv": csv });
    expect(calls.map((call) => [call.input_tokens, call["cache_write_tokens"], call["cost_usd"]])).toEqual([
      [420, 100, "0.12"],
      [420, 100, "0.12"],
    ]);
    expect(calls.map((call) => call["covered_by"])).toEqual(["plan", "plan"]);
    expect(report).toContain("1 counts that are not whole numbers");
    expect((await imported("cursor-csv", { "b.csv": "a,b\n1,2\n" })).report).toContain("1 files of an unknown form");
  });
});

describe("where the files are", () => {
  it("depends on the system", () => {
    const of = (platform: NodeJS.Platform, env = {}) => SOURCES.roo.folders({ platform, home: "/home/ada", env })[0];
    expect(of("linux")).toBe("/home/ada/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks");
    expect(of("darwin")).toContain("/home/ada/Library/Application Support/Code/User");
    expect(of("win32", { APPDATA: "/roaming" })).toContain("/roaming/Code/User");
  });
});
