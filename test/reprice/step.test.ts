import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createPricer, type Pricer } from "../../src/pricing/cost.ts";
import type { Price } from "../../src/pricing/price.ts";
import { digestUuid } from "../../src/digest.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { repriceStep, type RepriceScope } from "../../src/reprice/step.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { type Summary } from "../../src/summary/shown.ts";
import { BUCKETS, quantities } from "../../src/ledger/buckets.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace, traces } from "../calls.ts";

const db = database();
const START_MS = Date.UTC(2025, 7, 1);
const END_MS = START_MS + 72 * 3_600_000;

/** Every token, call and search of every model costs this; 0 stands for a ledger that knows no price. */
function flat(picoPerToken: bigint): Pricer {
  const unitPico = BUCKETS.map(() => picoPerToken);
  const price: Price = {
    id: digestUuid(`flat ${picoPerToken}`),
    source: "test",
    version: "1",
    provider: "p",
    model: "m",
    unitPico,
  };
  return {
    costOf(call) {
      if (picoPerToken === 0n)
        return { costPico: null, unpricedReason: "model_unknown", price: null, provider: call.provider };
      const held = quantities(call).reduce((sum, n) => sum + n);
      return { costPico: BigInt(held) * picoPerToken, unpricedReason: null, price, provider: call.provider };
    },
  };
}

const scopeOf = (projectId: string, changes: Partial<RepriceScope> = {}): RepriceScope => ({
  projectId,
  fromMs: START_MS,
  toMs: END_MS,
  providers: [],
  models: [],
  unpricedOnly: false,
  ...changes,
});

async function repriceAll(pricer: Pricer, scope: RepriceScope, limit: number, apply = true): Promise<bigint> {
  let difference = 0n;
  for (let cursor: string | null = null; ;) {
    const step = await repriceStep(db, pricer, scope, { cursor, limit, apply });
    for (const { beforePico, afterPico } of step.restated) difference += (afterPico ?? 0n) - (beforePico ?? 0n);
    cursor = step.cursor;
    if (cursor === null) return difference;
  }
}

async function totals(project: string): Promise<Summary["totals"]> {
  const query = parseSummaryQuery(new URLSearchParams({ from: String(START_MS), to: String(END_MS) }), END_MS);
  return (await summarize(db, project, query, END_MS)).totals;
}

describe("repricing", () => {
  it("keeps rollup = raw for any prices, chunks and merges in between; the dry run says what applying does", async () => {
    const prices = fc.array(fc.bigInt({ min: 0n, max: 50_000_000n }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(traces(START_MS), { minLength: 1, maxLength: 25 }),
        prices,
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        async (all, picoPerToken, limit, merging) => {
          const project = await newProject(db);
          await writeBatch(db, project, all.map(priced));
          const recorded = (await totals(project)).recorded_cost_usd;
          for (const pico of picoPerToken) {
            if (merging) await mergeStep(db, 1_000);
            const scope = scopeOf(project);
            const foretold = await repriceAll(flat(pico), scope, limit, false);
            expect(await repriceAll(flat(pico), scope, limit)).toBe(foretold);
            expect(await repriceAll(flat(pico), scope, limit)).toBe(0n);
            expect((await audit(db, project, START_MS, END_MS)).mismatches).toEqual([]);
          }
          expect((await totals(project)).recorded_cost_usd).toBe(recorded);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("heals calls without a price, and only those when asked", async () => {
    const project = await newProject(db);
    const call = (clientId: string, model: string) => priced(trace({ startedAtMs: START_MS, clientId, model }));
    await writeBatch(db, project, [call("a", "gpt-4o"), call("b", "nobody-knows")]);
    expect(await totals(project)).toMatchObject({ cost_usd: "0.0035", unpriced_requests: 1, unpriced_tokens: 1_100 });
    // (1,100 tokens + 1 call) x 1,000,000 pico = $0.001101, on top of gpt-4o's $0.0035
    await repriceAll(flat(1_000_000n), scopeOf(project, { unpricedOnly: true }), 10);
    expect(await totals(project)).toMatchObject({
      cost_usd: "0.004601",
      recorded_cost_usd: "0.0035",
      unpriced_requests: 0,
      unpriced_tokens: 0,
    });
  });

  it("stays exact while others write, merge and reprice at once", async () => {
    const project = await newProject(db);
    const all = Array.from({ length: 600 }, (_, i) =>
      priced(trace({ clientId: `c${i}`, startedAtMs: START_MS + i * 400_000, userId: `u${i % 5}`, durationUs: i })),
    );
    const done = new AbortController();
    const writing = (async () => {
      for (let at = 0; at < all.length; at += 20) await writeBatch(db, project, all.slice(at, at + 20));
    })();
    const pricers = [flat(7n), flat(11n), createPricer()];
    const repricing = pricers.map(async (pricer) => {
      for (let round = 0; round < 4; round++) await repriceAll(pricer, scopeOf(project), 50);
    });
    const merging = (async () => {
      while (!done.signal.aborted) await mergeStep(db, 200);
    })();
    const auditing = (async () => {
      let snapshots = 0;
      for (; !done.signal.aborted; snapshots++) {
        expect((await audit(db, project, START_MS, END_MS)).mismatches).toEqual([]);
      }
      return snapshots;
    })();
    await Promise.all([writing, ...repricing]).finally(() => done.abort());
    await merging;
    expect(await auditing).toBeGreaterThan(3);
    // 600 x $0.0035 once the catalogue has the last word
    await repriceAll(createPricer(), scopeOf(project), 100);
    expect(await totals(project)).toMatchObject({ requests: 600, cost_usd: "2.1" });
  });
});
