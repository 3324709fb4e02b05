/**
 * Answers that would be larger than the 10 MB that a driver takes. Pages are cut by bytes as well as by count; what is
 * no list of pages is refused, and says what to narrow.
 */
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { explain } from "../../src/explain/explain.ts";
import { parseExplainQuery } from "../../src/explain/query.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { listSessions, readSession } from "../../src/traces/sessions.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const START_MS = Date.UTC(2025, 8, 1);
const RANGE = `from=${new Date(START_MS).toISOString()}&to=${new Date(START_MS + HOUR_MS).toISOString()}`;
const query = (more = "") => parseTracesQuery(new URLSearchParams(`${RANGE}&limit=1000${more}`), START_MS + DAY_MS);

async function projectOf(count: number, of: (i: number) => Partial<Call>): Promise<string> {
  const project = await newProject(db);
  const calls = Array.from({ length: count }, (_, i) =>
    priced(trace({ startedAtMs: START_MS + i, clientId: String(i), ...of(i) })),
  );
  for (let at = 0; at < count; at += 2_500) await writeBatch(db, project, calls.slice(at, at + 2_500));
  return project;
}

/** All pages of a list. Each has fewer bytes than the 10 MB, and something in it. */
async function pagesOf<T>(
  read: (cursor: string) => Promise<{ items: T[]; next: string | null }>,
): Promise<{ all: T[]; pages: number }> {
  const all: T[] = [];
  let cursor = "";
  for (let pages = 1; ; pages++) {
    const { items, next } = await read(cursor);
    expect(items.length).toBeGreaterThan(0);
    expect(JSON.stringify(items).length).toBeLessThan(8_000_000);
    all.push(...items);
    if (next === null) return { all, pages };
    cursor = `&cursor=${next}`;
  }
}

let fat: string;
let wide: string;
let busy: string;
beforeAll(async () => {
  // 600 calls of 25 kB are 15 MB.
  const tags = Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`key${k}`, "x".repeat(500)]));
  fat = await projectOf(600, () => ({ sessionId: "s1", tags, model: "a-model-nobody-knows" }));
  // 7,500 groups whose names take 2.4 kB are 18 MB.
  const long = (name: string, i: number): string => "w".repeat(490) + name + i;
  wide = await projectOf(7_500, (i) => ({
    application: long("a", i),
    environment: long("e", i),
    operation: long("o", i),
    provider: long("p", i),
    model: long("m", i),
  }));
  // 500 sessions that name ten users and ten applications, of 1.5 kB each, are 15 MB.
  const name = (i: number): string => "語".repeat(500) + (i % 10);
  busy = await projectOf(5_000, (i) => ({
    sessionId: `s${Math.floor(i / 10)}`,
    userId: name(i),
    application: name(i),
  }));
}, 300_000);

it("cuts pages of calls by their bytes", async () => {
  const { all, pages } = await pagesOf(async (cursor) => {
    const { traces, next_cursor } = await listTraces(db, fat, query(cursor));
    return { items: traces, next: next_cursor };
  });
  expect(new Set(all.map(({ id }) => id)).size).toBe(600);
  expect(pages).toBeLessThan(8);
});

it("cuts the page of a session's calls by their bytes", async () => {
  const { all } = await pagesOf(async (cursor) => {
    const { requests, traces, next_cursor } = (await readSession(db, fat, "s1", query(cursor)))!;
    expect(requests).toBe(600);
    return { items: traces, next: next_cursor };
  });
  expect(all).toHaveLength(600);
});

it("cuts pages of sessions by their bytes", async () => {
  const { all } = await pagesOf(async (cursor) => {
    const { sessions, next_cursor } = await listSessions(db, busy, query(cursor));
    return { items: sessions, next: next_cursor };
  });
  expect(all).toHaveLength(500);
});

it("refuses a summary of long groups, and names what to change", async () => {
  const groups = "group_by=application,environment,provider,model,operation";
  const asked = parseSummaryQuery(new URLSearchParams(`${RANGE}&${groups}`), START_MS + DAY_MS);
  const refusal = { code: "answer_too_large", members: { parameter: "group_by" } };
  await expect(summarize(db, wide, asked, START_MS)).rejects.toMatchObject(refusal);
  const one = parseSummaryQuery(new URLSearchParams(`${RANGE}&group_by=model`), START_MS + DAY_MS);
  expect((await summarize(db, wide, one, START_MS)).rows).toHaveLength(7_500);
});

it("explains long groups, most of them together", async () => {
  const before = `compare_from=${new Date(START_MS - HOUR_MS).toISOString()}&compare_to=${new Date(START_MS).toISOString()}`;
  const asked = parseExplainQuery(new URLSearchParams(`${RANGE}&${before}`), START_MS + DAY_MS);
  const { capped, after, rows } = await explain(db, wide, asked, START_MS);
  expect([capped, after.requests]).toEqual([true, 7_500]);
  // 1,000 groups, what is left of each of 200 workloads, and what is left of all others.
  expect(rows).toHaveLength(1_000 + 200 + 1);
  expect(rows.reduce((sum, { after_requests }) => sum + after_requests, 0)).toBe(7_500);
  const rest = rows.find(({ application, model }) => application === "(other)" && model === "(other)");
  expect(rest).toMatchObject({ after_requests: 7_500 - 1_200 });
});

it("foretells the costs of calls with large tags, and of long names", async () => {
  for (const [projectId, calls] of [
    [fat, 600],
    [wide, 7_500],
  ] as const) {
    const scope = {
      projectId,
      fromMs: START_MS,
      toMs: START_MS + HOUR_MS,
      providers: [],
      models: [],
      unpricedOnly: false,
    };
    let looked = 0;
    for (let cursor: string | null = null; ;) {
      const step = await repriceStep(db, createPricer(), scope, { cursor, limit: 5_000, apply: false });
      looked += step.looked;
      cursor = step.cursor;
      if (cursor === null) break;
    }
    expect(looked).toBe(calls);
  }
});
