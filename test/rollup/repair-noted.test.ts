/**
 * Upgrades: what an older version summed without reported costs is repaired day by day, and no audit cries wolf
 * meanwhile.
 */
import { readdirSync, readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import pg from "pg";
import { expect, inject, it } from "vitest";
import { DAY_MS } from "../../src/time.ts";
import type { Database } from "../../src/db/client.ts";
import { createMergeSignal } from "../../src/rollup/signal.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { repairNoted } from "../../src/rollup/repair-noted.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { newProject, redis } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 2, 10);
const DAYS = 3;

async function ledgerOfDays(db: Database): Promise<string> {
  const project = await newProject(db);
  const calls = Array.from({ length: DAYS }, (_, day) =>
    priced(trace({ clientId: `c${day}`, startedAtMs: START_MS + day * DAY_MS, reportedCostPico: 7n, userId: "ada" })),
  );
  await writeBatch(db, project, calls);
  return project;
}

/** As an older version would have written them. */
const forget = (project: string) => sql`
  update rollup set reported_cost_pico = null, reported_requests = null, format = null where project_id = ${project}::uuid and level = 0`;

const audited = (db: Database, project: string) => audit(db, project, START_MS, START_MS + DAYS * DAY_MS);
const days = ["2025-03-10", "2025-03-11", "2025-03-12"];

it("repairs the days of what a Worker of an older version wrote, the latest first, in bounded time", async () => {
  const { db } = await ownDatabase();
  const project = await ledgerOfDays(db);
  await db.query(forget(project));
  let nowMs = 0;
  const mergeSignal = createMergeSignal(redis());
  const deps = { db, redis: redis(), mergeSignal, now: () => nowMs++ };
  const run = (ms: number) => repairNoted(deps, nowMs + ms, () => undefined);

  expect(await audited(db, project)).toMatchObject({ ok: true, pending_days: days });
  await mergeStep(db, 1_000);
  expect(await audited(db, project)).toMatchObject({ ok: true, pending_days: days });
  // One tick is for one day.
  for (const pending of [days.slice(0, 2), days.slice(0, 1)]) {
    nowMs = 0;
    const oneDay = { ...deps, now: () => (nowMs++ === 0 ? 0 : 1_000) };
    expect(await repairNoted(oneDay, 1_000, () => undefined)).toBe(false);
    expect(await audited(db, project)).toMatchObject({ ok: true, pending_days: pending });
  }
  expect(await run(1_000_000)).toBe(true);
  expect(await audited(db, project)).toMatchObject({ ok: true, pending_days: [], mismatches: [] });
  const [sum] = await db.query(sql`
    select sum(reported_cost_pico)::int as reported from rollup where project_id = ${project}::uuid and label = '' and level in (5, 7)`);
  // 3 calls x 7 pico-USD
  expect(sum!["reported"]).toBe(21);
});

it("cries wolf about any other sum of such a day", async () => {
  const { db } = await ownDatabase();
  const project = await ledgerOfDays(db);
  await db.query(forget(project));
  await db.query(sql`update rollup set input_tokens = 1 where project_id = ${project}::uuid`);
  const { ok, mismatches } = await audited(db, project);
  expect(ok).toBe(false);
  expect(new Set(mismatches.map(({ measure }) => measure))).toEqual(new Set(["input_tokens"]));
});

it("is noted by the migration for each day with rollups, which older Workers can no longer merge", async () => {
  const url = new URL(inject("databaseUrl"));
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const schema = `upgrade_${Date.now()}`;
  await client.query(`create schema ${schema}`);
  await client.query(`set search_path = ${schema}, public`);
  const file = readdirSync("drizzle").find((name) => name.endsWith("repair_and_relabel.sql"));
  await client.query(`create table rollup (like public.rollup including all)`);
  await client.query(`create table projects (like public.projects including all)`);
  await client.query(`alter table rollup drop constraint rollup_merged_whole`);
  await client.query(
    `alter table rollup add constraint rollup_merged_whole check (level = 0 or coalesce(format, 0) >= 2)`,
  );
  const row = (level: number, format: number) => `
    insert into rollup (project_id, bucket, level, application, environment, provider, model, operation, service_tier, requests, label, value, format)
    values ('00000000-0000-4000-8000-000000000001', '2025-03-10Z', ${level}, '', 'e', '', '', 'o', '', 1, '(environment,operation)', '', ${format})`;
  for (const level of [1, 2, 4]) await client.query(row(level, 2));
  await client.query(readFileSync(`drizzle/${file}`, "utf8"));
  const { rows } = await client.query("select project_id, day from days_to_repair");
  expect(rows).toEqual([{ project_id: "00000000-0000-4000-8000-000000000001", day: new Date(START_MS) }]);
  await expect(client.query(row(3, 2))).rejects.toThrow("rollup_merged_whole");
  await client.query(row(3, 3));
  await client.query(`drop schema ${schema} cascade`);
  await client.end();
});
