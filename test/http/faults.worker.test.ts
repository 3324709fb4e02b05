/** When the database fails, and what every answer carries whatever happens. */
import { NeonDbError } from "@neondatabase/serverless";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connect, DatabaseUnavailable, type Database, StatementTooLarge } from "../../src/db/client.ts";
import { createKeyring } from "../../src/keyring.ts";
import { CATALOGUE_VERSION } from "../../src/pricing/catalogue.ts";
import { chat, jsonRequest, toProtobuf } from "../ingest/decode/otlp/request.ts";
import {
  admin,
  appWith,
  call,
  db,
  ledgerOf,
  MONDAY,
  ofTheWorker,
  openLedger,
  problem,
  QUEUE_MODE,
  WEEK,
} from "./ledger.ts";

const SECRET = "select secret from prompts";

/** A database all of whose statements end like this. */
function failing(error: Error): Database {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return { ping: fail, query: fail, run: fail, batch: fail };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a database that does not answer", () => {
  // Keys are known already: what fails is the work itself.
  const open = async (error: Error) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await openLedger();
    return ledgerOf(projectId, key, appWith({ db: failing(error), keyring: createKeyring(db) }));
  };
  const away = new DatabaseUnavailable("the database did not answer", { cause: new Error(SECRET) });

  it.each(["/v1/traces", "/v1/summary", "/v1/audit"])("is 503 with Retry-After at %s", async (path) => {
    const ledger = await open(away);
    const response = path === "/v1/traces" ? await ledger.post([call()]) : await ledger.fetch(path);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    const body = await problem(response, 503, "database_unavailable");
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it.each(["/v1/traces", "/v1/sessions", "/v1/summary", "/v1/explain", "/v1/prices/unpriced", "/v1/audit"])(
    "is 400 at %s, and says what to narrow, where an answer would be too large",
    async (path) => {
      const ledger = await open(new StatementTooLarge("the statement is too large"));
      const body = await problem(await ledger.fetch(path), 400, "answer_too_large");
      expect(body["detail"]).toMatch(/10 MB; (ask for|filter)/);
    },
  );

  it("is 503 for keys and the admin routes too, never 401", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await openLedger();
    const fetch = appWith({ db: failing(away) });
    await problem(await ledgerOf(projectId, key, fetch).fetch("/v1/summary"), 503, "database_unavailable");
    await problem(await admin("GET", "/v1/keys", undefined, fetch), 503, "database_unavailable");
    await problem(await admin("POST", "/v1/projects", { name: "x" }, fetch), 503, "database_unavailable");
  });

  it.each(["application/x-protobuf", "application/json"])("is 503 with a Status for OTLP as %s", async (type) => {
    const ledger = await open(away);
    const span = chat({}, { startTimeUnixNano: `${MONDAY}000000`, endTimeUnixNano: `${MONDAY}000000` });
    const request = jsonRequest({ spans: [span] });
    const body = type === "application/json" ? JSON.stringify(request) : toProtobuf(request);
    const response = await ledger.post(body, { "content-type": type });
    expect([response.status, response.headers.get("content-type")]).toEqual([503, type]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    const bytes = new Uint8Array(await response.arrayBuffer());
    // google.rpc.Status{code: 14 UNAVAILABLE}
    if (type === "application/json") expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ code: 14 });
    else expect(bytes.slice(0, 2)).toEqual(new Uint8Array([0x08, 14]));
  });

  it.each([
    { driver: "neon", url: "postgres://u:p@127.0.0.1/x", fetchEndpoint: "http://127.0.0.1:9/sql" },
    { driver: "postgres", url: "postgres://u:p@127.0.0.1:9/x" },
  ] as const)("is told from a closed port as well, over $driver", async (options) => {
    const { projectId, key } = await openLedger();
    const keyring = createKeyring(db);
    await keyring.callerOf(key, Date.now());
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ledger = ledgerOf(projectId, key, appWith({ db: connect(options), keyring }));
    await problem(await ledger.send([call()]), 503, "database_unavailable");
    await problem(await ledger.fetch(`/v1/summary?${WEEK}`), 503, "database_unavailable");
    await problem(await ledger.fetch("/readyz"), 503, "database_unavailable");
    expect((await ledger.fetch("/healthz")).status).toBe(200);
  });

  // A queue delivers again by itself.
  it.skipIf(QUEUE_MODE)("stores the part of a batch that is sent again exactly once", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await openLedger();
    let runs = 0;
    const flaky: Database = {
      ...db,
      run: (statement, values) => (++runs === 2 ? Promise.reject(away) : db.run(statement, values)),
    };
    const ledger = ledgerOf(projectId, key, appWith({ db: flaky }));
    // Over 4 MB of text: more than one statement. Tags that calls share would be sent once.
    const items = Array.from({ length: 200 }, (_, i) =>
      call({ tags: Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`k${k}`, `${i}`.padEnd(512, "v")])) }),
    );
    await problem(await ledger.post(items), 503, "database_unavailable");
    expect(await ledger.write(items)).toMatchObject({ accepted: 200, errors: [] });
    expect((await ledger.summary(WEEK)).totals.requests).toBe(200);
  });
});

describe("an error that nobody foresaw", () => {
  it("is an opaque 500 with the request's id; its details go to the log alone, without keys or statements", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await openLedger();
    const bug = new TypeError("x is not a function", { cause: new NeonDbError(`boom ${"y".repeat(300)}${SECRET}`) });
    const ledger = ledgerOf(projectId, key, appWith({ db: failing(bug), keyring: createKeyring(db) }));
    const response = await ledger.post([call({ id: "secret-id" })]);
    const body = await problem(response, 500, "internal");
    expect(JSON.stringify(body)).not.toMatch(/not a function|boom|secret/);
    expect(log).toHaveBeenCalledOnce();
    const line = String(log.mock.calls[0]![0]);
    expect(line).toContain(body.request_id);
    expect(JSON.parse(line)).toMatchObject({
      level: "error",
      status: 500,
      error_code: "internal",
      error: { name: "TypeError", cause: { name: "NeonDbError" } },
    });
    expect(line).toContain("faults.worker.test.ts:");
    expect(line).not.toContain(key);
    expect(line).not.toMatch(/not a function|boom|secret/);
  });
});

describe("every answer", () => {
  const ask = (path: string, method = "GET") => ofTheWorker(new Request(`http://ledger${path}`, { method }));

  it.each([
    ["GET", "/healthz", 200],
    ["GET", "/v1/summary", 401],
    ["GET", "/nothing", 404],
    ["DELETE", "/v1/traces", 405],
  ])("%s %s (%i) carries X-Request-Id, X-Process-Time in seconds and nosniff", async (method, path, status) => {
    const [a, b] = [await ask(path, method), await ask(path, method)];
    expect(a.status).toBe(status);
    expect(a.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(b.headers.get("x-request-id")).not.toBe(a.headers.get("x-request-id"));
    expect(a.headers.get("x-process-time")).toMatch(/^\d+(\.\d+)?$/);
    expect(a.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each(["/nothing", "/v1", "/v1/traces/", "/v1/summary/x", "/%00", "/__proto__", "/v1/keys/a/b"])(
    "is 404 at %s",
    async (path) => {
      await problem(await ask(path), 404, "not_found");
    },
  );

  it.each([
    ["PUT", "/v1/traces", "GET, POST"],
    ["POST", "/v1/summary", "GET"],
    ["DELETE", "/v1/projects", "GET, POST"],
    ["PATCH", "/healthz", "GET"],
    ["GET", "/v1/keys/00000000-0000-4000-8000-000000000000", "DELETE"],
  ])("is 405 with Allow for %s %s", async (method, path, allow) => {
    const response = await ask(path, method);
    expect(response.headers.get("allow")).toBe(allow);
    await problem(response, 405, "method_not_allowed");
  });

  it("is 200 at /readyz with both stores up", async () => {
    expect(await (await ask("/readyz")).json()).toEqual({
      status: "ok",
      database: "up",
      redis: "up",
      catalogue: CATALOGUE_VERSION,
      catalogue_refused: null,
    });
  });
});
