import { describe, expect, it } from "vitest";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { customPrices } from "../../src/pricing/custom-price.ts";
import { loadCustomPrices } from "../../src/pricing/custom-price-store.ts";
import { createPriceBooks } from "../../src/pricing/price-books.ts";
import { cancelJob, listJobs, openJob, readJob, runJobs } from "../../src/reprice/job.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { audit } from "../../src/rollup/audit.ts";
import { database, newProject, redis } from "../ledger.ts";
import { price, units } from "../pricing/custom.ts";
import { priced, trace } from "../calls.ts";
import { ownDatabase } from "../own-database.ts";
import { type Database, StatementTooLarge } from "../../src/db/client.ts";
import type { Pricer } from "../../src/pricing/cost.ts";
import type { RepriceDeps } from "../../src/reprice/step.ts";

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

const DEARER = price({ model: "gpt-4o", unitPico: units({ input: 5, output: 20 }) });
const dearer = createPricer(customPrices([DEARER]));
const MINUTE = 60_000;

describe("jobs of several projects", () => {
  /** A ledger of its own, whose other jobs would run too, and whose clock the test moves. */
  async function jobs(pricerFor: (projectId: string) => Pricer = () => dearer) {
    const { db } = await ownDatabase();
    const clock = { ms: START_MS, stepMs: 0 };
    const deps: RepriceDeps = {
      db,
      now: () => (clock.ms += clock.stepMs),
      prices: { pricerFor: async (id) => pricerFor(id), expire() {} },
      redis: redis(),
      mergeSignal: { raise() {} },
    };
    const scopeOf = (projectId: string) => ({
      projectId,
      fromMs: START_MS,
      toMs: START_MS + MINUTE,
      providers: [],
      models: [],
      unpricedOnly: false,
    });
    return {
      db,
      deps,
      clock,
      scopeOf,
      async project(calls: number): Promise<string> {
        const project = await newProject(db);
        const all = Array.from({ length: calls }, (_, i) => trace({ clientId: `c${i}`, startedAtMs: START_MS + i }));
        await writeBatch(db, project, all.map(priced));
        return project;
      },
      open: (project: string, idempotencyKey: string | null = null) =>
        openJob(deps, scopeOf(project), { idempotencyKey }),
      run: () => runJobs(deps, () => {}),
      status: async (project: string, id: string) => await readJob(deps, project, id),
    };
  }

  it("are not held up by one that fails, which is tried again later", async () => {
    const broken = new Set<string>();
    const { project, open, run, status, clock } = await jobs((id) => {
      if (broken.has(id)) throw new TypeError("no price is right");
      return dearer;
    });
    const [bad, good] = [await project(3), await project(3)];
    broken.add(bad);
    const [failing, other] = [await open(bad), await open(good)];
    expect(await run()).toBe(true);
    expect(await status(good, other.id)).toMatchObject({ status: "done", restated: 3, error: null });
    const parked = { status: "failed", error: "TypeError", retry_at: new Date(clock.ms + MINUTE).toISOString() };
    expect(await status(bad, failing.id)).toMatchObject(parked);
    clock.ms += 2 * MINUTE;
    await run();
    // The second wait is twice as long.
    const again = { status: "failed", retry_at: new Date(clock.ms + 2 * MINUTE).toISOString() };
    expect(await status(bad, failing.id)).toMatchObject(again);
    broken.clear();
    clock.ms += MINUTE;
    await run();
    expect(await status(bad, failing.id)).toMatchObject(again);
    clock.ms += 2 * MINUTE;
    await run();
    expect(await status(bad, failing.id)).toMatchObject({ status: "done", restated: 3, error: null, retry_at: null });
  });

  it("take turns, so that a large one does not keep a small one waiting", async () => {
    const { project, open, run, status, clock } = await jobs();
    const [large, small] = [await project(2_100), await project(3)];
    const [long, short] = [await open(large), await open(small)];
    // The time of a run is enough for two steps.
    clock.stepMs = 2_500;
    expect(await run()).toBe(false);
    expect(await status(large, long.id)).toMatchObject({ status: "running", looked: 2_000 });
    expect(await status(small, short.id)).toMatchObject({ status: "done" });
    expect(await run()).toBe(true);
    expect(await status(large, long.id)).toMatchObject({ status: "done", restated: 2_100 });
  });

  it("leave a call as it is whose new cost is out of range, and restate the others", async () => {
    const beyond = createPricer(
      customPrices([price({ model: "gpt-4o", unitPico: units({ input: 100_000_000, output: 100_000_000 }) })]),
    );
    const { project, db, open, run, status } = await jobs(() => beyond);
    const of = await project(1);
    const huge = trace({
      clientId: "huge",
      startedAtMs: START_MS,
      inputTokens: 2 ** 31 - 1,
      outputTokens: 2 ** 31 - 1,
    });
    await writeBatch(db, of, [priced(huge)]);
    const job = await open(of);
    expect(await run()).toBe(true);
    expect(await status(of, job.id)).toMatchObject({ status: "done", looked: 2, restated: 1, out_of_range: 1 });
    expect((await audit(db, of, START_MS, START_MS + MINUTE)).ok).toBe(true);
  });

  it("read less at a time where an answer would be too large", async () => {
    const { project, db, deps, open, run, status } = await jobs();
    const of = await project(5);
    const job = await open(of);
    let refusals = 0;
    const tight: Database = {
      ...db,
      async query(statement) {
        const rows = await db.query(statement);
        if (rows.length <= 2 || !("usage_semantics" in rows[0]!)) return rows;
        refusals++;
        throw new StatementTooLarge("the answer is too large");
      },
    };
    Object.assign(deps, { db: tight });
    expect(await run()).toBe(true);
    expect(refusals).toBeGreaterThan(0);
    expect(await status(of, job.id)).toMatchObject({ status: "done", restated: 5 });
  });

  it("are opened once for one Idempotency-Key, and only so many at a time", async () => {
    const { project, open, deps, scopeOf } = await jobs();
    const of = await project(1);
    const both = await Promise.all([open(of, "k"), open(of, "k")]);
    expect(both[1]!.id).toBe(both[0]!.id);
    expect((await open(await project(1), "k")).id).not.toBe(both[0]!.id);
    const other = openJob(deps, { ...scopeOf(of), unpricedOnly: true }, { idempotencyKey: "k" });
    await expect(other).rejects.toMatchObject({ code: "idempotency_mismatch" });
    // Without a key, a job that has not begun is the same one, too.
    expect((await open(of)).id).toBe(both[0]!.id);
    const openFor = (model: string) => openJob(deps, { ...scopeOf(of), models: [model] });
    for (let i = 1; i < 20; i++) await openFor(`model-${i}`);
    await expect(openFor("one too many")).rejects.toMatchObject({ code: "too_many_jobs" });
    expect((await open(of, "k")).id).toBe(both[0]!.id);
    expect(await cancelJob(deps, of, both[0]!.id)).toMatchObject({ status: "cancelled" });
    expect((await openFor("one less")).status).toBe("running");
    expect((await listJobs(deps, of)).map(({ status }) => status)).toEqual([...Array(20).fill("running"), "cancelled"]);
  });

  it("that are cancelled change nothing more", async () => {
    const { project, open, deps, run, status } = await jobs();
    const of = await project(2);
    const job = await open(of);
    await cancelJob(deps, of, job.id);
    expect(await run()).toBe(true);
    expect(await status(of, job.id)).toMatchObject({ status: "cancelled", looked: 0, restated: 0 });
    expect(await cancelJob(deps, of, "00000000-0000-4000-8000-000000000000")).toBeNull();
  });
});
