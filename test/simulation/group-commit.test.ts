/**
 * Group commit over a database that is slow, fails, loses its answers or never answers. Each request gets exactly the
 * outcomes of its own calls. A failure acknowledges nothing, fails nobody else, and nobody waits for ever.
 */
import { expect, it } from "vitest";
import { DatabaseUnavailable } from "../../src/db/client.ts";
import { createGroupCommit } from "../../src/write/group-commit.ts";
import type { PricedCall } from "../../src/write/columns.ts";
import type { Outcome, Written } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { everySchedule, type History, seededSchedules } from "./scheduler.ts";

const START_MS = Date.UTC(2025, 8, 1, 12);
const PROJECT = "00000000-0000-4000-8000-000000000001";

/** What happens to a statement. Its answer may be lost before or after it is committed. */
type Fate = "stored" | "fails" | "answer lost" | "never ends";

interface Request {
  calls: PricedCall[];
  outcomes: Outcome[];
  /** A batch that no statement can carry. */
  isPoison: boolean;
}

let made = 0;

/** A request whose calls have the outcomes named. It is poison if there are none. */
function request(outcomes: Outcome[], calls = outcomes.length): Request {
  const isPoison = outcomes.length === 0;
  const all = Array.from({ length: Math.max(calls, 1) }, () => {
    return priced(trace({ startedAtMs: START_MS, clientId: String(++made) }));
  });
  return { calls: all, outcomes: all.map((_, i) => outcomes[i % outcomes.length] ?? "inserted"), isPoison };
}

function historyOf(requests: readonly Request[], fates: readonly Fate[]): History {
  const outcomeOf = new Map(
    requests.flatMap(({ calls, outcomes }) => calls.map(({ call }, i) => [call.id, outcomes[i]!])),
  );
  const poison = new Set(requests.flatMap(({ calls, isPoison }) => (isPoison ? calls.map(({ call }) => call.id) : [])));
  return async (world) => {
    const stored = new Set<string>();
    /** Calls that were sent to the database, which has not said that they are stored. */
    const unknown = new Set<string>();
    let cutOff = 0;
    let statements = 0;
    let left = requests.length;
    const { promise: over, resolve, reject: fail } = Promise.withResolvers<void>();
    const settled = (): void => {
      left--;
      look();
    };
    /** A statement that never ends holds up one request, which the runtime has cut off, and no other. */
    const look = (): void => {
      if (left === cutOff) resolve();
    };
    const commit = createGroupCommit(async (_, { calls }): Promise<Written> => {
      const name = `statement ${++statements}`;
      const ids = calls.map(({ call }) => call.id);
      expect(new Set(ids).size, "calls of one statement").toBe(ids.length);
      expect(ids.length).toBeLessThanOrEqual(1_000);
      for (const id of ids) unknown.add(id);
      await world.turn(`${name}: of ${ids.length}`);
      if (ids.some((id) => poison.has(id))) throw new Error("poison");
      const fate = world.choose(name, fates);
      if (fate === "never ends") {
        cutOff++;
        look();
        await new Promise(() => {});
      }
      if (fate !== "fails") for (const id of ids) stored.add(id);
      if (fate !== "stored") throw new DatabaseUnavailable(fate);
      for (const id of ids) unknown.delete(id);
      return { outcomes: ids.map((id) => outcomeOf.get(id)!), earliestMs: null, partials: 0 };
    }).commit;

    const settle = async ({ calls, outcomes, isPoison }: Request, n: number): Promise<void> => {
      await world.turn(`request ${n}: sends`);
      const ids = calls.map(({ call }) => call.id);
      try {
        const written = await commit(PROJECT, { calls, links: [] }, () => {});
        expect(written.outcomes).toEqual(outcomes);
        expect(
          ids.filter((id) => !stored.has(id)),
          "acknowledged, but not stored",
        ).toEqual([]);
        expect(isPoison).toBe(false);
      } catch (error) {
        if (isPoison && (error as Error).message === "poison") return;
        if (!(error instanceof DatabaseUnavailable)) throw error;
        expect(
          ids.filter((id) => !unknown.has(id)),
          "failed, but stored or never sent",
        ).toEqual([]);
      }
    };
    for (const [n, one] of requests.entries()) {
      settle(one, n).then(settled, fail);
    }
    await over;
  };
}

const MIXED = () => request(["inserted", "duplicate", "conflict", "expired"]);

it("every schedule of four requests, one of them poison: the others get their own outcomes", async () => {
  const requests = [MIXED(), request(["duplicate"]), request([]), request(["conflict", "inserted"])];
  await everySchedule(historyOf(requests, ["stored"]));
});

it("every schedule of three requests and failing statements: a failure acknowledges nothing", async () => {
  const requests = [MIXED(), request(["duplicate"]), request(["conflict", "inserted"])];
  await everySchedule(historyOf(requests, ["stored", "fails", "answer lost"]), { interruptions: 2 });
});

it("twelve requests of all sizes, and all that can fail: each is answered, and with its own", async () => {
  const fates: Fate[] = ["stored", "stored", "stored", "fails", "answer lost", "never ends"];
  const requests = [
    MIXED(),
    MIXED(),
    request(["inserted"], 600),
    request(["duplicate"], 500),
    request(["conflict"], 999),
  ];
  for (let i = 0; i < 6; i++) requests.push(request(["expired", "inserted"]));
  await seededSchedules(historyOf([...requests, request([])], fates), 300, { timers: "any" });
});
