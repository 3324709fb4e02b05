/**
 * `npm run import -- --from AGENT` as a process, into the dev stack: again, killed in the middle, beside a program that
 * still writes, and from two machines at once. In the end each call is there once.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../scripts/local/listen.ts";
import { claudeLine } from "../scripts/agent-sessions.ts";
import { type DevStack, startDevStack } from "./dev-stack.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const RANGE = "from=2026-11-01&to=2026-12-01";
let dataDir: string;
let dev: DevStack;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
  dev = await startDevStack(dataDir, await freePort());
});
afterAll(async () => {
  await dev?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** A project of the test's own, and machines that import into it. */
async function ledger() {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-e2e-import-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const admin = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${dev.adminKey}`, "content-type": "application/json" };
    const response = await fetch(`${dev.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return (await response.json()) as { id: string; key: string };
  };
  const { id: project_id } = await admin("/v1/projects", { name: "import" });
  const { key } = await admin("/v1/keys", { project_id, name: "all", scopes: ["admin"] });
  const ask = async (path: string) => {
    const response = await fetch(`${dev.url}${path}?${RANGE}`, { headers: { authorization: `Bearer ${key}` } });
    return (await response.json()) as Record<string, unknown>;
  };
  return {
    requests: async () => ((await ask("/v1/summary"))["totals"] as { requests: number }).requests,
    /** All sums, held against the calls. */
    sums: async () => {
      expect(await ask("/v1/audit")).toMatchObject({ ok: true });
      const { requests, input_tokens, cost_usd } = (await ask("/v1/summary"))["totals"] as Record<string, unknown>;
      return { requests, input_tokens, cost_usd };
    },
    async machine(name: string) {
      const files = join(folder, name, "sessions");
      await mkdir(files, { recursive: true });
      return {
        write: async (file: string, lines: readonly string[]) =>
          await writeFile(join(files, file), lines.map((line) => `${line}\n`).join("")),
        append: async (file: string, text: string) => await appendFile(join(files, file), text),
        start: (...flags: string[]) => {
          const args = ["scripts/import.ts", "--from", "claude-code", "--url", dev.url, "--key", key, ...flags, files];
          const env = { ...process.env, DATA_DIR: join(folder, name) };
          return spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
        },
      };
    },
  };
}

async function ended(command: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  for (const stream of [command.stdout!, command.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(command, "close")) as [number | null];
  return { code, output };
}

/** Calls of one session, by number. Each has 1,100 input tokens, and costs $0.00075. */
const session = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) =>
    claudeLine({ message: `msg_${from + i}`, request: `req_${from + i}`, second: from + i }),
  );

/** 100 x $3/MTok + 1,000 x $0.30/MTok + 10 x $15/MTok = $0.00075 a call */
const sumsOf = (calls: number) => ({
  requests: calls,
  input_tokens: calls * 1_100,
  cost_usd: String((calls * 75) / 100_000),
});

it("adds nothing when it is run again, also from the start", async () => {
  const { machine, sums } = await ledger();
  const { write, start } = await machine("a");
  await write("a.jsonl", session(0, 40));
  await write("fork.jsonl", session(20, 60));
  expect(await ended(start())).toMatchObject({ code: 0, output: expect.stringContaining("inserted 60, duplicates 0") });
  expect(await sums()).toEqual(sumsOf(60));
  expect((await ended(start())).output).toContain("Read 0 files; 2 did not change");
  expect((await ended(start("--restart"))).output).toContain("inserted 0, duplicates 60, rejected 0");
  expect(await sums()).toEqual(sumsOf(60));
});

it("is whole after it was killed in the middle", async () => {
  const { machine, sums, requests } = await ledger();
  const { write, start } = await machine("a");
  for (let file = 0; file < 40; file++) await write(`${file}.jsonl`, session(file * 100, file * 100 + 100));
  const killed = start("--batch", "2", "--concurrency", "1");
  const end = ended(killed);
  await expect.poll(requests, { timeout: 60_000, interval: 20 }).toBeGreaterThan(10);
  killed.kill("SIGKILL");
  expect((await end).code).toBeNull();
  expect(await requests()).toBeLessThan(4_000);
  expect((await ended(start())).code).toBe(0);
  expect(await sums()).toEqual(sumsOf(4_000));
});

it("goes on with --watch as lines are appended, half of one first", async () => {
  const { machine, sums, requests } = await ledger();
  const { write, append, start } = await machine("a");
  await write("a.jsonl", session(0, 2));
  const watching = start("--watch", "--every", "1s");
  const end = ended(watching);
  await expect.poll(requests, { timeout: 60_000 }).toBe(2);
  const [third, fourth] = session(2, 4) as [string, string];
  await append("a.jsonl", `${third}\n${fourth.slice(0, 50)}`);
  await expect.poll(requests, { timeout: 60_000 }).toBe(3);
  await append("a.jsonl", `${fourth.slice(50)}\n`);
  await write("new.jsonl", session(4, 5));
  await expect.poll(requests, { timeout: 60_000 }).toBe(5);
  watching.kill("SIGINT");
  expect(await end).toMatchObject({ code: 0, output: expect.not.stringContaining("Skipped") });
  expect(await sums()).toEqual(sumsOf(5));
});

it("counts what two machines have in common once, although both import at once", async () => {
  const { machine, sums } = await ledger();
  const [one, other] = [await machine("one"), await machine("other")];
  await one.write("a.jsonl", session(0, 400));
  await one.write("b.jsonl", session(1_000, 1_200));
  await other.write("copied.jsonl", session(0, 400));
  await other.write("c.jsonl", session(2_000, 2_200));
  const flags = ["--batch", "25", "--concurrency", "4"];
  const codes = (await Promise.all([one, other].map(({ start }) => ended(start(...flags))))).map(({ code }) => code);
  expect(codes).toEqual([0, 0]);
  expect(await sums()).toEqual(sumsOf(800));
});
