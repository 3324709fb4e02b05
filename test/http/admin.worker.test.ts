/** Projects and keys, which the admin key alone may make. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/digest.ts";
import { admin, appWith, db, json, ledgerOf, problem } from "./ledger.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

interface Key {
  id: string;
  project_id: string;
  name: string;
  scopes: string[];
  key: string;
  created_at: string;
  revoked_at?: string | null;
}

async function newProject(): Promise<string> {
  return (await json<{ id: string }>(await admin("POST", "/v1/projects", { name: "p" }), 201)).id;
}

async function newKey(project_id: string): Promise<Key> {
  const body = { project_id, name: "a key", scopes: ["ingest", "read"] };
  return await json<Key>(await admin("POST", "/v1/keys", body), 201);
}

describe("projects", () => {
  it("are made with 201 {id, name, created_at}, and listed", async () => {
    const response = await admin("POST", "/v1/projects", { name: "  Ünïcode 🚀 " });
    const project = await json(response, 201);
    expect(project).toEqual({
      id: expect.stringMatching(UUID),
      name: "Ünïcode 🚀",
      created_at: expect.stringMatching(INSTANT),
    });
    const list = await json<{ projects: unknown[]; next_cursor: null }>(await admin("GET", "/v1/projects"));
    expect(list.projects).toContainEqual(project);
    expect(list.next_cursor).toBeNull();
  });

  it.each([
    [{}],
    [{ name: "" }],
    [{ name: "  " }],
    [{ name: 7 }],
    [{ name: "a\0b" }],
    [{ name: "a\ud800" }],
    [{ name: "x".repeat(201) }],
    [[]],
    [null],
    ["x"],
  ])("are not made from %j", async (body) => {
    await problem(await admin("POST", "/v1/projects", body), 400, "invalid_body");
  });

  it("are not made from what is no JSON, nor from more than 8 MiB", async () => {
    await problem(await admin("POST", "/v1/projects"), 400, "invalid_body");
    await problem(await admin("POST", "/v1/projects", { name: "x".repeat(8 * 2 ** 20) }), 413, "body_too_large");
  });
});

describe("keys", () => {
  it("are made with 201 {id, project_id, name, scopes, key, created_at, expires_at}", async () => {
    const projectId = await newProject();
    expect(await newKey(projectId)).toEqual({
      id: expect.stringMatching(UUID),
      project_id: projectId,
      name: "a key",
      scopes: ["ingest", "read"],
      key: expect.stringMatching(/^lct_[0-9a-f]{48}$/),
      created_at: expect.stringMatching(INSTANT),
      expires_at: null,
    });
  });

  it("are shown once: lists and the database have no more than a hash", async () => {
    const made = await newKey(await newProject());
    const listed = await (await admin("GET", "/v1/keys")).text();
    expect(listed).toContain(made.id);
    expect(listed).not.toContain(made.key);
    expect(listed).not.toContain(sha256Hex(made.key));
    const [row] = await db.query(
      sql`select row_to_json(k)::text as row, key_hash from api_keys k where id = ${made.id}::uuid`,
    );
    expect(row!["key_hash"]).toBe(sha256Hex(made.key));
    expect(row!["row"]).not.toContain(made.key.slice(4));
  });

  it("are listed with their scopes and whether they are revoked", async () => {
    const { key: _, ...made } = await newKey(await newProject());
    const list = async () => (await json<{ keys: Key[] }>(await admin("GET", "/v1/keys"))).keys;
    const listed = { ...made, last_used_at: null, replaced_by: null };
    expect(await list()).toContainEqual({ ...listed, revoked_at: null });
    await admin("DELETE", `/v1/keys/${made.id}`);
    expect(await list()).toContainEqual({ ...listed, revoked_at: expect.stringMatching(INSTANT) });
  });

  it("work at once, two at a time while they are rotated, and stop when revoked", async () => {
    const projectId = await newProject();
    const [old, next] = [await newKey(projectId), await newKey(projectId)];
    expect((await ledgerOf(projectId, old.key).fetch("/v1/summary")).status).toBe(200);
    const unused = await newKey(projectId);
    for (const id of [old.id, unused.id]) {
      const response = await admin("DELETE", `/v1/keys/${id}`);
      expect([response.status, await response.text()]).toEqual([204, ""]);
    }
    expect((await ledgerOf(projectId, unused.key).fetch("/v1/summary")).status).toBe(401);
    expect((await ledgerOf(projectId, next.key).fetch("/v1/summary")).status).toBe(200);
  });

  it("are shown in an answer that nobody may store", async () => {
    const body = { project_id: await newProject(), name: "k", scopes: ["read"] };
    expect((await admin("POST", "/v1/keys", body)).headers.get("cache-control")).toBe("no-store");
  });

  it("may be revoked twice; the first time stays", async () => {
    const { id } = await newKey(await newProject());
    const revokedAt = async () =>
      (await json<{ keys: Key[] }>(await admin("GET", "/v1/keys"))).keys.find((key) => key.id === id)!.revoked_at;
    await admin("DELETE", `/v1/keys/${id}`);
    const first = await revokedAt();
    expect((await admin("DELETE", `/v1/keys/${id}`)).status).toBe(204);
    expect(await revokedAt()).toBe(first);
  });

  it.each(["00000000-0000-4000-8000-0000000000ff", "nonsense", "1;drop"])(
    "answer 404 where there is none: %s",
    async (id) => {
      await problem(await admin("DELETE", `/v1/keys/${id}`), 404, "not_found");
    },
  );

  it("are not made for a project that does not exist", async () => {
    const body = { project_id: "00000000-0000-4000-8000-0000000000ff", name: "k", scopes: ["read"] };
    await problem(await admin("POST", "/v1/keys", body), 404, "not_found");
  });

  it.each([
    [{ scopes: [] }],
    [{ scopes: ["write"] }],
    [{ scopes: "read" }],
    [{ scopes: ["read}"] }],
    [{ scopes: undefined }],
    [{ name: "" }],
    [{ name: undefined }],
    [{ project_id: "1" }],
    [{ project_id: undefined }],
    [{ project_id: "00000000-0000-4000-8000-000000000000' or '1'='1" }],
  ])("are not made with %j", async (wrong) => {
    const body = { project_id: "00000000-0000-4000-8000-000000000000", name: "k", scopes: ["read"], ...wrong };
    const { detail } = await problem(await admin("POST", "/v1/keys", body), 400, "invalid_body");
    expect(detail).toContain(Object.keys(wrong)[0]);
  });

  it("keep each scope once", async () => {
    const body = { project_id: await newProject(), name: "k", scopes: ["read", "read"] };
    expect(await json(await admin("POST", "/v1/keys", body), 201)).toMatchObject({ scopes: ["read"] });
  });
});

describe("an Idempotency-Key", () => {
  const app = appWith({});
  const ask = async (path: string, body: object, key: string): Promise<Response> =>
    await admin("POST", path, body, app, { "idempotency-key": key });

  it("makes one project of any number of requests, at once and later", async () => {
    const key = crypto.randomUUID();
    const asked = await Promise.all(["p", "p", "p", " p "].map((name) => ask("/v1/projects", { name }, key)));
    const [first, ...others] = await Promise.all(asked.map((response) => json<{ id: string }>(response, 201)));
    for (const other of [...others, await json(await ask("/v1/projects", { name: "p" }, key), 201)])
      expect(other).toEqual(first);
    await problem(await ask("/v1/projects", { name: "q" }, key), 422, "idempotency_mismatch");
    const other = await json<{ id: string }>(await ask("/v1/projects", { name: "p" }, `${key}2`), 201);
    expect(other.id).not.toBe(first!.id);
    const [row] = await db.query(sql`select name from projects where id = ${first!.id}::uuid`);
    expect(row).toEqual({ name: "p" });
  });

  it("makes one API key; who asks again learns which one to revoke", async () => {
    const key = crypto.randomUUID();
    const body = { project_id: await newProject(), name: "k", scopes: ["ingest", "read"] };
    const asked = await Promise.all([1, 2, 3].map(() => ask("/v1/keys", body, key)));
    expect(asked.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const made = await json<Key>(
      asked.find(({ status }) => status === 201)!,
      201,
    );
    const ofProject = () => db.query(sql`select key_hash from api_keys where project_id = ${body.project_id}::uuid`);
    expect(await ofProject()).toEqual([{ key_hash: sha256Hex(made.key) }]);
    for (const response of asked.filter(({ status }) => status === 409))
      expect(await problem(response, 409, "key_already_created")).toMatchObject({ key_id: made.id });
    for (const wrong of [{ name: "l" }, { scopes: ["ingest"] }])
      await problem(await ask("/v1/keys", { ...body, ...wrong }, key), 422, "idempotency_mismatch");
    expect((await ledgerOf(body.project_id, made.key).fetch("/v1/summary")).status).toBe(200);
    // As the client goes on: that key is revoked, and another is made by another name.
    await admin("DELETE", `/v1/keys/${made.id}`);
    const { key_id } = await problem(await ask("/v1/keys", body, key), 409, "key_already_created");
    expect(key_id).toBe(made.id);
    expect((await json<Key>(await ask("/v1/keys", body, `${key}2`), 201)).id).not.toBe(made.id);
  });

  it("names a request within a project, and has 1 to 255 characters", async () => {
    const key = crypto.randomUUID();
    const body = { name: "k", scopes: ["read"] };
    const [a, b] = [await newProject(), await newProject()];
    const ids = [a, b].map(
      async (project_id) => (await json<Key>(await ask("/v1/keys", { ...body, project_id }, key), 201)).id,
    );
    expect(new Set(await Promise.all(ids)).size).toBe(2);
    for (const path of ["/v1/keys", "/v1/projects"])
      await problem(
        await ask(path, path === "/v1/keys" ? { ...body, project_id: a } : { name: "p" }, "x".repeat(256)),
        400,
        "invalid_parameter",
      );
  });
});

describe.each(["projects", "keys"] as const)("pages of %s", (list) => {
  const page = async (query: string) =>
    await json<Record<"projects" | "keys", { id: string; created_at: string }[]> & { next_cursor: string | null }>(
      await admin("GET", `/v1/${list}?${query}`),
    );

  it("go on where the last one ended, oldest first, each item once", async () => {
    for (let i = 0; i < 3; i++) await newKey(await newProject());
    const whole = (await page(""))[list].map(({ id }) => id);
    const limit = Math.ceil(whole.length / 3);
    const found: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null; pages++) {
      expect(pages).toBeLessThan(10);
      const at = await page(`limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(at[list].length).toBeLessThanOrEqual(limit);
      found.push(...at[list].map(({ id }) => id));
      cursor = at.next_cursor;
    }
    // Other tests add to the lists meanwhile. What is added may be older than what was there: its age is its transaction's.
    expect(found.filter((id) => whole.includes(id))).toEqual(whole);
    expect(new Set(found).size).toBe(found.length);
  });

  it("refuse what is no page", async () => {
    for (const query of ["limit=0", "limit=10001", "cursor=x", "cursor=1-", "nonsense=1"])
      await problem(await admin("GET", `/v1/${list}?${query}`), 400, "invalid_parameter");
  });
});
