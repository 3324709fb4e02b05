/** Dead letters on Miniflare's queues and over HTTP: what was acknowledged but cannot be stored is kept, and found. */
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { DeadLetter } from "../../src/queue/dead-letter-page.ts";
import { keepDeadLetters } from "../../src/queue/dead-letters.ts";
import { admin, db, json, type Ledger, ledgerOf, newKey, openLedger, problem, WEEK } from "../http/ledger.ts";
import { deliver, depsWith, messageOf, queue, requests } from "./consumer.ts";

const PATH = "/v1/dead-letters";

interface Page {
  dead_letters: DeadLetter[];
  next_cursor: string | null;
}

afterEach(() => {
  vi.restoreAllMocks();
});

async function deadOf({ projectId }: Ledger): Promise<number> {
  const [row] = await db.query(sql`select count(*)::int as n from dead_letters where project_id = ${projectId}::uuid`);
  return Number(row!["n"]);
}

describe("messages that cannot be stored", () => {
  it("are dead letters once the queue gives up; a replay stores them once, and leaves what still fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ledger = await openLedger();
    // A price that no bigint of the database holds: read well, refused by Postgres.
    const good = messageOf(ledger.projectId, "1", "2");
    const poison = good.replace(/"unitPico":\["\d+"/, `"unitPico":["${10n ** 30n}"`);
    expect(poison).not.toBe(good);
    await queue.sendBatch([{ body: poison, contentType: "text" }]);
    await vi.waitFor(async () => expect(await deadOf(ledger)).toBe(1), { timeout: 15_000, interval: 50 });
    expect(await requests(ledger)).toBe(0);

    const replay = () => admin("POST", "/v1/dead-letters/replay");
    expect((await json<{ failed: unknown[] }>(await replay())).failed.length).toBeGreaterThan(0);
    expect(await deadOf(ledger)).toBe(1);

    await db.query(sql`update dead_letters set body = ${good} where project_id = ${ledger.projectId}::uuid`);
    await json(await replay());
    await json(await replay());
    expect(await deadOf(ledger)).toBe(0);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 2, cost_usd: "0.007" });
  });

  it("are kept whatever they hold, once however often they come", async () => {
    const bodies = ["a\0b", "\ud800", { not: "ours" }, 7];
    expect((await deliver(depsWith(db), bodies, "llm-cost-dead-letters")).acked).toHaveLength(4);
  });
});

describe("the list", () => {
  const open = async (): Promise<Ledger> => {
    const { projectId } = await openLedger();
    return ledgerOf(projectId, await newKey(projectId, ["admin"]));
  };
  const list = async (ledger: Ledger, query = ""): Promise<Page> => await json(await ledger.fetch(PATH + query));

  it("pages through the letters of the key's project, oldest first, each with its reason and calls", async () => {
    const [ledger, neighbour] = [await open(), await open()];
    const body = messageOf(ledger.projectId, "1", "2");
    const unreadable = body.replace('"traces":[[', '"traces":[5,[');
    const ids = Array.from({ length: 5 }, () => crypto.randomUUID());
    // The last two in one statement, so at one time.
    for (const id of ids.slice(0, 3)) await keepDeadLetters(db, [{ id, body }]);
    await keepDeadLetters(db, [
      { id: ids[3]!, body },
      { id: ids[4]!, body },
    ]);
    await db.query(sql`update dead_letters set body = ${unreadable} where id = ${ids[0]!}`);
    const ordered = [...ids.slice(0, 3), ...ids.slice(3).toSorted()];

    const all = await list(ledger);
    expect(all.dead_letters.map(({ id }) => id)).toEqual(ordered);
    expect(all.dead_letters.slice(0, 2)).toMatchObject([
      { project_id: ledger.projectId, reason: "unreadable", calls: null },
      { project_id: ledger.projectId, reason: "failed", calls: 2 },
    ]);
    for (let cursor: string | null = "", rest = ordered; cursor !== null; rest = rest.slice(1)) {
      const page = await list(ledger, `?limit=1${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.dead_letters.map(({ id }) => id)).toEqual(rest.slice(0, 1));
      cursor = page.next_cursor;
      expect(cursor === null).toBe(rest.length === 1);
    }
    expect(await list(neighbour)).toEqual({ dead_letters: [], next_cursor: null });
  });

  it("shows the admin key all of them, those of no project too", async () => {
    const id = crypto.randomUUID();
    await keepDeadLetters(db, [{ id, body: "nobody's" }]);
    await db.query(sql`update dead_letters set died_at = 'epoch' where id = ${id}`);
    const { dead_letters } = await json<Page>(await admin("GET", PATH));
    expect(dead_letters).toContainEqual(
      expect.objectContaining({ id, project_id: null, reason: "unreadable", calls: null }),
    );
    expect((await admin("DELETE", `${PATH}/${id}`)).status).toBe(204);
  });

  it("refuses cursors that no page gave, and keys without the scope", async () => {
    const ledger = await open();
    for (const cursor of ["x", "1", "1-", "-a", "12345678901234567-a", "1-%00"])
      await problem(await ledger.fetch(`${PATH}?cursor=${cursor}`), 400, "invalid_parameter");
    await problem(await ledger.fetch(`${PATH}?limit=51`), 400, "invalid_parameter");
    const reader = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["ingest", "read"]));
    await problem(await reader.fetch(PATH), 403, "forbidden");
    await problem(await reader.fetch(`${PATH}/x`, { method: "DELETE" }), 403, "forbidden");
  });

  it("loses what is deleted, by keys of its project alone", async () => {
    const [ledger, neighbour] = [await open(), await open()];
    const id = crypto.randomUUID();
    await keepDeadLetters(db, [{ id, body: messageOf(ledger.projectId, "1") }]);
    const remove = (by: Ledger, of = id) => by.fetch(`${PATH}/${of}`, { method: "DELETE" });
    await problem(await remove(neighbour), 404, "not_found");
    expect((await remove(ledger)).status).toBe(204);
    await problem(await remove(ledger), 404, "not_found");
    await problem(await remove(ledger, "%00"), 400, "invalid_parameter");
    expect((await list(ledger)).dead_letters).toEqual([]);
  });
});
