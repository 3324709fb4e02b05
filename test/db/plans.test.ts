/** The plans of what writes, merges, compacts and asks hold what `promised-plans.ts` says, on ledgers of any age. */
import { sql } from "drizzle-orm";
import { expect, it, onTestFinished } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { database } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
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
