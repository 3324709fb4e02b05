/** The limit of requests per key: by the real binding, and by a stand-in that says what it was asked. */
import { env } from "cloudflare:workers";
import { describe, expect, inject, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { chat, jsonRequest, toProtobuf } from "../ingest/decode/otlp/request.ts";
import { admin, appWith, call, config, db, type Fetch, json, ledgerOf, newKey, openLedger, problem } from "./ledger.ts";
import { forgedKeys } from "../forged-keys.ts";
import { sql } from "drizzle-orm";

const POLICY = '"key";q=3;w=60';

function limitedBy(limiter: RateLimit): Fetch {
  return appWith({ config: { ...config, rateLimit: { limiter, requests: 3, periodSeconds: 60 } } });
}

/** A binding that says what a test tells it to, and notes which keys it was asked for. */
function standIn(says: { success: boolean } | Error) {
  const keys: string[] = [];
  const limiter: RateLimit = {
    async limit({ key }) {
      keys.push(key);
      if (says instanceof Error) throw says;
      return says;
    },
  };
  return { keys, fetch: limitedBy(limiter) };
}

async function keyIdOf(projectId: string): Promise<string> {
  const [row] = await db.query(sql`select id from api_keys where project_id = ${projectId}::uuid`);
  return String(row!["id"]);
}

describe("the real binding", () => {
  const { TEST_RATE_LIMITER: limiter } = env as unknown as { TEST_RATE_LIMITER: RateLimit };

  it("takes three requests of a key in a minute, and leaves other keys alone", async () => {
    const [ours, theirs] = [await openLedger(limitedBy(limiter)), await openLedger(limitedBy(limiter))];
    const statuses: number[] = [];
    // The minute may end once meanwhile: three requests are taken of it, and three of the next one.
    for (let i = 0; i < 7; i++) {
      const response = await ours.fetch("/v1/reprice");
      statuses.push(response.status);
      if (response.status === 200) continue;
      expect(response.headers.get("retry-after")).toBe("60");
      expect(response.headers.get("ratelimit-policy")).toBe(POLICY);
      const { detail } = await problem(response, 429, "rate_limited");
      expect(detail).toContain("3 requests in 60 s");
    }
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses).toContain(429);
    expect((await theirs.fetch("/v1/reprice")).status).toBe(200);
  });
});

describe("a key past its limit", () => {
  it("is 429 at each route with a key, of any kind, and changes nothing", async () => {
    const { fetch } = standIn({ success: false });
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, fetch);
    for (const path of ["/v1/summary", "/v1/traces", "/v1/prices"])
      await problem(await ledger.fetch(path), 429, "rate_limited");
    await problem(await ledger.send([call()]), 429, "rate_limited");
    await problem(await admin("POST", "/v1/projects", { name: "limited" }, fetch), 429, "rate_limited");
    // It is the admin key that is past its limit, not a wrong one.
    await problem(await admin("GET", "/v1/dead-letters", undefined, fetch), 429, "rate_limited");
    const scoped = ledgerOf(projectId, await newKey(projectId, ["admin"]), fetch);
    await problem(await scoped.fetch("/v1/dead-letters"), 429, "rate_limited");
    await problem(await scoped.fetch("/metrics"), 429, "rate_limited");
    for (const path of ["/healthz", "/openapi.json"]) expect((await ledger.fetch(path)).status).toBe(200);
    const { totals } = await ledgerOf(projectId, key).summary("from=2025-03-01&to=2025-04-01");
    expect(totals.requests).toBe(0);
    const { projects } = await json<{ projects: { name: string }[] }>(await admin("GET", "/v1/projects"));
    expect(projects.map(({ name }) => name)).not.toContain("limited");
  });

  it.each(["application/x-protobuf", "application/json"])("is told so in OTLP's form as %s", async (type) => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, standIn({ success: false }).fetch);
    const request = jsonRequest({ spans: [chat()] });
    const body = type === "application/json" ? JSON.stringify(request) : toProtobuf(request);
    for (const path of ["/v1/traces", "/v1/logs"]) {
      // Only with its body is JSON at /v1/traces known to be OTLP.
      if (path === "/v1/traces" && type === "application/json") continue;
      const response = await ledger.send(body, { "content-type": type }, path);
      expect([response.status, response.headers.get("content-type")]).toEqual([429, type]);
      expect(response.headers.get("retry-after")).toBe("60");
      expect(response.headers.get("ratelimit-policy")).toBe(POLICY);
      const bytes = new Uint8Array(await response.arrayBuffer());
      // google.rpc.Status{code: 8 RESOURCE_EXHAUSTED}
      if (type === "application/json") expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ code: 8 });
      else expect(bytes.slice(0, 2)).toEqual(new Uint8Array([0x08, 8]));
    }
  });
});

describe("what is counted", () => {
  it("is by the id of the key, one bucket for the admin key, and nobody else", async () => {
    const { fetch, keys } = standIn({ success: true });
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, fetch);
    expect((await ledger.fetch("/v1/reprice")).status).toBe(200);
    await admin("GET", "/v1/keys", undefined, fetch);
    await admin("GET", "/v1/dead-letters", undefined, fetch);
    expect(keys).toEqual([await keyIdOf(projectId), "admin key", "admin key"]);
    keys.length = 0;
    for (const wrong of ["nonsense", ...forgedKeys(2)])
      expect((await ledgerOf(projectId, wrong, fetch).fetch("/v1/reprice")).status).toBe(401);
    expect((await ledger.fetch("/v1/keys")).status).toBe(403);
    await ledger.fetch("/healthz");
    expect(keys).toEqual([]);
  });

  it("does not matter where the binding fails", async () => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, standIn(new Error("no limiter")).fetch);
    expect((await ledger.fetch("/v1/reprice")).status).toBe(200);
  });
});

describe("the configuration", () => {
  const bindings = { ...(env as object), ...inject("bindings") };
  const RATE_LIMITER = { limit: async () => ({ success: true }) };
  const numbers = { RATE_LIMIT_REQUESTS: "1000", RATE_LIMIT_PERIOD_SECONDS: "60" };

  it("needs the limit and the period beside the binding", () => {
    expect(parseConfig({ ...bindings, RATE_LIMITER, ...numbers }).rateLimit).toMatchObject({
      requests: 1_000,
      periodSeconds: 60,
    });
    for (const name of Object.keys(numbers))
      expect(() => parseConfig({ ...bindings, RATE_LIMITER, ...numbers, [name]: undefined })).toThrow(name);
    expect(() => parseConfig({ ...bindings, RATE_LIMITER: "x", ...numbers })).toThrow("RATE_LIMITER");
  });

  it("without the binding limits nobody", () => {
    expect(parseConfig({ ...bindings, RATE_LIMITER: undefined, ...numbers }).rateLimit).toBeNull();
  });
});
