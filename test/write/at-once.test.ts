/**
 * Reports of one call that are written at once by several connections. Two of them share no id: a third one joins them.
 * Whichever comes first, one counts in the end, and it is the one that counts if they come one after another.
 */
import { afterAll, describe, expect, inject, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { Call } from "../../src/ledger/call.ts";
import { forProject } from "../../src/db/wall.ts";
import { decideDouble } from "../../src/traces/decide-double.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { decided } from "./decided.ts";
import { alone, counted } from "./histories.ts";

/** Calls of one test. Each has ids of its own. */
const ROUNDS = 12;

const report = (name: string, n: number, atMs: number, ids: readonly string[], changes: Partial<Call> = {}): Call => {
  const sent = alone(`${String(n).padStart(2, "0")} ${name}`, n * 120_000 + atMs, {
    responseId: null,
    otherIds: ids.map((id) => `${id}-${n}`),
    ...changes,
  });
  return (sent as { call: Call }).call;
};

/** Of call `n`: two that share nothing, and one that joins them. The one in the middle tells most. */
const three = (n: number): Call[] => [
  report("a", n, 0, ["1"]),
  report("b", n, 1, ["2"], { cacheReadTokens: 5 }),
  report("c", n, 2, ["1", "2"]),
];

const numbers = Array.from({ length: ROUNDS }, (_, n) => n);
const best = numbers.map((n) => `${String(n).padStart(2, "0")} b`);

// What only Postgres' version could change shows over one of them.
const DRIVERS = inject("driver") === "postgres" ? (["postgres"] as const) : (["neon", "postgres"] as const);

describe.each(DRIVERS)("over %s", async (driver) => {
  const { db } = await ownDatabase(driver, afterAll);
  const atOnce = async (project: string, batches: readonly (readonly Call[])[]): Promise<void> => {
    await Promise.all(batches.map((batch) => writeBatch(db, project, batch.map(priced))));
  };
  const project = (): Promise<string> => newProject(db);
  const result = async (of: Database, id: string): Promise<string[]> => counted(await decided(of, id));

  it("count once, a round after another", async () => {
    const own = await project();
    for (const n of numbers)
      await atOnce(
        own,
        three(n).map((call) => [call]),
      );
    expect(await result(db, own)).toEqual(best);
  });

  it("count once, all rounds at once", async () => {
    const own = await project();
    const all = numbers.flatMap((n) => three(n).map((call) => [call]));
    await atOnce(own, [...all, ...all.toReversed()]);
    expect(await result(db, own)).toEqual(best);
  });

  it("count once in batches of many calls that have them in different orders, without a deadlock", async () => {
    const own = await project();
    const calls = numbers.map(three);
    const of = (i: number): Call[] => calls.map((reports) => reports[i]!);
    await atOnce(own, [of(0), of(1).toReversed(), of(2), of(2).toReversed(), of(1), of(0).toReversed()]);
    expect(await result(db, own)).toEqual(best);
  });

  it("count once if each joins only its neighbours, and the best one is at an end", async () => {
    const own = await project();
    const chain = (n: number): Call[] =>
      Array.from({ length: 6 }, (_, i) =>
        report("abcdef"[i]!, n, i, [String(i), String(i + 1)], i === 5 ? { cacheReadTokens: 5 } : {}),
      );
    for (const n of numbers.slice(0, 6))
      await atOnce(
        own,
        chain(n).map((call) => [call]),
      );
    expect(await result(db, own)).toEqual(numbers.slice(0, 6).map((n) => `0${n} f`));
  });

  it("are judged again if the one that joins them is deleted while others come", async () => {
    const own = await project();
    for (const n of numbers) {
      const [a, b, c] = three(n) as [Call, Call, Call];
      await atOnce(own, [[a], [c]]);
      await Promise.all([deleteTrace(db, own, c.id), atOnce(own, [[b]])]);
    }
    expect(await result(db, own)).toEqual(numbers.flatMap((n) => [`${best[n]!.slice(0, 2)} a`, best[n]!]));
  });

  it("are one if a verdict is given while another report comes", async () => {
    const own = await project();
    for (const n of numbers) {
      const [a, b] = three(n) as [Call, Call];
      const late = report("late", n, 3, ["2"], { cacheReadTokens: 6, userId: "ada" });
      await atOnce(own, [[a], [b]]);
      await Promise.all([decideDouble(forProject(db, own), own, [a.id, b.id], "same", 300), atOnce(own, [[late]])]);
    }
    expect(await result(db, own)).toEqual(numbers.map((n) => `${best[n]!.slice(0, 2)} late`));
  });
});
