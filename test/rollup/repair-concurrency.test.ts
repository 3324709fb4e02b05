/**
 * Many connections write, others merge and compact, others relabel, and others repair what is harmed again and again,
 * all at once: a repair puts each difference in once, and no reader ever sees one that was not there.
 */
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { DAY_MS } from "../../src/time.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { repairDay } from "../../src/rollup/repair.ts";
import { relabelStep } from "../../src/reprice/relabel.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 4, 6);
const TRACES = 2_000;
const NONE = "00000000-0000-0000-0000-000000000000";

it("repairs while others write, merge, compact and repair: each snapshot is exact but for the harm", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const all = Array.from({ length: TRACES }, (_, i) => {
    const { call, cost } = priced(
      trace({
        clientId: randomUUID(),
        startedAtMs: START_MS + Math.floor((i / TRACES) * DAY_MS),
        application: `app-${i % 3}`,
        durationUs: i * 100,
        userId: `user-${i % 7}`,
        tags: { team: `team-${i % 2}` },
        reportedCostPico: BigInt(i),
      }),
    );
    // Every other one as an older version stored it.
    return { call, cost: i % 2 === 0 ? cost : { ...cost, provider: "azure.ai.openai" } };
  });
  const written = new AbortController();
  const writer = async (offset: number): Promise<void> => {
    for (let at = 0; at < TRACES; at += 50) {
      const from = (at + offset * 700) % TRACES;
      await writeBatch(
        db,
        project,
        Array.from({ length: 100 }, (_, i) => all[(from + i) % TRACES]!),
      );
    }
  };
  const merger = async (): Promise<void> => {
    while (!written.signal.aborted) {
      await mergeStep(db, 500);
      await compact(db, Date.now, Number.POSITIVE_INFINITY);
    }
  };
  let relabelled = 0;
  const relabelAll = async (): Promise<void> => {
    for (let cursor: string | null = NONE; cursor !== null;) {
      const step = await relabelStep(db, project, cursor, 150);
      relabelled += step.relabelled;
      cursor = step.next;
    }
  };
  const relabeller = async (): Promise<void> => {
    while (!written.signal.aborted) await relabelAll();
  };
  // One harm at a time, of which each mender sees the same difference.
  let harms = 0;
  const menders = async (): Promise<void> => {
    while (!written.signal.aborted) {
      await db.query(sql`
        insert into rollup (project_id, bucket, level, application, environment, provider, model, operation, service_tier, requests, label, value)
        select ${project}::uuid, ${new Date(START_MS).toISOString()}::timestamptz, 0, 'app-1', '', '', 'harm', '', '', 1, '', ''`);
      harms++;
      const changes = (await Promise.all([1, 2, 3].map(() => repairDay(db, project, START_MS)))).flat();
      // One row of the main family and one of each set, for hours, days and weeks: taken off once, whoever was first.
      const main = changes.filter(({ label, level }) => label === "" && level === "hour");
      expect(main.map(({ differences }) => differences)).toEqual([{ requests: "-1" }]);
      expect((await audit(db, project, START_MS, START_MS + DAY_MS)).mismatches).toEqual([]);
    }
  };
  let snapshots = 0;
  const auditor = async (): Promise<void> => {
    for (; !written.signal.aborted; snapshots++) {
      const { mismatches } = await audit(db, project, START_MS, START_MS + DAY_MS);
      // Nothing but the harm, which is one request too many.
      for (const { measure, raw, rollup } of mismatches)
        expect([measure, BigInt(rollup) - BigInt(raw)]).toEqual(["requests", 1n]);
    }
  };
  const writers = Promise.all([0, 1, 2].map(writer)).finally(() => written.abort());
  await Promise.all([writers, merger(), merger(), menders(), relabeller(), relabeller(), auditor()]);
  await relabelAll();
  expect(relabelled).toBe(TRACES / 2);
  expect(harms).toBeGreaterThan(1);
  expect(snapshots).toBeGreaterThan(3);
  const { ok, days } = await audit(db, project, START_MS, START_MS + DAY_MS);
  expect(ok).toBe(true);
  const query = parseSummaryQuery(
    new URLSearchParams({ from: "2025-05-06", to: "2025-05-07", group_by: "provider" }),
    START_MS,
  );
  const { rows } = await summarize(db, project, query, START_MS);
  expect(rows.map((row) => [row["provider"], row.requests])).toEqual([
    ["azure", 1_000],
    ["openai", 1_000],
  ]);
  // 2,000 x $0.0035
  expect(days.map(({ rollup }) => [rollup.requests, rollup.cost_usd])).toEqual([[2_000, "7"]]);
}, 180_000);
