/** Shards of Citus that refuse to be merged, as one does while it is moved: the others go on. */
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Bound, Database } from "../../src/db/client.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { audit } from "../../src/rollup/audit.ts";
import { merge, mergeStep } from "../../src/rollup/merge.ts";
import { DAY_MS } from "../../src/time.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { asDistributed } from "../db/as-distributed.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 2, 10);

/** `db`, on which each statement that takes rows of a project out of rollups fails. */
function refusing(db: Database, project: string): Database {
  const isRefused = ({ statement, values }: Bound): boolean =>
    statement.text.includes("delete from rollup") && values.some((value) => String(value).includes(project));
  return {
    ...db,
    async batch(queries) {
      if (queries.some((query) => "statement" in query && isRefused(query)))
        throw new Error("the shard is being moved");
      return await db.batch(queries);
    },
  };
}

it("merges and compacts the other shards, and then fails for the one that refuses", async () => {
  const { db } = await ownDatabase();
  const distributed = asDistributed(db);
  // By the order of their ids, which is that of their shards, both before and after the one that refuses.
  const projects = (await Promise.all([newProject(db), newProject(db), newProject(db)])).toSorted();
  const moved = projects[1]!;
  const left = async (level: number) =>
    (await db.query(sql`select distinct project_id from rollup where level = ${level} order by 1`)).map(
      ({ project_id }) => project_id,
    );
  const write = async (name: string) => {
    for (const project of projects)
      await writeBatch(db, project, [priced(trace({ clientId: name, startedAtMs: START_MS, userId: "ada" }))]);
  };
  await write("a");
  await expect(merge(refusing(distributed, moved), () => 0, Infinity)).rejects.toThrow("the shard is being moved");
  expect(await left(LEVEL.partial)).toEqual([moved]);

  // The first rows of an hour are compacted ones. So the second are due to be compacted.
  await merge(distributed, () => 0, Infinity);
  await write("b");
  await mergeStep(distributed, 1_000);
  expect(await left(LEVEL.freshHour)).toEqual(projects);
  await expect(merge(refusing(distributed, moved), () => 0, Infinity)).rejects.toThrow("the shard is being moved");
  expect(await left(LEVEL.freshHour)).toEqual([moved]);
  await merge(distributed, () => 0, Infinity);
  expect([await left(LEVEL.partial), await left(LEVEL.freshHour)]).toEqual([[], []]);
  for (const project of projects) {
    const { mismatches } = await audit(db, project, START_MS, START_MS + DAY_MS);
    expect(mismatches).toEqual([]);
  }
});
