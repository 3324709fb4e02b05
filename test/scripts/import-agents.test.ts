import { appendFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { at, claudeLine, sessions } from "./agent-sessions.ts";
import { startFakeLedger } from "./fake-ledger.ts";

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join("");

describe("an import of session files", () => {
  it("adds a message once, with the largest of its totals", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "p/a.jsonl": lines(
        claudeLine({ output: 1, stop: null }),
        claudeLine({ output: 10, second: 1 }),
        claudeLine({ message: "msg_2", request: "req_2", second: 2 }),
      ),
    });
    const { calls, account } = await run(ledger);
    expect(calls.map(({ usage, timestamp }) => [usage!["output_tokens"], timestamp])).toEqual([
      [10, at(0)],
      [10, at(2)],
    ]);
    expect(calls[0]).toMatchObject({ response_id: "msg_1", other_ids: ["req_1"] });
    expect(account.found).toBe(2);
  });

  it("counts the history of a fork, and copies in a side chain, once", async () => {
    await using ledger = await startFakeLedger();
    const fork = { sessionId: "f0f0f0f0-0000-4000-8000-000000000002" };
    const { run } = await sessions("claude-code", {
      "p/a.jsonl": lines(claudeLine(), claudeLine({ message: "msg_2", request: "req_2", second: 1 })),
      "p/b.jsonl": lines(claudeLine(fork), claudeLine({ ...fork, message: "msg_3", request: "req_3", second: 2 })),
      "p/b/subagents/c.jsonl": lines(claudeLine({ isSidechain: true, request: null })),
    });
    const { calls } = await run(ledger);
    expect(calls.map((call) => call["response_id"])).toEqual(["msg_1", "msg_2", "msg_3"]);
  });

  it.each([
    ["2.1.109", 3],
    ["1.0.127", 3],
    ["2.1.110", 1],
    ["2.2.0", 1],
  ])("of release %s has %i other ids, evidence only if its telemetry names no request", async (version, ids) => {
    await using ledger = await startFakeLedger();
    const line = JSON.stringify({ ...(JSON.parse(claudeLine()) as object), version });
    const { run } = await sessions("claude-code", { "a.jsonl": lines(line) });
    const { calls } = await run(ledger);
    expect(calls[0]!["other_ids"]).toHaveLength(ids);
  });

  it("says that a cost is a lower bound if cache writes may be for an hour", async () => {
    await using ledger = await startFakeLedger();
    const usage = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 5 };
    const split = { ...usage, cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 0 } };
    const all = [usage, split, { ...usage, cache_creation_input_tokens: 0 }].map((usage, second) => {
      const line = JSON.parse(claudeLine({ message: `msg_${second}`, second })) as { message: object };
      return JSON.stringify({ ...line, message: { ...line.message, usage } });
    });
    const { run } = await sessions("claude-code", { "a.jsonl": lines(...all) });
    const { calls } = await run(ledger);
    expect(calls.map((call) => call["cost_is"])).toEqual(["lower_bound", undefined, undefined]);
  });

  it("never merges lines without a message id", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine({ message: null }), claudeLine({ message: null, second: 1 })),
    });
    const { calls } = await run(ledger);
    expect(calls).toHaveLength(2);
    expect(calls.every((call) => call["response_id"] === undefined && call["other_ids"] === undefined)).toBe(true);
  });

  it("adds nothing when it is run again, and only what is new when a file has grown", async () => {
    await using ledger = await startFakeLedger();
    const { run, folder } = await sessions("claude-code", { "a.jsonl": lines(claudeLine()) });
    await run(ledger);
    const again = await run(ledger);
    expect(again.imported).toMatchObject({ files: 0, unchanged: 1 });
    await run(ledger, ["--restart"]);
    expect(ledger.calls.size).toBe(1);
    await appendFile(join(folder, "a.jsonl"), lines(claudeLine({ message: "msg_2", request: "req_2", second: 1 })));
    await run(ledger);
    expect(ledger.calls.size).toBe(2);
  });

  it("goes on after a failure with the files that were not acknowledged", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine()),
      "b.jsonl": lines(claudeLine({ message: "msg_2", request: "req_2", second: 1 })),
    });
    const one = ["--batch", "1", "--concurrency", "1"];
    ledger.fail = (request) => (request === 2 ? { status: 400, body: { detail: "no" } } : undefined);
    await expect(run(ledger, one)).rejects.toThrow("gave 400: no");
    const { imported, calls } = await run(ledger, one);
    expect(imported.files).toBeGreaterThan(0);
    expect(calls).toHaveLength(2);
  });

  it("keeps a half-written last line for later, and counts a whole one without its end", async () => {
    await using ledger = await startFakeLedger();
    const second = claudeLine({ message: "msg_2", request: "req_2", second: 1 });
    const { run, folder } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine()) + second.slice(0, -40),
      "b.jsonl": claudeLine({ message: "msg_3", request: "req_3", second: 2 }),
    });
    const { account } = await run(ledger);
    expect(ledger.calls.size).toBe(2);
    expect(account.report().join("\n")).toContain("1 half-written last lines, left for the next run");
    await appendFile(join(folder, "a.jsonl"), `${second.slice(-40)}\n`);
    await run(ledger);
    expect(ledger.calls.size).toBe(3);
  });

  it("skips what cannot be a call, each with its reason, and goes on", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": Buffer.concat([
        Buffer.from(lines('{"type":"assistant","usage": oops}', "", "[1]", '{"type":"from-the-future","usage":1}')),
        Buffer.from(lines(claudeLine({ timestamp: "soon" }), claudeLine({ timestamp: at(90_000), message: "msg_2" }))),
        Buffer.from(lines(claudeLine({ output: -1 }), claudeLine({ output: 1.5 }))),
        Buffer.alloc(17 << 20, "x"),
        Buffer.from(lines("", claudeLine())),
      ]),
    });
    const { account, calls } = await run(ledger);
    expect(calls).toHaveLength(1);
    const report = account.report();
    for (const reason of [
      "1 lines that are not JSON",
      "1 without a time that can be read",
      "1 a time in the future",
      "2 counts that are not whole numbers from 0 on",
      "1 lines longer than 16 MB",
    ])
      expect(report.join("\n")).toContain(reason);
  });

  it("reads a mark of the byte order, CR LF, wrong UTF-8 and folders named as files", async () => {
    await using ledger = await startFakeLedger();
    const wrong = Buffer.from(claudeLine({ message: "msg_2", request: "req_2", second: 1, note: "??" }));
    wrong.set([0xff, 0xc0], wrong.indexOf("??"));
    const { run } = await sessions("claude-code", {
      "a.jsonl": Buffer.concat([Buffer.from(`\uFEFF${claudeLine()}\r\n\r\n`), wrong, Buffer.from("\r\n")]),
      "b.jsonl/c.jsonl": `\uFEFF${claudeLine({ message: "msg_3", request: "req_3", second: 2 })}`,
    });
    const { calls, account } = await run(ledger);
    expect(calls.map((call) => call["response_id"])).toEqual(["msg_1", "msg_2", "msg_3"]);
    expect(account.report().join("\n")).not.toContain("Skipped");
  });

  it("follows no link, also none that leads back, and tells what it left out", async () => {
    await using ledger = await startFakeLedger();
    const { run, folder } = await sessions("claude-code", {
      "a/a.jsonl": lines(claudeLine(), '["usage","assistant"]'),
    });
    await symlink(folder, join(folder, "a/loop"));
    await symlink(join(folder, "a/loop2"), join(folder, "a/loop2"));
    await symlink("/nowhere", join(folder, "a/gone.jsonl"));
    const steps = [async () => {}, async () => {}];
    // Once, although they are looked for again and again.
    const { calls, account } = await run(ledger, ["--watch"], async (abort) => await (steps.shift() ?? abort)());
    expect(calls).toHaveLength(1);
    expect(account.report().slice(2)).toEqual([
      "Skipped:",
      "  3 symbolic links, which are not followed",
      "  1 lines that are no record",
    ]);
  });

  it("tells a path that is no file, and a last line that is too long", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": Buffer.concat([Buffer.from(lines(claudeLine())), Buffer.alloc(17 << 20, "x")]),
    });
    const { calls, account } = await run(ledger, ["/dev/null"]);
    expect(calls).toHaveLength(1);
    expect(account.report().slice(2)).toEqual([
      "Skipped:",
      "  1 folders that cannot be read (ENOTDIR)",
      "  1 lines longer than 16 MB",
    ]);
  });

  it("needs no more memory for lines of 100 MB", async () => {
    await using ledger = await startFakeLedger();
    const { run, folder } = await sessions("claude-code", { "a.jsonl": lines(claudeLine()) });
    const path = join(folder, "a.jsonl");
    const million = Buffer.alloc(1 << 20, "x");
    for (let i = 0; i < 100; i++) await appendFile(path, million);
    await appendFile(path, `\n${claudeLine({ message: "msg_2", request: "req_2", second: 1 })}\n`);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 1);
    const { calls, account } = await run(ledger).finally(() => clearInterval(watching));
    expect(calls).toHaveLength(2);
    expect(account.report().join("\n")).toContain("1 lines longer than 16 MB");
    expect(most).toBeLessThan(64 << 20);
  });

  it("sends no path and no text, and the repository and branch only if asked", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", { "a.jsonl": lines(claudeLine()) });
    const { calls } = await run(ledger, ["--user", "ada"]);
    expect(JSON.stringify(calls)).not.toMatch(/secret|home/);
    expect(calls[0]).toMatchObject({ user_id: "ada" });
    ledger.calls.clear();
    const asked = await run(ledger, ["--with-repository", "--with-branch", "--restart", "--tag", "machine=laptop"]);
    expect(asked.calls[0]!["tags"]).toEqual({
      repository: "secret-project",
      branch: "secret-branch",
      machine: "laptop",
    });
    expect(JSON.stringify(asked.calls)).not.toContain("/home");
  });

  it("leaves out what began before --since", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine({ second: -86_400 }), claudeLine({ message: "msg_2", request: "req_2" })),
    });
    const { calls } = await run(ledger, ["--since", at(0).slice(0, 10)]);
    expect(calls.map((call) => call["response_id"])).toEqual(["msg_2"]);
  });

  it("shows in a dry run what would be added, and sends nothing", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine(), claudeLine({ message: "msg_2", request: "req_2", second: 1 })),
    });
    const { imported } = await run(ledger, ["--dry-run"]);
    expect(ledger.requests).toEqual([]);
    // 2 x (100 x $3 + 1,000 x $0.30 + 10 x $15) / 1M = $0.0015
    expect(imported.table.at(-1)).toMatch(/^total +2 +2,200 +20 +0\.0015 +0$/);
  });

  it("follows files that grow, and holds an answer back while it streams", async () => {
    await using ledger = await startFakeLedger();
    const { run, folder, write } = await sessions("claude-code", {
      "a.jsonl": lines(claudeLine({ output: 1, stop: null })),
    });
    const steps = [
      async () => {
        expect(ledger.calls.size).toBe(0);
        await appendFile(join(folder, "a.jsonl"), lines(claudeLine({ output: 10, second: 1 })));
        await write("b.jsonl", lines(claudeLine({ message: "msg_2", request: "req_2", second: 2 })).slice(0, -9));
      },
      async () => {
        expect([...ledger.calls.keys()]).toHaveLength(1);
        await appendFile(join(folder, "b.jsonl"), lines(claudeLine({ message: "msg_2" })).slice(-9));
      },
    ];
    const { calls } = await run(ledger, ["--watch"], async (abort) => await (steps.shift() ?? abort)());
    expect(calls.map(({ usage, timestamp }) => [usage!["output_tokens"], timestamp])).toEqual([
      [10, at(0)],
      [10, at(2)],
    ]);
  });
});
