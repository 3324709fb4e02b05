/**
 * Users are erased while others write calls of theirs, merge and compact. In no snapshot differ rollups from calls, and
 * in the end nothing names an erased user but calls that came later.
 */
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { erase, eraseDeps, NO_REDIS, placesOf } from "./erased.ts";

const START = Date.UTC(2025, 4, 6);
const CALLS = 1_500;
const USERS = 5;

it("keeps rollups equal to the calls in every snapshot", async () => {
  const { db, url } = await ownDatabase();
  const project = await newProject(db);
  // Pairs are sightings of one response; every tenth call is below another one.
  const all = Array.from({ length: CALLS }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: START + Math.floor(i / 2) * 100_000 + (i % 2),
        application: `app-${i % 3}`,
        durationUs: i * 1_000,
        userId: `the-user-${i % USERS}`,
        tags: { team: `team-${i % 2}`, owner: `the-user-${(i + 1) % USERS}` },
        ...(i % 5 < 2 && { responseId: `response-${Math.floor(i / 2)}`, cacheReadTokens: i % 7 }),
        ...(i % 10 > 7 && { traceId: `t-${i % 50}`, spanId: `s-${i}`, parentId: i % 20 > 10 ? `s-${i - 1}` : null }),
      }),
    ),
  );
  const write = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 50) await writeBatch(db, project, all.slice(at, at + 50));
  };
  await write(0, CALLS / 2);

  const clock = { ms: Date.UTC(2025, 5, 1) };
  const ended = new AbortController();
  const until = async (step: () => Promise<unknown>): Promise<number> => {
    let steps = 0;
    for (; !ended.signal.aborted; steps++) await step();
    return steps;
  };
  const erasing = async (): Promise<void> => {
    const deps = eraseDeps(db, NO_REDIS, clock);
    await erase(deps, clock, project, "the-user-0", "anonymise");
    await erase(deps, clock, project, "the-user-1", "remove");
  };
  const [, snapshots] = await Promise.all([
    Promise.all([write(CALLS / 2, CALLS), erasing()]).finally(() => ended.abort()),
    until(async () => expect((await audit(db, project, START, START + 2 * 86_400_000)).mismatches).toEqual([])),
    until(async () => {
      await mergeStep(db, 300);
      await compact(db, Date.now, Number.POSITIVE_INFINITY);
    }),
  ]);
  expect(snapshots).toBeGreaterThan(3);

  // Once more for what came late.
  const deps = eraseDeps(db, NO_REDIS, clock);
  for (const user of ["the-user-0", "the-user-1"])
    expect(await erase(deps, clock, project, user, "anonymise")).toMatchObject({ status: "done" });
  expect(await placesOf(url, "the-user-0")).toEqual([]);
  expect(await placesOf(url, "the-user-1")).toEqual([]);
  expect(await audit(db, project, START, START + 2 * 86_400_000)).toMatchObject({ ok: true });
  const left = await db.query(sql`
    select user_id, count(*)::int as calls from traces where project_id = ${project}::uuid and user_id is not null group by 1 order by 1`);
  expect(left.map((row) => row["user_id"])).toEqual(["the-user-2", "the-user-3", "the-user-4"]);
});
