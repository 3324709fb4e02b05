/** What the API says of what is kept no longer, with cron as it runs: every answer is held to its description. */
import { createDeps } from "../../src/deps.ts";
import { sql } from "drizzle-orm";
import { describe, expect, inject, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { runScheduled } from "../../src/cron.ts";
import { callKey } from "../../src/ledger/key.ts";
import { describedBy, type OpenApi } from "../http/described.ts";
import { ownDatabase } from "../own-database.ts";

/** The daily sweep of the 20th. */
const NOW = Date.UTC(2026, 2, 20, 3);
/** 8 days before and two more are in March; hours are kept from the start of the day on. */
const RAW_SINCE = "2026-03-03T00:00:00.000Z";
const HOUR_SINCE = "2026-03-10T00:00:00.000Z";
const DAYS = { RAW_RETENTION_DAYS: "10", HOUR_RETENTION_DAYS: "10" };

const ENVIRONMENT = { ADMIN_KEY: "admin-key-of-this-test-0123456789abcdef" };

function configOf(days: Record<string, string>) {
  return parseConfig({ ...inject("bindings"), ...ENVIRONMENT, ...days });
}

/** The whole app on a database of its own, its clock at `NOW`. */
async function open() {
  const { db, url } = await ownDatabase();
  const config = configOf(DAYS);
  const deps = createDeps({ ...config, database: { ...config.database, url } }, { db, now: () => NOW });
  const app = createApp(deps);
  const left: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void left.push(work),
    passThroughOnException() {},
    props: {},
  };
  const send = async (request: Request): Promise<Response> => {
    const response = await app.fetch(request, {}, context as never);
    await Promise.all(left.splice(0));
    return response;
  };
  const document = (await (await send(new Request("http://ledger/openapi.json"))).json()) as OpenApi;
  const description = describedBy(document);
  let key = config.adminKey;
  const ask = async (method: string, path: string, body?: unknown) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const request = new Request(`http://ledger${path}`, { method, headers, ...(text !== "" && { body: text }) });
    const response = await send(request);
    await description.check(request, text, response.clone());
    const said = await response.text();
    return { status: response.status, text: said, json: () => JSON.parse(said) as Record<string, unknown> };
  };
  const { id: projectId } = (await ask("POST", "/v1/projects", { name: "test" })).json();
  const made = await ask("POST", "/v1/keys", { project_id: projectId, name: "all", scopes: ["admin"] });
  key = String(made.json()["key"]);
  return { db, deps, ask, get: (path: string) => ask("GET", path), projectId: String(projectId) };
}

const call = (id: string, timestamp: string, fields: object = {}) => ({
  id,
  timestamp,
  model: "gpt-4o",
  provider: "openai",
  input_tokens: 1_000,
  output_tokens: 100,
  session_id: "s",
  ...fields,
});
const OLD = "2026-01-15T10:20:00.000Z";
const OLD_ID = callKey(Date.parse(OLD), "old");
const RAW = { status: 422, code: "raw_expired", since: RAW_SINCE };
const HOURS = { status: 422, code: "hours_expired", since: HOUR_SINCE };

describe("after the scheduled run, the API", () => {
  it("refuses what needs calls or hours of before, says since when they are kept, and answers the rest", async () => {
    const { db, deps, ask, get, projectId } = await open();
    const [old, kept] = [call("old", OLD), call("kept", "2026-03-15T10:20:00.000Z")];
    await ask("POST", "/v1/traces", [old, kept]);
    const wholeDays = "from=2026-01-01&to=2026-03-20&interval=day&group_by=model";
    const { as_of: _, ...before } = (await get(`/v1/summary?${wholeDays}`)).json();
    expect(await runScheduled(deps, NOW, () => {})).toMatchObject({ drained: true });
    const stored = await db.query(sql`select client_id from traces where project_id = ${projectId}::uuid`);
    expect(stored).toEqual([{ client_id: "kept" }]);

    const uncached = (await get(`/v1/summary?${wholeDays}&limit=10`)).json();
    expect(uncached).toMatchObject({ totals: before["totals"], rows: before["rows"] });
    const refused = async (path: string, problem: object): Promise<void> => {
      const answer = await get(path);
      expect(answer.json(), path).toMatchObject(problem);
      expect(answer.status).toBe(422);
    };
    const january = "from=2026-01-01&to=2026-03-20";
    for (const path of ["traces", "sessions", "sessions/s", "export", "audit"])
      await refused(`/v1/${path}?${january}`, RAW);
    await refused(`/v1/traces/${OLD_ID}`, RAW);
    expect((await ask("DELETE", `/v1/traces/${OLD_ID}`)).json()).toMatchObject(RAW);
    expect((await get(`/v1/traces/${callKey(Date.parse("2026-03-15"), "no such")}`)).status).toBe(404);
    const january15 = "from=2026-01-15T10:20:00Z&to=2026-01-15T10:40:00Z";
    await refused(`/v1/summary?${january15}`, RAW);
    await refused(`/v1/summary?${january}&interval=hour`, HOURS);
    await refused(`/v1/summary?${january}&interval=day&tz=Europe/Berlin`, HOURS);
    await refused("/v1/summary?from=2026-03-10T05:00:00Z&to=2026-03-20&compare=previous", HOURS);
    await refused(`/v1/explain?${january}&compare_from=2025-12-01T05:00:00Z&compare_to=2025-12-02`, HOURS);
    await refused(`/v1/export?type=summary&interval=hour&${january}`, HOURS);
    const reprice = { from: "2026-01-01", to: "2026-03-20" };
    expect((await ask("POST", "/v1/reprice", reprice)).json()).toMatchObject(RAW);
    expect((await ask("POST", "/v1/reprice", { ...reprice, from: RAW_SINCE })).status).toBe(200);

    expect((await get("/v1/audit?from=2026-03-03&to=2026-03-20")).json()).toMatchObject({ ok: true });
    expect((await get(`/v1/explain?${january}&compare_from=2025-12-01&compare_to=2025-12-15`)).status).toBe(200);
  });

  it("goes as far back as it can where nobody said how far", async () => {
    const { deps, ask, get } = await open();
    await ask("POST", "/v1/traces", [call("old", "2026-02-25T10:20:00Z"), call("kept", "2026-03-15T10:20:00Z")]);
    await runScheduled(deps, NOW, () => {});
    expect((await get("/v1/traces")).json()["traces"]).toMatchObject([{ client_id: "kept" }]);
    expect((await get("/v1/sessions")).json()["sessions"]).toMatchObject([{ requests: 1 }]);
    expect((await get("/v1/export")).text).toContain('"client_id":"kept"');
    expect((await get("/v1/audit")).json()).toMatchObject({ ok: true, days: [{ day: "2026-03-15" }] });
    expect((await get("/v1/summary")).json()).toMatchObject({ from: HOUR_SINCE, totals: { requests: 1 } });
    // The default would begin after this end.
    expect((await get("/v1/traces?to=2026-02-26")).json()).toMatchObject(RAW);
  });

  it("refuses late calls one by one", async () => {
    const { deps, ask, get } = await open();
    await runScheduled(deps, NOW, () => {});
    const [old, kept] = [call("old", OLD), call("kept", "2026-03-15T10:20:00.000Z")];
    const mixed = await ask("POST", "/v1/traces", [old, kept, call("early", "2019-12-31T23:59:59Z"), kept]);
    expect(mixed.json()).toMatchObject({
      accepted: 2,
      inserted: 1,
      duplicates: 1,
      rejected: 2,
      errors: [
        { index: 0, code: "timestamp_range" },
        { index: 2, code: "timestamp_range" },
      ],
    });
    const alone = await ask("POST", "/v1/traces", old);
    expect(alone.json()).toMatchObject({
      status: 400,
      code: "all_rejected",
      errors: [{ index: 0, code: "timestamp_range" }],
    });
    const attributes = [
      { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
      { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
    ];
    const startTimeUnixNano = `${Date.parse(OLD)}000000`;
    const span = {
      traceId: "0".repeat(31) + "1",
      spanId: "0".repeat(15) + "1",
      name: "chat",
      startTimeUnixNano,
      endTimeUnixNano: startTimeUnixNano,
      attributes,
    };
    const otlp = await ask("POST", "/v1/traces", { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    expect(otlp).toMatchObject({ status: 200 });
    expect(otlp.json()).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    expect((await get("/v1/summary?from=2026-01-01&to=2026-03-20")).json()["totals"]).toMatchObject({ requests: 1 });
  });
});

describe("the configuration", () => {
  it("keeps all for ever unless told", () => {
    expect(configOf({})).toMatchObject({ rawRetentionDays: undefined, hourRetentionDays: undefined });
  });

  it.each([
    [{ RAW_RETENTION_DAYS: "90" }, { rawRetentionDays: 90, hourRetentionDays: undefined }],
    [{ HOUR_RETENTION_DAYS: "400" }, { rawRetentionDays: undefined, hourRetentionDays: 400 }],
    [
      { RAW_RETENTION_DAYS: "90", HOUR_RETENTION_DAYS: "90" },
      { rawRetentionDays: 90, hourRetentionDays: 90 },
    ],
  ])("takes %j", (days, config) => expect(configOf(days)).toMatchObject(config));

  it.each(["0", "-1", "1.5", "", "ninety", "1e9", "Infinity"])("refuses %j days", (days) => {
    expect(() => configOf({ RAW_RETENTION_DAYS: days })).toThrow(/configuration: RAW_RETENTION_DAYS$/);
    expect(() => configOf({ HOUR_RETENTION_DAYS: days })).toThrow(/configuration: HOUR_RETENTION_DAYS$/);
  });

  it("refuses to keep hours for less time than calls", () => {
    expect(() => configOf({ RAW_RETENTION_DAYS: "90", HOUR_RETENTION_DAYS: "89" })).toThrow(
      "missing or malformed configuration: HOUR_RETENTION_DAYS (must not be less than RAW_RETENTION_DAYS)",
    );
  });
});
