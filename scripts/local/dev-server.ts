/** The development server: the backends, the worker in front of them, a cron every minute, keys to use it with. */
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readCompatibilityDate, watchBundle } from "./bundle.ts";
import { API_KEY, ensureKey, PAGE_KEY, takeLastKeys, waitUntilHealthy, writeDevFile } from "./dev-keys.ts";
import type { DemoLoader } from "./demo.ts";
import { freePort } from "./listen.ts";
import { watchPage } from "./page-watch.ts";
import { type Backends, startBackends } from "./stack.ts";
import { StartError } from "./start-error.ts";
import { startWorker, type Worker } from "./worker.ts";

const everyMinute = "* * * * *";
const passedThrough = [
  "WRAPPER_GRACE_SECONDS",
  "AGENT_USER",
  "INGEST_MODE",
  "METRICS_TOKEN",
  "DATABASE_TIMEOUT_MS",
  "RAW_RETENTION_DAYS",
  "HOUR_RETENTION_DAYS",
  "CATALOGUE_URL",
  "LOG_LEVEL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_SERVICE_NAME",
  "OTEL_TRACES_SAMPLER_ARG",
];

export interface DevServer {
  /** What to show: one screen, without the line that says it is ready. */
  screen: string;
  url: string;
  stop(): Promise<void>;
}

/** Starts all or nothing. @throws StartError */
export async function startDevServer(
  env: NodeJS.ProcessEnv,
  loader: DemoLoader,
  say: (line: string) => void,
): Promise<DevServer> {
  const port = readPort(env["PORT"]);
  const dataDir = resolve(env["DATA_DIR"] || ".data");
  await using started = new AsyncDisposableStack();
  await checkPort(port);
  started.defer(watchPage(say));
  const compatibilityDate = await readCompatibilityDate();
  const backends = await startBackends({
    dataDir,
    redisUrl: env["REDIS_URL"] || undefined,
    databaseUrl: env["DATABASE_URL"] || undefined,
    poolSize: readPoolSize(env["DATABASE_POOL_SIZE"]),
    onEvent: say,
  });
  started.defer(backends.stop);
  const { adminKey, last } = await takeLastKeys(dataDir);

  const scriptPath = join(dataDir, "worker", "index.js");
  await mkdir(join(dataDir, "worker"), { recursive: true });
  let worker: Worker | undefined;
  const bundler = await watchBundle({ outfile: scriptPath }, (problem) => {
    if (problem !== undefined) return say(`${problem}\nThe last good worker keeps running.`);
    worker?.reload().then(
      () => say("Reloaded."),
      (error: Error) => say(`The worker could not be reloaded: ${error.message}`),
    );
  });
  started.defer(bundler.stop);
  const bindings = { ...backends.bindings, ADMIN_KEY: adminKey, ...pick(env, passedThrough) };
  const hyperdrives = hyperdrivesFor(env["DATABASE_DRIVER"], backends.hyperdriveUrl);
  const { queueUrl } = backends;
  const served = { page: true, demo: { adminKey, loader } };
  worker = await startWorker({ scriptPath, compatibilityDate, port, bindings, hyperdrives, queueUrl, ...served });
  started.defer(worker.stop);

  await waitUntilHealthy(worker.url);
  const apiKey = await ensureKey(worker.url, adminKey, API_KEY, last["apiKey"]);
  const pageKey = await ensureKey(worker.url, adminKey, PAGE_KEY, last["pageKey"]);
  started.defer(startCron(worker, say));
  const { UPSTASH_REDIS_REST_URL: redisUrl, UPSTASH_REDIS_REST_TOKEN: redisToken } = backends.bindings;
  const { databaseUrl } = backends;
  await writeDevFile(dataDir, { url: worker.url, apiKey, adminKey, pageKey, databaseUrl, redisUrl, redisToken });
  const inQueueMode = env["INGEST_MODE"] === "queue";
  const redis = env["REDIS_URL"]
    ? `Redis at ${redacted(env["REDIS_URL"])}`
    : "in memory (set REDIS_URL for a real one)";
  const all = started.move();
  return {
    screen: describeServer({ url: worker.url, apiKey, pageKey, dataDir, redis, backends, inQueueMode }),
    url: worker.url,
    stop: () => all.disposeAsync(),
  };
}

/** Fires the cron now and at every full minute; a run that takes longer makes the next one wait its turn. */
function startCron(worker: Worker, say: (line: string) => void): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let failing = false;
  const fire = async (): Promise<void> => {
    try {
      await worker.runCron(everyMinute);
      failing = false;
    } catch (error) {
      if (!failing && !stopped) say(`The cron failed: ${(error as Error).message}`);
      failing = true;
    }
    if (!stopped) timer = setTimeout(() => (running = fire()), 60_000 - (Date.now() % 60_000));
  };
  let running = fire();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    // A worker that hangs must not keep everything else from stopping.
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
  };
}

function describeServer(server: {
  url: string;
  apiKey: string;
  pageKey: string;
  dataDir: string;
  redis: string;
  backends: Backends;
  inQueueMode: boolean;
}): string {
  const { url, apiKey, pageKey, dataDir, redis, backends, inQueueMode } = server;
  const folder = relative(process.cwd(), dataDir).startsWith("..") ? dataDir : relative(process.cwd(), dataDir);
  const waiting = backends.waiting();
  const queue = inQueueMode
    ? `${folder}/queue.sqlite: what it has is on disk, and stored after the next start at the latest`
    : `off, but ${waiting} messages wait in it: INGEST_MODE=queue npm run dev stores them`;
  const trace = JSON.stringify({
    id: "first-call",
    timestamp: new Date().toISOString(),
    model: "gpt-4o-mini",
    input_tokens: 1_000,
    output_tokens: 200,
  });
  return [
    `  Page      ${url}/#key=${pageKey}`,
    `  URL       ${url}/`,
    `  API key   ${apiKey}   (project default: ingest, read)`,
    `  Postgres  ${backends.postgres ? backends.databaseUrl : redacted(backends.databaseUrl)}`,
    `  Redis     ${redis}`,
    ...(inQueueMode || waiting > 0 ? [`  Queue     ${queue}`] : []),
    `  Data      ${folder}/   (keys for scripts: dev.json)`,
    `  Cron      ${everyMinute}`,
    ...(backends.postgres?.notice === undefined ? [] : ["", `  ${backends.postgres.notice}`]),
    "",
    "  Send a first trace:",
    `  curl -s ${url}/v1/traces -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' -d '${trace}'`,
  ].join("\n");
}

/** With `postgres` the worker speaks to the database through Hyperdrive's local stand-in; else over Neon's HTTP. */
function hyperdrivesFor(driver: string | undefined, hyperdriveUrl: string): Record<string, string> {
  if (driver === "postgres") return { HYPERDRIVE: hyperdriveUrl };
  if (driver === undefined || driver === "" || driver === "neon") return {};
  throw new StartError(`DATABASE_DRIVER must be "neon" or "postgres", not "${driver}".`);
}

function readPoolSize(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1) return size;
  throw new StartError(`DATABASE_POOL_SIZE must be a number of connections, not "${text}".`);
}

function readPort(text: string | undefined): number {
  const port = Number(text || "8787");
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new StartError(`PORT must be a port number, not "${text}".`);
  return port;
}

// Before anything else is started: the most common reason why a start fails. A server that was just killed may need a
// moment to let go of the port.
async function checkPort(port: number): Promise<void> {
  for (let tries = 5; ; tries--) {
    try {
      return void (await freePort(port));
    } catch (error) {
      if (tries === 0) throw error;
      await sleep(100);
    }
  }
}

function pick(env: NodeJS.ProcessEnv, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function redacted(url: string): string {
  if (!URL.canParse(url)) return url;
  const shown = new URL(url);
  if (shown.password) shown.password = "***";
  return shown.href;
}
