/** What every answer carries, of whatever kind it is, and what observers are told of its request. */
import { sql } from "drizzle-orm";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { isDistributed } from "../../src/db/shards.ts";
import { createDeps, type Deps } from "../../src/deps.ts";
import type { RequestEvent, StatementEvent } from "../../src/telemetry/observer.ts";
import { call, config, db, type Fetch, ledgerOf, openLedger, redis, WEEK } from "./ledger.ts";

const TIMING =
  /^(?:cache;desc=\w+, )?db;dur=\d+;desc="\d+ statements", redis;dur=\d+;desc="\d+ commands", (?:queue;dur=\d+;desc="\d+ messages", )?total;dur=\d+$/;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

afterEach(() => {
  vi.restoreAllMocks();
});

/** An app without the checks of `appWith`, and what its observer was told. */
function observed(replaced: Partial<Deps> = {}): { fetch: Fetch; told: RequestEvent[]; statements: StatementEvent[] } {
  const told: RequestEvent[] = [];
  const statements: StatementEvent[] = [];
  const observer = {
    request: (event: RequestEvent) => void told.push(event),
    statement: (event: StatementEvent) => void statements.push(event),
  };
  const app = createApp(createDeps(config, { db, redis, observers: [observer], ...replaced }));
  return {
    told,
    statements,
    fetch: async (request) => {
      const context = createExecutionContext();
      const response = await app.fetch(request, env, context);
      await waitOnExecutionContext(context);
      return response;
    },
  };
}

function timingsOf(response: Response): Record<string, { dur: number; count: number }> {
  const header = response.headers.get("server-timing") ?? "";
  return Object.fromEntries(
    [...header.matchAll(/(\w+);dur=(\d+)(?:;desc="(\d+) \w+")?/g)].map(([, name, dur, count]) => [
      name!,
      { dur: Number(dur), count: Number(count) },
    ]),
  );
}

const away: Database = {
  ping: () => Promise.reject(new DatabaseUnavailable("away")),
  query: () => Promise.reject(new DatabaseUnavailable("away")),
  run: () => Promise.reject(new DatabaseUnavailable("away")),
  batch: () => Promise.reject(new DatabaseUnavailable("away")),
};
const broken: Database = { ...away, ping: () => Promise.reject(new TypeError("x")) };

describe("every answer has X-Request-Id, X-Process-Time, Server-Timing, traceparent and nosniff", () => {
  const kinds: [string, number, string, string, (Partial<Deps> | undefined)?, RequestInit?][] = [
    ["a list", 200, "GET /v1/traces", `/v1/traces?${WEEK}`],
    ["a download", 200, "GET /v1/export", `/v1/export?${WEEK}`],
    ["a page", 200, "GET /docs", "/docs"],
    ["a wrong parameter", 400, "GET /v1/summary", "/v1/summary?nonsense=1"],
    ["an unknown key", 401, "GET /v1/summary", "/v1/summary", undefined, { headers: { authorization: "Bearer x" } }],
    ["a key without the scope", 403, "DELETE /v1/traces/{id}", "/v1/traces/x", undefined, { method: "DELETE" }],
    ["no such call", 404, "GET /v1/traces/{id}", "/v1/traces/00000000-0000-4000-8000-000000000000"],
    ["no such path", 404, "GET (unknown)", "/nothing"],
    ["no such method of a path", 405, "DELETE (unknown)", "/v1/summary", undefined, { method: "DELETE" }],
    [
      "no such content type",
      415,
      "POST /v1/traces",
      "/v1/traces",
      undefined,
      { method: "POST", headers: { "content-type": "text/csv" }, body: "x" },
    ],
    [
      "an OTLP error",
      400,
      "POST /v1/logs",
      "/v1/logs",
      undefined,
      { method: "POST", headers: { "content-type": "application/json" }, body: "x" },
    ],
    ["a fault", 500, "GET /readyz", "/readyz", { db: broken }],
    ["a database that is away", 503, "GET /readyz", "/readyz", { db: away }],
  ];

  it.each(kinds)("%s (%i)", async (_, status, route, path, replaced = {}, init = {}) => {
    for (const level of ["warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => {});
    const { key, projectId } = await openLedger();
    const { fetch, told } = observed(replaced);
    const response = await ledgerOf(projectId, key, fetch).fetch(path, init);
    const body = await response.text();
    expect(response.status, body).toBe(status);
    const { headers } = response;
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("x-process-time")).toMatch(/^\d+(\.\d+)?$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("server-timing")).toMatch(TIMING);
    expect(headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
    await vi.waitFor(() => expect(told).toHaveLength(1));
    const [event] = told as [RequestEvent];
    expect(`${event.method} ${event.route}`).toBe(route);
    expect(event).toMatchObject({ status, requestId: headers.get("x-request-id") });
    expect(event.errorCode === null).toBe(status < 400);
    if (body.includes('"code":"')) expect(body).toContain(`"code":"${event.errorCode}"`);
  });

  it("an answer that still holds (304)", async () => {
    const { key, projectId } = await openLedger();
    const { fetch, told } = observed();
    const ledger = ledgerOf(projectId, key, fetch);
    const first = await ledger.fetch(`/v1/summary?${WEEK}`);
    const again = await ledger.fetch(`/v1/summary?${WEEK}`, {
      headers: { "if-none-match": first.headers.get("etag")! },
    });
    expect(again.status).toBe(304);
    expect(again.headers.get("server-timing")).toMatch(/^cache;desc=\w+, db;/);
    expect(again.headers.get("traceparent")).not.toBeNull();
    expect(told.map(({ status, cache }) => ({ status, cache }))).toEqual([
      { status: 200, cache: first.headers.get("x-cache") },
      { status: 304, cache: again.headers.get("x-cache") },
    ]);
  });
});

describe("X-Request-Id", () => {
  it.each(["a", "A-b_c.d:e", "0".repeat(128), "6ba45ca1-f4e9-422f-aeb3-6fba865fb2c8"])(
    "%s is taken over",
    async (id) => {
      const { fetch, told } = observed();
      const response = await fetch(new Request("http://ledger/nothing", { headers: { "x-request-id": id } }));
      expect(response.headers.get("x-request-id")).toBe(id);
      expect(await response.json()).toMatchObject({ request_id: id });
      expect(told[0]!.requestId).toBe(id);
    },
  );

  it.each(["", "a b", "a/b", "é", '"', "0".repeat(129), `lct_${"0".repeat(48)}`])("%s is replaced", async (id) => {
    const { fetch } = observed();
    const response = await fetch(new Request("http://ledger/healthz", { headers: { "x-request-id": id } }));
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

it("joins the caller's trace, and keeps its decision; without one its id is the request's", async () => {
  const { fetch, told } = observed();
  const ask = (traceparent: string) => fetch(new Request("http://ledger/healthz", { headers: { traceparent } }));
  const sampled = await ask(`00-${TRACE}-${PARENT}-01`);
  expect(sampled.headers.get("traceparent")).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-01$`));
  expect((await ask(`00-${TRACE}-${PARENT}-00`)).headers.get("traceparent")).toMatch(/-00$/);
  const wrong = await ask(`00-${TRACE}-${"0".repeat(16)}-01`);
  expect(wrong.headers.get("traceparent")!.split("-")[1]).toBe(wrong.headers.get("x-request-id")!.replaceAll("-", ""));
  expect(told.map(({ traceId }) => traceId === TRACE)).toEqual([true, true, false]);
});

describe("times and counts", () => {
  it("of ingest: the items, the bytes, and the statements", async () => {
    const { key, projectId } = await openLedger();
    const { fetch, told, statements } = observed();
    const ledger = ledgerOf(projectId, key, fetch);
    const items = [call(), call(), { id: "x" }];
    const body = JSON.stringify([...items, items[0]]);
    const response = await ledger.fetch("/v1/traces", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const [event] = told as [RequestEvent];
    expect(event).toMatchObject({ projectId, bytesIn: body.length, errorCode: null, failure: null });
    expect(event.counts).toMatchObject({ accepted: 3, inserted: 2, duplicates: 1, rejected: 1 });
    const { db: database } = timingsOf(response);
    const ran = statements.reduce((sum, statement) => sum + statement.statements, 0);
    expect(database!.count).toBeGreaterThan(0);
    expect(ran).toBeGreaterThanOrEqual(database!.count);
  });

  it("tell a request that waits apart from one that does not", async () => {
    const { key, projectId } = await openLedger();
    let nowMs = Date.UTC(2026, 2, 10);
    // It was used just now, so that nothing is noted beside the request.
    await db.query(sql`
      update api_keys set last_used_at = to_timestamp(${nowMs / 1_000}) where project_id = ${projectId}::uuid`);
    /** By this clock only a transaction takes time: 70 ms. */
    const slowly = async <T>(rows: Promise<T>): Promise<T> => {
      const read = await rows;
      nowMs += 70;
      return read;
    };
    const slow: Database = {
      ping: () => slowly(db.ping()),
      query: (query) => slowly(db.query(query)),
      run: (statement, values) => slowly(db.run(statement, values)),
      batch: (queries) => slowly(db.batch(queries)),
    };
    // An isolate asks this once, before its first statement.
    await isDistributed(slow);
    const { fetch, told, statements } = observed({ db: slow, now: () => nowMs });
    const ledger = ledgerOf(projectId, key, fetch);
    const response = await ledger.fetch(`/v1/traces?${WEEK}`);
    expect(response.status, await response.text()).toBe(200);
    const [event] = told as [RequestEvent];
    const { timings, durationMs } = event;
    // The look-up of the key, and one transaction of the list.
    expect(statements.map((statement) => statement.durationMs)).toEqual([70, 70]);
    expect([timings.databaseMs, durationMs]).toEqual([140, 140]);
    expect(timingsOf(response)).toMatchObject({
      db: { dur: 140, count: statements.reduce((sum, one) => sum + one.statements, 0) },
      total: { dur: 140 },
    });
    expect(response.headers.get("x-process-time")).toBe("0.14");
    expect(timingsOf(await fetch(new Request("http://ledger/healthz")))).toMatchObject({
      db: { dur: 0, count: 0 },
      total: { dur: 0 },
    });
  });

  it("of a download go on to its end, when the event comes", async () => {
    const { key, projectId, write } = await openLedger();
    await write(Array.from({ length: 10 }, () => call()));
    const { fetch, told } = observed();
    const response = await ledgerOf(projectId, key, fetch).fetch(`/v1/export?${WEEK}`);
    expect((await response.text()).trim().split("\n")).toHaveLength(10);
    await vi.waitFor(() => expect(told).toHaveLength(1));
    // All 10 rows are read after the headers were sent, at least the last of them.
    expect(told[0]).toMatchObject({ status: 200, failure: null });
    expect(told[0]!.timings.rows).toBeGreaterThanOrEqual(10);
  });

  it("of a download whose reader leaves come then", async () => {
    const { key, projectId, write } = await openLedger();
    await write([call()]);
    const { fetch, told } = observed();
    const response = await ledgerOf(projectId, key, fetch).fetch(`/v1/export?${WEEK}`);
    await response.body!.cancel();
    await vi.waitFor(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatchObject({ status: 200, failure: null });
  });
});

it("an observer that throws fails no request, and the next one is told", async () => {
  const told: string[] = [];
  const observers = [
    {
      request: () => {
        throw new Error("x");
      },
      statement: () => {
        throw new Error("x");
      },
    },
    { request: ({ route }: RequestEvent) => void told.push(route) },
  ];
  const { fetch } = observed({ observers });
  expect((await fetch(new Request("http://ledger/readyz"))).status).toBe(200);
  expect(told).toEqual(["/readyz"]);
});
