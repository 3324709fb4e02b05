import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import type { PricedCall } from "../../src/write/columns.ts";
import { DAY_MS } from "../../src/time.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { createMergeSignal } from "../../src/rollup/signal.ts";
import { noteAliases, relabel, relabelStep } from "../../src/reprice/relabel.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { newProject, redis } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 2, 10);
const NAMES = ["openai", "bedrock", "aws", "xai", "acme"];

it("gives calls the canonical name step by step, in rollups too, and keeps the sent one", async () => {
  const { db } = await ownDatabase();
  // Of the project that every database has.
  await db.query(sql`delete from relabel_jobs`);
  const project = await newProject(db);
  const calls = NAMES.map((provider, i) => {
    const { call, cost } = priced(
      trace({ clientId: provider, startedAtMs: START_MS + i, userId: "ada", billable: provider !== "xai" }),
    );
    return { call, cost: { ...cost, provider } };
  });
  await writeBatch(db, project, calls);
  await mergeStep(db, 3);
  const query = parseSummaryQuery(
    new URLSearchParams({ from: "2025-03-10", to: "2025-03-11", group_by: "provider" }),
    START_MS,
  );
  const rows = async () =>
    (await summarize(db, project, query, START_MS)).rows.map((row) => [row["provider"], row.requests]).sort();
  expect(await rows()).toEqual([
    ["acme", 1],
    ["aws", 1],
    ["bedrock", 1],
    ["openai", 1],
  ]);

  // As the sweep finds them; `xai` does not count, but is of the same week.
  await noteAliases(db);
  const [job] = await db.query(sql`select cursor from relabel_jobs where project_id = ${project}::uuid`);
  let cursor: string | null = String(job!["cursor"]);
  const relabelled = [];
  while (cursor !== null) {
    const step = await relabelStep(db, project, cursor, 2);
    expect((await audit(db, project, START_MS, START_MS + DAY_MS)).mismatches).toEqual([]);
    relabelled.push(step.relabelled);
    cursor = step.next;
  }
  expect(relabelled).toEqual([1, 1, 0, 0]);
  expect(await rows()).toEqual([
    ["acme", 1],
    ["aws", 2],
    ["openai", 1],
  ]);
  expect(
    await db.query(sql`select provider, request_provider from traces where project_id = ${project}::uuid order by id`),
  ).toEqual([
    { provider: "openai", request_provider: null },
    { provider: "aws", request_provider: "bedrock" },
    { provider: "aws", request_provider: null },
    { provider: "x-ai", request_provider: "xai" },
    { provider: "acme", request_provider: null },
  ]);
  expect(await db.query(sql`select 1 from relabel_jobs`)).toEqual([]);
  await noteAliases(db);
  expect(await db.query(sql`select 1 from relabel_jobs`)).toEqual([]);
});

/** Calls under these names, as a Worker of an older version stored them. */
function underAliases(names: readonly string[], count: number, startMs: number, prefix: string): PricedCall[] {
  return Array.from({ length: count }, (_, i) => {
    const { call, cost } = priced(
      trace({
        clientId: `${prefix}${i}`,
        startedAtMs: startMs + i * 3_600_000,
        userId: i % 3 === 0 ? "ada" : null,
        tags: i % 2 === 0 ? { team: "red" } : {},
        reportedCostPico: i % 4 === 0 ? 5n : null,
      }),
    );
    return { call, cost: { ...cost, provider: names[i % names.length]! } };
  });
}

it("stays exact while it is cut off, runs twice at once, and beside writes, merges and repricing", async () => {
  const { db } = await ownDatabase();
  await db.query(sql`delete from relabel_jobs`);
  const project = await newProject(db);
  const names = ["openai", "azure", "azure_openai", "az.ai.openai", "bedrock_converse", "google-genai"];
  await writeBatch(db, project, underAliases(names, 60, START_MS, "a"));
  await mergeStep(db, 1_000);
  await noteAliases(db);
  const audited = async () => (await audit(db, project, START_MS, START_MS + 4 * DAY_MS)).mismatches;
  const job = async () => (await db.query(sql`select cursor from relabel_jobs where project_id = ${project}::uuid`))[0];
  const { cursor } = (await job()) as { cursor: string };

  // All of a step is undone if the last of it fails.
  const dying: Database = { ...db, batch: (all) => db.batch([...all, sql`select 1 / 0`]) };
  await expect(relabelStep(dying, project, cursor, 20)).rejects.toThrow();
  expect(await job()).toEqual({ cursor });
  expect(await audited()).toEqual([]);
  // Committed, but the run died before it heard so; the next run begins where that one did, and a step later.
  const { next } = await relabelStep(db, project, cursor, 20);
  expect(await relabelStep(db, project, cursor, 20)).toMatchObject({ relabelled: 0 });
  expect(await job()).toEqual({ cursor: next });

  const deps = { db, redis: redis(), mergeSignal: createMergeSignal(redis()), now: () => 0 };
  const done = new AbortController();
  const auditing = (async () => {
    const wrong = [];
    do wrong.push(...(await audited()));
    while (!done.signal.aborted);
    return wrong;
  })();
  const scope = { projectId: project, fromMs: START_MS, toMs: START_MS + 4 * DAY_MS, providers: [], models: [] };
  const options = { cursor: null, limit: 1_000, apply: true };
  const stages = [
    relabel(deps, 1, () => undefined),
    relabel(deps, 1, () => undefined),
    writeBatch(db, project, underAliases(names.slice(2), 30, START_MS + 1, "b")),
    mergeStep(db, 20),
    repriceStep(db, createPricer(), { ...scope, unpricedOnly: false }, options),
  ];
  await Promise.all(stages).finally(() => done.abort());
  expect(await auditing).toEqual([]);
  // What was written behind the cursor is found by the sweep.
  await noteAliases(db);
  expect(await relabel(deps, 1, () => undefined)).toBe(true);
  expect(await audited()).toEqual([]);
  const query = parseSummaryQuery(
    new URLSearchParams({ from: "2025-03-10", to: "2025-03-14", group_by: "provider", order: "provider" }),
    START_MS,
  );
  const { rows } = await summarize(db, project, query, START_MS);
  // Of 60 calls 10 under each name, of 30 either 8 or 7 under each of the last four.
  expect(rows.map((row) => [row["provider"], row.requests])).toEqual([
    ["aws", 10 + 7],
    ["azure", 30 + 16],
    ["google", 10 + 7],
    ["openai", 10],
  ]);
  const sent = await db.query(sql`
    select request_provider as name, count(*)::int as calls from traces where project_id = ${project}::uuid group by 1 order by 1`);
  expect(sent).toEqual([
    { name: "az.ai.openai", calls: 18 },
    { name: "azure_openai", calls: 18 },
    { name: "bedrock_converse", calls: 17 },
    { name: "google-genai", calls: 17 },
    { name: null, calls: 20 },
  ]);
});

it("finds nothing to do where repricing was first, which keeps the sent name, too", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  await writeBatch(db, project, underAliases(["azure_openai", "unknown", "openai"], 3, START_MS, "a"));
  const scope = { projectId: project, fromMs: START_MS, toMs: START_MS + DAY_MS, providers: [], models: [] };
  const options = { cursor: null, limit: 10, apply: true };
  await repriceStep(db, createPricer(), { ...scope, unpricedOnly: false }, options);
  expect(
    await db.query(sql`select provider, request_provider from traces where project_id = ${project}::uuid order by id`),
  ).toEqual([
    { provider: "azure", request_provider: "azure_openai" },
    { provider: "openai", request_provider: null },
    { provider: "openai", request_provider: null },
  ]);
});

it("goes on where the run before stopped", async () => {
  const { db } = await ownDatabase();
  // Of the project that every database has.
  await db.query(sql`delete from relabel_jobs`);
  const project = await newProject(db);
  const { call, cost } = priced(trace({ clientId: "a", startedAtMs: START_MS }));
  await writeBatch(db, project, [{ call, cost: { ...cost, provider: "bedrock" } }]);
  await noteAliases(db);
  let nowMs = 0;
  const deps = { db, redis: redis(), mergeSignal: createMergeSignal(redis()), now: () => nowMs++ };
  expect(await relabel(deps, 1, () => undefined)).toBe(false);
  expect(await db.query(sql`select cursor from relabel_jobs`)).toEqual([{ cursor: call.id }]);
  expect(await relabel(deps, 1_000, () => undefined)).toBe(true);
  expect(await db.query(sql`select provider from traces`)).toEqual([{ provider: "aws" }]);
});
