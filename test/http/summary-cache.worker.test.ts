/** Summaries from Redis: never older than what was acknowledged, never needed, never trusted. */
import { Redis } from "@upstash/redis";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Database } from "../../src/db/client.ts";
import { createDeps } from "../../src/deps.ts";
import { connectRedis } from "../../src/redis.ts";
import { createSummaryCache } from "../../src/summary/cache.ts";
import {
  appWith,
  call,
  config,
  DAY,
  db,
  HOUR,
  iso,
  json,
  ledgerOf,
  MONDAY,
  openLedger,
  WEEK,
  type Ledger,
} from "./ledger.ts";

const upstash = new Redis({ url: config.redisUrl, token: config.redisToken, automaticDeserialization: false });

async function ask(ledger: Ledger, query: string, headers: Record<string, string> = {}): Promise<[string, number]> {
  const response = await ledger.fetch(`/v1/summary?${query}`, { headers });
  const state = response.headers.get("x-cache") ?? "";
  return [state, (await json<{ totals: { requests: number } }>(response)).totals.requests];
}

/** A project seen through an app of its own, whose background work is done when an answer is here. */
async function openCached(): Promise<Ledger> {
  const { projectId, key } = await openLedger();
  return ledgerOf(projectId, key, appWith({}));
}

/** Asks until the answer comes from the cache. */
async function warm(ledger: Ledger, query: string): Promise<void> {
  for (let i = 0; i < 3; i++) if ((await ask(ledger, query))[0] === "hit") return;
  throw new Error("the answer never came from the cache");
}

async function keysOf(ledger: Ledger): Promise<string[]> {
  return await upstash.keys(`summary:${ledger.projectId}:*`);
}

describe("500 equal questions at once", () => {
  it("make one database query, and are counted", async () => {
    const { projectId, key } = await openLedger();
    let queries = 0;
    const counting: Database = {
      ...db,
      batch: async (statements) => {
        queries++;
        return await db.batch(statements);
      },
    };
    // On a machine so busy that Redis is late, equal questions would be asked a second time: rightly, but not what is
    // tested.
    const patient = connectRedis(config.redisUrl, config.redisToken, 10_000);
    const cache = createSummaryCache(patient, { renew: async () => true }, Date.now);
    const ledger = ledgerOf(projectId, key, appWith({ db: counting, redis: patient, cache }));
    // The key is known, and the project has its epoch.
    await ask(ledger, "from=2025-01-01&to=2025-01-02");
    const before = { queries, miss: cache.counts.miss };
    const answers = await Promise.all(Array.from({ length: 500 }, () => ask(ledger, WEEK)));
    expect(new Set(answers.map(([, requests]) => requests))).toEqual(new Set([0]));
    expect(queries - before.queries).toBe(1);
    const { hit, miss, down } = cache.counts;
    expect([hit + miss - before.miss, down]).toEqual([500, 0]);
    expect((await ask(ledger, WEEK))[0]).toBe("hit");
  });
});

describe("/metrics", () => {
  it("counts answers by state", async () => {
    const { projectId, key } = await openLedger();
    const fetch = appWith({});
    const bypassed = async (): Promise<number> => {
      const text = await (await ledgerOf(projectId, config.adminKey, fetch).fetch("/metrics")).text();
      return Number(/^llm_cost_cache_answers_total\{state="bypass"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    // Other tests count in the same Redis.
    const before = await bypassed();
    await ask(ledgerOf(projectId, key, fetch), WEEK, { "cache-control": "no-cache" });
    expect(await bypassed()).toBeGreaterThan(before);
  });
});

describe("X-Cache", () => {
  it("is miss, then hit; the answer is the same", async () => {
    const ledger = await openCached();
    await ledger.write([call()]);
    expect(await ask(ledger, WEEK)).toEqual(["miss", 1]);
    await warm(ledger, WEEK);
    const first = await ledger.summary(WEEK);
    expect(await ledger.summary(WEEK)).toEqual(first);
    expect(await ask(ledger, WEEK)).toEqual(["hit", 1]);
  });

  it("is bypass with Cache-Control: no-cache, straight from the database", async () => {
    const ledger = await openCached();
    await warm(ledger, WEEK);
    for (const value of ["no-cache", "max-age=0, No-Cache"]) {
      expect(await ask(ledger, WEEK, { "cache-control": value })).toEqual(["bypass", 0]);
    }
  });

  it("hits for one question in other words, and not for another question", async () => {
    const ledger = await openCached();
    await ledger.write([call({ application: "a" }), call({ application: "b", timestamp: MONDAY + DAY })]);
    await warm(ledger, WEEK);
    expect(await ask(ledger, `to=${MONDAY + 7 * DAY}&from=2025-03-10&tz=UTC&interval=none`)).toEqual(["hit", 2]);
    expect(await ask(ledger, `${WEEK}&application=a`)).toEqual(["miss", 1]);
    expect(await ask(ledger, `${WEEK}&tag.x=a`)).toEqual(["miss", 0]);
    expect(await ask(ledger, `${WEEK}&user=a`)).toEqual(["miss", 0]);
    expect(await ask(ledger, `from=2025-03-10&to=2025-03-11`)).toEqual(["miss", 1]);
    expect(await ask(ledger, `${WEEK}&tz=Europe/Berlin`)).toEqual(["miss", 2]);
    expect(await ask(ledger, `${WEEK}&include=latency`)).toEqual(["miss", 2]);
  });

  it("never shows one project's answer to another", async () => {
    const [ledger, neighbour] = await Promise.all([openCached(), openCached()]);
    await ledger.write([call()]);
    await warm(ledger, WEEK);
    expect((await ask(neighbour, WEEK))[1]).toBe(0);
    await warm(neighbour, WEEK);
    expect(await ask(neighbour, WEEK)).toEqual(["hit", 0]);
  });
});

describe("what was acknowledged is seen", () => {
  it("at once, in a closed range that was cached", async () => {
    const ledger = await openCached();
    for (let i = 1; i <= 3; i++) {
      await warm(ledger, WEEK);
      await ledger.write([call()]);
      expect((await ask(ledger, WEEK))[1]).toBe(i);
    }
  });

  it("at once, where the first answer was lost and the retry found duplicates", async () => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({}));
    const losing: Database = {
      ...db,
      run: async (statement, values) => {
        await db.run(statement, values);
        throw new Error("the connection broke after COMMIT");
      },
    };
    const item = call();
    await warm(ledger, WEEK);
    const lost = await ledgerOf(projectId, key, appWith({ db: losing })).post(item);
    expect(lost.status).toBeGreaterThanOrEqual(500);
    expect(await ledger.write([item])).toMatchObject({ duplicates: 1 });
    expect((await ask(ledger, WEEK))[1]).toBe(1);
  });

  it("at once, by a question that joins others which are already on their way", async () => {
    const { projectId, key } = await openLedger();
    let read: () => void = () => {};
    const readBefore = new Promise<void>((resolve) => (read = resolve));
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let held = false;
    const slow: Database = {
      ...db,
      batch: async (queries) => {
        const rows = await db.batch(queries);
        if (held) {
          held = false;
          read();
          await released;
        }
        return rows;
      },
    };
    const fetch = appWith({ db: slow });
    const ledger = ledgerOf(projectId, key, fetch);
    await warm(ledger, WEEK);
    await ledger.write([call()]);
    held = true;
    const early = ask(ledger, WEEK);
    await readBefore;
    await ledger.write([call()]);
    const late = ask(ledger, WEEK);
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    expect((await late)[1]).toBe(2);
    expect((await early)[1]).toBe(1);
    expect((await ask(ledger, WEEK))[1]).toBe(2);
  });

  it("within a second, in a range that reaches into the current hour", async () => {
    const { projectId, key } = await openLedger();
    let now = Date.UTC(2025, 2, 10, 12, 30);
    const ledger = ledgerOf(projectId, key, appWith({ now: () => now }));
    const range = "from=2025-03-10&to=2025-03-10T13:00:00Z";
    await warm(ledger, range);
    await ledger.write([call({ timestamp: now - 1_000 })]);
    const [cached] = await keysOf(ledger);
    expect(await upstash.pttl(cached!)).toBeLessThanOrEqual(1_000);
    await upstash.del(cached!);
    now += 999;
    expect(await ask(ledger, range)).toEqual(["hit", 0]);
    now += 1;
    expect((await ask(ledger, range))[1]).toBe(1);

    // Closed for a minute and more: kept for five.
    now = Date.UTC(2025, 2, 10, 13, 1, 2);
    await upstash.del(cached!);
    await warm(ledger, range);
    const ttl = await upstash.pttl(cached!);
    expect(ttl).toBeGreaterThan(200_000);
    expect(ttl).toBeLessThanOrEqual(300_000);
  });
});

const EPOCH = "00000000-0000-4000-8000-000000000000";

describe("a value in Redis that is no answer is a miss", () => {
  it.each([
    ["text", "poison"],
    ["JSON", '{"body":7}'],
    ["one line short", `${EPOCH}\n{}`],
    ["with a body that is no object", `${EPOCH}\n${"0".repeat(32)}\n7`],
    ["of another epoch", `${EPOCH}\n${"0".repeat(32)}\n${Date.now()}\n{"totals":{"requests":99}}`],
  ])("%s", async (_, poison) => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({}));
    await ledger.write([call()]);
    await warm(ledger, WEEK);
    const [name] = await keysOf(ledger);
    await upstash.set(name!, poison);
    // Another isolate, which has not seen the answer.
    const other = ledgerOf(projectId, key, appWith({}));
    expect(await ask(other, WEEK)).toEqual(["miss", 1]);
    expect(await ask(other, WEEK)).toEqual(["hit", 1]);
  });

  it("the project's epoch gone, or of another type", async () => {
    const ledger = await openCached();
    await ledger.write([call()]);
    await warm(ledger, WEEK);
    await upstash.del(`epoch:${ledger.projectId}`);
    expect(await ask(ledger, WEEK)).toEqual(["miss", 1]);
    await upstash.del(`epoch:${ledger.projectId}`);
    await upstash.rpush(`epoch:${ledger.projectId}`, "x");
    expect((await ask(ledger, WEEK))[1]).toBe(1);
  });
});

describe("without Redis", () => {
  it.each([
    ["that listens", "http://127.0.0.1:9", "any"],
    ["that lets us in", config.redisUrl, "wrong-token"],
  ])("%s, answers are down and right, and writes are accepted", async (_, url, token) => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({ redis: connectRedis(url, token) }));
    for (let i = 1; i <= 2; i++) {
      expect(await ledger.write([call()])).toMatchObject({ inserted: 1 });
      expect(await ask(ledger, WEEK)).toEqual(["down", i]);
    }
  });

  it("that answers in time, waits 200 ms and no more", async () => {
    const { projectId, key } = await openLedger();
    const never = new Promise<never>(() => {});
    const stuck = connectRedis("http://10.255.255.1:9", "any");
    const ledger = ledgerOf(projectId, key, appWith({ redis: stuck }));
    const began = Date.now();
    const answer = await Promise.race([ask(ledger, WEEK), never]);
    expect(answer).toEqual(["down", 0]);
    expect(Date.now() - began).toBeLessThan(1_500);
  });
});

it("compresses for the caller, whatever Cloudflare accepts in its place", async () => {
  const ledger = await openCached();
  await ledger.write(Array.from({ length: 60 }, (_, user) => ({ ...call(), user_id: `user-${user}` })));
  const range = `${WEEK}&group_by=user`;
  await warm(ledger, range);
  // The body is not JSON, so it is not held to the description.
  const app = createApp(createDeps(config, { db, redis: connectRedis(config.redisUrl, config.redisToken) }));
  const encodingFor = async (clientAcceptEncoding?: string): Promise<string | null> => {
    const headers = { authorization: `Bearer ${ledger.key}`, "accept-encoding": "br, gzip" };
    const request = new Request(`http://ledger/v1/summary?${range}`, { headers, cf: { clientAcceptEncoding } });
    const ctx = createExecutionContext();
    const response = await app.fetch(request, env, ctx);
    await response.arrayBuffer();
    await waitOnExecutionContext(ctx);
    return response.headers.get("content-encoding");
  };
  expect([await encodingFor(), await encodingFor("gzip"), await encodingFor("")]).toEqual(["gzip", "gzip", null]);
});

describe("ETag", () => {
  it("stays while the numbers do, whatever as_of says, and changes with them", async () => {
    const { projectId, key } = await openLedger();
    let now = Date.now();
    const ledger = ledgerOf(projectId, key, appWith({ now: () => now }));
    const get = (headers: Record<string, string>) =>
      ledger.fetch(`/v1/summary?${WEEK}`, { headers: { "cache-control": "no-cache", ...headers } });
    const first = await get({});
    const etag = first.headers.get("etag")!;
    expect(etag).toMatch(/^"[^"]+"$/);
    expect(first.headers.get("cache-control")).toBe("private, no-cache");
    now += 5_000;
    const second = await get({});
    expect(second.headers.get("etag")).toBe(etag);
    const [a, b] = [await json<{ as_of: string }>(first), await json<{ as_of: string }>(second)];
    expect(Date.parse(b.as_of) - Date.parse(a.as_of)).toBe(5_000);

    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const same = await get({ "if-none-match": tag });
      expect([same.status, await same.text()]).toEqual([304, ""]);
      expect(same.headers.get("etag")).toBe(etag);
      expect(same.headers.get("x-cache")).toBe("bypass");
    }
    expect((await get({ "if-none-match": '"other"' })).status).toBe(200);
    await ledger.write([call()]);
    expect((await get({ "if-none-match": etag })).status).toBe(200);
  });
});

it("says where the time went", async () => {
  const ledger = await openCached();
  const response = await ledger.fetch(`/v1/summary?${WEEK}`);
  expect(response.headers.get("server-timing")).toMatch(
    /^cache;desc=miss, db;dur=\d+;desc="\d+ statements", redis;dur=\d+;desc="\d+ commands", total;dur=\d+$/,
  );
  expect(Number(response.headers.get("x-process-time"))).toBeLessThan(30);
  expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(iso(HOUR)).toBe("1970-01-01T01:00:00.000Z");
});
