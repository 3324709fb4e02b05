/** Spans of our own, through the app with real stores to a real collector: what is sent, and what an outage costs. */
import { afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps, type Deps } from "../../src/deps.ts";
import { createKey } from "../../src/keys.ts";
import { createLog } from "../../src/telemetry/log-line.ts";
import { observeRun } from "../../src/telemetry/run.ts";
import { createSpanExporter, OWN_USER_AGENT, type SpanExporter } from "../../src/telemetry/spans.ts";
import { traceOf } from "../../src/telemetry/traceparent.ts";
import { database, newProject, redis } from "../ledger.ts";
import { type Collected, type Collector, startCollector } from "./collector.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "rojo=1" };
const MONDAY = Date.UTC(2025, 2, 10);

const db = database();
let projectId: string;
let key: string;

beforeAll(async () => {
  projectId = await newProject(db);
  ({ key } = await createKey(db, projectId, "test", ["ingest", "read"]));
});

const open: Collector[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((collector) => collector.close()));
  vi.restoreAllMocks();
});

async function collector(answer?: () => number | "hang"): Promise<Collector> {
  const started = await startCollector(answer);
  open.push(started);
  return started;
}

interface Traced {
  ask(path: string, init?: RequestInit): Promise<Response>;
  deps: Deps;
  /** Ends once everything that requests left behind is done. */
  done(): Promise<void>;
}

/** An app that sends at once, with rate 0: the caller decides. */
function traced(endpoint: string, more: { limitMs?: number; delayMs?: number } = {}): Traced {
  const config = parseConfig({
    ...inject("bindings"),
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a%20b,authorization=Bearer%20t0ken",
    OTEL_TRACES_SAMPLER_ARG: "0",
  });
  const now = Date.now;
  const spans = createSpanExporter(config.traces!, { now, log: createLog("warn", now), delayMs: 0, ...more });
  const deps = createDeps(config, { db, redis: redis(), spans });
  const app = createApp(deps);
  const left: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void left.push(work),
    passThroughOnException() {},
    props: {},
  };
  return {
    deps,
    ask: async (path, { headers, ...init } = {}) =>
      await app.fetch(
        new Request(`http://ledger${path}`, {
          ...init,
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...(headers as object) },
        }),
        {},
        context as never,
      ),
    done: async () => {
      while (left.length > 0) await Promise.all(left.splice(0));
    },
  };
}

let calls = 0;
const post = (headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers,
  body: JSON.stringify([
    { id: `span-${++calls}`, timestamp: MONDAY, model: "gpt-4o", input_tokens: 1, output_tokens: 1 },
  ]),
});
const byName = (spans: Collected[], name: string): Collected[] => spans.filter((span) => span.name === name);

describe("a sampled request", () => {
  it("is a server span below the caller's, with a span for each transaction and command below it", async () => {
    const { endpoint, spans, requests } = await collector();
    const { ask, done } = traced(endpoint);
    const init = post({ ...SAMPLED, "x-request-id": "my-request" });
    const response = await ask("/v1/traces?", init);
    expect(response.status).toBe(200);
    await done();
    const [server, ...others] = byName(spans, "POST /v1/traces");
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: "rojo=1",
      kind: 2,
      status: {},
      attributes: {
        "http.request.method": "POST",
        "http.route": "/v1/traces",
        "http.response.status_code": 200,
        "http.request.body.size": String(init.body).length,
        "url.scheme": "http",
        "llm_cost.request_id": "my-request",
        "llm_cost.project_id": projectId,
      },
    });
    expect(response.headers.get("traceparent")).toBe(`00-${TRACE}-${server!.spanId}-01`);
    const [insert] = byName(spans, "INSERT");
    expect(insert).toMatchObject({
      traceId: TRACE,
      parentSpanId: server!.spanId,
      kind: 3,
      attributes: { "db.system.name": "postgresql", "db.operation.name": "INSERT", "db.response.returned_rows": 1 },
    });
    expect(byName(spans, "SET")[0]).toMatchObject({
      parentSpanId: server!.spanId,
      kind: 3,
      attributes: { "db.system.name": "redis", "db.operation.name": "SET" },
    });
    for (const span of spans) {
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
      // Nanoseconds of this year: 19 digits.
      expect(span.startTimeUnixNano).toMatch(/^1[7-9]\d{17}$/);
    }
    expect(requests[0]).toMatchObject({
      url: "/v1/traces",
      headers: { "content-type": "application/json", "x-tenant": "a b", authorization: "Bearer t0ken" },
    });
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "llm-cost-tracker" } }] };
    expect(JSON.parse(requests[0]!.body)).toMatchObject({ resourceSpans: [{ resource }] });
  });

  it("has neither texts nor values of statements, nor what callers sent", async () => {
    const { endpoint, requests } = await collector();
    const { ask, done } = traced(endpoint);
    const secret = "SeCrEt";
    const body = [{ id: secret, timestamp: MONDAY, model: secret, user_id: secret, tags: { [secret]: secret } }];
    await ask("/v1/traces", { method: "POST", headers: SAMPLED, body: JSON.stringify(body) });
    await ask(`/v1/traces/${secret}`, { headers: SAMPLED });
    await ask(`/${secret}?${secret}=${secret}`, { headers: SAMPLED });
    await ask(`/v1/summary?user=${secret}`, { headers: { ...SAMPLED, "user-agent": secret, referer: secret } });
    await done();
    const sent = requests.map(({ body }) => body).join();
    expect(sent).toContain("GET /v1/traces/{id}");
    expect(sent).toContain("GET /v1/summary");
    expect(sent).not.toMatch(/SeCrEt|where|from |lct_/);
    expect(sent).not.toContain(key);
  });

  it("that fails is an error with its code; a refusal is none", async () => {
    const { endpoint, spans } = await collector();
    const { ask, done, deps } = traced(endpoint);
    vi.spyOn(deps.catalogue, "get").mockRejectedValue(new TypeError("x"));
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await ask("/readyz", { headers: SAMPLED })).status).toBe(500);
    expect((await ask("/nothing", { headers: SAMPLED })).status).toBe(404);
    await done();
    expect(byName(spans, "GET /readyz")[0]).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "internal", "http.response.status_code": 500 },
    });
    const [unknown] = byName(spans, "GET");
    expect(unknown).toMatchObject({ status: {}, attributes: { "http.response.status_code": 404 } });
    expect(unknown!.attributes).not.toHaveProperty("http.route");
  });
});

describe("a request makes no span", () => {
  it.each([
    ["if its caller did not sample it", { traceparent: `00-${TRACE}-${PARENT}-00` }],
    ["if it begins a trace and the rate is 0", {}],
    ["if it carries spans of our own", { ...SAMPLED, "user-agent": OWN_USER_AGENT }],
  ])("%s", async (_, headers) => {
    const { endpoint, requests } = await collector();
    const { ask, done } = traced(endpoint);
    expect((await ask("/v1/traces", post(headers))).status).toBe(200);
    await done();
    expect(requests).toEqual([]);
  });

  it("even if the endpoint is the ledger itself: what is sent names itself so", async () => {
    const { endpoint, requests } = await collector();
    const { ask, done } = traced(endpoint);
    await ask("/v1/traces", post(SAMPLED));
    await done();
    const [{ headers, body }] = requests as [Collector["requests"][number]];
    const again = await ask("/v1/traces", {
      method: "POST",
      headers: { ...SAMPLED, "user-agent": headers["user-agent"]! },
      body,
    });
    expect(again.status).toBe(200);
    await done();
    expect(requests).toHaveLength(1);
  });
});

it("sends the spans of many requests together, 512 at most", async () => {
  const { endpoint, spans, requests } = await collector();
  const { ask, done, deps } = traced(endpoint);
  await Promise.all(Array.from({ length: 600 }, () => ask("/healthz", { headers: SAMPLED })));
  await done();
  expect(spans).toHaveLength(600);
  expect(requests.length).toBeLessThanOrEqual(3);
  expect(deps.spans!.counts).toEqual({ sent: 600, dropped: 0 });
});

describe("an endpoint that is down", () => {
  const refused = async (): Promise<string> => {
    const { endpoint, close } = await startCollector();
    await close();
    return endpoint;
  };

  it.each([
    ["answers 503", async () => (await collector(() => 503)).endpoint, "status 503"],
    ["redirects", async () => (await collector(() => 302)).endpoint, "status 302"],
    ["refuses connections", refused, "TypeError"],
    ["never answers", async () => (await collector(() => "hang")).endpoint, "TimeoutError"],
  ])(
    "%s: no answer fails or waits, spans are dropped and counted, and the log says so once",
    async (_, start, problem) => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      const { ask, done, deps } = traced(await start(), { limitMs: 100 });
      // These two do not wait for what is left behind.
      expect((await ask("/healthz", { headers: SAMPLED })).status).toBe(200);
      expect((await ask("/healthz", { headers: SAMPLED })).status).toBe(200);
      await done();
      expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)) as unknown)).toEqual([
        expect.objectContaining({ level: "warn", event: "spans_dropped", dropped: 2, problem }),
      ]);
      // For ten seconds nothing is tried again.
      await ask("/healthz", { headers: SAMPLED });
      await done();
      expect(deps.spans!.counts).toEqual({ sent: 0, dropped: 3 });
      expect(warn).toHaveBeenCalledOnce();
    },
  );

  it("holds 2,048 spans at most while it is slow, and is tried again after ten seconds", async () => {
    let status: number | "hang" = "hang";
    const { endpoint, spans } = await collector(() => status);
    vi.spyOn(console, "warn").mockImplementation(() => {});
    let nowMs = MONDAY;
    const options = { url: `${endpoint}/v1/traces`, headers: {}, serviceName: "x", rate: 1 };
    const exporter = createSpanExporter(options, {
      now: () => nowMs,
      log: createLog("warn", () => nowMs),
      delayMs: 0,
      limitMs: 100,
    });
    const left: Promise<unknown>[] = [];
    const span = () => end(exporter, (work) => void left.push(work));
    for (let i = 0; i < 3_000; i++) span();
    expect(exporter.counts).toEqual({ sent: 0, dropped: 3_000 - 2_048 });
    await Promise.all(left);
    expect(exporter.counts).toEqual({ sent: 0, dropped: 3_000 });
    status = 200;
    nowMs += 9_999;
    span();
    expect(exporter.counts.dropped).toBe(3_001);
    nowMs += 1;
    span();
    await Promise.all(left);
    expect(exporter.counts).toEqual({ sent: 1, dropped: 3_001 });
    expect(spans).toHaveLength(1);
  });

  it("is sent to by another request after 15 s, if the one that was to do it was cut off", () => {
    let nowMs = MONDAY;
    const options = { url: "http://127.0.0.1:1/v1/traces", headers: {}, serviceName: "x", rate: 1 };
    const log = createLog("off", () => nowMs);
    const exporter = createSpanExporter(options, { now: () => nowMs, log, delayMs: 2 ** 30 });
    const senders: string[] = [];
    end(exporter, () => senders.push("first"));
    nowMs += 14_999;
    end(exporter, () => senders.push("second"));
    nowMs += 1;
    end(exporter, () => senders.push("third"));
    expect(senders).toEqual(["first", "third"]);
  });
});

function end(exporter: SpanExporter, keepAlive: (work: Promise<unknown>) => void): void {
  const recorder = exporter.record(traceOf(undefined, undefined, crypto.randomUUID(), 1));
  recorder.end({ name: "x", kind: "server", startMs: 1, endMs: 2, attributes: {}, errorType: null }, keepAlive);
}

describe("a run", () => {
  it("is the root of a trace at the rate of new ones, and its failure is thrown on", async () => {
    const { endpoint, spans } = await collector();
    const { deps } = traced(endpoint);
    const left: Promise<unknown>[] = [];
    const runDeps = { ...deps, observers: [], spans: { ...deps.spans!, rate: 1 } };
    const keepAlive = (work: Promise<unknown>): void => void left.push(work);
    await observeRun(runDeps, "cron", keepAlive, async () => {
      await deps.db.ping();
      return { due: true };
    });
    const failing = observeRun(runDeps, "queue", keepAlive, () => Promise.reject(new RangeError("x")));
    await expect(failing).rejects.toThrow(RangeError);
    await Promise.all(left);
    const [[cron], [queue], [ping]] = [byName(spans, "cron"), byName(spans, "queue"), byName(spans, "SELECT")];
    expect(cron).toMatchObject({ kind: 1, status: {} });
    expect(cron).not.toHaveProperty("parentSpanId");
    expect(ping).toMatchObject({ traceId: cron!.traceId, parentSpanId: cron!.spanId });
    expect(queue).toMatchObject({ kind: 5, status: { code: 2 }, attributes: { "error.type": "RangeError" } });
  });
});
