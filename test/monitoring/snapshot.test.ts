import { sql } from "drizzle-orm";
import { afterAll, expect, inject, it } from "vitest";
import { createCurrentCatalogue } from "../../src/catalogue/current.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { takeSnapshot } from "../../src/monitoring/take-snapshot.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";

it("counts partial rows, but no more than it may take the time for", async () => {
  const { db } = await ownDatabase(inject("driver"), afterAll);
  let kept = "";
  const partialRows = async (): Promise<unknown> => {
    await takeSnapshot(
      {
        db,
        redis: { set: async (_key: string, value: string) => ((kept = value), { down: false, value: undefined }) },
        catalogue: createCurrentCatalogue(db),
        replicaLagSeconds: async () => null,
        now: Date.now,
      },
      null,
    );
    return (JSON.parse(kept) as { partialRows: unknown }).partialRows;
  };
  await writeBatch(db, await newProject(db), [priced(trace({ clientId: "a", startedAtMs: Date.now(), userId: "u" }))]);
  // A main row, and one of its user.
  expect(await partialRows()).toBe(2);
  await db.query(sql`
    insert into rollup select r.* from rollup r, generate_series(1, 100000) where level = ${LEVEL.partial} and label = '*'`);
  expect(await partialRows()).toBe(100_000);
});
