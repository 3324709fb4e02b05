/** `npm run statusline` as a process, against the API over HTTP; and its line by itself. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { listenHttp } from "../../scripts/local/http-server.ts";
import type { Answers, Sums } from "../../scripts/statusline/ask.ts";
import { lineOf } from "../../scripts/statusline/line.ts";
import { toldIn } from "../../scripts/statusline/stdin.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { formatUsd } from "../../src/page/money.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/statusline.ts");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Ran {
  line: string;
  stderr: string;
  code: number;
  ms: number;
}

/** A busy machine must not be what is tested. */
const PATIENT = ["--timeout", "30s"];

/** @param stdin undefined: a pipe that is never closed. */
async function run(env: Record<string, string>, stdin: string | undefined, args: string[] = []): Promise<Ran> {
  const beganMs = performance.now();
  const { PATH } = process.env;
  const child = spawn(process.execPath, [SCRIPT, ...PATIENT, ...args], { env: { PATH, TZ: "UTC", ...env }, cwd: "/" });
  onTestFinished(() => void child.kill());
  child.stdin.on("error", () => {});
  if (stdin !== undefined) child.stdin.end(stdin);
  const [line, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { line, stderr, code: code as number, ms: performance.now() - beganMs };
}

const session = (id: unknown, usd?: unknown): string =>
  JSON.stringify({ session_id: id, model: { id: "claude" }, cwd: "/home/ada", cost: { total_cost_usd: usd } });

describe("against a ledger", () => {
  const waiting: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void waiting.push(work),
    passThroughOnException() {},
    props: {},
  };
  const app = createApp(createDeps(parseConfig(inject("bindings"))));
  const fetch = (path: string, key: string, body?: unknown) =>
    app.fetch(
      new Request(`http://ledger${path}`, {
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      }),
      {},
      context as never,
    ) as Promise<Response>;
  const listener: RequestListener = async (incoming, outgoing) => {
    const response = await fetch(incoming.url!, String(incoming.headers.authorization).replace("Bearer ", ""));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  };
  let env: Record<string, string>;
  let key: string;
  let ingestKey: string;
  beforeAll(async () => {
    const admin = inject("bindings")["ADMIN_KEY"]!;
    const post = async <T>(path: string, body: unknown): Promise<T> =>
      (await (await fetch(path, admin, body)).json()) as T;
    const { id: project_id } = await post<{ id: string }>("/v1/projects", { name: "statusline" });
    const make = (scopes: string[]) => post<{ key: string }>("/v1/keys", { project_id, name: "k", scopes });
    key = (await make(["ingest", "read"])).key;
    ingestKey = (await make(["ingest"])).key;
    const server = await listenHttp((incoming, outgoing) => void listener(incoming, outgoing));
    afterAll(async () => {
      await server.close();
      await Promise.allSettled(waiting);
    });
    env = { LLM_COST_URL: server.url, LLM_COST_KEY: key };
  });

  /** Calls of gpt-4o: 1,000 input and 100 output tokens are $0.0035. */
  const write = async (...calls: { agoMs: number; [field: string]: unknown }[]): Promise<void> => {
    const body = calls.map(({ agoMs, ...call }) => ({
      id: randomUUID(),
      timestamp: Date.now() - agoMs,
      model: "gpt-4o",
      provider: "openai",
      input_tokens: 1_000,
      output_tokens: 100,
      ...call,
    }));
    const answer = await fetch("/v1/traces", key, body);
    expect(await answer.json()).toMatchObject({ inserted: calls.length });
  };

  it("says what the API says: today of a person, the session over days, the last hour", async () => {
    const [user, id] = [`ada-${randomUUID()}`, `s-${randomUUID()}`];
    const of = { user_id: user, session_id: id };
    await write(
      { agoMs: 49 * HOUR_MS, ...of, tags: { agent: "claude-code" } },
      { agoMs: 3 * HOUR_MS, ...of, tags: { agent: "codex" } },
      { agoMs: 1, ...of, input_tokens: 1 },
      { agoMs: 1, ...of, user_id: "bob", input_tokens: 2 },
      { agoMs: 1, user_id: user, input_tokens: 3 },
    );
    const { line, stderr, code } = await run(env, session(id), ["--user", user]);
    const question = `from=${new Date().toISOString().slice(0, 10)}&user=${user}`;
    const today = (await (await fetch(`/v1/summary?${question}`, key)).json()) as { totals: { cost_usd: string } };
    // 2 x $0.0035 + 2 x $0.001 + 3 x $0.0000025 = $0.0090075; of that in the last hour $0.0020075.
    expect(line).toBe(`${formatUsd(today.totals.cost_usd)} today · $0.00901 session · $0.00201/h (last hour)\n`);
    expect([stderr, code]).toEqual(["", 0]);
  });

  it("tells the rate of a young session since it began, and nothing of one without calls but what the agent says", async () => {
    const id = `s-${randomUUID()}`;
    await write({ agoMs: 30 * MINUTE_MS, session_id: id }, { agoMs: 1, session_id: id, model: "nobody-knows-it" });
    const { line } = await run(env, session(id));
    // $0.0035 in half an hour and a bit.
    expect(line).toMatch(
      /^~?\$\S+ today \(everyone\) · \$0\.0035\+\? session · \$0\.00(?:7|69\d)\+\?\/h \(since it began\)\n$/,
    );
    const none = await run(env, session(`s-${randomUUID()}`, 0.4235));
    expect(none.line).toMatch(/today \(everyone\) · \? session \(the agent says \$0\.424\) · \?\/h\n$/);
  });

  it("has no session part without stdin, and takes the rate of the person", async () => {
    const user = `eve-${randomUUID()}`;
    await write({ agoMs: 1, user_id: user });
    for (const stdin of ["", "{", "[]", "null", session(12)])
      expect((await run({ ...env, LLM_COST_USER: user }, stdin)).line).toBe("$0.0035 today · $0.0035/h (last hour)\n");
    expect((await run(env, undefined, ["--user", "nobody", "--timeout", "5s"])).line).toBe(
      "$0 today · $0/h (last hour)\n",
    );
  });

  it("never shows a key, nor what stdin says, whatever that is", async () => {
    const hostile = [
      "\u001b]0;owned\u0007",
      "a\nb",
      "x".repeat(600),
      "&limit=1000&session_id=",
      "../../v1/keys",
      "'; drop table",
      "%00",
      "$(id)",
    ];
    for (const id of hostile) {
      const { line, stderr, code } = await run(env, session(id, -1));
      expect(line.split("\n")).toHaveLength(2);
      expect(line + stderr).not.toMatch(/owned|\p{Cc}(?!$)|drop|limit=|v1\/|id\)/u);
      expect(line + stderr).not.toContain(key);
      expect([stderr, code]).toEqual(["", 0]);
    }
  });

  it("says in a word why there is nothing", async () => {
    const wrong = await run({ ...env, LLM_COST_KEY: "secret-wrong-key" }, "");
    expect(wrong).toMatchObject({ line: "ledger: refuses the key\n", stderr: "", code: 0 });
    expect((await run({ ...env, LLM_COST_KEY: ingestKey }, "")).line).toBe("ledger: the key may not read\n");
    expect((await run({ DATA_DIR: "/nowhere" }, "")).line).toBe("ledger: not set up\n");
    expect((await run({ ...env, LLM_COST_URL: "http://127.0.0.1:1" }, "")).line).toBe("ledger: no answer\n");
  });
});

it.each<[string, RequestListener]>([
  ["never answers", () => {}],
  ["never ends its answer", (_, response) => void response.writeHead(200).write('{"totals":')],
])("ends in time where a server %s, and stdin stays open", async (_, listener) => {
  const server = createServer(listener);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const { line, code, ms } = await run({ LLM_COST_URL: `http://127.0.0.1:${port}`, LLM_COST_KEY: "k" }, undefined, [
    "--timeout",
    "1s",
  ]);
  expect([line, code]).toEqual(["ledger: no answer\n", 0]);
  expect(ms).toBeLessThan(10_000);
});

it.each([
  ["text", "<html>hello"],
  ["another form", '{"totals":7}'],
  ["nothing", ""],
])("knows no ledger where a server answers with %s", async (_, body) => {
  const server = await listenHttp((__, response) => void response.end(body));
  onTestFinished(() => server.close());
  expect((await run({ LLM_COST_URL: server.url, LLM_COST_KEY: "k" }, "")).line).toBe(
    "ledger: no ledger at this address\n",
  );
});

describe("the line", () => {
  const NOW = Date.UTC(2026, 10, 30, 14, 40);
  const sums = (costUsd: string | null, unpriced = 0, inexact = 0): Sums => ({ costUsd, unpriced, inexact });
  const line = (answers: Partial<Answers>, isOtherZone = false, sessionId: string | undefined = "s"): string =>
    lineOf({
      answers: { today: sums("12.4"), asOfMs: NOW, session: undefined, lastHour: undefined, ...answers },
      told: { sessionId },
      user: "ada",
      nowMs: NOW,
      zone: "UTC",
      isOtherZone,
    });
  const begun = (agoMs: number, of: Sums) => ({ ...of, firstMs: NOW - agoMs });

  it.each<[string, Partial<Answers>]>([
    [
      "$12.40 today · $1.83 session · $1.20/h (last hour)",
      { session: begun(HOUR_MS, sums("1.83")), lastHour: sums("1.2") },
    ],
    ["$12.40 today · $1.83 session · $0/h (last hour)", { session: begun(5 * HOUR_MS, sums("1.83")), lastHour: null }],
    ["$12.40 today · $1.83 session · ?/h (last hour)", { session: begun(5 * HOUR_MS, sums("1.83")) }],
    [
      "$12.40 today · ~$1.00+? session · ~$4.00+?/h (since it began)",
      { session: begun(15 * MINUTE_MS, sums("1", 1, 1)) },
    ],
    ["$12.40 today · $1.00 session · ?/h (since it began)", { session: begun(MINUTE_MS - 1, sums("1")) }],
    ["$12.40 today · ? session · ?/h (since it began)", { session: begun(15 * MINUTE_MS, sums(null, 2)) }],
    ["$12.40 today · ? session · ?/h", {}],
    ["? today · ? session · ?/h", { today: sums(null, 1) }],
    ["$0.00000000025 today · ? session · ?/h", { today: sums("0.00000000025") }],
    ["$12.40 today · ? session · ?/h · as of 13:05", { asOfMs: Date.UTC(2026, 10, 30, 13, 5) }],
    ["$12.40 today · ? session · ?/h · as of 2026-11-29 13:05", { asOfMs: Date.UTC(2026, 10, 29, 13, 5) }],
  ])("%s", (said, answers) => expect(line(answers)).toBe(said));

  it("says where the day is not the machine's", () => {
    expect(line({}, true)).toBe("$12.40 today (UTC) · ? session · ?/h");
  });

  it("is one line of plain characters, whatever stdin says", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), (input) => {
        const told = toldIn(input);
        const answers: Answers = { today: sums("1"), asOfMs: NOW, session: null, lastHour: null };
        const shown = lineOf({ answers, told, user: undefined, nowMs: NOW, zone: "UTC", isOtherZone: false });
        expect(shown).toMatch(/^[\w $.?,·/()~+-]+$/);
      }),
    );
    const odd = (member: string) => toldIn(`{"session_id":${member},"cost":{"total_cost_usd":${member}}}`);
    for (const member of ["null", "[]", "{}", "true", '""', "-1", "1e999", '"\\u0000"', '"\\ud800"'])
      expect(odd(member)).toEqual({ sessionId: undefined, costUsd: undefined });
    expect(toldIn('{"__proto__":{"session_id":"a"}}').sessionId).toBeUndefined();
  });
});
