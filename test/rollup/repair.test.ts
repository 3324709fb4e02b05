import { sql } from "drizzle-orm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { repairDay } from "../../src/rollup/repair.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { type Database, DatabaseUnavailable, Expired } from "../../src/db/client.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace, traces } from "../calls.ts";

const START_MS = Date.UTC(2025, 2, 29); // a Saturday: the days are of two weeks
const END_MS = START_MS + 3 * DAY_MS;
const DAYS = [0, 1, 2].map((day) => START_MS + day * DAY_MS);

/** What one may find wrong, and how it came about. */
const HARM = {
  "rows lost": (project: string, part: number) =>
    sql`delete from rollup where project_id = ${project}::uuid and hashtext(ctid::text) % 3 = ${part}::int - 1`,
  "rows doubled": (project: string, part: number) => sql`
    insert into rollup select * from rollup where project_id = ${project}::uuid and hashtext(ctid::text) % 3 = ${part}::int - 1`,
  "a sum left out": (project: string) => sql`
    update rollup set reported_cost_pico = null, reported_requests = null, input_tokens = 7 where project_id = ${project}::uuid`,
  "histograms lost": (project: string) => sql`
    update rollup set latency_buckets = null, latency_counts = null where project_id = ${project}::uuid`,
  none: () => sql`select 1`,
};

async function histograms(db: Database, project: string): Promise<unknown[]> {
  const of = (bucket: string) => sql`
    select ${bucket} as level, label, value, application, model, bin, sum(coalesce(calls, 1))::int as calls
    from (select label, value, application, model, unnest(latency_buckets) as bin, unnest(latency_counts) as calls from rollup
      where project_id = ${project}::uuid and level in (${sql.join(
        (bucket === "hour" ? [1, 3] : [2, 4]).map((level) => sql`${level}`),
        sql`, `,
      )})) r
    group by 1, 2, 3, 4, 5, 6 having sum(coalesce(calls, 1)) <> 0`;
  return await db.query(sql`select * from (${of("hour")} union all ${of("day")}) h order by 1, 2, 3, 4, 5, 6`);
}

it("puts right whatever is wrong, and finds nothing the second time", async () => {
  const { db } = await ownDatabase();
  const history = fc.array(traces(START_MS), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.constantFrom(...(Object.keys(HARM) as (keyof typeof HARM)[])),
      fc.integer({ min: 0, max: 2 }),
      fc.nat(40),
      fc.boolean(),
      async (all, harm, part, merged, compacted) => {
        const project = await newProject(db);
        await writeBatch(
          db,
          project,
          all.map((call, i) => priced({ ...call, reportedCostPico: i % 2 === 0 ? 1_000n : null })),
        );
        if (merged > 0) await mergeStep(db, merged);
        if (compacted) await compact(db, Date.now, Number.POSITIVE_INFINITY);
        await db.query(HARM[harm](project, part));
        const before = (await audit(db, project, START_MS, END_MS)).mismatches;
        const changes = [];
        for (const day of DAYS) changes.push(...(await repairDay(db, project, day)));
        if (before.length > 0) expect(changes.length).toBeGreaterThan(0);
        if (harm === "none") expect(changes).toEqual([]);
        expect((await audit(db, project, START_MS, END_MS)).mismatches).toEqual([]);
        for (const day of DAYS) expect(await repairDay(db, project, day)).toEqual([]);
        // The same calls, never harmed, have the same histograms.
        while ((await mergeStep(db, 100_000)) > 0);
        const twin = await newProject(db);
        await writeBatch(db, twin, all.map(priced));
        while ((await mergeStep(db, 100_000)) > 0);
        expect(await histograms(db, project)).toEqual(await histograms(db, twin));
      },
    ),
    { numRuns: 15 },
  );
}, 180_000);

it("leaves values alone that are not told apart, and repairs them as such", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const call = (userId: string) => priced(trace({ clientId: userId, startedAtMs: START_MS, userId }));
  await writeBatch(db, project, [call("known")]);
  while ((await mergeStep(db, 100)) > 0);
  await db.query(
    sql`insert into crowded_labels values (${project}::uuid, 'user', ${new Date(START_MS).toISOString()})`,
  );
  await writeBatch(db, project, [call("late"), call("later")]);
  expect(await repairDay(db, project, START_MS)).toEqual([]);
  while ((await mergeStep(db, 100)) > 0);
  expect(await repairDay(db, project, START_MS)).toEqual([]);
  await db.query(sql`delete from rollup where project_id = ${project}::uuid and value = '(other)'`);
  const changes = await repairDay(db, project, START_MS);
  expect(
    changes.map(({ level, label, groups, differences }) => [level, label, groups, differences["requests"]]),
  ).toEqual([
    ["hour", "user", 1, "2"],
    ["day", "user", 1, "2"],
  ]);
  const values = await db.query(
    sql`select distinct value from rollup where project_id = ${project}::uuid and label = 'user' order by 1`,
  );
  expect(values).toEqual([{ value: "(other)" }, { value: "known" }]);
});

it("compares days with the calls where hours are no longer kept, and nothing where calls are not", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  await writeBatch(db, project, [
    priced(trace({ clientId: "a", startedAtMs: START_MS, userId: "ada", durationUs: 5 })),
  ]);
  await mergeStep(db, 100);
  await db.query(sql`update retention set hour_since = ${new Date(END_MS).toISOString()}`);
  // As retention removes hours: the day is right without them.
  await db.query(sql`delete from rollup where level in (1, 3)`);
  expect(await repairDay(db, project, START_MS)).toEqual([]);
  await db.query(sql`update rollup set requests = 3, latency_counts = '{3}' where level in (2, 4) and label = 'user'`);
  expect(await repairDay(db, project, START_MS)).toEqual([
    { day: "2025-03-29", level: "day", label: "user", groups: 1, differences: { requests: "-2" } },
  ]);
  expect(await repairDay(db, project, START_MS)).toEqual([]);
  expect((await audit(db, project, START_MS, END_MS)).mismatches).toEqual([]);

  await db.query(sql`update retention set raw_since = ${new Date(START_MS + DAY_MS).toISOString()}`);
  await db.query(sql`delete from rollup where level in (2, 4) and label = 'user'`);
  await expect(repairDay(db, project, START_MS)).rejects.toThrow(Expired);
  expect(await db.query(sql`select 1 from rollup where level in (2, 4) and label = 'user'`)).toEqual([]);
});

it("goes on with fewer hours at once if a day takes too long", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const calls = [1, 8, 23].map((hour) =>
    priced(trace({ clientId: `${hour}`, startedAtMs: START_MS + hour * HOUR_MS })),
  );
  await writeBatch(db, project, calls);
  await db.query(sql`delete from rollup`);
  const tries: number[] = [];
  const slow: Database = {
    ...db,
    batch: async (queries) => {
      tries.push(queries.length);
      if (tries.length <= 2) throw new DatabaseUnavailable("of the test");
      return await db.batch(queries);
    },
  };
  const changes = await repairDay(slow, project, START_MS);
  // A day, 6 hours, 24 times one hour, and the day and the week from these.
  expect(tries).toHaveLength(1 + 1 + 24 + 1);
  expect(changes[0]).toMatchObject({ level: "hour", label: "", groups: 3, differences: { requests: "3" } });
  expect(await repairDay(db, project, START_MS)).toEqual([]);
});

it("says what it put in: reported costs that rows of an older version lack", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const call = (clientId: string) =>
    priced(trace({ clientId, startedAtMs: START_MS, reportedCostPico: 5_000n, userId: "ada" }));
  await writeBatch(db, project, [call("a"), call("b")]);
  await mergeStep(db, 100_000);
  await db.query(
    sql`update rollup set reported_cost_pico = null, reported_requests = null where project_id = ${project}::uuid`,
  );
  // 2 x 5,000 pico-USD
  const differences = { reported_cost_pico: "10000", reported_requests: "2" };
  const main = ["", "(application)", "(environment,operation)", "(provider,model)"];
  const of = (level: string, day: string, labels: string[]) =>
    labels.map((label) => ({ day, level, label, groups: 1, differences }));
  expect(await repairDay(db, project, START_MS)).toEqual([
    ...of("hour", "2025-03-29", [...main, "user"]),
    ...of("day", "2025-03-29", [...main, "user"]),
    ...of("week", "2025-03-24", main),
  ]);
});
