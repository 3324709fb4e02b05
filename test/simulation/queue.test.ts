/**
 * Queue mode over a simulated queue, which delivers in any order, several times and after a crash, and over a ledger
 * that fails or loses its answers. Each call that was acknowledged to its sender is stored or is a dead letter in the
 * end. No message is acknowledged before that, and no bad message holds up a good one.
 */
import { PgDialect } from "drizzle-orm/pg-core";
import { expect, it, vi } from "vitest";
import { type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { type ConsumeDeps, consume } from "../../src/queue/consume.ts";
import { readMessage } from "../../src/queue/message.ts";
import { createCounters } from "../../src/telemetry/counters.ts";
import { createCallQueue, QueueUnavailable } from "../../src/queue/queue.ts";
import { priced, trace } from "../calls.ts";
import { type History, seededSchedules, type World } from "./scheduler.ts";

const PROJECTS = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
const START_MS = Date.UTC(2025, 8, 1, 12);
/** A call whose statement fails for a reason of its own, and one from before the retention bound. */
const POISON = "poison";
const EXPIRED = "expired";
const BAD = "not a message";
const MOST_ATTEMPTS = 4;
const dialect = new PgDialect();

type Fate = "done" | "fails" | "answer lost" | "crashes";

interface Sent {
  id: string;
  body: string;
  attempts: number;
}

const callOf = (clientId: string) => priced(trace({ startedAtMs: START_MS, clientId }));
const callsOf = (body: string): string[] =>
  body === BAD ? [] : readMessage(body).batch.calls.map(({ call }) => call.id);
const isLike = (kind: string, clientId: string | null): boolean => clientId!.startsWith(kind);

function createWorld(world: World, faults: readonly Fate[]) {
  const queues = { traces: [] as Sent[], letters: [] as Sent[] };
  /** The calls that are stored, and the texts of the dead letters. */
  const stored = new Set<string>();
  const letters: string[] = [];
  let made = 0;
  let failing = true;

  const isKept = (id: string): boolean => stored.has(id) || letters.some((text) => text.includes(id));

  /** What happens to a statement of `actor`: nothing, all, or all without an answer. */
  async function statement(name: string, effect: () => void): Promise<void> {
    await world.turn(name);
    const fate = world.choose(name, failing ? faults : ["done"]);
    if (fate === "done" || fate === "answer lost") effect();
    if (fate === "crashes") await new Promise(() => {});
    if (fate !== "done") throw new DatabaseUnavailable(fate);
  }

  const never = () => Promise.reject(new Error("not needed"));

  function depsOf(actor: string): ConsumeDeps {
    const db: Database = {
      async query(query) {
        const { sql, params } = dialect.sqlToQuery(query);
        if (!sql.includes("insert into dead_letters")) throw new Error(`unknown statement: ${sql}`);
        await statement(`${actor}: keep letters`, () => letters.push(String(params.at(-1))));
        return [];
      },
      ping: never,
      run: never,
      batch: never,
    };
    const groupCommit: ConsumeDeps["groupCommit"] = {
      async commit(_, { calls }) {
        if (calls.some(({ call }) => isLike(POISON, call.clientId))) {
          await world.turn(`${actor}: poison`);
          throw new Error("poison");
        }
        const kept = calls.filter(({ call }) => !isLike(EXPIRED, call.clientId));
        const before = new Set(stored);
        await statement(`${actor}: store`, () => kept.forEach(({ call }) => stored.add(call.id)));
        const outcomes = calls.map(({ call }) =>
          isLike(EXPIRED, call.clientId) ? "expired" : before.has(call.id) ? "duplicate" : "inserted",
        );
        return { outcomes, earliestMs: null, partials: 0 };
      },
    };
    const done = async () => ({ down: false, value: undefined }) as const;
    const redis = { getMany: never, set: done, setIfAbsent: done, take: never };
    const idle = { mergeSignal: { raise() {} }, merger: { added() {} } };
    const hashes = { add: never, fields: never };
    const counters = createCounters(hashes, () => 0);
    return { db, redis, groupCommit, ...idle, now: world.now, queue: createCallQueue(queue), counters };
  }

  const queue = {
    async sendBatch(bodies: Iterable<{ body: string }>) {
      await world.turn("sender: send");
      const fate = world.choose("sender: send", failing ? (["done", "fails", "answer lost"] as const) : ["done"]);
      if (fate !== "fails") {
        for (const { body } of bodies) queues.traces.push({ id: `message-${++made}`, body, attempts: 0 });
      }
      if (fate !== "done") throw new Error(fate);
    },
  } as unknown as Queue;

  /** Delivers some messages, in any order. A crash, or an answer that is lost, delivers all of them again. */
  async function deliver(actor: string, name: "traces" | "letters"): Promise<void> {
    await world.turn(`${actor}: take`);
    const from = queues[name];
    const taken: Sent[] = [];
    while (from.length > 0 && taken.length < 3) {
      taken.push(...from.splice(world.choose(`${actor}: take`, [...from.keys()]), 1));
    }
    const again = new Set(taken);
    const messages = taken.map((message) => ({
      ...message,
      timestamp: new Date(world.now()),
      attempts: ++message.attempts,
      ack() {
        const lost = callsOf(message.body).filter((id) => !isKept(id));
        expect(lost, "acknowledged, and neither stored nor a dead letter").toEqual([]);
        again.delete(message);
      },
      retry() {},
    }));
    const batch = { queue: name === "traces" ? "llm-cost-traces" : "llm-cost-dead-letters", messages };
    const crashed = world.turn(`${actor}: is over`).then(() => true);
    const consumed = consume(depsOf(actor), batch as unknown as MessageBatch, () => {}).then(() => false);
    const isLost = (await Promise.race([consumed, failing ? crashed : consumed])) as boolean;
    for (const message of isLost ? taken : again) {
      const isDead = name === "traces" && message.attempts >= MOST_ATTEMPTS;
      (isDead ? queues.letters : from).push(isDead ? { ...message, attempts: 0 } : message);
    }
  }

  return {
    queues,
    deliver,
    isKept,
    letters,
    stored,
    putPoison: () => queues.traces.push({ id: "bad", body: BAD, attempts: 0 }),
    /** Sends a body as a request does. Returns the ids of its calls if it was acknowledged. */
    async send(projectId: string, ...clientIds: string[]): Promise<string[]> {
      const calls = clientIds.map(callOf);
      try {
        await depsOf("sender").queue!.send(projectId, { calls, links: [] });
      } catch (error) {
        if (!(error instanceof QueueUnavailable)) throw error;
        return [];
      }
      return calls.map(({ call }) => call.id);
    },
    /** From now on nothing fails, and what waits is delivered. */
    async drain(): Promise<void> {
      failing = false;
      while (queues.traces.length > 0) await deliver("last consumer", "traces");
      while (queues.letters.length > 0) await deliver("last consumer", "letters");
    },
  };
}

/** Five requests and deliveries of two consumers, then all that is left is delivered. */
function historyOf(faults: readonly Fate[]): History {
  return async (world) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ledger = createWorld(world, faults);
    const [one, other] = PROJECTS as [string, string];
    ledger.putPoison();
    const acknowledged: string[] = [];
    const good: string[] = [];
    const send = async (projectId: string, ...names: string[]): Promise<void> => {
      const ids = await ledger.send(projectId, ...names);
      acknowledged.push(...ids);
      if (names.every((name) => /^\d/.test(name))) good.push(...ids);
    };
    const consumer = async (actor: string): Promise<void> => {
      for (let i = 0; i < 5; i++) await ledger.deliver(actor, "traces");
      for (let i = 0; i < 2; i++) await ledger.deliver(actor, "letters");
    };
    await Promise.all([
      send(one, "1", "2"),
      send(one, POISON, "3"),
      send(one, EXPIRED, "4"),
      send(other, "5"),
      send(one, "1", "6"),
      consumer("consumer 1"),
      consumer("consumer 2"),
    ]);
    await ledger.drain();
    expect(
      acknowledged.filter((id) => !ledger.isKept(id)),
      "acknowledged and lost",
    ).toEqual([]);
    expect(ledger.letters.some((text) => text.includes(BAD))).toBe(true);
    if (faults.length === 1)
      expect(
        good.filter((id) => !ledger.stored.has(id)),
        "held up by a bad one",
      ).toEqual([]);
  };
}

it("loses nothing that it acknowledged, whatever fails, crashes, or comes again", async () => {
  await seededSchedules(historyOf(["done", "done", "fails", "answer lost", "crashes"]), 300);
});

it("stores what can be stored, whatever bad messages come with it", async () => {
  await seededSchedules(historyOf(["done"]), 100);
});
