/**
 * Many connections write (each batch twice, overlapping), others merge and compact, others read: no snapshot may show a
 * rollup that differs from the traces, and no sum may ever go back.
 */
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { writeBatch } from "../../src/write/write-batch.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 4, 6);
const END_MS = START_MS + 2 * 86_400_000;
const WRITERS = 4;
const TRACES = 4_000;

it("shows every reader rollups that equal the traces, while others write, merge and compact", async () => {
  const db = database();
  const project = await newProject(db);
  const all = Array.from({ length: TRACES }, (_, i) =>
    priced(
      trace({
        clientId: randomUUID(),
        startedAtMs: START_MS + Math.floor((i / TRACES) * (END_MS - START_MS)),
        application: `app-${i % 3}`,
        model: i % 5 === 0 ? "a-model-nobody-knows" : "gpt-4o",
        durationUs: i * 100,
        userId: `user-${i % 7}`,
        tags: { team: `team-${i % 2}` },
      }),
    ),
  );

  const written = new AbortController();
  let inserted = 0;
  const writer = async (offset: number): Promise<void> => {
    // Overlapping batches in another order for each writer; all of them contain everything twice.
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < TRACES; at += 100) {
        const from = (at + offset * 700) % TRACES;
        const batch = Array.from({ length: 200 }, (_, i) => all[(from + ((i * 37) % 200)) % TRACES]!);
        const { outcomes } = await writeBatch(db, project, batch);
        inserted += outcomes.filter((outcome) => outcome === "inserted").length;
      }
    }
  };
  const merger = async (): Promise<number> => {
    let merged = 0;
    while (!written.signal.aborted) {
      merged += await mergeStep(db, 500);
      await compact(db, Date.now, Number.POSITIVE_INFINITY);
    }
    return merged;
  };
  const auditor = async (): Promise<number> => {
    let snapshots = 0;
    for (; !written.signal.aborted; snapshots++)
      expect((await audit(db, project, START_MS, END_MS)).mismatches).toEqual([]);
    return snapshots;
  };
  const reader = async (asked: Record<string, string>): Promise<number> => {
    const query = parseSummaryQuery(new URLSearchParams(asked), END_MS);
    let reads = 0;
    for (let last = 0; !written.signal.aborted; reads++) {
      const { totals, rows } = await summarize(db, project, query, END_MS);
      expect(totals.requests).toBeGreaterThanOrEqual(last);
      expect(rows.every(({ user, requests }) => user !== null && requests > 0)).toBe(true);
      last = totals.requests;
    }
    return reads;
  };

  const writers = Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i))).finally(() => written.abort());
  const [, merged, snapshots, ...reads] = await Promise.all([
    writers,
    Promise.all([merger(), merger(), merger()]),
    auditor(),
    reader({ from: String(START_MS + 1), to: String(END_MS), group_by: "user" }),
    // Whole weeks.
    reader({ from: "2025-04-28", to: "2025-05-19", group_by: "model" }),
  ]);

  expect(inserted).toBe(TRACES);
  expect(merged.reduce((sum, n) => sum + n)).toBeGreaterThan(0);
  expect(snapshots).toBeGreaterThan(5);
  expect(Math.min(...reads)).toBeGreaterThan(5);
  // On a busy machine the last rounds above may have compacted nothing of this project yet.
  while ((await mergeStep(db, 5_000)) > 0);
  await compact(db, Date.now, Number.POSITIVE_INFINITY);
  const [settled] = await db.query(sql`
    select count(*)::int as rows from rollup where project_id = ${project}::uuid and level in (${LEVEL.hour}, ${LEVEL.day})`);
  expect(settled!["rows"]).toBeGreaterThan(0);
  const { ok, days } = await audit(db, project, START_MS, END_MS);
  expect(ok).toBe(true);
  // 3,200 of the 4,000 are priced, at $0.0035 each.
  expect(days.reduce((sum, { rollup }) => sum + Number(rollup.cost_usd), 0)).toBeCloseTo(11.2, 9);
});
