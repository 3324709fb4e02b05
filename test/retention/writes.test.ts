/** What is written around a bound that moves: stored and counted once, or refused; whatever is dropped meanwhile. */
import { sql } from "drizzle-orm";
import pg from "pg";
import { describe, expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { startOfKey } from "../../src/ledger/key.ts";
import type { Link } from "../../src/ledger/call.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { rawSinceFor } from "../../src/retention/retain.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";
import { oldestPartition, ownDatabase, retainAt } from "../own-database.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 2, 20, 7, 30);
const SINCE = Date.UTC(2026, 1, 3);
const DAYS = { rawRetentionDays: 40 };

async function totals(db: Database, project: string) {
  const query = parseSummaryQuery(new URLSearchParams("from=2025-01-01&to=2027-01-01"), NOW);
  return (await summarize(db, project, query, NOW)).totals;
}

const count = async (db: Database, table: string): Promise<number> =>
  Number((await db.query(sql`select count(*)::int as rows from ${sql.identifier(table)}`))[0]!["rows"]);

/** A link of a span tree. */
function link(changes: Partial<Link> & { spanId: string; startedAtMs: number }): Link {
  const bare = { traceId: "tree", parentId: null, userId: null, sessionId: null, tags: {} };
  return { ...bare, wrapper: true, ofInterest: true, ...changes };
}

describe("a call from before the bound", () => {
  it("is refused by itself, whether it was stored once or not; the others of its batch are stored", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const old = trace({ clientId: "old", startedAtMs: Date.UTC(2026, 0, 5), responseId: "resp-1" });
    await writeBatch(db, project, [priced(old)]);
    await retainAt(db, NOW, DAYS);
    expect(await count(db, "traces")).toBe(0);

    const never = trace({ clientId: "never", startedAtMs: SINCE - 1, responseId: "resp-2", traceId: "t", spanId: "a" });
    const first = trace({ clientId: "first", startedAtMs: SINCE });
    const batch = [old, first, never, first].map(priced);
    expect((await writeBatch(db, project, batch)).outcomes).toEqual(["expired", "inserted", "expired", "duplicate"]);
    expect((await writeBatch(db, project, batch)).outcomes).toEqual(["expired", "duplicate", "expired", "duplicate"]);
    expect((await writeBatch(db, project, [priced(old)])).outcomes).toEqual(["expired"]);
    expect(await totals(db, project)).toMatchObject({ requests: 2, cost_usd: "0.007" });
    expect(await audit(db, project, SINCE, NOW)).toMatchObject({ ok: true });
    // Nothing of it is left behind that another sighting of the response would lose to.
    const seen = { clientId: "seen", startedAtMs: SINCE + 1, responseId: "resp-2", traceId: "t2", spanId: "b" };
    expect((await writeBatch(db, project, [priced(trace(seen))])).outcomes).toEqual(["inserted"]);
    expect(await totals(db, project)).toMatchObject({ requests: 3, cost_usd: "0.0105" });
  });

  it("cannot be taken out either: its cost stays", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const dropped = trace({ clientId: "dropped", startedAtMs: Date.UTC(2026, 0, 5) });
    const before = trace({ clientId: "before", startedAtMs: SINCE - 1 });
    const kept = trace({ clientId: "kept", startedAtMs: SINCE });
    await writeBatch(db, project, [dropped, before, kept].map(priced));
    await retainAt(db, NOW, DAYS);
    expect(await count(db, "traces")).toBe(2);
    for (const { id } of [dropped, before])
      await expect(deleteTrace(db, project, id)).rejects.toMatchObject({ what: "raw", sinceMs: SINCE });
    expect(await totals(db, project)).toMatchObject({ requests: 3 });
    expect(await deleteTrace(db, project, kept.id)).toBe(true);
    expect(await totals(db, project)).toMatchObject({ requests: 2 });
  });

  it("never changes what a tree counts whose first spans are dropped", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const month = Date.UTC(2026, 1, 1);
    const span = (spanId: string, startedAtMs: number, parentId: string | null = null) =>
      priced(trace({ clientId: spanId, traceId: "tree", spanId, parentId, startedAtMs }));
    // The second restates the first, which counts.
    await writeBatch(db, project, [span("outer", month - HOUR), span("inner", month + HOUR, "outer")]);
    expect(await totals(db, project)).toMatchObject({ requests: 1 });
    await retainAt(db, NOW, DAYS);
    expect(await count(db, "traces")).toBe(1);

    const late = [span("late", month + 2 * HOUR, "outer")];
    expect((await writeBatch(db, project, late)).outcomes).toEqual(["expired"]);
    await writeBatch(db, project, [], { links: [link({ spanId: "around", startedAtMs: month + 2 * HOUR })] });
    expect(await count(db, "spans")).toBe(0);
    expect(await totals(db, project)).toMatchObject({ requests: 1 });
    // Two days on, a span is a call of its own, as it always was: no other is within its reach but the inner one.
    const next = { links: [link({ spanId: "next", startedAtMs: SINCE })] };
    expect((await writeBatch(db, project, [span("new", SINCE + 1)], next)).outcomes).toEqual(["inserted"]);
    expect(await count(db, "spans")).toBe(1);
  });
});

describe("the bound", () => {
  it("waits for wrappers that are not decided about yet, and takes along what nobody needs any more", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const startedAtMs = Date.UTC(2026, 0, 5);
    const wrapper = trace({ clientId: "w", traceId: "t", spanId: "w", startedAtMs, wrapper: true, billable: false });
    const [one, other] = [startedAtMs, SINCE].map((startedAtMs, i) =>
      trace({ clientId: `seen-${i}`, startedAtMs, responseId: `resp-${i}` }),
    );
    await writeBatch(db, project, [wrapper, one!, other!].map(priced), { graceSeconds: 3_600 });
    expect([await count(db, "held_wrappers"), await count(db, "responses")]).toEqual([1, 2]);
    await retainAt(db, NOW, DAYS);
    expect(await count(db, "traces")).toBe(3);
    await db.query(sql`update traces set received_at = now() - interval '3 days'`);
    await retainAt(db, NOW, DAYS);
    expect([await count(db, "traces"), await count(db, "held_wrappers"), await count(db, "responses")]).toEqual([
      1, 0, 1,
    ]);
  });

  it("leaves a wrapper waiting that comes while it moves", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const startedAtMs = SINCE - HOUR;
    const wrapper = trace({ clientId: "w", traceId: "t", spanId: "w", startedAtMs, wrapper: true, billable: false });
    let has = false;
    const batch: typeof db.batch = async (statements) => {
      if (!has) {
        has = true;
        await writeBatch(db, project, [priced(wrapper)], { graceSeconds: 3_600 });
      }
      return await db.batch(statements);
    };
    await retainAt({ ...db, batch }, NOW, DAYS);
    expect(await count(db, "held_wrappers")).toBe(1);
  });

  it("never moves back: not when more days are asked for, nor when none are", async () => {
    const { db } = await ownDatabase();
    const since = async () => (await db.query(sql`select raw_since from retention`))[0]!["raw_since"];
    await retainAt(db, NOW, DAYS);
    const moved = await since();
    expect(moved).toEqual(new Date(SINCE));
    await retainAt(db, NOW, { rawRetentionDays: 400 });
    await retainAt(db, NOW, {});
    expect(await since()).toEqual(moved);
  });

  it("lies two days after the start of a month, with so many days kept at least", () => {
    for (let at = Date.UTC(2024, 0, 1); at < Date.UTC(2026, 0, 1); at += 7.3 * HOUR) {
      for (const days of [1, 2, 29, 30, 365]) {
        const sinceMs = rawSinceFor(at, days);
        expect(new Date(sinceMs).toISOString()).toMatch(/-03T00:00:00.000Z$/);
        expect(sinceMs).toBeLessThanOrEqual(at - days * DAY);
        expect(sinceMs).toBeGreaterThan(at - (days + 33) * DAY);
      }
    }
  });
});

describe("a run", () => {
  it("leaves a partition that somebody reads, keeps nobody waiting for long, and drops it the next time", async () => {
    const { db, url } = await ownDatabase();
    const project = await newProject(db);
    await writeBatch(db, project, [priced(trace({ clientId: "old", startedAtMs: Date.UTC(2026, 0, 5) }))]);
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    await reader.query("begin; select count(*) from traces");
    const ended = new AbortController();
    const retained = retainAt(db, NOW, DAYS).finally(() => ended.abort());
    let longestMs = 0;
    while (!ended.signal.aborted) {
      const beganMs = performance.now();
      await db.query(sql`select count(*) from traces where project_id = ${project}::uuid`);
      longestMs = Math.max(longestMs, performance.now() - beganMs);
    }
    expect(await retained).toBe(false);
    // The lock waits for 200 ms, and the machine may be busy.
    expect(longestMs).toBeLessThan(1_500);
    await reader.query("commit");
    await reader.end();
    expect(await count(db, "traces")).toBe(1);
    expect(await retainAt(db, NOW, DAYS)).toBe(true);
    expect(await oldestPartition(url)).toBe("traces_2026_02");
  });

  it("may be cut off after any statement: the next one goes on", async () => {
    const { db, url } = await ownDatabase();
    const project = await newProject(db);
    const days = { rawRetentionDays: 40, hourRetentionDays: 60 };
    const calls = Array.from({ length: 60 }, (_, i) =>
      trace({
        clientId: `c${i}`,
        startedAtMs: Date.UTC(2025, 10, 1) + i * 2 * DAY,
        responseId: `resp-${i}`,
        userId: "ada",
      }),
    );
    await writeBatch(db, project, calls.map(priced));
    await mergeStep(db, 1_000);
    const before = await totals(db, project);
    let left = 0;
    const cut = {
      ...db,
      query: (query: Parameters<Database["query"]>[0]) =>
        left-- > 0 ? db.query(query) : Promise.reject(new Error("cut off")),
    };
    let runs = 0;
    // Each run gets one statement further than the one before, as far as it has not all been done.
    for (; ; runs++) {
      left = runs;
      const done = await retainAt(cut, NOW, days).catch(() => false);
      expect(await totals(db, project)).toEqual(before);
      expect(await audit(db, project, SINCE, NOW)).toMatchObject({ ok: true });
      expect((await writeBatch(db, project, [priced(calls.at(-1)!)])).outcomes).toEqual(["duplicate"]);
      if (done) break;
    }
    expect(runs).toBeGreaterThan(5);
    expect(await oldestPartition(url)).toBe("traces_2026_02");
    const kept = calls.filter(({ id }) => startOfKey(id) >= Date.UTC(2026, 1, 1)).length;
    expect([await count(db, "traces"), await count(db, "responses")]).toEqual([kept, kept]);
    const [row] = await db.query(
      sql`select raw_since = raw_removed and hour_since = hour_removed as done from retention`,
    );
    expect(row!["done"]).toBe(true);
  });

  it("loses nothing that is acknowledged and counts nothing twice, while many write what is about to be dropped", async () => {
    const { db, url } = await ownDatabase();
    const project = await newProject(db);
    const from = Date.UTC(2025, 8, 1);
    const calls = Array.from({ length: 2_000 }, (_, i) =>
      priced(
        trace({ clientId: `c${i}`, startedAtMs: from + Math.floor((i * 200 * DAY) / 2_000), userId: `u${i % 3}` }),
      ),
    );
    const inserted = new Map<string, number>();
    const refused = new Set<string>();
    const writer = async (seed: number): Promise<void> => {
      for (let round = 0; round < 60; round++) {
        const batch = Array.from({ length: 100 }, (_, i) => calls[(i * 619 + round * 97 + seed * 401) % calls.length]!);
        const { outcomes } = await writeBatch(db, project, batch);
        for (const [i, outcome] of outcomes.entries()) {
          const { id } = batch[i]!.call;
          if (outcome === "inserted") inserted.set(id, (inserted.get(id) ?? 0) + 1);
          if (outcome === "expired") refused.add(id);
        }
      }
    };
    const retainer = async (): Promise<void> => {
      for (let month = 10; month <= 15; month++) {
        while (!(await retainAt(db, Date.UTC(2025, month, 5), { rawRetentionDays: 1, hourRetentionDays: 2 })));
        await mergeStep(db, 500);
      }
    };
    await Promise.all([writer(0), writer(1), writer(2), retainer(), retainer()]);

    expect(await oldestPartition(url)).toBe("traces_2026_04");
    expect([...inserted.values()].every((times) => times === 1)).toBe(true);
    expect(refused.size).toBeGreaterThan(0);
    expect(await totals(db, project)).toMatchObject({ requests: inserted.size });
    while ((await mergeStep(db, 1_000)) === 1_000);
    expect(await totals(db, project)).toMatchObject({ requests: inserted.size });
  });
});
