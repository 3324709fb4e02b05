/** `npm run doctor` beside one dev stack, as a process: nothing wrong, then Redis gone, then Postgres standing still. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Finding } from "../../scripts/doctor/check.ts";
import { freePort } from "../../scripts/local/listen.ts";
import { stallPostgres } from "../../scripts/load-test/stall.ts";
import { canRun } from "../faults/stack.ts";
import { type DevStack, startDevStack } from "./dev-stack.ts";

const REAL_REDIS = canRun();
const ROOT = resolve(import.meta.dirname, "../..");
let dataDir: string;
let dev: DevStack;
let server: ChildProcess | undefined;
let redisPort: number;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
  redisPort = await freePort();
  const env: NodeJS.ProcessEnv = {};
  if (REAL_REDIS) {
    const args = ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    server = spawn("redis-server", args, { stdio: "ignore" });
    env["REDIS_URL"] = `redis://127.0.0.1:${redisPort}`;
  }
  dev = await startDevStack(dataDir, await freePort(), env);
});
afterAll(async () => {
  await dev?.stop();
  server?.kill("SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

interface Ran {
  code: number;
  output: string;
}

function run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((ran) => {
    const options = { cwd: ROOT, env: { ...process.env, DATA_DIR: dataDir, ...env } };
    execFile(process.execPath, ["scripts/doctor.ts", ...args], options, (error, stdout, stderr) => {
      ran({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

async function examined(args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const { code, output } = await run(["--json", ...args], env);
  const { checks } = JSON.parse(output) as { checks: Finding[] };
  const of = (state: Finding["state"]): string[] => checks.filter((one) => one.state === state).map(({ id }) => id);
  return { code, output, checks, of, found: (id: string) => checks.find((one) => one.id === id) };
}

it("finds nothing wrong with the dev stack, and shows no secret", async () => {
  const { code, output, of } = await examined();
  expect([code, of("failed")]).toEqual([0, []]);
  // The catalogue of this release grows old by itself, and a busy machine is slow.
  const expected = new Set(["worker.catalogue", "worker.health", "database.answers", "redis.answers"]);
  expect(of("warning").filter((id) => !expected.has(id))).toEqual([]);
  expect(of("ok").length).toBeGreaterThan(18);
  const { redisToken } = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8")) as { redisToken: string };
  for (const secret of [dev.adminKey, dev.apiKey, redisToken, new URL(dev.databaseUrl).password])
    expect(output).not.toContain(secret);
});

it("examines a deployment by what the environment gives: 1 for a wrong key, 2 for a wrong command line", async () => {
  const asDeployment = ["--url", dev.url, "--admin-key-env", "THE_KEY"];
  const { code, output } = await run(asDeployment, { THE_KEY: "x".repeat(40) });
  expect({ code, failed: output.match(/✗/g) }).toEqual({ code: 1, failed: ["✗"] });
  expect(output).toMatch(/✗ failed +Admin key +refused \(401\)\n +It is not the Worker's ADMIN_KEY/);
  expect(output).toMatch(/- skipped +Partitions +not given\n +Set DATABASE_URL in the environment\.\n/);
  expect((await run(["--bogus"])).code).toBe(2);
});

it.skipIf(!REAL_REDIS)("names a Redis that is nearly full, and one that is gone", async () => {
  const redis = new Redis(redisPort, "127.0.0.1");
  await redis.config("SET", "maxmemory", "1mb");
  const full = await examined();
  redis.disconnect();
  expect(full.found("redis.eviction")).toMatchObject({ state: "warning", found: expect.stringMatching(/^noeviction/) });
  const ended = once(server!, "exit");
  server!.kill("SIGKILL");
  await ended;
  const { code, of } = await examined();
  expect([code, of("failed").sort()]).toEqual([1, ["redis.answers", "worker.ready"]]);
});

it("gives a verdict quickly while Postgres stands still", async () => {
  const resume = await stallPostgres(dev.databaseUrl);
  try {
    const beganMs = performance.now();
    const { code, of, found } = await examined();
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    expect(code).toBe(1);
    expect(of("failed")).toContain("database.answers");
    expect(found("ledger.audit")).toMatchObject({ state: "skipped" });
  } finally {
    resume();
  }
});
