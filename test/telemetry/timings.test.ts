/** Whose time is whose, when requests run at once and write for each other. */
import { expect, it } from "vitest";
import { asDatabaseTime, createTimings, currentTimings, inThisRequest, timed } from "../../src/telemetry/timings.ts";
import { observedDatabase } from "../../src/telemetry/observed.ts";
import type { StatementEvent } from "../../src/telemetry/observer.ts";
import { type Database, DatabaseUnavailable, Expired, Refused, StatementTooLarge } from "../../src/db/client.ts";
import { createGroupCommit } from "../../src/write/group-commit.ts";
import type { Written } from "../../src/write/write-batch.ts";

/** A database whose statements take 10 ms of a clock that only they move, and a turn of the event loop. */
function world() {
  let nowMs = 0;
  const work = async <T>(answer: T): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve));
    nowMs += 10;
    return answer;
  };
  const inner: Database = {
    ping: () => work(undefined),
    query: () => work([{}]),
    run: () => work([{}, {}]),
    batch: (queries) => work(queries.map(() => [{}])),
  };
  return { now: () => nowMs, inner };
}

const STATEMENT = { text: "select 1" };

it("requests that run at once each have their own statements", async () => {
  const { now, inner } = world();
  const db = observedDatabase(inner, now, []);
  const ask = async (statements: number) => {
    const timings = createTimings(null);
    await timed(timings, async () => {
      for (let i = 0; i < statements; i++) await db.run(STATEMENT, []);
    });
    return timings;
  };
  const all = await Promise.all([1, 2, 3].map(ask));
  expect(all.map(({ statements }) => statements)).toEqual([1, 2, 3]);
  expect(all.map(({ rows }) => rows)).toEqual([2, 4, 6]);
});

it("a transaction of three statements counts as three, its time once", async () => {
  const { now, inner } = world();
  const timings = createTimings(null);
  const bound = { statement: STATEMENT, values: [] };
  await timed(timings, () => observedDatabase(inner, now, []).batch([bound, bound, bound]));
  expect(timings).toMatchObject({ databaseMs: 10, statements: 3, rows: 3 });
});

it("a request whose calls another one writes has the time that it waited, and one statement", async () => {
  const { now, inner } = world();
  const db = observedDatabase(inner, now, []);
  const written: Written = { outcomes: [], earliestMs: null, partials: 0 };
  const commit = createGroupCommit(async () => {
    await db.run(STATEMENT, []);
    return written;
  });
  const ask = async () => {
    const timings = createTimings(null);
    await timed(timings, () =>
      asDatabaseTime(now, () => commit.commit("p", { calls: [], links: [] }, () => undefined)),
    );
    return timings;
  };
  // Two write at once; the third and fourth wait, then go together.
  const all = await Promise.all([ask(), ask(), ask(), ask()]);
  expect(all.map(({ statements }) => statements)).toEqual([1, 1, 1, 1]);
  expect(all[3]!.databaseMs).toBeGreaterThan(all[0]!.databaseMs);
  expect(all[3]!.databaseMs).toBe(all[2]!.databaseMs);
});

it("work that someone else calls later counts for the request that it was made in", async () => {
  const timings = createTimings(null);
  const here = timed(timings, () => inThisRequest());
  expect(currentTimings()).toBeUndefined();
  expect(here(() => currentTimings())).toBe(timings);
});

it("outside of requests nothing is counted, but observers are told", async () => {
  const { now, inner } = world();
  const told: StatementEvent[] = [];
  await observedDatabase(inner, now, [{ statement: (event) => told.push(event) }]).ping();
  expect(await asDatabaseTime(now, async () => 1)).toBe(1);
  expect(told).toEqual([{ durationMs: 10, statements: 1, errorKind: null }]);
});

it.each([
  ["unavailable", new DatabaseUnavailable("x")],
  ["too_large", new StatementTooLarge("x")],
  ["refused", new Refused("x")],
  ["expired", new Expired("raw 1", {})],
  ["failed", new TypeError("x")],
])("an error is told as %s, and thrown on", async (errorKind, error) => {
  const { now, inner } = world();
  const told: StatementEvent[] = [];
  const run: Database["run"] = () => Promise.reject(error);
  const db = observedDatabase({ ...inner, run }, now, [{ statement: (event) => told.push(event) }]);
  await expect(db.run(STATEMENT, [])).rejects.toBe(error);
  expect(told).toEqual([{ durationMs: 0, statements: 1, errorKind }]);
});
