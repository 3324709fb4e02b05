/** Who gets in where, and that a tenant never comes from anything but the key. */
import { describe, expect, it } from "vitest";
import { createKey, revokeKey, type Scope, SCOPES } from "../../src/keys.ts";
import { forgedKeys } from "../forged-keys.ts";
import {
  admin,
  appWith,
  call,
  config,
  db,
  json,
  ledgerOf,
  newKey,
  ofTheWorker,
  openLedger,
  problem,
  WEEK,
} from "./ledger.ts";

const ask = (path: string, headers: Record<string, string>, method = "GET"): Promise<Response> =>
  ofTheWorker(new Request(`http://ledger${path}`, { method, headers, ...(method === "POST" ? { body: "[]" } : {}) }));

interface Documented {
  security: Record<string, string[]>[];
}

const { paths } = await json<{ paths: Record<string, Record<string, Documented>> }>(
  await ofTheWorker(new Request("http://ledger/openapi.json")),
);
/** Every route that needs a key, whom it admits, and its path with an id of nothing. */
const ROUTES = Object.entries(paths).flatMap(([template, item]) =>
  Object.entries(item)
    .filter(([, { security }]) => security.length > 0)
    .map(([method, { security }]) => ({
      method: method.toUpperCase(),
      template,
      path: template.replace(/\{\w+\}/g, "00000000-0000-4000-8000-000000000000"),
      /** Of an API key. Undefined if the route takes none. */
      scope: security.find(({ apiKey }) => apiKey)?.["apiKey"]?.[0],
      takesAdminKey: security.some((scheme) => "adminKey" in scheme),
    })),
);
const ADMIN_ROUTES = ROUTES.filter(({ scope }) => scope === undefined);
/** A type that no route reads: who asks is refused before the body is, and not in OTLP's form. */
const typed = (method: string): Record<string, string> => (method === "POST" ? { "content-type": "text/plain" } : {});

/** A key that was never given out, with a checksum that fits. */
const STRANGER = `lct_${"0".repeat(40)}${"a6fb3dd6".padStart(8, "0")}`;

/** One project's keys: two that are no longer accepted, and one of each scope. */
const spentKeys = (async () => {
  const { projectId } = await openLedger();
  const make = (expiresMs: number | null = null) =>
    createKey(db, projectId, "spent", ["admin"], crypto.randomUUID(), expiresMs);
  const [revoked, expired] = [await make(), await make(Date.now() - 1)];
  await revokeKey(db, revoked.id);
  const scoped = await Promise.all(SCOPES.map(async (scope) => [scope, await newKey(projectId, [scope])]));
  return { revoked: revoked.key, expired: expired.key, ...(Object.fromEntries(scoped) as Record<Scope, string>) };
})();

describe.each(ROUTES)("$method $template", ({ method, path, scope, takesAdminKey }) => {
  it.each([
    ["no key", undefined],
    ["an empty one", "Bearer "],
    ["another scheme", "Digest x"],
    ["no scheme", STRANGER],
    ["nonsense", "Bearer nonsense"],
    ["a wrong checksum", `Bearer lct_${"0".repeat(48)}`],
    ["a well-formed stranger", `Bearer ${STRANGER}`],
    ["Basic without a password", `Basic ${btoa("user:")}`],
    ["bad Base64", "Basic %%%"],
    ["the admin key with something behind it", `Bearer ${config.adminKey} junk`],
    ["almost the admin key", `Bearer ${config.adminKey}x`],
  ])("refuses %s with 401 and WWW-Authenticate", async (_, authorization) => {
    const type = typed(method);
    const response = await ask(path, authorization === undefined ? type : { ...type, authorization }, method);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    await problem(response, 401, "unauthorized");
  });

  it("refuses keys that are revoked or expired, forged ones, and those that may not", async () => {
    const keys = await spentKeys;
    for (const key of [keys.revoked, keys.expired, forgedKeys(1)[0]!]) {
      const response = await ask(path, { ...typed(method), authorization: `Bearer ${key}` }, method);
      await problem(response, 401, "unauthorized");
    }
    for (const held of SCOPES) {
      const authorization = `Bearer ${keys[held]}`;
      const allowed = scope !== undefined && (held === scope || held === "admin");
      if (allowed) continue;
      await problem(await ask(path, { ...typed(method), authorization }, method), 403, "forbidden");
    }
    if (takesAdminKey) return;
    const authorization = `Bearer ${config.adminKey}`;
    await problem(await ask(path, { ...typed(method), authorization }, method), 403, "forbidden");
  });
});

describe("scopes", () => {
  it.each([
    [["ingest"], 200, 403],
    [["read"], 403, 200],
    [["ingest", "read"], 200, 200],
    [["admin"], 200, 200],
  ] as const)("%j: POST /v1/traces %i, GET /v1/summary and /v1/audit %i", async (scopes, write, read) => {
    const { projectId } = await openLedger();
    const ledger = ledgerOf(projectId, await newKey(projectId, [...scopes]));
    const answers = [await ledger.post([call()]), await ledger.fetch("/v1/summary"), await ledger.fetch("/v1/audit")];
    expect(answers.map(({ status }) => status)).toEqual([write, read, read]);
    for (const answer of answers) if (answer.status === 403) await problem(answer, 403, "forbidden");
  });

  it("takes a key only as the whole of what follows Bearer", async () => {
    const { key, ...ledger } = await openLedger();
    for (const [authorization, status] of [
      [`bearer  ${key}`, 200],
      [`Bearer ${key} junk`, 401],
      [`Bearer ${key}, Bearer ${key}`, 401],
      [`Bearer ${key},x`, 401],
      [`Basic ${btoa(`user:${key}`)}`, 401],
      [key, 401],
    ] as const)
      expect([authorization, (await ledger.fetch("/v1/summary", { headers: { authorization } })).status]).toEqual([
        authorization,
        status,
      ]);
    const authorization = `Basic ${btoa(`user:${config.adminKey}`)}`;
    await problem(await ask("/v1/projects", { authorization }), 401, "unauthorized");
  });
});

describe("/v1/admin/", () => {
  it("is for the admin key and its sessions alone, by what its routes say", () => {
    const below = Object.entries(paths).filter(([path]) => path.startsWith("/v1/admin/"));
    for (const [path, item] of below)
      for (const { security } of Object.values(item))
        expect([path, security]).toEqual([path, [{ adminKey: [] }, { pageSession: [] }]]);
  });

  it("is so whatever a route says, and whether or not there is one", async () => {
    const { admin: key } = await spentKeys;
    const below = ADMIN_ROUTES.filter(({ path }) => path.startsWith("/v1/admin/"));
    for (const { method, path } of [...below, { method: "GET", path: "/v1/admin/nothing" }]) {
      const authorization = `Bearer ${key}`;
      await problem(await ask(path, { ...typed(method), authorization }, method), 403, "forbidden");
      await problem(await ask(path, typed(method), method), 401, "unauthorized");
    }
    await problem(await admin("GET", "/v1/admin/nothing"), 404, "not_found");
  });
});

describe("a key names its project", () => {
  it("and nothing of another's is ever shown", async () => {
    const [ours, theirs] = await Promise.all([openLedger(), openLedger()]);
    const shared = { user_id: "ann", tags: { team: "a" }, application: "shop" };
    await Promise.all([ours.write([call(shared)]), theirs.write([call(shared), call(shared)])]);
    for (const query of ["", "&group_by=user", "&group_by=tag.team&interval=hour", "&user=ann", "&application=shop"]) {
      expect((await ours.summary(WEEK + query)).totals.requests, query).toBe(1);
      expect((await theirs.summary(WEEK + query)).totals.requests, query).toBe(2);
    }
    const ragged = "from=2025-03-10T00:00:00Z&to=2025-03-10T00:00:00.001Z";
    expect((await ours.summary(ragged)).totals.requests).toBe(1);
    const { days } = await json<{ days: { raw: { requests: number } }[] }>(await ours.fetch(`/v1/audit?${WEEK}`));
    expect(days.map(({ raw }) => raw.requests)).toEqual([1]);
  });

  it("also when many write at once", async () => {
    const fetch = appWith({});
    const ledgers = await Promise.all(Array.from({ length: 4 }, () => openLedger(fetch)));
    await Promise.all(
      Array.from({ length: 80 }, (_, i) => ledgers[i % 4]!.write([call({ application: `app-${i % 4}` })])),
    );
    for (const [i, ledger] of ledgers.entries()) {
      const { rows } = await ledger.summary(`${WEEK}&group_by=application`);
      expect(rows).toMatchObject([{ application: `app-${i}`, requests: 20 }]);
    }
  });

  it("two of one project see the same", async () => {
    const ledger = await openLedger();
    const other = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
    await ledger.write([call()]);
    expect((await other.summary(WEEK)).totals.requests).toBe(1);
  });
});

it("refuses a revoked key once its memo ran out, within 60 s", async () => {
  const { projectId } = await openLedger();
  const made = await json<{ id: string; key: string }>(
    await admin("POST", "/v1/keys", { project_id: projectId, name: "k", scopes: ["read"] }),
    201,
  );
  let now = Date.now();
  const ledger = ledgerOf(projectId, made.key, appWith({ now: () => now }));
  expect((await ledger.fetch("/v1/summary")).status).toBe(200);
  expect((await admin("DELETE", `/v1/keys/${made.id}`)).status).toBe(204);
  now += 60_000;
  await problem(await ledger.fetch("/v1/summary"), 401, "unauthorized");
});
