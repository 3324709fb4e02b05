/**
 * A deployment in which everything has happened that `/metrics` can tell of: two isolates, one of each ingest mode, with
 * a replica, a newer catalogue and one that was refused, unknown members, corrections, and failures. The clock is the
 * real one, shifted.
 */
import { type RequestListener } from "node:http";
import { afterAll, inject, vi } from "vitest";
import { listenHttp } from "../../scripts/local/http-server.ts";
import { startUpstashEndpoint } from "../../scripts/local/upstash-endpoint.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { runScheduled } from "../../src/cron.ts";
import { type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { createDeps } from "../../src/deps.ts";
import { consume } from "../../src/queue/consume.ts";
import { HOUR_MS } from "../../src/time.ts";
import { published, withNova } from "../catalogue/documents.ts";
import { metricsRequest } from "../ingest/decode/otlp/metrics-request.ts";
import { ownDatabase } from "../own-database.ts";

const REDIS_TOKEN = "token";
const METRICS_TOKEN = "metrics-token-0123456789";
const ADMIN_KEY = "admin-key-of-this-test-0123456789abcdef";
/** The minute of the day at which cron audits. */
const SWEEP_MS = 3 * HOUR_MS;

export async function startTarget(): Promise<{ url: string; token: string }> {
  const { db } = await ownDatabase(inject("driver"), afterAll);
  const redis = await startUpstashEndpoint({ token: REDIS_TOKEN });
  afterAll(() => redis.close());
  const clock = { shiftMs: -2 * HOUR_MS };
  const now = (): number => Date.now() + clock.shiftMs;
  const failing = { database: false };
  const database = failingDatabase(db, failing);
  const waiting: string[] = [];
  const env = {
    ...inject("bindings"),
    REPLICA_DATABASE_URL: inject("databaseUrl"),
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN,
    ADMIN_KEY,
    METRICS_TOKEN,
    CATALOGUE_URL: "http://catalogue.invalid/",
  };
  const catalogues = [{ text: published(withNova()), etag: null }, { refused: "it is not of the expected form" }];
  const isolate = (more: object) => {
    const given = {
      db: database,
      now,
      replicaLagSeconds: async () => 0,
      fetchCatalogue: async () => catalogues.shift() ?? ("unchanged" as const),
    };
    const deps = createDeps(parseConfig({ ...env, ...more }), given);
    return { deps, app: createApp(deps) };
  };
  const direct = isolate({});
  const queued = isolate({ INGEST_MODE: "queue", INGEST_QUEUE: queueInto(waiting) });

  const left: Promise<unknown>[] = [];
  const keepAlive = (work: Promise<unknown>): void => void left.push(work);
  const context = { waitUntil: keepAlive, passThroughOnException() {}, props: {} } as never;
  const cron = (atMs: number) => runScheduled(direct.deps, atMs, keepAlive);
  const ask = async ({ app }: typeof direct, key: string, path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await app.fetch(new Request(`http://ledger${path}`, { ...init, headers }), {}, context);
    const body = (await answer.json().catch(() => null)) as never;
    await Promise.allSettled(left.splice(0));
    return body;
  };
  const post = (to: typeof direct, key: string, path: string, body: unknown) =>
    ask(to, key, path, { method: "POST", body: JSON.stringify(body) });
  const call = (id: string, more: object = USAGE) => ({
    ...CALL,
    id,
    timestamp: new Date(now()).toISOString(),
    ...more,
  });

  const { id: project_id }: { id: string } = await post(direct, ADMIN_KEY, "/v1/projects", { name: "acme" });
  const scopes = ["ingest", "read", "admin"];
  const { key }: { key: string } = await post(direct, ADMIN_KEY, "/v1/keys", { project_id, name: "all", scopes });
  await post(direct, key, "/v1/traces", [call("a"), call("b", { ...USAGE, status: "error" }), call("c", ODD_USAGE)]);
  await cron(now());

  clock.shiftMs = 0;
  await post(direct, key, "/v1/traces", [call("d"), call("e", { ...USAGE, model: "nobody-knows-it" })]);
  await post(queued, key, "/v1/traces", [call("f")]);
  const counter = "gen_ai.client.inference.usage.input_tokens";
  const points = [
    { asInt: 3, timeMs: now() - 1 },
    { asInt: 3, timeMs: 1 },
  ];
  await post(direct, key, "/v1/metrics", metricsRequest([{ name: counter, points }]));
  const messages = waiting.map((body, i) => messageOf(`message-${i}`, body, now()));
  await consume(queued.deps, { queue: "llm-cost-traces", messages } as never, keepAlive);
  for (const path of ["/v1/summary", "/v1/summary", "/v1/explain", "/nowhere"]) await ask(direct, key, path);
  const { traces }: { traces: { id: string }[] } = await ask(direct, key, "/v1/traces?limit=1");
  await ask(direct, key, `/v1/traces/${traces[0]!.id}`, { method: "DELETE" });
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  failing.database = true;
  await ask(direct, key, "/v1/audit");
  await cron(SWEEP_MS).catch(() => {});
  failing.database = false;
  await cron(SWEEP_MS);
  told.mockRestore();
  await Promise.allSettled(left.splice(0));
  await direct.deps.counters.send();

  const server = await listenHttp(asListener((request) => queued.app.fetch(request, {}, context)));
  afterAll(() => server.close());
  return { url: server.url, token: METRICS_TOKEN };
}

const CALL = {
  model: "gpt-4o",
  provider: "openai",
  application: "assistant",
  environment: "production",
  duration_ms: 400,
};
const USAGE = { input_tokens: 1_000, output_tokens: 100, cache_read_tokens: 400 };
const ODD_USAGE = { usage: { prompt_tokens: 10, completion_tokens: 1, tokens_of_tomorrow: 7 } };

function failingDatabase(db: Database, failing: { database: boolean }): Database {
  const or =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (failing.database) throw new DatabaseUnavailable("the test lets it fail");
      return await run(...args);
    };
  return { ping: or(db.ping), query: or(db.query), run: or(db.run), batch: or(db.batch) } as Database;
}

function queueInto(waiting: string[]): object {
  return {
    sendBatch: async (messages: Iterable<{ body: string }>) =>
      void waiting.push(...[...messages].map(({ body }) => body)),
    metrics: async () => ({ backlogCount: 1, backlogBytes: 100, oldestMessageTimestamp: new Date() }),
  };
}

function messageOf(id: string, body: string, sentMs: number): object {
  return { id, body, timestamp: new Date(sentMs), attempts: 1, ack() {}, retry() {} };
}

function asListener(answer: (request: Request) => Promise<Response> | Response): RequestListener {
  return async (incoming, outgoing) => {
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const response = await answer(new Request(`http://ledger${incoming.url}`, { headers }));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  };
}
