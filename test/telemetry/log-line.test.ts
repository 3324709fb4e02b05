/** What a line tells, at which level, and that no line holds what callers sent. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { createDeps } from "../../src/deps.ts";
import { createLog, describeError, errorLine, logging, type LogLevel } from "../../src/telemetry/log-line.ts";
import type { RequestEvent } from "../../src/telemetry/observer.ts";
import { createTimings } from "../../src/telemetry/timings.ts";

const NOW = Date.UTC(2026, 2, 10, 12);
/** Each line with the method of the console that wrote it. */
let lines: [level: string, line: string][];

beforeEach(() => {
  lines = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: unknown) => void lines.push([level, String(line)]));
});

afterEach(() => {
  vi.restoreAllMocks();
});

const event = (fields: Partial<RequestEvent> = {}): RequestEvent => ({
  route: "/v1/traces/{id}",
  method: "GET",
  status: 200,
  durationMs: 12,
  requestId: "r-1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  projectId: "6ba45ca1-f4e9-422f-aeb3-6fba865fb2c8",
  errorCode: null,
  failure: null,
  bytesIn: null,
  counts: null,
  cache: null,
  timings: createTimings(null),
  ...fields,
});

function logged(fields: Partial<RequestEvent>, level: LogLevel = "info"): [string, Record<string, unknown>][] {
  lines = [];
  logging(createLog(level, () => NOW)).request!(event(fields));
  return lines.map(([by, line]) => [by, JSON.parse(line) as Record<string, unknown>]);
}

describe("the line of a request", () => {
  it("has its ids, route, times and counts, and leaves out what there is none of", () => {
    const timings = { ...createTimings(null), databaseMs: 7, statements: 2, rows: 1, redisMs: 1, commands: 1 };
    const counts = { accepted: 3, inserted: 2, duplicates: 1, rejected: 1, errors: [{ message: "theirs" }] };
    expect(logged({ timings, counts, bytesIn: 812, cache: "hit" })).toEqual([
      [
        "log",
        {
          level: "info",
          time: "2026-03-10T12:00:00.000Z",
          event: "request",
          request_id: "r-1",
          trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
          project_id: "6ba45ca1-f4e9-422f-aeb3-6fba865fb2c8",
          method: "GET",
          route: "/v1/traces/{id}",
          status: 200,
          duration_ms: 12,
          db_ms: 7,
          db_statements: 2,
          db_rows: 1,
          redis_ms: 1,
          redis_commands: 1,
          bytes_in: 812,
          accepted: 3,
          inserted: 2,
          duplicates: 1,
          rejected: 1,
          cache: "hit",
        },
      ],
    ]);
  });

  const away = new DatabaseUnavailable("away", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) });
  it.each([
    [200, null, "info"],
    [304, null, "info"],
    [400, null, "info"],
    [401, null, "info"],
    [429, null, "warn"],
    [503, away, "warn"],
    [500, new Error("x"), "error"],
    // A download that broke off had sent its 200.
    [200, away, "error"],
  ])("of %i with %o is at level %s", (status, failure, level) => {
    const [[by, line] = []] = logged({ status, failure });
    expect(line).toMatchObject({ level });
    expect(by).toBe(level === "info" ? "log" : level);
  });

  it("of a 503 names the error and its cause, of a 500 its place, too", () => {
    const [[, busy] = []] = logged({ status: 503, failure: away });
    expect(busy!["error"]).toEqual({ name: "DatabaseUnavailable", cause: { name: "Error", code: "ECONNREFUSED" } });
    const [[, fault] = []] = logged({ status: 500, failure: new TypeError("x") });
    expect(fault!["error"]).toMatchObject({
      name: "TypeError",
      stack: expect.arrayContaining([expect.stringContaining("log-line.test.ts:")]) as unknown,
    });
  });

  it.each([
    ["info", 3],
    ["warn", 2],
    ["error", 1],
    ["off", 0],
  ] as const)("at LOG_LEVEL %s: %i of a 200, a 503 and a 500 are written", (level, count) => {
    const written = [
      ...logged({}, level),
      ...logged({ status: 503, failure: away }, level),
      ...logged({ status: 500, failure: new Error("x") }, level),
    ];
    expect(written).toHaveLength(count);
  });
});

describe("the line of a cron run", () => {
  it("has what was merged; one that failed is at level error", () => {
    const { run } = logging(createLog("info", () => NOW));
    const common = { kind: "cron", durationMs: 5, traceId: "t", timings: createTimings(null) } as const;
    run!({ ...common, failure: null, counts: { due: true, merged: 4, drained: true } });
    run!({ ...common, failure: new RangeError("secret"), counts: {} });
    const [done, failed] = lines.map(([, line]) => JSON.parse(line) as Record<string, unknown>);
    expect(done).toMatchObject({ level: "info", event: "cron", duration_ms: 5, due: true, merged: 4, drained: true });
    expect(failed).toMatchObject({ level: "error", event: "cron", error: { name: "RangeError" } });
    expect(JSON.stringify(failed)).not.toContain("secret");
  });
});

describe("an error in a line", () => {
  it("has no message, whatever the message looks like", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom("\n", "    at SECRET (SECRET.js:1:2)", "$&", "$`", "SECRET"))),
        (parts) => {
          const error = new Error(`SECRET${parts.join("\n")}`, { cause: new Error("SECRET") });
          expect(JSON.stringify(describeError(error))).not.toContain("SECRET");
        },
      ),
    );
  });

  it("has a name and a code only if they look like one", () => {
    expect(describeError(Object.assign(new Error("x"), { name: "a secret\nname", code: "a secret" }), false)).toEqual({
      name: "Error",
    });
    expect(describeError(Object.assign(new Error("x"), { code: "22P02" }), false)).toEqual({
      name: "Error",
      code: "22P02",
    });
    expect(describeError("a secret")).toEqual({ name: "string" });
    expect(errorLine("held", { held: ["1"] }, "a secret")).toBe(
      '{"level":"error","event":"held","held":["1"],"error":{"name":"string"}}',
    );
  });
});

describe("no line holds what callers sent", () => {
  const SECRET = "SeCrEt";
  const hostile = fc
    .tuple(fc.string({ unit: "binary", maxLength: 40 }), fc.constantFrom("", "\n", "\r\n", '"', "\\", "\0", " ", "%0a"))
    .map(([text, odd]) => `${text}${odd}${SECRET}${odd}`);
  const inHeader = hostile.map((text) => text.replace(/[^\x20-\x7e]/g, ""));
  const inPath = hostile.map((text) => encodeURIComponent(text.toWellFormed()));

  const failing = (fails: (text: string) => Error): Database => {
    const fail = async (...args: unknown[]): Promise<never> => {
      throw fails(JSON.stringify(args));
    };
    return { ping: fail, query: fail, run: fail, batch: fail };
  };
  const errors: Record<string, (text: string) => Error> = {
    "an error nobody foresaw": (text) => new TypeError(`${SECRET} ${text}`, { cause: new Error(`${SECRET} ${text}`) }),
    "a database that is away": (text) => new DatabaseUnavailable(text, { cause: new Error(`${SECRET} ${text}`) }),
  };

  it.each(Object.keys(errors))("in headers, paths, queries and bodies, with %s", async (kind) => {
    const config = { ...parseConfig(inject("bindings")), logLevel: "info" as const };
    const caller = { projectId: crypto.randomUUID(), keyId: "key", scopes: new Set(["admin"] as const) };
    const app = createApp(
      createDeps(config, {
        db: failing(errors[kind]!),
        redis: {
          getMany: async () => ({ down: true }),
          set: async () => ({ down: true }),
          setIfAbsent: async () => ({ down: true }),
          take: async () => ({ down: true }),
        },
        keyring: { callerOf: async (key) => (key === "known" ? caller : null), added() {}, changed() {} },
        // Prices are read from the database, which fails; so fails each call.
        now: () => NOW,
      }),
    );
    const context = {
      waitUntil: (work: Promise<unknown>) => void work.catch(() => undefined),
      passThroughOnException() {},
    };
    const asked = fc.record({
      method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH"),
      path: fc.oneof(
        fc.constantFrom("/v1/traces", "/v1/summary", "/v1/litellm", "/v1/logs", "/v1/export", "/v1/prices", "/v1/keys"),
        inPath.map((id) => `/v1/traces/${id}`),
        inPath.map((path) => `/${path}`),
      ),
      query: fc.option(inPath, { nil: undefined }),
      authorization: fc.oneof(
        fc.constant("Bearer known"),
        inHeader.map((text) => `Bearer ${text}`),
      ),
      header: fc.tuple(
        fc.constantFrom("x-request-id", "traceparent", "tracestate", "user-agent", "content-type", "if-none-match"),
        inHeader.map((text) => ` ${text}!`),
      ),
      body: fc.oneof(
        hostile,
        hostile.map((text) => JSON.stringify({ id: text, timestamp: NOW, model: text, tags: { [text]: text } })),
        hostile.map((text) => JSON.stringify({ resourceSpans: [{ resource: text }] })),
      ),
    });
    await fc.assert(
      fc.asyncProperty(asked, async ({ method, path, query, authorization, header: [name, value], body }) => {
        lines = [];
        const url = `http://ledger${path}${query === undefined ? "" : `?${query}=${query}`}`;
        const headers = new Headers({ "content-type": "application/json", authorization, [name]: value });
        const init = method === "GET" ? {} : { body };
        const response = await app.fetch(new Request(url, { method, headers, ...init }), {}, context as never);
        await response.body?.cancel();
        await vi.waitFor(() => expect(lines.some(([, line]) => line.includes('"event":"request"'))).toBe(true));
        for (const [, line] of lines) {
          expect(line).not.toContain(SECRET);
          // One line of valid JSON, whatever came.
          expect(line).not.toContain("\n");
          expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) as unknown });
        }
      }),
      { numRuns: 300 },
    );
  });
});
