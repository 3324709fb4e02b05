/** Saved views: kept as they are sent, at most 200, each name once, also when they are saved at once. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { forProject } from "../../src/db/wall.ts";
import { VIEWS } from "../../src/http/page.ts";
import { appWith, db, json, type Ledger, ledgerOf, newKey, openLedger, problem } from "./ledger.ts";

interface View {
  id: string;
  name: string;
  path: string;
  created_at: string;
  updated_at: string;
}

/** Requests at once go through an app of the test's own. */
async function open(): Promise<Ledger> {
  const { projectId } = await openLedger();
  return ledgerOf(projectId, await newKey(projectId, ["read"]), appWith({}));
}

async function send(ledger: Ledger, method: string, path: string, body: unknown, key?: string): Promise<Response> {
  const headers = { "content-type": "application/json", ...(key !== undefined && { "idempotency-key": key }) };
  return await ledger.fetch(path, { method, headers, body: JSON.stringify(body) });
}

const post = (ledger: Ledger, name: string, path = "/explore", key?: string): Promise<Response> =>
  send(ledger, "POST", "/v1/views", { name, path }, key);
const saved = async (ledger: Ledger, name: string, path?: string): Promise<View> =>
  await json<View>(await post(ledger, name, path), 201);
const list = async (ledger: Ledger): Promise<View[]> => {
  const body = await json<{ views: View[]; next_cursor: null }>(await ledger.fetch("/v1/views"));
  expect(body.next_cursor).toBeNull();
  return body.views;
};

describe("a view", () => {
  it("is saved, listed by name, replaced and deleted", async () => {
    const ledger = await open();
    const first = await saved(ledger, "models", "/explore?group_by=model&tag.team=a%2Fb#chart");
    const second = await saved(ledger, "Models", "/");
    expect(await list(ledger)).toEqual([second, first]);
    const same = { name: first.name, path: first.path };
    expect(await json(await send(ledger, "PUT", `/v1/views/${first.id}`, same))).toEqual(first);
    const asked = { name: "a", path: "/calls/x?from=2026-01-01" };
    const replaced = await json<View>(await send(ledger, "PUT", `/v1/views/${first.id}`, asked));
    expect(replaced).toEqual({ ...first, ...asked, updated_at: expect.any(String) });
    expect(replaced.updated_at >= first.created_at).toBe(true);
    expect(await list(ledger)).toEqual([second, replaced]);
    expect((await ledger.fetch(`/v1/views/${first.id}`, { method: "DELETE" })).status).toBe(204);
    await problem(await ledger.fetch(`/v1/views/${first.id}`, { method: "DELETE" }), 404, "not_found");
    await problem(await send(ledger, "PUT", `/v1/views/${first.id}`, asked), 404, "not_found");
    await problem(await send(ledger, "PUT", "/v1/views/x", asked), 404, "not_found");
    expect(await list(ledger)).toEqual([second]);
  });

  it("may be of any view of the page", async () => {
    const ledger = await open();
    const paths = VIEWS.map((path) => path.replace(":id", "a%2Fb") + "?tz=UTC");
    for (const path of paths) await saved(ledger, path, path);
    expect((await list(ledger)).map(({ path }) => path).sort()).toEqual(paths.sort());
  });

  it.each([
    `<img src=x onerror="alert(1)">`,
    "=HYPERLINK(1)",
    "\u202Eevil",
    "👩‍👩‍👧",
    "'; drop table views; --",
    "%00",
    "x".repeat(100),
    "😀".repeat(100),
    "line\nbreak",
  ])("keeps the name %j as it is", async (name) => {
    const ledger = await open();
    expect((await saved(ledger, name)).name).toBe(name);
    expect((await list(ledger)).map((view) => view.name)).toEqual([name]);
  });

  it("of one Idempotency-Key is one, also once it has another name", async () => {
    const ledger = await open();
    const view = await json<View>(await post(ledger, "a", "/why", "one"), 201);
    expect(await json(await post(ledger, "a", "/why", "one"), 201)).toEqual(view);
    await problem(await post(ledger, "b", "/why", "one"), 422, "idempotency_mismatch");
    // A millisecond later, as far as the answer tells.
    await forProject(db, ledger.projectId).query(
      sql`update views set created_at = now() - interval '1 second' where project_id = ${ledger.projectId}::uuid`,
    );
    const renamed = await json<View>(await send(ledger, "PUT", `/v1/views/${view.id}`, { name: "c", path: "/why" }));
    expect(await json(await post(ledger, "a", "/why", "one"), 201)).toEqual(renamed);
    expect(await list(ledger)).toEqual([renamed]);
  });
});

describe("what is refused", () => {
  it.each<[string, object]>([
    ["name", { name: "", path: "/" }],
    ["name", { name: "😀".repeat(101), path: "/" }],
    ["name", { name: 1, path: "/" }],
    ["name", { path: "/" }],
    ["path", { name: "a" }],
    ["body", { name: "a", path: "/", colour: "red" }],
    ...[
      "",
      "explore",
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "https://evil.example/explore",
      "javascript:alert(1)",
      "/explorer",
      "/v1/keys",
      "/docs",
      "/calls/a/b",
      "/calls/..",
      "/sessions/",
      "/explore?a=\n",
      ` /explore`,
      `/explore?q=${"x".repeat(4_000)}`,
    ].map((path): [string, object] => ["path", { name: "a", path }]),
  ])("%s of %j", async (member, body) => {
    const ledger = await open();
    for (const [method, path] of [
      ["POST", "/v1/views"],
      ["PUT", "/v1/views/00000000-0000-4000-8000-000000000000"],
    ] as const) {
      const { detail } = await problem(await send(ledger, method, path, body), 400, "invalid_body");
      expect(detail.startsWith(`${member}: `)).toBe(true);
    }
  });

  it("a name that another view has, at once too: one of ten gets it, the others are told which", async () => {
    const ledger = await open();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(ledger, "same")));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const [view] = await list(ledger);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect((await problem(answer, 409, "view_name_taken"))["view_id"]).toBe(view!.id);
    const other = await saved(ledger, "other");
    const taken = await send(ledger, "PUT", `/v1/views/${other.id}`, { name: "same", path: "/" });
    expect((await problem(taken, 409, "view_name_taken"))["view_id"]).toBe(view!.id);
  });

  it("the 201st, at once too: of ten with three places left three are saved", async () => {
    const ledger = await open();
    await forProject(db, ledger.projectId).query(sql`
      insert into views (project_id, id, name, path)
      select ${ledger.projectId}::uuid, gen_random_uuid(), 'v' || i, '/' from generate_series(1, 197) i`);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => post(ledger, `new ${i}`)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, ...Array<number>(7).fill(409)]);
    await problem(await post(ledger, "one more"), 409, "too_many_views");
    expect(await list(ledger)).toHaveLength(200);
  });

  it("whatever the scope `read` is missing for", async () => {
    const { projectId } = await openLedger();
    const writer = ledgerOf(projectId, await newKey(projectId, ["ingest"]));
    await problem(await post(writer, "a"), 403, "forbidden");
    await problem(await writer.fetch("/v1/views"), 403, "forbidden");
  });
});
