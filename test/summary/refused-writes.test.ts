/**
 * A Redis that answers reads and refuses writes. A write that could not move its project's epoch is acknowledged, and
 * another isolate must not answer from the cache any more. Two isolates here have two `createDeps` over one database
 * and one Redis, and one clock.
 */
import { sql } from "drizzle-orm";
import { expect, inject, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { LEASE_MS } from "../../src/epoch.ts";
import { createKey } from "../../src/keys.ts";
import type { RedisClient, RedisReply } from "../../src/redis.ts";
import { HOUR_MS } from "../../src/time.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const NOW = Date.UTC(2026, 2, 10, 12, 30);
const FROM = NOW - 5 * HOUR_MS;

type Fault = "none" | "full" | "read-only" | "slow" | "away";

/** A Redis in memory on the test's clock. It is full or read-only, late on writes alone, or does not answer at all. */
function redisOf(now: () => number) {
  let values = new Map<string, { value: string; untilMs: number }>();
  const self = { fault: "none" as Fault, late: [] as (() => void)[] };
  const down = { down: true } as const;
  const read = (key: string): string | null => {
    const entry = values.get(key);
    return entry && entry.untilMs > now() ? entry.value : null;
  };
  async function write(store: () => void): Promise<RedisReply<void>> {
    // A write that is late may still be done, after its client has given it up.
    if (self.fault === "slow") self.late.push(store);
    if (self.fault !== "none") return down;
    store();
    return { down: false, value: undefined };
  }
  const client: RedisClient = {
    getMany: async (keys) => (self.fault === "away" ? down : { down: false, value: keys.map(read) }),
    set: (key, value, ttlMs = Infinity) => write(() => void values.set(key, { value, untilMs: now() + ttlMs })),
    setIfAbsent: (key, value) => write(() => void (read(key) ?? values.set(key, { value, untilMs: Infinity }))),
    take: async () => (self.fault === "none" ? { down: false, value: null } : down),
  };
  return Object.assign(self, {
    client,
    /** The values as they are now, for a replica that takes over later. */
    replica: () => {
      const copy = new Map(values);
      return () => void (values = copy);
    },
  });
}

async function twoIsolates() {
  let nowMs = NOW;
  const now = (): number => nowMs;
  const redis = redisOf(now);
  const config = parseConfig({ ...inject("bindings") });
  const projectId = await newProject(db);
  const { key } = await createKey(db, projectId, "test", ["ingest", "read"]);
  const isolate = () => {
    const queries = { count: 0 };
    const counting = { ...db, query: (query: Parameters<typeof db.query>[0]) => (queries.count++, db.query(query)) };
    const app = createApp(createDeps(config, { db: counting, redis: redis.client, now }));
    return async (
      path: string,
      body?: unknown,
    ): Promise<{ state: string | null; requests: number; queries: number }> => {
      const left: Promise<unknown>[] = [];
      const context = {
        waitUntil: (work: Promise<unknown>) => left.push(work),
        passThroughOnException() {},
        props: {},
      };
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const before = queries.count;
      const response = await app.fetch(new Request(`http://ledger${path}`, { headers, ...init }), {}, context as never);
      const answer = (await response.json()) as { inserted?: number; totals?: { requests: number } };
      expect(response.status, JSON.stringify(answer)).toBe(200);
      await Promise.all(left);
      const requests = answer.totals?.requests ?? answer.inserted!;
      return { state: response.headers.get("x-cache"), requests, queries: queries.count - before };
    };
  };
  const [one, other] = [isolate(), isolate()];
  const range = `from=${new Date(FROM).toISOString()}&to=${new Date(FROM + HOUR_MS).toISOString()}`;
  return {
    redis,
    send: (id: string) =>
      one("/v1/traces", { id, timestamp: FROM + 1_000, model: "gpt-4o-mini", input_tokens: 1, output_tokens: 1 }),
    /** The summary, as the isolate says that did not write. */
    ask: async () => {
      const { state, requests } = await other(`/v1/summary?${range}`);
      return `${state}: ${requests}`;
    },
    queriesToAsk: async () => (await other(`/v1/summary?${range}`)).queries,
    pass: (ms: number) => void (nowMs += ms),
    isMarked: async () => {
      const [row] = await db.query(sql`
        select epoch_move_due_at is not null as marked from projects where id = ${projectId}::uuid`);
      return row!["marked"];
    },
  };
}

async function warmed() {
  const ledger = await twoIsolates();
  await ledger.send("a");
  await ledger.ask();
  await ledger.ask();
  expect(await ledger.ask()).toBe("hit: 1");
  return ledger;
}

it.each(["full", "read-only", "slow"] as const)("that is %s never answers for more than 5 s", async (fault) => {
  const { redis, send, ask, pass, isMarked } = await warmed();
  redis.fault = fault;
  await send("b");
  expect(await isMarked()).toBe(true);
  pass(LEASE_MS);
  expect([await ask(), await ask()]).toEqual(["down: 2", "down: 2"]);
  await send("c");
  expect(await ask()).toBe("down: 3");
  // What was late arrives: epochs, and leases that are over by now.
  pass(LEASE_MS);
  for (const store of redis.late) store();
  expect(await ask()).toMatch(/: 3$/);
  redis.fault = "none";
  pass(LEASE_MS);
  expect(await ask()).toBe("miss: 3");
  expect(await ask()).toBe("hit: 3");
  expect(await isMarked()).toBe(false);
});

it("that refused one write only, and heals at once, does not answer with less after 5 s", async () => {
  const { redis, send, ask, pass, isMarked } = await warmed();
  redis.fault = "read-only";
  await send("b");
  redis.fault = "none";
  pass(LEASE_MS);
  expect([await ask(), await ask()]).toEqual(["miss: 2", "hit: 2"]);
  expect(await isMarked()).toBe(false);
});

it("that fails over while calls are written does not bring an older answer back", async () => {
  const { redis, send, ask, pass } = await warmed();
  const promote = redis.replica();
  redis.fault = "away";
  await send("b");
  expect(await ask()).toBe("down: 2");
  promote();
  redis.fault = "none";
  pass(LEASE_MS);
  expect([await ask(), await ask()]).toEqual(["miss: 2", "hit: 2"]);
});

it("costs one small query in 5 s, however often the cache answers", async () => {
  const { queriesToAsk, pass } = await warmed();
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) counts.push(await queriesToAsk());
  pass(LEASE_MS);
  for (let i = 0; i < 4; i++) counts.push(await queriesToAsk());
  expect(counts).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
});
