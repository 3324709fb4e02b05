/** Keys from their making to their end: expiry, rotation, last use and revocation, over HTTP. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RedisClient } from "../../src/redis.ts";
import { createKeyring } from "../../src/keyring.ts";
import { DatabaseUnavailable } from "../../src/db/client.ts";
import { admin, appWith, db, type Fetch, json, type Ledger, ledgerOf, problem } from "./ledger.ts";

const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();

afterEach(() => {
  vi.restoreAllMocks();
});

interface Key {
  id: string;
  project_id: string;
  name: string;
  scopes: string[];
  key: string;
  created_at: string;
  expires_at: string | null;
}
interface Listed extends Omit<Key, "key"> {
  last_used_at: string | null;
  revoked_at: string | null;
  replaced_by: string | null;
}
interface Rotated extends Key {
  replaces: { id: string; expires_at: string };
}

/** An app with a clock of its own, and its admin routes. */
function isolate(replaced: Parameters<typeof appWith>[0] = {}) {
  const clock = { now: NOW };
  const fetch = appWith({ now: () => clock.now, ...replaced });
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    admin(method, path, body, fetch, headers);
  return { clock, fetch, ask };
}

const { ask, clock, fetch } = isolate();
const at = (ms: number): void => {
  clock.now = NOW + ms;
};

async function newKey(more: object = {}): Promise<Key> {
  const { id } = await json<{ id: string }>(await ask("POST", "/v1/projects", { name: "p" }), 201);
  const body = { project_id: id, name: "a key", scopes: ["ingest", "read"], ...more };
  return await json<Key>(await ask("POST", "/v1/keys", body), 201);
}

async function rotated(id: string, body: object = {}): Promise<Rotated> {
  return await json<Rotated>(await ask("POST", `/v1/keys/${id}/rotate`, body), 201);
}

async function listed(id: string): Promise<Listed | undefined> {
  const { keys } = await json<{ keys: Listed[] }>(await ask("GET", "/v1/keys"));
  return keys.find((key) => key.id === id);
}

const of = ({ project_id, key }: Key, app: Fetch = fetch): Ledger => ledgerOf(project_id, key, app);
const status = async (key: Key, app?: Fetch) => (await of(key, app).fetch("/v1/reprice")).status;

describe("expires_at", () => {
  it.each([
    ["2026-06-01T01:00:00+00:00", NOW + HOUR],
    ["2026-06-02", NOW + DAY],
    [NOW + 1, NOW + 1],
  ])("as %j ends a key then, and not before", async (expires_at, expiresMs) => {
    at(0);
    const key = await newKey({ expires_at });
    expect(key.expires_at).toBe(iso(expiresMs));
    at(expiresMs - NOW - 1);
    expect(await status(key)).toBe(200);
    at(expiresMs - NOW);
    const { detail } = await problem(await of(key).fetch("/v1/reprice"), 401, "unauthorized");
    expect(detail).toBe(`the API key expired at ${iso(expiresMs)}`);
    await problem(await of(key).fetch("/v1/keys"), 401, "unauthorized");
    expect(await listed(key.id)).toMatchObject({ expires_at: iso(expiresMs), revoked_at: null });
  });

  it.each([[NOW], ["2026-05-31"], ["never"], [1.5], [true], ["9999-01-01"]])("is not %j", async (expires_at) => {
    at(0);
    const { project_id } = await newKey();
    const body = { project_id, name: "k", scopes: ["read"], expires_at };
    const { detail } = await problem(await ask("POST", "/v1/keys", body), 400, "invalid_body");
    expect(detail).toContain("expires_at");
  });

  it("is a part of what an Idempotency-Key asked for, also after a rotation", async () => {
    at(0);
    const { project_id } = await newKey();
    const header = { "idempotency-key": crypto.randomUUID() };
    const body = { project_id, name: "k", scopes: ["read"], expires_at: "2026-07-01" };
    const { id } = await json<Key>(await ask("POST", "/v1/keys", body, header), 201);
    const again = async (expires_at?: string) => await ask("POST", "/v1/keys", { ...body, expires_at }, header);
    expect(await problem(await again("2026-07-01"), 409, "key_already_created")).toMatchObject({ key_id: id });
    await problem(await again("2026-07-02"), 422, "idempotency_mismatch");
    await problem(await again(), 422, "idempotency_mismatch");
    await rotated(id);
    expect(await problem(await again("2026-07-01"), 409, "key_already_created")).toMatchObject({ key_id: id });
  });
});

describe("POST /v1/keys/{id}/rotate", () => {
  it("makes a key like the old one, and lets both live for a day", async () => {
    at(0);
    const old = await newKey();
    expect(await status(old)).toBe(200);
    const response = await ask("POST", `/v1/keys/${old.id}/rotate`, {});
    expect(response.headers.get("cache-control")).toBe("no-store");
    const next = await json<Rotated>(response, 201);
    const { id, key, created_at: _, ...same } = old;
    expect(next).toEqual({
      ...same,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      key: expect.stringMatching(/^lct_[0-9a-f]{48}$/),
      created_at: iso(NOW),
      replaces: { id, expires_at: iso(NOW + DAY) },
    });
    expect(next.key).not.toBe(key);
    expect(await listed(id)).toMatchObject({ expires_at: iso(NOW + DAY), replaced_by: next.id, revoked_at: null });
    expect(await listed(next.id)).toMatchObject({ name: "a key", expires_at: null, replaced_by: null });
    at(DAY - 1);
    expect([await status(old), await status(next)]).toEqual([200, 200]);
    at(DAY);
    expect([await status(old), await status(next)]).toEqual([401, 200]);
  });

  it("ends the old key as asked: at once, and never later than it would have ended", async () => {
    at(0);
    const old = await newKey();
    expect(await status(old)).toBe(200);
    const next = await rotated(old.id, { expires_in_seconds: 0 });
    expect([await status(old), await status(next)]).toEqual([401, 200]);

    const short = await newKey({ expires_at: iso(NOW + HOUR) });
    expect((await rotated(short.id, { expires_in_seconds: 7_200 })).replaces.expires_at).toBe(iso(NOW + HOUR));
  });

  it("gives the new key as long to live as the old one had", async () => {
    at(0);
    const { project_id } = await newKey();
    // The database says when a key is made, so its life is about 10 days more than until now.
    const body = { project_id, name: "k", scopes: ["read"], expires_at: iso(Date.now() + 10 * DAY) };
    const old = await json<Key>(await ask("POST", "/v1/keys", body), 201);
    const lifeMs = Date.parse(old.expires_at!) - Date.parse(old.created_at);
    at(5 * DAY);
    const next = await rotated(old.id);
    expect(Math.abs(Date.parse(next.expires_at!) - (NOW + 5 * DAY + lifeMs))).toBeLessThanOrEqual(1);
  });

  it("replaces a key once, whoever asks at the same time", async () => {
    at(0);
    const old = await newKey();
    const answers = await Promise.all([1, 2, 3].map(() => ask("POST", `/v1/keys/${old.id}/rotate`, {})));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const next = await json<Rotated>(
      answers.find(({ status }) => status === 201)!,
      201,
    );
    for (const answer of answers.filter(({ status }) => status === 409))
      expect(await problem(answer, 409, "key_inactive")).toMatchObject({ replaced_by: next.id });
    // The chain goes on at its end.
    expect((await rotated(next.id)).replaces.id).toBe(next.id);
  });

  it("with an Idempotency-Key makes one key; who asks again learns which one", async () => {
    at(0);
    for (const more of [{}, { expires_at: iso(NOW + HOUR) }, { expires_at: iso(Date.now() + 90 * DAY) }]) {
      const old = await newKey(more);
      const header = { "idempotency-key": crypto.randomUUID() };
      const again = (body: object) => ask("POST", `/v1/keys/${old.id}/rotate`, body, header);
      const answers = await Promise.all([1, 2, 3].map(() => again({ expires_in_seconds: 60 })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
      const next = await json<Rotated>(
        answers.find(({ status }) => status === 201)!,
        201,
      );
      await ask("DELETE", `/v1/keys/${old.id}`);
      expect(await problem(await again({ expires_in_seconds: 60 }), 409, "key_already_created")).toMatchObject({
        key_id: next.id,
      });
      await problem(await again({ expires_in_seconds: 61 }), 422, "idempotency_mismatch");
      await problem(await again({}), 422, "idempotency_mismatch");
    }
  });

  it("refuses keys that are revoked, expired or unknown", async () => {
    at(0);
    const [revoked, expired] = [await newKey(), await newKey({ expires_at: NOW + 1 })];
    await ask("DELETE", `/v1/keys/${revoked.id}`);
    at(1);
    for (const { id } of [revoked, expired]) {
      const refused = await problem(await ask("POST", `/v1/keys/${id}/rotate`, {}), 409, "key_inactive");
      expect(refused).toMatchObject({ replaced_by: null });
    }
    for (const id of [crypto.randomUUID(), "nonsense", "1;drop"])
      await problem(await ask("POST", `/v1/keys/${id}/rotate`, {}), 404, "not_found");
  });

  it.each([
    [{ expires_in_seconds: -1 }],
    [{ expires_in_seconds: 1.5 }],
    [{ expires_in_seconds: "60" }],
    [{ expires_in_seconds: 2_592_001 }],
    [{ name: "x" }],
    [[]],
    [null],
  ])("does not take %j", async (body) => {
    const { id } = await newKey();
    await problem(await ask("POST", `/v1/keys/${id}/rotate`, body), 400, "invalid_body");
  });
});

it("shows when a key was last used", async () => {
  at(0);
  const key = await newKey();
  expect(await listed(key.id)).toMatchObject({ last_used_at: null });
  await status(key);
  expect(await listed(key.id)).toMatchObject({ last_used_at: iso(NOW) });
  at(10 * MINUTE);
  await status(key);
  expect(await listed(key.id)).toMatchObject({ last_used_at: iso(NOW + 10 * MINUTE) });
});

describe("a key that another isolate revokes or ends", () => {
  const down: RedisClient = {
    getMany: async () => ({ down: true }),
    set: async () => ({ down: true }),
    setIfAbsent: async () => ({ down: true }),
    take: async () => ({ down: true }),
  };
  const end: Record<string, (id: string) => Promise<Response>> = {
    revoked: (id) => ask("DELETE", `/v1/keys/${id}`),
    rotated: (id) => ask("POST", `/v1/keys/${id}/rotate`, { expires_in_seconds: 0 }),
  };

  it.each([
    ["revoked", {}],
    ["rotated", {}],
    ["revoked", { redis: down }],
    ["rotated", { redis: down }],
  ] as const)("is %s here within 60 s (%j)", async (how, replaced) => {
    at(0);
    const there = isolate(replaced);
    const key = await newKey();
    expect([await status(key), await status(key, there.fetch)]).toEqual([200, 200]);
    await end[how]!(key.id);
    expect(await status(key)).toBe(401);
    there.clock.now = NOW + MINUTE;
    expect(await status(key, there.fetch)).toBe(401);
  });

  it("is refused within 60 s while the database is away, too: with 503, because nobody can tell", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    at(0);
    const key = await newKey();
    let isAway = false;
    const there = isolate({
      keyring: createKeyring({
        ...db,
        query: async (statement) => {
          if (isAway) throw new DatabaseUnavailable("away");
          return await db.query(statement);
        },
      }),
    });
    expect(await status(key, there.fetch)).toBe(200);
    await end["revoked"]!(key.id);
    isAway = true;
    there.clock.now = NOW + MINUTE;
    expect(await status(key, there.fetch)).toBe(503);
    isAway = false;
    expect(await status(key, there.fetch)).toBe(401);
  });
});
