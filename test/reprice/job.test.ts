import { describe, expect, it } from "vitest";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { customPrices } from "../../src/pricing/custom-price.ts";
import { loadCustomPrices } from "../../src/pricing/custom-price-store.ts";
import { createPriceBooks } from "../../src/pricing/price-books.ts";
import { openJob, readJob, runJobs } from "../../src/reprice/job.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { audit } from "../../src/rollup/audit.ts";
import { database, newProject, redis } from "../ledger.ts";
import { price, units } from "../pricing/custom.ts";
import { priced, trace } from "../calls.ts";

const db = database();
const START_MS = Date.UTC(2026, 7, 1);

describe("a reprice job", () => {
  it("is gone on with by the next run where a killed one stopped; what was done twice counts once", async () => {
    const project = await newProject(db);
    const calls = Array.from({ length: 50 }, (_, i) => trace({ clientId: `c${i}`, startedAtMs: START_MS + i }));
    await writeBatch(db, project, calls.map(priced));

    // $5 and $20 per million: 1,000 x $5 + 100 x $20 = $0.007 a call, $0.0035 more than the catalogue's price.
    const dearer = createPricer(customPrices([price({ model: "gpt-4o", unitPico: units({ input: 5, output: 20 }) })]));
    const others = createPriceBooks((id) => loadCustomPrices(db, id));
    const deps = {
      db,
      now: () => START_MS,
      // Other projects' jobs may be open too.
      prices: {
        pricerFor: async (id: string) => (id === project ? dearer : await others.pricerFor(id, Date.now())),
        expire() {},
      },
      redis: redis(),
      mergeSignal: { raise() {} },
    };
    const scope = { projectId: project, fromMs: START_MS, toMs: START_MS + 50, providers: [], models: [] };
    const job = await openJob(deps, { ...scope, unpricedOnly: false });
    const first = { cursor: null, limit: 20, apply: true, jobId: job.id };
    const { cursor } = await repriceStep(db, dearer, { ...scope, unpricedOnly: false }, first);
    // The run dies here; another that had read the job before repeats its step.
    await repriceStep(db, dearer, { ...scope, unpricedOnly: false }, first);
    expect(await readJob(deps, project, job.id)).toMatchObject({ status: "running", looked: 20, restated: 20 });
    expect(cursor).not.toBeNull();

    await runJobs(deps, () => {});
    expect(await readJob(deps, project, job.id)).toMatchObject({
      status: "done",
      looked: 50,
      restated: 50,
      difference_usd: "0.175",
    });
    const { ok, days } = await audit(db, project, START_MS, START_MS + 50);
    expect(ok).toBe(true);
    expect(days).toMatchObject([{ raw: { cost_usd: "0.35" } }]);
  });
});
