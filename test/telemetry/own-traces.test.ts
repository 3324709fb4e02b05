/** The Worker in bare workerd, with a real collector: what it logs, what it sends, and that it does not trace itself. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, inject, it, vi } from "vitest";
import { type BareWorkerd, startWorkerd } from "../../scripts/bench/workerd.ts";
import { createKey } from "../../src/keys.ts";
import { bindingsOf, database, newProject } from "../ledger.ts";
import { type Collector, startCollector } from "./collector.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;

const folder = mkdtempSync(join(tmpdir(), "llm-cost-own-traces-"));
const logFile = join(folder, "worker.log");
let worker: BareWorkerd;
let collector: Collector;
let answer: number | "hang" = 200;
let projectId: string;
let key: string;

beforeAll(async () => {
  collector = await startCollector(() => answer);
  const bindings = {
    ...bindingsOf(inject("databases")[inject("driver")]),
    LOG_LEVEL: "info",
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/`,
    OTEL_SERVICE_NAME: "ledger-under-test",
    OTEL_TRACES_SAMPLER_ARG: "0",
  };
  worker = await startWorkerd(bindings, undefined, logFile);
  const db = database();
  projectId = await newProject(db);
  ({ key } = await createKey(db, projectId, "test", ["ingest", "read"]));
}, 60_000);

afterAll(async () => {
  await worker.stop();
  await collector.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  answer = 200;
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${worker.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", traceparent, ...init.headers },
  });

const post = (id: string, requestId: string): Promise<Response> =>
  ask("/v1/traces", {
    method: "POST",
    headers: { "x-request-id": requestId },
    body: JSON.stringify([
      { id, timestamp: "2025-03-10T00:00:00Z", model: "gpt-4o", input_tokens: 1, output_tokens: 1 },
    ]),
  });

/** The line of a request, once it is written. */
async function lineOf(requestId: string): Promise<Record<string, unknown>> {
  return await vi.waitFor(() => {
    const line = readFileSync(logFile, "utf8")
      .split("\n")
      .find((text) => text.includes(`"request_id":"${requestId}"`));
    expect(line).toBeDefined();
    return JSON.parse(line!) as Record<string, unknown>;
  });
}

const named = (name: string) => collector.spans.filter((span) => span.name === name);

it("logs a request, and sends its spans within seconds beside the requests that follow", async () => {
  const response = await post("own-1", "own-traces-1");
  expect(response.status, await response.text()).toBe(200);
  expect(await lineOf("own-traces-1")).toMatchObject({
    level: "info",
    event: "request",
    trace_id: TRACE,
    project_id: projectId,
    method: "POST",
    route: "/v1/traces",
    status: 200,
    accepted: 1,
    inserted: 1,
    duplicates: 0,
    rejected: 0,
  });
  await vi.waitFor(() => expect(named("POST /v1/traces")).toHaveLength(1), { timeout: 10_000 });
  const [server] = named("POST /v1/traces");
  expect(response.headers.get("traceparent")).toBe(`00-${TRACE}-${server!.spanId}-01`);
  const [insert] = named("INSERT");
  expect(insert).toMatchObject({ parentSpanId: server!.spanId, traceId: TRACE });
  expect(collector.requests.at(-1)!.headers["user-agent"]).toBe("llm-cost-tracker-spans");
  expect(collector.requests.at(-1)!.body).toContain("ledger-under-test");
});

it("counts what a download reads after its headers, and spans of it are below its request", async () => {
  const rowsOf = async (range: string, id: string): Promise<number> => {
    const response = await ask(`/v1/export?${range}`, { headers: { "x-request-id": id } });
    await response.text();
    const line = await lineOf(id);
    expect(line).toMatchObject({ route: "/v1/export", status: 200 });
    return Number(line["db_rows"]);
  };
  const empty = await rowsOf("from=2025-04-10&to=2025-04-11", "own-traces-2");
  expect(await rowsOf("from=2025-03-10&to=2025-03-11", "own-traces-3")).toBe(empty + 1);
  await vi.waitFor(() => expect(named("GET /v1/export")).toHaveLength(2), { timeout: 10_000 });
});

it("makes no spans about receiving its own", async () => {
  const before = collector.requests.length;
  const { headers, body } = collector.requests[0]!;
  const response = await ask("/v1/traces", {
    method: "POST",
    headers: { "user-agent": headers["user-agent"]!, "x-request-id": "own-traces-3" },
    body,
  });
  expect(response.status, await response.text()).toBe(200);
  await lineOf("own-traces-3");
  // A later request's spans arrive, and with them anything that waited.
  await ask("/healthz");
  await vi.waitFor(() => expect(collector.requests.length).toBeGreaterThan(before), { timeout: 10_000 });
  const since = collector.requests
    .slice(before)
    .map((request) => request.body)
    .join();
  expect(since).toContain("GET /healthz");
  expect(since).not.toContain("own-traces-3");
});

it("answers as before while the endpoint hangs", async () => {
  answer = "hang";
  const before = collector.requests.length;
  await ask("/healthz");
  await vi.waitFor(() => expect(collector.requests.length).toBeGreaterThan(before), { timeout: 10_000 });
  const beganMs = performance.now();
  for (let i = 0; i < 50; i++) expect((await ask("/healthz")).status).toBe(200);
  // The sending that hangs ends after 5 s. One request that waited for it would not fit.
  expect(performance.now() - beganMs).toBeLessThan(4_000);
});
