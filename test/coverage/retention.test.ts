/** Counters are kept as long as the calls that they are compared with. */
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { storePoints } from "../../src/coverage/store.ts";
import type { Point } from "../../src/coverage/point.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase, retainAt } from "../own-database.ts";

const NOW = Date.UTC(2026, 2, 20, 7, 30);
/** Where the bound of 40 days lies. */
const SINCE = Date.UTC(2026, 1, 3);

const at = (ms: number): Point => ({
  emitter: "codex",
  application: "codex_exec",
  measures: ["input"],
  series: "series",
  session: null,
  instance: null,
  cumulative: true,
  startNs: 0n,
  timeNs: BigInt(ms) * 1_000_000n,
  amount: 1n,
});

it("go with them, by whole days", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  await storePoints(db, project, [at(Date.UTC(2026, 0, 5)), at(SINCE - 1), at(SINCE), at(NOW)]);
  await retainAt(db, NOW, { rawRetentionDays: 40 });
  const rows = await db.query(sql`select day::text as day from reported_usage order by 1`);
  expect(rows.map(({ day }) => day)).toEqual(["2026-02-03", "2026-03-20"]);
});
