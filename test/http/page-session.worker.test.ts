/** Signing in to the page: who may, what the cookie is, and what ends a session. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { sha256Hex } from "../../src/digest.ts";
import { createKey, revokeKey } from "../../src/keys.ts";
import { createPageSessions, forgetPageSessions } from "../../src/page-sessions.ts";
import { forgedKeys } from "../forged-keys.ts";
import { admin, appWith, config, db, HOUR, iso, json, ledgerOf, openLedger, problem } from "./ledger.ts";
import { isolate, ORIGIN, OWN, postKey, signIn, statusOf, withCookie } from "./page.ts";

const here = isolate();
const MEMO_MS = 30_000;

async function newKey(expiresMs: number | null = null) {
  const { projectId } = await openLedger();
  return await createKey(db, projectId, "page", ["read", "ingest"], crypto.randomUUID(), expiresMs);
}

/** The parts of a `Set-Cookie`. */
const partsOf = (response: Response) => response.headers.get("set-cookie")!.split("; ");

describe("POST /v1/session", () => {
  it("begins a session of 12 hours that is of the key's project and scopes", async () => {
    const key = await newKey();
    const { session, ask } = await signIn(here.fetch, key.key);
    expect(session).toEqual({
      project: { id: key.project_id, name: "test" },
      scopes: ["ingest", "read"],
      is_admin_key: false,
      expires_at: iso(here.clock.now + 12 * HOUR),
    });
    expect(await json(await ask("GET", "/v1/session"))).toEqual(session);
    expect((await signIn(here.fetch, config.adminKey)).session).toMatchObject({ project: null, is_admin_key: true });
  });

  it("sets a cookie that scripts cannot read and that is of this host alone", async () => {
    const { key } = await newKey();
    const response = await postKey(here.fetch, { key });
    const [value, ...attributes] = partsOf(response);
    // 160 random bits are 40 hex digits, and behind them is the signature.
    expect(value).toMatch(/^__Host-llm_cost_session=lcs_[0-9a-f]{40}[0-9a-f]{64}$/);
    expect(attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict", "Secure"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    for (const other of ["https://ledger.example", "http://127.0.0.1.example"])
      expect(partsOf(await postKey(here.fetch, { key }, OWN, other))).toContain("Secure");
  });

  it.each(["http://127.0.0.1:8787", "http://localhost:8787"])("at %s sets one that needs no HTTPS", async (origin) => {
    const { key } = await newKey();
    const [value, ...attributes] = partsOf(await postKey(here.fetch, { key }, OWN, origin));
    expect(value).toMatch(/^llm_cost_session=lcs_/);
    expect(attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict"]);
    const asked = await here.fetch(new Request(`${origin}/v1/session`, { headers: { cookie: value! } }));
    expect(asked.status).toBe(200);
    // Elsewhere the name without the prefix counts for nothing: any subdomain could have set it.
    await problem(await withCookie(here.fetch, value!).ask("GET", "/v1/session"), 401, "unauthorized");
  });

  it("refuses wrong, revoked, expired and replaced keys, and sets no cookie", async () => {
    const [revoked, expired, replaced] = [await newKey(), await newKey(here.clock.now - 1), await newKey()];
    await revokeKey(db, revoked.id);
    await json(await admin("POST", `/v1/keys/${replaced.id}/rotate`, {}), 201);
    const wrong = ["nonsense", forgedKeys(1)[0]!, revoked.key, expired.key, replaced.key, `${config.adminKey}x`];
    for (const key of [...wrong, revoked.id, config.metricsToken ?? "x"]) {
      const response = await postKey(here.fetch, { key });
      await problem(response, 401, "unauthorized");
      expect(response.headers.get("set-cookie")).toBeNull();
    }
    // What replaced the key is another key.
    expect((await ledgerOf(replaced.project_id, replaced.key).fetch("/v1/reprice")).status).toBe(200);
  });

  it.each([[{}], [{ key: "" }], [{ key: 1 }], [{ key: "x", more: 1 }], [{ key: "x".repeat(1_001) }], [[]], [null]])(
    "does not take %j",
    async (body) => void (await problem(await postKey(here.fetch, body), 400, "invalid_body")),
  );

  it("asks the database no more often for many forged keys than other routes do", async () => {
    let asked = 0;
    const query: Database["query"] = (statement) => (asked++, db.query(statement));
    const { fetch } = isolate({ db: { ...db, query } });
    for (const key of forgedKeys(100)) expect((await postKey(fetch, { key })).status).toBe(401);
    // 30 of them are a flood. Then one look at all keys takes the place of the others.
    expect(asked).toBeLessThan(40);
  });

  it("is limited by the address of the client", async () => {
    const asked: string[] = [];
    const limiter: RateLimit = { limit: async ({ key }) => ({ success: asked.push(key) < 2 }) };
    const fetch = appWith({ config: { ...config, rateLimit: { limiter, requests: 1, periodSeconds: 60 } } });
    const { key } = await newKey();
    const from = { ...OWN, "cf-connecting-ip": "203.0.113.7" };
    expect((await postKey(fetch, { key }, from)).status).toBe(201);
    const limited = await postKey(fetch, { key }, from);
    expect(limited.headers.get("ratelimit-policy")).toBe('"address";q=1;w=60');
    await problem(limited, 429, "rate_limited");
    expect(asked).toEqual(["address 203.0.113.7", "address 203.0.113.7"]);
  });
});

describe("what is kept", () => {
  it("is the hash of the cookie's value alone", async () => {
    const key = await newKey();
    const { cookie } = await signIn(here.fetch, key.key);
    const secret = cookie.split("=")[1]!;
    const rows = await db.query(sql`
      select to_jsonb(s)::text as session, secret_hash, key_id from page_sessions s
      where project_id = ${key.project_id}::uuid`);
    expect(rows).toMatchObject([{ secret_hash: sha256Hex(secret), key_id: key.id }]);
    expect(String(rows[0]!["session"])).not.toContain(secret.slice(4, 44));
    // The hash is no secret.
    const [name] = cookie.split("=");
    expect(await statusOf(withCookie(here.fetch, `${name}=${sha256Hex(secret)}`))).toBe(401);
    // No id of a request is a secret: ids are logged.
    const { headers } = await withCookie(here.fetch, cookie).ask("GET", "/v1/session", undefined, {
      "x-request-id": secret,
    });
    expect(headers.get("x-request-id")).not.toBe(secret);
  });

  it("has who signed in and out in the admin log", async () => {
    const key = await newKey();
    const { ask } = await signIn(here.fetch, key.key);
    expect((await ask("DELETE", "/v1/session")).status).toBe(204);
    const { entries } = await json<{ entries: object[] }>(await admin("GET", "/v1/admin/log?limit=1000"));
    const own = entries.filter((entry) => (entry as { actor: string }).actor === key.id);
    expect(own).toMatchObject([
      { action: "session.ended", project_id: key.project_id },
      { action: "session.started", project_id: key.project_id },
    ]);
  });

  it("is removed a day after the end", async () => {
    const { project_id } = await newKey();
    const now = Date.now();
    const add = async (id: string, expiresMs: number, endedMs: number | null) =>
      void (await db.query(sql`
        insert into page_sessions (project_id, id, secret_hash, created_at, expires_at, ended_at)
        values (${project_id}::uuid, gen_random_uuid(), ${id}, now(), ${new Date(expiresMs)},
          ${endedMs === null ? null : new Date(endedMs)}::timestamptz)`));
    await add("expired long ago", now - 25 * HOUR, null);
    await add("ended long ago", now + HOUR, now - 25 * HOUR);
    await add("ended", now - 25 * HOUR + 2 * HOUR, now - 23 * HOUR);
    await add("alive", now + HOUR, null);
    await forgetPageSessions(db, now);
    const rows = await db.query(sql`
      select secret_hash as id from page_sessions where project_id = ${project_id}::uuid order by 1`);
    expect(rows.map(({ id }) => id)).toEqual(["alive", "ended"]);
  });
});

describe("a session ends", () => {
  it("by the clock", async () => {
    const { key } = await newKey();
    const { fetch, clock } = isolate();
    const page = await signIn(fetch, key);
    clock.now += 12 * HOUR - 1;
    expect(await statusOf(page)).toBe(200);
    clock.now += 1;
    expect(await statusOf(page)).toBe(401);
  });

  it("when its key expires", async () => {
    const { fetch, clock } = isolate();
    const { key } = await newKey(clock.now + HOUR);
    const response = await postKey(fetch, { key });
    expect(partsOf(response)).toContain("Max-Age=3600");
    const page = withCookie(fetch, partsOf(response)[0]!);
    expect(await json(await page.ask("GET", "/v1/session"))).toMatchObject({ expires_at: iso(clock.now + HOUR) });
    clock.now += HOUR;
    expect(await statusOf(page)).toBe(401);
  });

  const ends: Record<string, (keyId: string, fetch: typeof here.fetch, cookie: string) => Promise<Response>> = {
    "its key is revoked": (id, fetch) => admin("DELETE", `/v1/keys/${id}`, undefined, fetch),
    // The key itself lives on for a day.
    "its key is replaced": (id, fetch) => admin("POST", `/v1/keys/${id}/rotate`, {}, fetch),
    "it is signed out of": (_, fetch, cookie) => withCookie(fetch, cookie).ask("DELETE", "/v1/session"),
  };

  it.each(Object.keys(ends))("when %s: at once here, within 30 s elsewhere", async (how) => {
    const [ours, theirs] = [isolate(), isolate()];
    const { id, key } = await newKey();
    const page = await signIn(ours.fetch, key);
    const elsewhere = withCookie(theirs.fetch, page.cookie);
    expect([await statusOf(page), await statusOf(elsewhere)]).toEqual([200, 200]);
    const ended = await ends[how]!(id, ours.fetch, page.cookie);
    expect(ended.ok).toBe(true);
    if (how === "it is signed out of") expect(partsOf(ended)).toContain("Max-Age=0");
    expect(await statusOf(page)).toBe(401);
    theirs.clock.now += MEMO_MS;
    expect(await statusOf(elsewhere)).toBe(401);
    // Nothing brings it back.
    ours.clock.now += MEMO_MS;
    expect(await statusOf(page)).toBe(401);
  });

  it("when the deployment has another admin key", async () => {
    const { cookie } = await signIn(here.fetch, config.adminKey);
    const other = appWith({ pageSessions: createPageSessions(db, "another admin key of 32 characters") });
    expect(await statusOf(withCookie(other, cookie))).toBe(401);
    expect(await statusOf(withCookie(here.fetch, cookie))).toBe(200);
  });

  it("alone: others of the same key go on", async () => {
    const { key } = await newKey();
    const [one, other] = [await signIn(here.fetch, key), await signIn(here.fetch, key)];
    await one.ask("DELETE", "/v1/session");
    expect([await statusOf(one), await statusOf(other)]).toEqual([401, 200]);
    await problem(await one.ask("DELETE", "/v1/session"), 401, "unauthorized");
  });
});

it("tells nothing without a cookie, and is not for keys", async () => {
  const { key, project_id } = await newKey();
  await problem(await here.fetch(new Request(`${ORIGIN}/v1/session`)), 401, "unauthorized");
  await problem(await ledgerOf(project_id, key, here.fetch).fetch("/v1/session"), 403, "forbidden");
});
