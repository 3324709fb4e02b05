/** Erasing a user over HTTP, and the log of what admins did. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../src/admin-log.ts";
import type { ErasureJob } from "../../src/erase/job.ts";
import {
  admin,
  appWith,
  call,
  config,
  db,
  json,
  type Ledger,
  ledgerOf,
  newKey,
  openLedger,
  problem,
  WEEK,
} from "./ledger.ts";

interface Page {
  entries: LogEntry[];
  next_cursor: string | null;
}

/** Waits for what requests leave to `waitUntil`. */
const fetch = appWith({});

async function adminOf({ projectId }: Ledger): Promise<Ledger> {
  return ledgerOf(projectId, await newKey(projectId, ["admin"]), fetch);
}

const erase = (ledger: Ledger, path: string) => ledger.fetch(`/v1/users/${path}`, { method: "DELETE" });

describe("DELETE /v1/users/{id}", () => {
  it("erases a user, whose id may have any characters, and tells how far it is", async () => {
    const ledger = await openLedger();
    const own = await adminOf(ledger);
    const user = 'a/b?c=%41&"ü" (other)';
    await ledger.write([
      call({ user_id: user, session_id: "s" }),
      call({ user_id: "bob", tags: { owner: user } }),
      call({ user_id: "bob" }),
    ]);
    const job = await json<ErasureJob>(await erase(own, `${encodeURIComponent(user)}?mode=anonymise`), 202);
    expect(job).toMatchObject({ status: "running", mode: "anonymise", done_at: null });
    // The second pass comes a minute later.
    const now = await json<ErasureJob>(await own.fetch(`/v1/erasures/${job.id}`));
    expect(now).toMatchObject({ id: job.id, status: "running", calls: 2 });
    expect(await json(await own.fetch("/v1/erasures"))).toEqual({ erasures: [now], next_cursor: null });
    expect(await json(await erase(own, `${encodeURIComponent(user)}?mode=anonymise`), 202)).toEqual(now);
    const { rows } = await own.summary(`${WEEK}&group_by=user`);
    expect(rows.map((row) => [row["user"], row.requests])).toEqual([
      ["bob", 2],
      [null, 1],
    ]);
    const { traces } = await json<{ traces: object[] }>(await own.fetch(`/v1/traces?${WEEK}`));
    expect(JSON.stringify(traces)).not.toContain("a/b?c");
    expect(JSON.stringify(traces)).not.toContain('"s"');
    expect(await json(await own.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });

  it("removes calls", async () => {
    const ledger = await openLedger();
    const own = await adminOf(ledger);
    await ledger.write([call({ user_id: "ada" }), call({ user_id: "bob" })]);
    await json(await erase(own, "ada?mode=remove"), 202);
    expect((await own.summary(`${WEEK}&group_by=user`)).totals).toMatchObject({ requests: 1, cost_usd: "0.0035" });
    expect(await json(await own.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });

  it("needs a mode and the scope `admin`, and stays in its project", async () => {
    const ledger = await openLedger();
    const own = await adminOf(ledger);
    const others = await adminOf(await openLedger());
    await ledger.write([call({ user_id: "ada" })]);
    for (const query of ["", "?mode=", "?mode=delete"])
      expect(await problem(await erase(own, `ada${query}`), 400, "invalid_parameter")).toMatchObject({
        parameter: "mode",
      });
    await problem(await erase(own, `${"x".repeat(513)}?mode=remove`), 400, "invalid_parameter");
    await problem(await erase(ledgerOf(ledger.projectId, ledger.key, fetch), "ada?mode=remove"), 403, "forbidden");
    await problem(await admin("DELETE", "/v1/users/ada?mode=remove"), 403, "forbidden");
    const job = await json<ErasureJob>(await erase(others, "ada?mode=remove"), 202);
    await problem(await own.fetch(`/v1/erasures/${job.id}`), 404, "not_found");
    await problem(await own.fetch("/v1/erasures/x"), 404, "not_found");
    expect((await ledger.summary(`${WEEK}&group_by=user`)).rows).toMatchObject([{ user: "ada" }]);
  });
});

describe("GET /v1/admin/log", () => {
  async function log(query = ""): Promise<Page> {
    return await json<Page>(await admin("GET", `/v1/admin/log${query}`));
  }

  it("tells each action once: who, what, when, of which request", async () => {
    const since = new Date().toISOString();
    const key = async (project_id: string, name: string) =>
      await json<{ id: string; key: string }>(
        await admin("POST", "/v1/keys", { project_id, name, scopes: ["admin"] }, undefined, {
          "Idempotency-Key": name,
        }),
        201,
      );
    const named = { "Idempotency-Key": crypto.randomUUID() };
    const make = () => admin("POST", "/v1/projects", { name: "a name" }, undefined, named);
    const { id: projectId } = await json<{ id: string }>(await make(), 201);
    await make();
    const spare = await key(projectId, "spare");
    const used = await key(projectId, "used");
    for (let i = 0; i < 2; i++) await admin("DELETE", `/v1/keys/${spare.id}`);
    const own = ledgerOf(projectId, used.key, fetch);
    await own.write([call({ user_id: "somebody" })]);
    const { traces } = await json<{ traces: { id: string }[] }>(await own.fetch(`/v1/traces?${WEEK}`));
    const post = (path: string, body: object) => own.post(body, named, path);
    const price = { model: "m", starts_at: "2026-01-01", usd_per_million_tokens: { input: "1" } };
    const added = await json<{ id: string }>(await post("/v1/prices", price), 201);
    await post("/v1/prices", price);
    const job = { from: "2025-03-10", to: "2025-03-11", dry_run: false };
    const reprice = await json<{ id: string }>(await post("/v1/reprice", job), 202);
    await post("/v1/reprice", job);
    await post("/v1/reprice", { ...job, dry_run: true });
    await own.fetch(`/v1/traces/${traces[0]!.id}`, { method: "DELETE" });
    await own.fetch(`/v1/traces/${traces[0]!.id}`, { method: "DELETE" });
    await post("/v1/repair", { from: "2025-03-10", to: "2025-03-11" });
    const erasure = await json<ErasureJob>(await erase(own, "somebody?mode=remove"), 202);
    await db.query(
      sql`insert into dead_letters (project_id, id, body) values (${projectId}::uuid, ${erasure.id}, 'x')`,
    );
    const gone = await own.fetch(`/v1/dead-letters/${erasure.id}`, { method: "DELETE" });

    const { entries } = await log("?limit=1000");
    const told = entries.filter(({ project_id }) => project_id === projectId);
    const by = (actor: string, action: string, subject: string | null) => ({ actor, action, subject });
    expect(told.map(({ actor, action, subject }) => by(actor, action, subject)).toReversed()).toEqual([
      by("admin key", "project.created", projectId),
      by("admin key", "key.created", spare.id),
      by("admin key", "key.created", used.id),
      by("admin key", "key.revoked", spare.id),
      by(used.id, "price.created", added.id),
      by(used.id, "reprice.applied", reprice.id),
      by(used.id, "call.deleted", traces[0]!.id),
      by(used.id, "repair", null),
      by(used.id, "user.erased", erasure.subject),
      by(used.id, "dead_letter.deleted", erasure.id),
    ]);
    expect(told[0]!.request_id).toBe(gone.headers.get("x-request-id"));
    expect(told.every(({ at }) => at >= since)).toBe(true);
    const text = JSON.stringify(told);
    for (const secret of [spare.key, used.key, config.adminKey!, "a name", "somebody"])
      expect(text).not.toContain(secret);
  });

  it("tells of a replay, which is about no single project", async () => {
    const replay = await admin("POST", "/v1/dead-letters/replay");
    const { entries } = await log("?limit=1000");
    expect(entries).toContainEqual({
      id: expect.any(String),
      at: expect.any(String),
      actor: "admin key",
      action: "dead_letters.replayed",
      project_id: null,
      subject: null,
      request_id: replay.headers.get("x-request-id"),
    });
  });

  it("has pages, which together have each entry once", async () => {
    const own = await Promise.all(Array.from({ length: 4 }, async () => (await openLedger()).projectId));
    const found: string[] = [];
    // Other tests add entries meanwhile, but only in front.
    for (let cursor = ""; found.length < 2 * own.length;) {
      const page = await log(`?limit=3${cursor}`);
      expect(page.entries).toHaveLength(3);
      found.push(...page.entries.filter(({ project_id }) => own.includes(project_id!)).map(({ id }) => id));
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(new Set(found).size).toBe(2 * own.length);
    await problem(await admin("GET", "/v1/admin/log?cursor=x"), 400, "invalid_parameter");
  });

  it("is for the admin key alone", async () => {
    const own = await adminOf(await openLedger());
    await problem(await own.fetch("/v1/admin/log"), 403, "forbidden");
  });

  it("cannot be changed", async () => {
    await openLedger();
    for (const change of [
      sql`update admin_log set actor = 'another'`,
      sql`delete from admin_log`,
      sql`delete from admin_log where false`,
      sql`truncate admin_log`,
    ])
      await expect(db.query(change)).rejects.toThrow(/append-only|permission denied/);
  });

  it("refuses an action that it cannot note", async () => {
    const refusing = {
      ...db,
      query: async (query: Parameters<typeof db.query>[0]) => {
        if (/^\s*insert into admin_log/.test(textOf(query))) throw new Error("no room");
        return await db.query(query);
      },
    };
    const own = await adminOf(await openLedger());
    await own.write([call()]);
    await db.query(sql`update rollup set requests = requests + 1 where project_id = ${own.projectId}::uuid`);
    const wrong = await own.summary(WEEK);
    const refused = ledgerOf(own.projectId, own.key, appWith({ db: refusing }));
    await problem(await refused.post({ from: "2025-03-10", to: "2025-03-11" }, {}, "/v1/repair"), 500, "internal");
    expect((await own.summary(WEEK)).totals).toEqual(wrong.totals);
  });
});

function textOf(query: unknown): string {
  const { queryChunks = [] } = query as { queryChunks?: { value?: string[] }[] };
  return queryChunks.flatMap(({ value }) => value ?? []).join("");
}
