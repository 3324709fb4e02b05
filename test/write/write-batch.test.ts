import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { createGroupCommit } from "../../src/write/group-commit.ts";
import { type PricedCall } from "../../src/write/columns.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { audit } from "../../src/rollup/audit.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";

const db = database();
const START_MS = Date.UTC(2025, 6, 1);
const call = (changes: Partial<Parameters<typeof trace>[0]> = {}) =>
  priced(trace({ startedAtMs: START_MS, clientId: randomUUID(), ...changes }));

describe("a write", () => {
  it("tells the first of an identity from its duplicates, and those from conflicts", async () => {
    const project = await newProject(db);
    const once = call();
    const other = call({ clientId: once.call.clientId, outputTokens: 7 });
    expect((await writeBatch(db, project, [once, call(), once, other])).outcomes).toEqual([
      "inserted",
      "inserted",
      "duplicate",
      "conflict",
    ]);
    expect((await writeBatch(db, project, [other, once, call()])).outcomes).toEqual([
      "conflict",
      "duplicate",
      "inserted",
    ]);
  });

  it("takes as much memory for chains as it has ids", async () => {
    const project = await newProject(db);
    let memory: unknown;
    const measured: Database = {
      ...db,
      async batch(statements) {
        const answers = await db.batch([...statements, sql`select current_setting('work_mem') as memory`]);
        memory = answers.at(-1)![0]!["memory"];
        return answers.slice(0, -1);
      },
    };
    const several = () => call({ responseId: randomUUID(), otherIds: [randomUUID()] });
    await writeBatch(measured, project, [several()]);
    expect(memory).toBe("192kB");
    await writeBatch(measured, project, Array.from({ length: 1_000 }, several));
    expect(memory).toBe("32MB");
  });

  it("stores the new ones of many calls, of which others are stored", async () => {
    const project = await newProject(db);
    // Neither the first nor the last, so that others are inserted before it is found.
    const stored = call({ startedAtMs: START_MS + 1_000 });
    await writeBatch(db, project, [stored]);
    const fresh = Array.from({ length: 99 }, (_, i) => call({ startedAtMs: START_MS + (i % 3) * 1_000 }));
    const { outcomes, partials } = await writeBatch(db, project, [...fresh, stored]);
    expect(outcomes).toEqual([...fresh.map(() => "inserted"), "duplicate"]);
    expect(partials).toBe(1);
    const again = await writeBatch(db, project, [...fresh, stored]);
    expect(again).toMatchObject({ outcomes: [...outcomes.keys()].map(() => "duplicate"), partials: 0 });

    const { ok, days } = await audit(db, project, START_MS, START_MS + 3_600_000);
    expect({ ok, requests: days[0]?.raw.requests }).toEqual({ ok: true, requests: 100 });
  });

  it("stores each of many calls once, whoever else writes them at the same time", async () => {
    const project = await newProject(db);
    const calls = Array.from({ length: 300 }, (_, i) => call({ startedAtMs: START_MS + i }));
    const slices = [0, 50, 100, 150, 200, 100, 0].map((from) => calls.slice(from, from + 100));
    const written = await Promise.all(slices.map((slice) => writeBatch(db, project, slice)));
    const inserted = written.flatMap(({ outcomes }) => outcomes.filter((outcome) => outcome === "inserted"));
    expect(inserted).toHaveLength(300);
    const { ok, days } = await audit(db, project, START_MS, START_MS + 3_600_000);
    expect({ ok, requests: days[0]?.raw.requests }).toEqual({ ok: true, requests: 300 });
  });

  it("says conflict for any field that the caller said otherwise", async () => {
    const project = await newProject(db);
    const said = { clientId: "one", tags: { team: "red" }, userId: "ada", durationUs: 5, reportedCostPico: 3n };
    await writeBatch(db, project, [call(said)]);
    const changes = [
      { provider: "azure" },
      { model: "gpt-4o-mini" },
      { tags: { team: "blue" } },
      { tags: {} },
      { userId: null },
      { durationUs: 6 },
      { reportedCostPico: 4n },
      { status: "error" as const },
      { serviceTier: "flex" },
    ];
    const { outcomes } = await writeBatch(db, project, [
      ...changes.map((change) => call({ ...said, ...change })),
      call(said),
    ]);
    expect(outcomes).toEqual([...changes.map(() => "conflict"), "duplicate"]);
  });

  it("splits what one statement cannot carry", async () => {
    const project = await newProject(db);
    // 400 calls with 50 tags of 640 characters are 12.8 MB; Neon takes 10.
    const tags = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`${i}`.padStart(128, "k"), 'ü"'.repeat(256)]),
    );
    const batch = Array.from({ length: 400 }, () => call({ tags }));
    expect(new Set((await writeBatch(db, project, batch)).outcomes)).toEqual(new Set(["inserted"]));
    expect((await audit(db, project, START_MS, START_MS + 1)).ok).toBe(true);
  });

  it("splits what is too large in bytes only", async () => {
    const project = await newProject(db);
    // 5,000 x 500 control characters are 2.5M characters, and 15 MB of JSON.
    const batch = Array.from({ length: 5_000 }, () => call({ application: "\u0001".repeat(500) }));
    expect(new Set((await writeBatch(db, project, batch)).outcomes)).toEqual(new Set(["inserted"]));
  });
});

describe("group commit", () => {
  const of = (...calls: PricedCall[]) => ({ calls, links: [] });
  const committing = (to: typeof db) =>
    createGroupCommit((project, { calls, links }) => writeBatch(to, project, calls, { links }));

  it("reports what another request wrote for it as inserted, however long that took", async () => {
    const project = await newProject(db);
    const slow: typeof db = {
      ...db,
      run: async (...run) => {
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        return await db.run(...run);
      },
    };
    const writer = committing(slow);
    const answers = await Promise.all(Array.from({ length: 30 }, () => writer.commit(project, of(call()), () => {})));
    expect(answers.flatMap(({ outcomes }) => outcomes)).toEqual(answers.map(() => "inserted"));
  });

  it("gives each of many concurrent requests its own outcomes, and stores a shared call once", async () => {
    const project = await newProject(db);
    const writer = committing(db);
    const shared = call();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => writer.commit(project, of(call(), shared), () => {})),
    );
    expect(answers.filter(({ outcomes: [own] }) => own === "inserted")).toHaveLength(50);
    expect(answers.filter(({ outcomes: [, second] }) => second === "inserted")).toHaveLength(1);
    expect(answers.filter(({ outcomes: [, second] }) => second === "duplicate")).toHaveLength(49);
  });

  it("does not let a request that cannot be stored fail the others of its group", async () => {
    const project = await newProject(db);
    const writer = committing(db);
    // Past what an integer column holds: only a bug could send it, and it must stay its own.
    const bad = call({ inputTokens: 2 ** 40, provider: "nobody" });
    const requests = Array.from({ length: 20 }, (_, i) =>
      writer.commit(project, of(i === 10 ? bad : call()), () => {}),
    );
    const settled = await Promise.allSettled(requests);
    expect(settled.map(({ status }) => status)).toEqual(requests.map((_, i) => (i === 10 ? "rejected" : "fulfilled")));
  });
});
