import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { writeBatch } from "../../src/write/write-batch.ts";
import { merge } from "../../src/rollup/merge.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { UNSPREAD } from "../../src/rollup/families.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

it("counts a user's calls and a tag's alike, merged or not, also in rows whose value says nothing", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 9, 1);
  const batch = Array.from({ length: 60 }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: startMs + i,
        userId: i % 4 === 0 ? null : `user-${i % 4}`,
        tags: i % 3 === 0 ? { feature: "chat" } : i % 3 === 1 ? { team: `team-${i % 2}`, feature: "search" } : {},
      }),
    ),
  );
  await writeBatch(db, project, batch);
  const counted = async (question: string): Promise<number> => {
    const query = parseSummaryQuery(new URLSearchParams(`from=2025-10-01&to=2025-10-02&${question}`), startMs);
    return (await summarize(db, project, query, startMs)).totals.requests;
  };
  const questions = ["user=user-1", "user=user-1&user=user-3", "user=nobody", "tag.team=team-1", "tag.feature=search"];
  const all = async (): Promise<number[]> => await Promise.all(questions.map(counted));
  const expected = [15, 30, 0, 10, 20];

  expect(await all()).toEqual(expected);
  const wrote = await db.query(sql`
    update rollup set value = '' where project_id = ${project}::uuid and level = ${LEVEL.partial} and label = ${UNSPREAD} and value = 'user-1'
    returning 1`);
  expect(wrote).toHaveLength(15);
  expect(await all()).toEqual(expected);
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  expect(await all()).toEqual(expected);
});
