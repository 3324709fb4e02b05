/** `/metrics` on the whole app: of several isolates, with cron as it runs, with hostile names, with stores that are down. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, inject, it } from "vitest";
import { startUpstashEndpoint } from "../../scripts/local/upstash-endpoint.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { runScheduled } from "../../src/cron.ts";
import type { Database } from "../../src/db/client.ts";
import { createDeps } from "../../src/deps.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { DatabaseUnavailable } from "../../src/db/client.ts";
import { metricsRequest } from "../ingest/decode/otlp/metrics-request.ts";
import { ownDatabase } from "../own-database.ts";

const NOW = Date.UTC(2026, 2, 20, 3);
const TOKEN = "metrics-token-0123456789";
const ADMIN_KEY = "admin-key-of-this-test-0123456789abcdef";

const { db } = await ownDatabase(inject("driver"), afterAll);

interface OwnRedis {
  url: string;
  token: string;
  close(): Promise<void>;
}

/** Those in memory share what they hold if they have the same token. */
async function ownRedis(): Promise<OwnRedis> {
  const token = randomUUID();
  return { ...(await startUpstashEndpoint({ token })), token };
}

/** One isolate of a deployment: the app with what it counts in memory. */
function isolate(redis: OwnRedis, clock: { ms: number }, over: { db?: Database } = {}) {
  const config = parseConfig({
    ...inject("bindings"),
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
    ADMIN_KEY,
    METRICS_TOKEN: TOKEN,
    CATALOGUE_URL: "",
  });
  let statements = 0;
  const base = over.db ?? db;
  const count =
    <A extends unknown[], R>(run: (...args: A) => R) =>
    (...args: A): R => {
      statements++;
      return run(...args);
    };
  const spied: Database = {
    ping: count(base.ping),
    query: count(base.query),
    run: count(base.run),
    batch: count(base.batch),
  };
  const deps = createDeps(config, { db: spied, now: () => clock.ms });
  const app = createApp(deps);
  const left: Promise<unknown>[] = [];
  const keepAlive = (work: Promise<unknown>): void => void left.push(work);
  const context = { waitUntil: keepAlive, passThroughOnException() {}, props: {} };
  const ask = async (key: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.fetch(
      new Request(`http://ledger${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
      {},
      context as never,
    );
    await Promise.all(left.splice(0));
    return response;
  };
  return {
    deps,
    ask,
    statements: () => statements,
    async cron() {
      await runScheduled(deps, clock.ms, keepAlive);
      await Promise.all(left.splice(0));
    },
    async scrape(key = TOKEN, headers: Record<string, string> = {}) {
      const response = await ask(key, "/metrics", undefined, headers);
      expect(response.status).toBe(200);
      return await response.text();
    },
    async project(name: string, scopes: string[]) {
      const { id } = (await (await ask(ADMIN_KEY, "/v1/projects", { name })).json()) as { id: string };
      const made = await ask(ADMIN_KEY, "/v1/keys", { project_id: id, name, scopes });
      return { id, key: ((await made.json()) as { key: string }).key };
    },
  };
}

const call = (id: string, fields: object = {}) => ({
  id,
  timestamp: new Date(NOW - HOUR_MS).toISOString(),
  model: "gpt-4o",
  provider: "openai",
  application: "assistant",
  input_tokens: 1_000,
  output_tokens: 100,
  duration_ms: 400,
  ...fields,
});

/** The value of a series in Prometheus' text. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe("/metrics", () => {
  it("adds up what all isolates counted, and keeps it when they end", async () => {
    const redis = await ownRedis();
    const clock = { ms: NOW };
    const [first, second] = [isolate(redis, clock), isolate(redis, clock)];
    const { key } = await first.project("isolates", ["ingest", "read"]);
    const ingest = (of: typeof first, id: string) => of.ask(key, "/v1/traces", [call(id), call(id)]);
    await ingest(first, "a");
    await ingest(second, "b");
    const counter = "gen_ai.client.inference.usage.input_tokens";
    const points = [1, 2].map((asInt) => ({ asInt, timeMs: NOW - 1 }));
    await first.ask(
      key,
      "/v1/metrics",
      metricsRequest([{ name: counter, points: [...points, { asInt: 3, timeMs: 1 }] }]),
    );
    await second.ask(key, "/v1/nothing");
    // Both leave what they counted with a request after ten seconds.
    clock.ms += 11_000;
    await first.ask(key, "/healthz");
    await second.ask(key, "/healthz");

    const third = isolate(redis, clock);
    const text = await third.scrape();
    const requests = (labels: string) => valueOf(text, `http_requests_total{${labels}}`);
    expect(requests('route="/v1/traces",method="POST",status="200"')).toBe(2);
    expect(requests('route="/v1/metrics",method="POST",status="200"')).toBe(1);
    expect(valueOf(text, 'llm_cost_ingest_points_total{outcome="stored"}')).toBe(2);
    expect(valueOf(text, 'llm_cost_ingest_points_total{outcome="rejected"}')).toBe(1);
    expect(requests('route="(unknown)",method="GET",status="404"')).toBe(1);
    expect(requests('route="/healthz",method="GET",status="200"')).toBe(2);
    expect(valueOf(text, 'llm_cost_ingest_calls_total{form="native",outcome="inserted"}')).toBe(2);
    expect(valueOf(text, 'llm_cost_ingest_calls_total{form="native",outcome="duplicate"}')).toBe(2);
    expect(valueOf(text, 'http_request_duration_seconds_bucket{le="+Inf",route="/v1/traces",method="POST"}')).toBe(2);
    expect(valueOf(text, "llm_cost_database_query_duration_seconds_count")).toBeGreaterThan(3);

    // Later isolates know nothing of it in memory.
    clock.ms += 60_000;
    const later = await isolate(redis, clock).scrape();
    for (const line of text.split("\n").filter((line) => /^(http|llm)\S*(_total|_bucket|_count)/.test(line))) {
      const series = line.slice(0, line.lastIndexOf(" "));
      expect(valueOf(later, series), series).toBeGreaterThanOrEqual(Number(line.slice(line.lastIndexOf(" "))));
    }
    await redis.close();
  });

  it("shows what calls cost as cron saw it, to operators of all projects, to a project's key of itself alone", async () => {
    const redis = await ownRedis();
    const clock = { ms: NOW };
    const { ask, cron, scrape, project, statements } = isolate(redis, clock);
    const [ours, theirs] = [await project("ours", ["admin"]), await project("theirs", ["ingest", "read"])];
    await ask(ours.key, "/v1/traces", [
      call("a"),
      call("b", { status: "error" }),
      call("c", { model: "nobody-knows-it", timestamp: new Date(NOW - HOUR_MS).toISOString() }),
    ]);
    await ask(theirs.key, "/v1/traces", [call("a", { cache_read_tokens: 400 })]);
    await cron();
    clock.ms += 30_000;

    const before = statements();
    const text = await scrape();
    expect(await scrape(ADMIN_KEY)).toContain(`project_name="theirs"`);
    expect(statements()).toBe(before);
    const of = (name: string, id: string, provider: string, model: string, more = "") =>
      `${name}{${more}project="${id}",project_name="${id === ours.id ? "ours" : "theirs"}",application="assistant",environment="unknown",provider="${provider}",model="${model}"}`;
    const group = (name: string, id: string, more = "") => of(name, id, "openai", "gpt-4o", more);
    // 2 x (1,000 x $2.50 + 100 x $10) a million = $0.007
    expect(valueOf(text, group("llm_cost_usd_total", ours.id))).toBe(0.007);
    expect(valueOf(text, group("llm_requests_total", ours.id, 'status="ok",'))).toBe(1);
    expect(valueOf(text, group("llm_requests_total", ours.id, 'status="error",'))).toBe(1);
    expect(valueOf(text, group("llm_tokens_total", theirs.id, 'type="cache_read",'))).toBe(400);
    expect(valueOf(text, group("llm_request_duration_seconds_bucket", ours.id, 'le="0.25",'))).toBe(0);
    expect(valueOf(text, group("llm_request_duration_seconds_bucket", ours.id, 'le="0.5",'))).toBe(2);
    expect(valueOf(text, group("llm_request_duration_seconds_sum", ours.id))).toBe(0.8);
    const today = (name: string) => `${name}{project="${ours.id}",project_name="ours"}`;
    expect(valueOf(text, today("llm_cost_usd_today"))).toBe(0.007);
    expect(valueOf(text, today("llm_unpriced_requests_today"))).toBe(1);
    expect(valueOf(text, "llm_cost_snapshot_age_seconds")).toBe(30);
    expect(valueOf(text, 'llm_cost_cron_last_success_timestamp_seconds{stage="merge"}')).toBe(NOW / 1_000);
    expect(valueOf(text, "llm_cost_rollup_partial_rows")).toBe(0);
    expect(valueOf(text, "llm_cost_audit_difference_usd")).toBe(0);
    expect(valueOf(text, "llm_cost_database_size_bytes")).toBeGreaterThan(1e6);

    const own = await scrape(ours.key);
    expect(valueOf(own, group("llm_cost_usd_total", ours.id))).toBe(0.007);
    expect(own).not.toContain("theirs");
    expect(own).not.toContain(theirs.id);
    expect(own).not.toContain("http_requests_total");
    expect(own).not.toContain("llm_cost_database");
    expect((await ask(theirs.key, "/metrics")).status).toBe(403);
    expect((await ask("nobody", "/metrics")).status).toBe(401);

    // Nothing came since, so the new day has no calls. The counters stay.
    clock.ms += DAY_MS;
    const nextDay = await scrape();
    expect(valueOf(nextDay, today("llm_cost_usd_today"))).toBe(0);
    expect(valueOf(nextDay, group("llm_cost_usd_total", ours.id))).toBe(0.007);

    // After an idle hour the first call has waited for no hour.
    await cron();
    clock.ms += HOUR_MS;
    await cron();
    await ask(ours.key, "/v1/traces", [call("late")]);
    clock.ms += 5_000;
    expect(valueOf(await scrape(), "llm_cost_rollup_lag_seconds")).toBe(5);
    await redis.close();
  });

  it("is valid in both forms, also with names that would break it", async () => {
    const redis = await ownRedis();
    const clock = { ms: NOW };
    const { ask, cron, scrape, project } = isolate(redis, clock);
    const { key } = await project('"; drop\n{x="y"} \\', ["admin"]);
    const names = ['say "hi"', "two\nlines", "back\\slash", "x".repeat(500), "é🦊", '{le="1"}', "(other)", "# EOF"];
    await ask(
      key,
      "/v1/traces",
      names.map((application, i) => call(`n${i}`, { application, environment: application })),
    );
    const usage = { prompt_tokens: 9, completion_tokens: 1, vibes: 1 };
    const timestamp = new Date(NOW - HOUR_MS).toISOString();
    await ask(key, "/v1/traces", [{ id: "usage", timestamp, provider: "openai", model: "gpt-4o", usage }]);
    await ask(key, `/v1/${encodeURIComponent('"}\n')}`);
    await cron();
    const text = await scrape();
    for (const name of ['say \\"hi\\"', "two\\nlines", "back\\\\slash", "x".repeat(500), "é🦊"])
      expect(text).toContain(`application="${name}"`);
    expect(valueOf(text, 'llm_cost_unknown_usage_members_total{provider="openai",member="vibes"}')).toBe(1);
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const labels = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(labels.length).toBeGreaterThan(100);
    expect(new Set(labels).size).toBe(labels.length);
    for (const line of series)
      expect(line).toMatch(/^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? (\d|-\d|\+Inf)\S*$/);

    const response = await ask(TOKEN, "/metrics", undefined, { accept: "application/openmetrics-text; version=1.0.0" });
    expect(response.headers.get("content-type")).toMatch(/^application\/openmetrics-text/);
    const open = await response.text();
    expect(open.endsWith("\n# EOF\n")).toBe(true);
    expect(open).toContain("# TYPE llm_cost_usd counter\n");
    expect(valueOf(open, 'http_requests_total{route="/v1/traces",method="POST",status="200"}')).toBeDefined();

    const promtool = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    if (promtool.error) {
      if (process.env["REQUIRE_PROMETHEUS"] === "1") throw promtool.error;
      console.warn("skipped: promtool is not installed");
    } else expect(promtool.stderr.match(/error while linting|parse error|invalid/gi) ?? []).toEqual([]);
    await redis.close();
  });

  it("is valid without the database, and says so without Redis", async () => {
    const redis = await ownRedis();
    const clock = { ms: NOW };
    const fails = () => Promise.reject(new DatabaseUnavailable("down"));
    const down: Database = { ping: fails, query: fails, run: fails, batch: fails };
    const { scrape, cron, ask } = isolate(redis, clock, { db: down });
    expect((await ask("lct_x", "/readyz")).status).toBe(503);
    await expect(cron()).rejects.toThrow();
    const text = await scrape();
    expect(valueOf(text, "llm_cost_redis_up")).toBe(1);
    expect(valueOf(text, 'llm_cost_database_errors_total{kind="unavailable"}')).toBeGreaterThan(0);
    expect(valueOf(text, 'llm_cost_cron_failures_total{stage="merge"}')).toBe(1);
    expect(text).not.toContain('llm_cost_cron_last_success_timestamp_seconds{stage="merge"}');
    await redis.close();

    const alone = isolate(redis, clock);
    const without = await alone.scrape();
    expect(valueOf(without, "llm_cost_redis_up")).toBe(0);
    expect(without).not.toContain("http_requests_total");
    expect(without).not.toContain("llm_cost_snapshot_age_seconds");
    expect(without).toContain("llm_cost_catalogue_info{");
  });
});
