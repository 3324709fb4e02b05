/** Whoever sends 40,000 names of models still gets short answers: `(other)` holds the rest, and a filter shows any. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { explain } from "../../src/explain/explain.ts";
import { parseExplainQuery } from "../../src/explain/query.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import type { Summary } from "../../src/summary/shown.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { usdToPico } from "../../src/money.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace, traces } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const DAY = Date.UTC(2025, 5, 10);
const NOW = DAY + 30 * DAY_MS;
const ask = (project: string, question: string, range = "from=2025-06-10&to=2025-06-11"): Promise<Summary> =>
  summarize(db, project, parseSummaryQuery(new URLSearchParams(`${range}&${question}`), NOW), NOW);

async function write(project: string, calls: readonly Call[]): Promise<void> {
  for (let at = 0; at < calls.length; at += 2_500)
    await writeBatch(db, project, calls.slice(at, at + 2_500).map(priced));
}

const sumOf = (rows: Summary["rows"], of: (row: Summary["rows"][number]) => number): number =>
  rows.reduce((sum, row) => sum + of(row), 0);

describe("40,001 models in a day", () => {
  let bomb: string;
  beforeAll(async () => {
    bomb = await newProject(db);
    const call = (model: string, i: number, startedAtMs = DAY + (i % 24) * HOUR_MS): Call =>
      trace({ model, clientId: `${model} ${i}`, startedAtMs, durationUs: 1_000 });
    await write(bomb, [
      ...Array.from({ length: 40_001 }, (_, i) => call(`m-${i}`, i)),
      ...Array.from({ length: 5 }, (_, i) => call("gpt-4o", i)),
      call("gpt-4o-mini", 0),
      // The day before.
      ...["gpt-4o", "gpt-4o-mini", "m-7", "gone"].map((model) => call(model, 0, DAY - HOUR_MS)),
    ]);
  }, 60_000);

  it("are summed up to a limit", async () => {
    const { rows, totals } = await ask(bomb, "group_by=model&limit=2");
    // 5 x $0.0035, and 1,000 x $0.15/MTok + 100 x $0.60/MTok.
    expect(rows.map(({ model, requests, cost_usd }) => [model, requests, cost_usd])).toEqual([
      ["gpt-4o", 5, "0.0175"],
      ["gpt-4o-mini", 1, "0.00021"],
      ["(other)", 40_001, null],
    ]);
    expect([totals.requests, totals.cost_usd]).toEqual([40_007, "0.01771"]);
  });

  it("by hour, with latency, the same groups in each hour", async () => {
    const { rows, totals } = await ask(bomb, "group_by=model&limit=1&interval=hour&include=latency,buckets,rates");
    expect(rows).toHaveLength(24 + 5);
    expect([sumOf(rows, ({ requests }) => requests), totals.requests]).toEqual([40_007, 40_007]);
    expect(totals).toMatchObject({ latency_ms: { mean: 1 } });
  });

  it("beside the day before, whose groups are the same", async () => {
    const { rows, totals } = await ask(bomb, "group_by=model&limit=1&compare=previous");
    const shown = rows.map(({ model, requests, previous }) => [model, requests, previous!.requests]);
    expect(shown).toEqual([
      ["gpt-4o", 5, 1],
      ["(other)", 40_002, 3],
    ]);
    expect(totals.previous!.requests).toBe(4);
  });

  it("are explained, the lesser ones together, and each by a filter", async () => {
    const explained = async (more: string) =>
      await explain(db, bomb, parseExplainQuery(new URLSearchParams(`from=2025-06-10&to=2025-06-11${more}`), NOW), NOW);
    const all = await explained("");
    expect([all.capped, all.before.requests, all.after.requests]).toEqual([true, 4, 40_007]);
    expect(all.rows.length).toBeLessThanOrEqual(1_001);
    expect(all.rows.slice(0, 1)).toMatchObject([{ model: "gpt-4o", before_requests: 1, after_requests: 5 }]);
    const rest = all.rows.find(({ model }) => model === "(other)")!;
    expect([rest.application, rest.after_requests + sumRequests(all.rows)]).toEqual([
      "app",
      40_007 + rest.after_requests,
    ]);
    const pico = all.rows.reduce((sum, { difference_usd }) => sum + usdToPico(difference_usd)!, 0n);
    expect(pico).toBe(usdToPico(all.difference_usd));
    const one = await explained("&model=m-7");
    expect([one.capped, one.rows.length, one.before.requests, one.after.requests]).toEqual([undefined, 1, 1, 1]);
  });

  const sumRequests = (rows: readonly { after_requests: number }[]): number =>
    rows.reduce((sum, { after_requests }) => sum + after_requests, 0);
});

it("a limit keeps the first groups of the whole answer, and the rest adds up, in every order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(traces(DAY), { minLength: 1, maxLength: 40 }), async (calls) => {
      const project = await newProject(db);
      await write(project, calls);
      const range = `from=${new Date(DAY).toISOString()}&to=${new Date(DAY + 3 * DAY_MS).toISOString()}`;
      for (const order of ["-cost_usd", "requests", "-total_tokens", "model", "-application"]) {
        const question = `group_by=application,model&order=${order}`;
        const [whole, limited] = [
          await ask(project, question, range),
          await ask(project, `${question}&limit=2`, range),
        ];
        expect(limited.totals).toEqual(whole.totals);
        expect(limited.rows.slice(0, 2)).toEqual(whole.rows.slice(0, 2));
        expect(limited.rows).toHaveLength(Math.min(3, whole.rows.length));
        expect(limited.rows[2]?.requests ?? 0).toBe(sumOf(whole.rows.slice(2), ({ requests }) => requests));
      }
    }),
    { numRuns: 15 },
  );
});
