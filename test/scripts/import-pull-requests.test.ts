/** The pull request of calls in Claude Code's session files, which a note in the same file names. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { at, claudeLine, type Run, sessions } from "./agent-sessions.ts";
import { startFakeLedger } from "./fake-ledger.ts";

const ASKED = ["--with-pull-request"];
const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join("");
const line = (n: number, others: object = {}): string =>
  claudeLine({ message: `msg_${n}`, request: `req_${n}`, second: n, ...others });
const note = (number: number, others: object = {}): string =>
  JSON.stringify({
    type: "pr-link",
    sessionId: "5e55104e-0000-4000-8000-000000000001",
    prNumber: number,
    prUrl: `https://github.com/acme/shop/pull/${number}`,
    prRepository: "acme/shop",
    timestamp: at(number),
    ...others,
  });
const pullRequests = ({ calls }: Run): Record<string, unknown> =>
  Object.fromEntries(
    calls.map((call) => [call["response_id"], (call["tags"] as Record<string, string>)?.["pull_request"]]),
  );

it("is that of the session, also of calls before the note and of sub-agents", async () => {
  await using ledger = await startFakeLedger();
  const { run } = await sessions("claude-code", {
    "p/a.jsonl": lines(line(1, { gitBranch: "main" }), note(12), line(2)),
    "p/a/subagents/agent-b.jsonl": lines(line(3, { isSidechain: true })),
    "p/c.jsonl": lines(line(4)),
    "lost/subagents/agent-d.jsonl": lines(line(5)),
  });
  expect(pullRequests(await run(ledger, ASKED))).toEqual({
    msg_1: "acme/shop#12",
    msg_2: "acme/shop#12",
    msg_3: "acme/shop#12",
    msg_4: undefined,
    msg_5: undefined,
  });
});

it("is by branch if a session has several, and none where that does not tell", async () => {
  await using ledger = await startFakeLedger();
  const { run } = await sessions("claude-code", {
    "a.jsonl": lines(
      line(1, { gitBranch: "one" }),
      note(12),
      line(2, { gitBranch: "two" }),
      note(13),
      line(3, { gitBranch: "three" }),
      line(4, { gitBranch: "one" }),
      line(5, { gitBranch: "two" }),
      note(13),
      note(14),
    ),
  });
  expect(pullRequests(await run(ledger, ASKED))).toEqual({
    msg_1: "acme/shop#12",
    msg_2: undefined,
    msg_3: undefined,
    msg_4: "acme/shop#12",
    msg_5: undefined,
  });
});

it.each<[string, object, string | undefined]>([
  ["an address of another host", { prUrl: "https://gitlab.com/a/b/c/-/merge_requests/7" }, "a/b/c#7"],
  ["no address", { prUrl: undefined }, "acme/shop#12"],
  ["an address that is none", { prUrl: "https://example.com/oops" }, "acme/shop#12"],
  ["no repository", { prUrl: undefined, prRepository: undefined }, undefined],
  ["a number that is none", { prUrl: undefined, prNumber: "12; drop" }, undefined],
  ["a negative number", { prUrl: undefined, prNumber: -1 }, undefined],
  ["another type", { type: "user", text: '"pr-link"' }, undefined],
])("reads a note with %s", async (_, others, name) => {
  await using ledger = await startFakeLedger();
  const { run } = await sessions("claude-code", { "a.jsonl": lines(line(1), note(12, others), "{oops") });
  expect(pullRequests(await run(ledger, ASKED))).toEqual({ msg_1: name });
});

it("is sent only if a flag asks for it, without the address", async () => {
  await using ledger = await startFakeLedger();
  const secret = { prUrl: "https://ada:secret@github.com/acme/shop/pull/12?token=secret" };
  const { run } = await sessions("claude-code", { "a.jsonl": lines(line(1), note(12, secret)) });
  const { calls } = await run(ledger, ["--with-repository", "--with-branch"]);
  expect(JSON.stringify(calls)).not.toMatch(/acme|github/);
  ledger.calls.clear();
  const asked = await run(ledger, ASKED);
  expect(pullRequests(asked)).toEqual({ msg_1: "acme/shop#12" });
  expect(JSON.stringify(asked.calls)).not.toMatch(/github|ada|secret/);
});

it("is known to calls that follow the note in a file that is watched", async () => {
  await using ledger = await startFakeLedger();
  const { run, folder } = await sessions("claude-code", { "a.jsonl": lines(line(1)) });
  const steps = [async () => await appendFile(join(folder, "a.jsonl"), lines(note(12), line(2)))];
  const watched = await run(ledger, ["--watch", ...ASKED], async (abort) => await (steps.shift() ?? abort)());
  expect(pullRequests(watched)).toEqual({ msg_1: undefined, msg_2: "acme/shop#12" });
});
