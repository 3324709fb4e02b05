/** Counters of calls: they show each call as it was first counted, and never fall, whatever becomes of the calls. */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { usdToPico } from "../../src/money.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { customPrices } from "../../src/pricing/custom-price.ts";
import { relabelStep } from "../../src/reprice/relabel.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { compact } from "../../src/rollup/compact.ts";
import { addUpCorrections } from "../../src/rollup/corrections.ts";
import { type Counted, type CountedGroup, MOST_GROUPS, readCounted } from "../../src/rollup/counted.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { repairDay } from "../../src/rollup/repair.ts";
import { DAY_MS } from "../../src/time.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { settlingAgain } from "../../src/write/settle.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace, traces } from "../calls.ts";
import { erase, eraseDeps, NO_REDIS } from "../erase/erased.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase, retainAt } from "../own-database.ts";
import { price, units } from "../pricing/custom.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const START_MS = Date.UTC(2025, 8, 1, 12);
const usd = (text: string): bigint => usdToPico(text)!;

/** The counters of one project. */
async function countedOf(project: string, kept: string[] = []): Promise<Counted> {
  const { groups, corrections, today } = await readCounted(db, START_MS, kept);
  const own = <T extends { projectId: string }>(rows: T[]): T[] =>
    rows.filter(({ projectId }) => projectId === project);
  return { groups: own(groups), corrections: own(corrections), today: own(today) };
}

const costOf = ({ groups }: Counted): bigint => groups.reduce((sum, { costPico }) => sum + costPico, 0n);

/** All numbers of a group that a counter shows. */
const numbersOf = (group: CountedGroup): number[] => [
  group.requests - group.errors,
  group.errors,
  ...Object.values(group.tokens),
  Number(group.costPico),
  group.durationCount,
  group.durationSumSeconds,
  ...group.durations,
];

/** Counters with what corrections added and took are what the rollups say, and none is lower than before. */
async function check(project: string, before: Counted): Promise<Counted> {
  const now = await countedOf(project);
  for (const group of before.groups) {
    const after = now.groups.find(({ key }) => key === group.key);
    const fell = numbersOf(group).filter((number, i) => (after ? numbersOf(after)[i]! : 0) < number);
    expect(fell, `${group.provider} ${group.model}`).toEqual([]);
  }
  for (const { addedPico, takenPico } of before.corrections) {
    expect(now.corrections[0]!.addedPico).toBeGreaterThanOrEqual(addedPico);
    expect(now.corrections[0]!.takenPico).toBeGreaterThanOrEqual(takenPico);
  }
  const [row] = await db.query(sql`
    select coalesce(sum(cost_pico), 0)::text as cost from traces where project_id = ${project}::uuid and billable`);
  const [{ addedPico, takenPico } = { addedPico: 0n, takenPico: 0n }] = now.corrections;
  expect(costOf(now) + addedPico - takenPico).toBe(BigInt(String(row!["cost"])));
  return now;
}

const NOTHING: Counted = { groups: [], corrections: [], today: [] };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

it("count a call once, and never fall: deleted, repriced, relabelled, demoted, repaired, past its retention", async () => {
  const project = await newProject(db);
  const write = async (...calls: Call[]) => await writeBatch(db, project, calls.map(priced));
  const at = (clientId: string, changes: Partial<Call> = {}): Call =>
    trace({ clientId, startedAtMs: START_MS, durationUs: 250_000, ...changes });

  await write(at("a"), at("b", { status: "error" }), at("c", { durationUs: 7_000_000 }));
  let before = await check(project, NOTHING);
  // 3 x (1,000 x $2.50 + 100 x $10) a million = $0.0105
  expect(costOf(before)).toBe(usd("0.0105"));
  expect(before.groups).toMatchObject([{ requests: 3, errors: 1, tokens: { input: 3_000, output: 300 } }]);
  // 250 ms are within 0.25 s (the second bound), 7 s within 10 s (the seventh).
  expect(before.groups[0]!.durations).toEqual([0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]);

  await write(at("a"));
  expect(await countedOf(project)).toEqual(before);

  await deleteTrace(db, project, at("a").id);
  before = await check(project, before);
  expect(costOf(before)).toBe(usd("0.0105"));
  expect(before.corrections).toMatchObject([{ addedPico: 0n, takenPico: usd("0.0035") }]);

  await mergeStep(db, 1_000);
  before = await check(project, before);

  // $5 and $20 per million: $0.007 a call, twice as much.
  const unitPico = units({ input: 5, output: 20 });
  const dearer = createPricer(customPrices([price({ model: "gpt-4o", unitPico, startsAtMs: 0 })]));
  const all = { projectId: project, fromMs: START_MS, toMs: START_MS + DAY_MS, providers: [], models: [] };
  await repriceStep(db, dearer, { ...all, unpricedOnly: false }, { cursor: null, limit: 100, apply: true });
  before = await check(project, before);
  expect(costOf(before)).toBe(usd("0.0105"));
  expect(before.corrections[0]!.addedPico).toBe(usd("0.007"));

  // A call without a price gets one later.
  await write(at("odd", { model: "nobody-knows-it" }));
  before = await check(project, before);
  const odd = createPricer(customPrices([price({ model: "nobody-knows-it", unitPico, startsAtMs: 0 })]));
  await repriceStep(db, odd, { ...all, unpricedOnly: true }, { cursor: null, limit: 100, apply: true });
  before = await check(project, before);
  expect(before.corrections[0]!.addedPico).toBe(usd("0.014"));

  // A span around calls that comes alone counts once its time is over, and no more once a call below it comes.
  const span = (name: string, above: string | null, changes: Partial<Call> = {}): Call =>
    at(name, { traceId: TRACE, spanId: name, parentId: above, ...changes });
  await write(span("w", null, { billable: false, wrapper: true }));
  await db.query(sql`update traces set received_at = now() - interval '1 day' where client_id = 'w'`);
  await db.batch(await settlingAgain(db, project, [{ traceId: TRACE, startedAtMs: START_MS }], 300));
  before = await check(project, before);
  await write(span("below", "w"));
  before = await check(project, before);
  const [row] = await db.query(sql`select billable from traces where client_id = 'w'`);
  expect(row).toEqual({ billable: false });

  // What is judged in the transaction that stores it was not counted before.
  const taken = before.corrections[0]!.takenPico;
  const other = TRACE.replace("4", "5");
  const apart = (name: string, above: string | null, changes: Partial<Call> = {}): Call =>
    at(`${name}2`, { traceId: other, spanId: name, parentId: above, ...changes });
  await write(apart("x", null), apart("y", "x"));
  before = await check(project, before);
  expect(before.corrections[0]!.takenPico).toBe(taken);

  const { call, cost } = priced(at("alias"));
  await writeBatch(db, project, [{ call, cost: { ...cost, provider: "bedrock" } }]);
  before = await check(project, before);
  const relabelled = await relabelStep(db, project, "00000000-0000-0000-0000-000000000000");
  expect(relabelled.relabelled).toBe(1);
  before = await check(project, before);
  // Two of OpenAI: the model that had no price is a group of its own.
  expect(before.groups.map(({ provider }) => provider).toSorted()).toEqual(["aws", "bedrock", "openai", "openai"]);

  await mergeStep(db, 1_000);
  await compact(db, () => START_MS + 30 * DAY_MS, Number.POSITIVE_INFINITY);
  before = await check(project, before);

  await db.query(sql`update rollup set cost_pico = cost_pico + 1e9 where project_id = ${project}::uuid and level = 5`);
  const wrong = await countedOf(project);
  await repairDay(db, project, START_MS - (START_MS % DAY_MS));
  expect(costOf(await countedOf(project))).toBeGreaterThanOrEqual(costOf(wrong));

  await write(at("hers", { userId: "ada" }), at("his", { userId: "bob" }));
  before = await check(project, await countedOf(project));
  const clock = { ms: Date.now() };
  for (const [user, mode] of [
    ["ada", "remove"],
    ["bob", "anonymise"],
  ] as const) {
    await erase(eraseDeps(db, NO_REDIS, clock), clock, project, user, mode);
    before = await check(project, before);
  }

  before = await countedOf(project);
  await retainAt(db, START_MS + 400 * DAY_MS, { rawRetentionDays: 30, hourRetentionDays: 30 });
  expect(await countedOf(project)).toEqual(before);
});

it("are as exact after any history of writes, deletions and merges", async () => {
  const at = START_MS - DAY_MS;
  await fc.assert(
    fc.asyncProperty(
      fc.array(traces(at), { minLength: 1, maxLength: 20 }),
      fc.array(fc.tuple(fc.constantFrom("write", "delete", "merge"), fc.nat(19)), { maxLength: 12 }),
      async (all, steps) => {
        await db.query(sql`update retention set raw_since = 'epoch', hour_since = 'epoch'`);
        const project = await newProject(db);
        let before = await check(project, NOTHING);
        for (const [step, i] of steps) {
          const call = all[i % all.length]!;
          if (step === "write") await writeBatch(db, project, [priced(call)]);
          else if (step === "delete") await deleteTrace(db, project, call.id);
          else await mergeStep(db, 50);
          before = await check(project, before);
        }
      },
    ),
    { numRuns: 12 },
  );
});

it("have corrections that add up to few rows without a change", async () => {
  const project = await newProject(db);
  const call = trace({ clientId: "again", startedAtMs: START_MS + DAY_MS, durationUs: 250_000 });
  await db.query(sql`update retention set raw_since = 'epoch', hour_since = 'epoch'`);
  await writeBatch(db, project, [priced(call)]);
  await deleteTrace(db, project, call.id);
  await db.query(sql`
    insert into corrections select c.* from corrections c, generate_series(1, 1000) where project_id = ${project}::uuid`);
  const before = await countedOf(project);
  await addUpCorrections(db);
  expect(await countedOf(project)).toEqual(before);
  expect(
    await db.query(sql`select count(*)::int as rows from corrections where project_id = ${project}::uuid`),
  ).toEqual([{ rows: 1 }]);
});

it("tell so many groups apart, the same ones each time, and put the others into one", async () => {
  const project = await newProject(db);
  await db.query(sql`update retention set raw_since = 'epoch', hour_since = 'epoch'`);
  const bomb = (from: number, tokens: number): Call[] =>
    Array.from({ length: MOST_GROUPS }, (_, i) =>
      trace({
        clientId: `${from + i}`,
        startedAtMs: START_MS,
        application: `"app"\n${from + i}`,
        inputTokens: tokens,
      }),
    );
  await writeBatch(db, project, bomb(0, 1_000).map(priced));
  const first = await countedOf(project);
  expect(first.groups).toHaveLength(MOST_GROUPS);
  const kept = first.groups.map(({ key }) => key);
  // Dearer ones that come later do not drive them out.
  await writeBatch(db, project, bomb(1_000, 50_000).map(priced));
  const second = await countedOf(project, kept);
  expect(second.groups.map(({ key }) => key).toSorted()).toEqual(["", ...kept.toSorted()]);
  expect(second.groups.find(({ key }) => key === "")).toMatchObject({
    application: "(other)",
    model: "(other)",
    requests: MOST_GROUPS,
    tokens: { input: 50_000 * MOST_GROUPS },
  });
});
