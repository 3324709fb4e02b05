/** Who gets in where, and that a tenant never comes from anything but the key. */
import { describe, expect, it } from "vitest";
import {
  admin,
  appWith,
  call,
  config,
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

const ROUTES = [
  ["POST", "/v1/traces"],
  ["POST", "/api/public/otel/v1/traces"],
  ["GET", "/v1/summary"],
  ["GET", "/v1/audit"],
  ["GET", "/v1/projects"],
  ["POST", "/v1/projects"],
  ["GET", "/v1/keys"],
  ["POST", "/v1/keys"],
  ["DELETE", "/v1/keys/00000000-0000-4000-8000-000000000000"],
] as const;

/** A key that was never given out, with a checksum that fits. */
const STRANGER = `lct_${"0".repeat(40)}${"a6fb3dd6".padStart(8, "0")}`;

describe.each(ROUTES)("%s %s", (method, path) => {
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
    const type: Record<string, string> = method === "POST" ? { "content-type": "text/plain" } : {};
    const response = await ask(path, authorization === undefined ? type : { ...type, authorization }, method);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    await problem(response, 401, "unauthorized");
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

  it("keeps API keys off the admin routes, also those with the scope admin", async () => {
    const { projectId } = await openLedger();
    for (const scope of ["ingest", "read", "admin"] as const) {
      const authorization = `Bearer ${await newKey(projectId, [scope])}`;
      for (const [method, path] of ROUTES.slice(4)) {
        await problem(await ask(path, { authorization, "content-type": "application/json" }, method), 403, "forbidden");
      }
    }
  });

  it("keeps the admin key off everything else", async () => {
    for (const [method, path] of ROUTES.slice(0, 4)) {
      const headers = { authorization: `Bearer ${config.adminKey}`, "content-type": "application/x-ndjson" };
      await problem(await ask(path, headers, method), 403, "forbidden");
    }
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
