import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { audit } from "../../src/rollup/audit.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { MAIN, UNSPREAD } from "../../src/rollup/families.ts";
import { createFrequentMerger } from "../../src/rollup/merge-often.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

it("merges a project's main rows when many were added, and leaves those of labels and of others", async () => {
  // Other tests merge the rows of all projects.
  const { db } = await ownDatabase();
  const [project, other] = [await newProject(db), await newProject(db)];
  const startMs = Date.UTC(2025, 8, 1);
  const batch = Array.from({ length: 1_000 }, (_, i) =>
    priced(
      trace({ clientId: `c${i}`, startedAtMs: startMs + i, application: `app-${i % 600}`, userId: `user-${i % 3}` }),
    ),
  );
  const merger = createFrequentMerger(db, Date.now);
  const work: Promise<unknown>[] = [];
  const write = async (to: string, part: typeof batch): Promise<void> => {
    const { partials } = await writeBatch(db, to, part);
    merger.added(to, partials, (one) => void work.push(one));
    await Promise.all(work);
  };
  const rows = async (of: string, label: string): Promise<unknown> => {
    const [row] = await db.query(
      sql`select count(*)::int as rows from rollup where project_id = ${of}::uuid and level = ${LEVEL.partial} and label = ${label}`,
    );
    return row!["rows"];
  };
  const question = parseSummaryQuery(new URLSearchParams("from=2025-09-01&to=2025-09-02&group_by=model"), startMs);
  const answer = async (): Promise<unknown> => (await summarize(db, project, question, startMs)).totals;

  await write(other, batch.slice(0, 5));
  await write(project, batch.slice(0, 600));
  expect(await rows(project, MAIN)).toBe(600);
  expect(work).toHaveLength(0);
  await write(project, batch.slice(600));
  expect(work).toHaveLength(1);
  expect(await rows(project, MAIN)).toBe(0);
  expect(await rows(project, UNSPREAD)).toBe(1_000);
  expect(await rows(other, MAIN)).toBe(5);
  expect(await answer()).toMatchObject({ requests: 1_000 });
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("begins another merge a minute after one that was cut off, not before", async () => {
  const never = { batch: () => new Promise(() => {}) } as unknown as Database;
  let nowMs = 0;
  const merger = createFrequentMerger(never, () => nowMs);
  let begun = 0;
  const add = (): void => merger.added("project", 1_000, () => begun++);
  add();
  nowMs = 59_999;
  add();
  expect(begun).toBe(1);
  nowMs = 60_000;
  add();
  expect(begun).toBe(2);
});
