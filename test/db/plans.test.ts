/** The plans of what writes, merges, compacts and asks hold what `promised-plans.ts` says, on ledgers of any age. */
import { sql } from "drizzle-orm";
import { expect, it, onTestFinished } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { createCurrentCatalogue } from "../../src/catalogue/current.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { takeSnapshot } from "../../src/monitoring/take-snapshot.ts";
import { UNSPREAD } from "../../src/rollup/families.ts";
import { merge } from "../../src/rollup/merge.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { database, newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { explaining } from "./explaining.ts";
import { readingOf } from "./plan-reading.ts";
import { plansOf } from "./plans-scenario.ts";
import { lackOfPostgres15, startPostgres15 } from "./postgres-15.ts";
import { brokenBy } from "./promised-plans.ts";

it("look rows up by their index, whatever Postgres knows of the tables", async () => {
  const { url } = await ownDatabase();
  expect(brokenBy(await plansOf(url))).toEqual([]);
});

it.skipIf(lackOfPostgres15() !== null)("do so on Postgres 15", async (test) => {
  const [row] = await database().query(sql`select current_setting('server_version_num')::int / 10000 as major`);
  if (row!["major"] === 15) return test.skip("the other test ran on it");
  const { url, stop } = await startPostgres15();
  onTestFinished(stop);
  await migrate(url, { roles: true });
  expect(brokenBy(await plansOf(url))).toEqual([]);
});

it("read no more of a backlog each minute than they ask for, however large it is", async () => {
  const { db: plain, url } = await ownDatabase();
  await writeBatch(plain, await newProject(plain), [
    priced(trace({ clientId: "a", startedAtMs: Date.now(), userId: "u" })),
  ]);
  const { db, taken, close } = await explaining(url);
  onTestFinished(close);
  let kept = "";
  const partialRows = async (): Promise<unknown> => {
    await takeSnapshot(
      {
        db,
        redis: { set: async (_key, value) => ((kept = value), { down: false, value: undefined }) },
        catalogue: createCurrentCatalogue(db),
        replicaLagSeconds: async () => null,
        now: Date.now,
      },
      null,
    );
    return (JSON.parse(kept) as { partialRows: unknown }).partialRows;
  };
  // A main row, and one of its user.
  expect(await partialRows()).toBe(2);
  await plain.query(sql`
    insert into rollup select r.* from rollup r, generate_series(1, 120000)
    where level = ${LEVEL.partial} and label = ${UNSPREAD}`);
  taken();
  // There is no time for a step.
  expect(await merge(db, Date.now, 0, { labelsWait: true })).toMatchObject({ merged: 0, drained: false });
  expect(await partialRows()).toBe(100_000);
  const most = (text: string): number[] => {
    return seen.filter((explained) => explained.text.includes(text)).map(({ plan }) => readingOf(plan).most);
  };
  const seen = taken();
  expect(most("are_many")).toEqual([20_000]);
  expect(most("partial_rows")).toEqual([100_000]);
  expect(Math.max(...most(""))).toBe(100_000);
});
