/** What is attacked: Postgres, Redis and the Worker as processes, a proxy before each, and cron every second. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import pg from "pg";
import { forkBackends } from "../../scripts/local/backends.ts";
import { bundle, readCompatibilityDate } from "../../scripts/local/bundle.ts";
import { API_KEY, ensureKey, waitUntilHealthy } from "../../scripts/local/dev-keys.ts";
import { freePort } from "../../scripts/local/listen.ts";
import { type FaultProxy, startFaultProxy, through } from "./proxy.ts";
import { forkWorker } from "./worker-process.ts";

export type Mode = "neon" | "postgres" | "queue";

const ADMIN_KEY = "fault-test-admin-key-0123456789abcdef0123456789";
const CRON_MS = 1_000;

export interface Stack {
  url: string;
  apiKey: string;
  databaseUrl: string;
  database: FaultProxy;
  cache: FaultProxy;
  queue: FaultProxy;
  redis: Redis;
  /** While false, cron does not run by itself. */
  cronIsDue: boolean;
  cron(): Promise<void>;
  /** Kills it, and starts it again after so many ms. */
  restartWorker(ms: number): Promise<void>;
  /** Sets the Worker's clock. */
  setClock(aheadMs: number): Promise<void>;
  /** Resolves when it answers again. */
  killPostgres(): Promise<void>;
  /**
   * The time (epoch ms) of the last kill of Postgres, after which it answers again. Null once a request was acknowledged
   * since. Before, what the kill left of its processes may still have answered.
   */
  killedAtMs: number | null;
}

/** Whether a real Redis can be started. */
export function canRun(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return process.platform === "linux";
  } catch {
    return false;
  }
}

export async function startStack(mode: Mode, ends: AsyncDisposableStack): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-faults-"));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis(ends);
  const { DATABASE_URL: _, ...env } = process.env;
  const backends = await forkBackends({ ...env, REDIS_URL: `redis://127.0.0.1:${redis.options.port}` });
  ends.defer(backends.stop);
  const proxy = async (url: string): Promise<FaultProxy> => {
    const started = await startFaultProxy(Number(new URL(url).port));
    ends.defer(async () => started.close());
    return started;
  };
  const { NEON_FETCH_ENDPOINT, UPSTASH_REDIS_REST_URL } = backends.bindings;
  const database = await proxy(mode === "postgres" ? backends.hyperdriveUrl : NEON_FETCH_ENDPOINT);
  const cache = await proxy(UPSTASH_REDIS_REST_URL);
  const queue = await proxy(backends.queueUrl);

  const scriptPath = join(folder, "worker.js");
  const entry = join(import.meta.dirname, "clock-worker.ts");
  await bundle({ entry, outfile: scriptPath, minify: true });
  const options = {
    scriptPath,
    compatibilityDate: await readCompatibilityDate(),
    port: await freePort(),
    bindings: {
      ...backends.bindings,
      ...(mode !== "postgres" && { NEON_FETCH_ENDPOINT: through(database, NEON_FETCH_ENDPOINT) }),
      UPSTASH_REDIS_REST_URL: through(cache, UPSTASH_REDIS_REST_URL),
      ADMIN_KEY,
      ...(mode === "queue" && { INGEST_MODE: "queue" }),
    },
    hyperdrives: mode === "postgres" ? { HYPERDRIVE: through(database, backends.hyperdriveUrl) } : {},
    queueUrl: through(queue, backends.queueUrl),
  };
  let worker = await forkWorker(options);
  ends.defer(() => worker.kill());
  const url = `http://127.0.0.1:${options.port}`;
  await waitUntilHealthy(url);
  const over = new AbortController();
  const stack: Stack = {
    url,
    apiKey: await ensureKey(url, ADMIN_KEY, API_KEY, undefined),
    databaseUrl: backends.databaseUrl,
    database,
    cache,
    queue,
    redis,
    cronIsDue: true,
    killedAtMs: null,
    cron: () => worker.cron(),
    async restartWorker(ms) {
      await worker.kill();
      await sleep(ms);
      worker = await forkWorker(options);
    },
    async setClock(aheadMs) {
      const { status } = await fetch(url, { headers: { "x-clock-ahead-ms": String(aheadMs) } });
      if (status !== 204) throw new Error(`the clock was not set: ${status}`);
    },
    async killPostgres() {
      const [row] = await ask(backends.databaseUrl, "select pg_read_file('postmaster.pid') as file");
      process.kill(Number.parseInt(String(row!["file"]), 10), "SIGKILL");
      const killedAtMs = Date.now();
      await sleep(100);
      while (!(await ask(backends.databaseUrl, "select 1").catch(() => null))) await sleep(50);
      stack.killedAtMs = killedAtMs;
    },
  };
  const crons = (async () => {
    while (!over.signal.aborted) {
      if (stack.cronIsDue) await stack.cron();
      await sleep(CRON_MS);
    }
  })();
  ends.defer(async () => {
    over.abort();
    await Promise.race([crons, sleep(2 * CRON_MS)]);
  });
  return stack;
}

async function startRedis(ends: AsyncDisposableStack): Promise<Redis> {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server: ChildProcess = spawn("redis-server", args, { stdio: "ignore" });
  ends.defer(async () => {
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  });
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: () => 100 });
  redis.on("error", () => {});
  ends.defer(async () => redis.disconnect());
  await redis.ping();
  return redis;
}

export async function ask(databaseUrl: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
