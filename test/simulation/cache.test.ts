/**
 * Cached answers and epochs. Isolates write and read over one simulated Redis, whose commands happen in any order and
 * may fail, and over a database that is only what has been committed. After a write is acknowledged, no question that
 * begins later gets an answer without it. If Redis fails, this holds `LEASE_MS` after the acknowledgement.
 */
import { PgDialect } from "drizzle-orm/pg-core";
import { expect, it } from "vitest";
import { type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { createEpochLease, LEASE_MS } from "../../src/epoch.ts";
import type { RedisClient, RedisReply } from "../../src/redis.ts";
import { createSummaryCache } from "../../src/summary/cache.ts";
import { HOUR_MS } from "../../src/time.ts";
import { recordCalls } from "../../src/write/record.ts";
import { priced, trace } from "../calls.ts";
import { everySchedule, type History, seededSchedules, type World } from "./scheduler.ts";

const PROJECT = "00000000-0000-4000-8000-000000000001";
const dialect = new PgDialect();

type Fault = "done" | "refused" | "answer lost" | "late";

interface Faults {
  reads: readonly ("done" | "away")[];
  writes: readonly Fault[];
  database: readonly ("done" | "away")[];
}
const HEALTHY: Faults = { reads: ["done"], writes: ["done"], database: ["done"] };
const REFUSING: Faults = { ...HEALTHY, writes: ["done", "refused", "answer lost", "late"] };
const FAILING: Faults = {
  ...REFUSING,
  reads: ["done", "done", "done", "away"],
  database: ["done", "done", "done", "away"],
};

function createLedger(world: World, faults: Faults, boundMs: number) {
  const values = new Map<string, { value: string; untilMs: number }>();
  const committed: string[] = [];
  const acknowledged: { write: string; atMs: number }[] = [];
  const kept: Promise<unknown>[] = [];
  let isWarm = false;
  /** When the project was marked. Every mark has a time of its own. */
  let mark: string | null = null;
  let marks = 0;

  const read = (key: string): string | null => {
    const entry = values.get(key);
    return entry && entry.untilMs > world.now() ? entry.value : null;
  };

  function redisOf(isolate: string): RedisClient {
    const down = { down: true } as const;
    async function write(name: string, store: () => void): Promise<RedisReply<void>> {
      const point = `${isolate}: ${name}`;
      await world.turn(point);
      const fault = world.choose(point, isWarm ? faults.writes : HEALTHY.writes);
      if (fault === "late") void world.turn(`redis: late ${name}`).then(store);
      else if (fault !== "refused") store();
      return fault === "done" ? { down: false, value: undefined } : down;
    }
    return {
      async getMany(keys) {
        await world.turn(`${isolate}: get`);
        if (world.choose(`${isolate}: get`, isWarm ? faults.reads : HEALTHY.reads) === "away") return down;
        return { down: false, value: keys.map(read) };
      },
      set: (key, value, ttlMs = Infinity) =>
        write(`set ${key.split(":")[0]}`, () => void values.set(key, { value, untilMs: world.now() + ttlMs })),
      setIfAbsent: (key, value) =>
        write(
          `set ${key.split(":")[0]} if absent`,
          () => void (read(key) ?? values.set(key, { value, untilMs: Infinity })),
        ),
      take: () => Promise.reject(new Error("not needed")),
    };
  }

  /** The statements of `epoch.ts`. */
  function databaseOf(isolate: string): Database {
    return {
      async query(query) {
        const { sql, params } = dialect.sqlToQuery(query);
        const name = `${isolate}: ${sql.slice(0, sql.indexOf(" ", 50))}`;
        await world.turn(name);
        if (world.choose(name, isWarm ? faults.database : HEALTHY.database) === "away")
          throw new DatabaseUnavailable("away");
        if (sql.startsWith("update projects set epoch_move_due_at = now()")) mark = String(++marks);
        else if (sql.startsWith("update projects set epoch_move_due_at = null"))
          mark = params[1] === mark ? null : mark;
        else if (sql.startsWith("select id, epoch_move_due_at"))
          return mark === null ? [] : [{ id: PROJECT, due: mark }];
        else throw new Error(`unknown statement: ${sql}`);
        return [];
      },
      ping: () => Promise.reject(new Error("not needed")),
      run: () => Promise.reject(new Error("not needed")),
      batch: () => Promise.reject(new Error("not needed")),
    };
  }

  const keepAlive = (work: Promise<unknown>): void => void kept.push(work.catch(() => undefined));

  function isolate(name: string) {
    const deps = { db: databaseOf(name), redis: redisOf(name), now: world.now };
    const cache = createSummaryCache(deps.redis, createEpochLease(deps), world.now);
    return {
      /** Writes a call of an hour that is over. */
      async write(write: string): Promise<void> {
        const calls = [priced(trace({ startedAtMs: world.now() - 3 * HOUR_MS, clientId: write }))];
        const groupCommit = {
          async commit() {
            await world.turn(`${name}: commit ${write}`);
            committed.push(write);
            return { outcomes: ["inserted" as const], earliestMs: null, partials: 1 };
          },
        };
        const idle = { mergeSignal: { raise() {} }, merger: { added() {} } };
        try {
          await recordCalls({ ...deps, ...idle, groupCommit }, PROJECT, { calls, links: [] }, keepAlive);
        } catch (error) {
          if (!(error instanceof DatabaseUnavailable)) throw error;
          return;
        }
        acknowledged.push({ write, atMs: world.now() });
      },
      /** Asks about that hour, and compares the answer with what was promised when the question began. */
      async read(): Promise<string> {
        await world.turn(`${name}: asks`);
        const beganMs = world.now();
        const promised = acknowledged.filter(({ atMs }) => atMs + boundMs <= beganMs).map(({ write }) => write);
        const request = { projectId: PROJECT, question: "q", toMs: beganMs - 2 * HOUR_MS, bypass: false };
        const compute = async (): Promise<string> => {
          await world.turn(`${name}: snapshot`);
          return JSON.stringify({ writes: committed });
        };
        const { body, state } = await cache.answer(request, beganMs, compute, keepAlive);
        const { writes } = JSON.parse(String(body)) as { writes: string[] };
        for (const write of promised) expect(writes, `answered by ${name}: ${state}`).toContain(write);
        return state;
      },
    };
  }

  return {
    isolate,
    /** Fills the cache, while nothing fails. */
    async warm(): Promise<void> {
      const { read } = isolate("warm-up");
      while ((await read()) !== "hit") {
        await Promise.all(kept.splice(0));
        world.pass(1_000);
      }
      isWarm = true;
    },
    /** Redis loses a value, or all. */
    async lose(): Promise<void> {
      await world.turn("redis: loses");
      const lost = world.choose("redis: loses", ["epoch", "all"]);
      for (const key of values.keys()) if (lost === "all" || key.startsWith(`${lost}:`)) values.delete(key);
    },
    async pass(...choices: number[]): Promise<void> {
      await world.turn("clock: time passes");
      world.pass(world.choose("clock", choices));
    },
  };
}

async function inTurn(count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await act(i);
}

it("Redis works: no answer is without a write that was acknowledged before", async () => {
  const history: History = async (world) => {
    const ledger = createLedger(world, HEALTHY, 0);
    await ledger.warm();
    const [one, other] = [ledger.isolate("one"), ledger.isolate("other")];
    await Promise.all([one.write("a"), one.read(), inTurn(2, other.read)]);
  };
  await everySchedule(history, { interruptions: 3 });
});

it("Redis loses what it has: no answer is without a write that was acknowledged before", async () => {
  const history: History = async (world) => {
    const ledger = createLedger(world, HEALTHY, 0);
    await ledger.warm();
    await ledger.lose();
    const [one, other] = [ledger.isolate("one"), ledger.isolate("other")];
    await Promise.all([one.write("a"), other.read(), other.read(), ledger.lose()]);
  };
  await everySchedule(history, { interruptions: 0 });
});

it("Redis refuses writes: after 5 s no answer is without a write that was acknowledged", async () => {
  const history: History = async (world) => {
    const ledger = createLedger(world, REFUSING, LEASE_MS);
    await ledger.warm();
    const [one, other] = [ledger.isolate("one"), ledger.isolate("other")];
    await Promise.all([one.write("a"), ledger.pass(LEASE_MS), inTurn(2, other.read)]);
  };
  await everySchedule(history, { interruptions: 1 });
});

it("all fails at times: 5 s later no answer is without a write that was acknowledged", async () => {
  const history: History = async (world) => {
    const ledger = createLedger(world, FAILING, LEASE_MS);
    await ledger.warm();
    const isolates = ["one", "two", "three"].map((name) => ledger.isolate(name));
    await Promise.all([
      ...isolates.map(({ write }, n) => inTurn(2, (i) => write(`${n}.${i}`))),
      ...isolates.flatMap(({ read }) => [inTurn(3, read), inTurn(3, read)]),
      inTurn(5, () => ledger.pass(500, LEASE_MS - 1, LEASE_MS)),
      ledger.lose(),
    ]);
  };
  await seededSchedules(history, 1_000, { timers: "any" });
});
