import { describe, expect, it } from "vitest";
import type { RedisClient } from "../../src/redis.ts";
import { createSummaryCache, type CacheRequest } from "../../src/summary/cache.ts";
import { LEASE_KEY, moveEpoch, touchesClosedHour } from "../../src/epoch.ts";

const NOW = Date.UTC(2025, 2, 10, 12, 30);
const HOUR = 3_600_000;
const closed: CacheRequest = { projectId: "p", question: "q", toMs: NOW - 2 * HOUR, bypass: false };

/** A Redis in memory that remembers how long things were meant to live. */
function memory(): RedisClient & {
  values: Map<string, string>;
  ttls: Map<string, number | undefined>;
  isDown: boolean;
} {
  const values = new Map<string, string>();
  const ttls = new Map<string, number | undefined>();
  const reply = <T>(value: T) =>
    Promise.resolve(redis.isDown ? ({ down: true } as const) : ({ down: false, value } as const));
  const redis = {
    values,
    ttls,
    isDown: false,
    getMany: (keys: string[]) =>
      reply(keys.map((key) => values.get(key) ?? (key === LEASE_KEY ? String(NOW + 24 * HOUR) : null))),
    set: (key: string, value: string, ttlMs?: number) => {
      if (!redis.isDown) values.set(key, value);
      ttls.set(key, ttlMs);
      return reply(undefined);
    },
    setIfAbsent: (key: string, value: string) => {
      if (!redis.isDown && !values.has(key)) values.set(key, value);
      return reply(undefined);
    },
    take: (key: string) => reply(values.get(key) ?? null),
  };
  return redis;
}

function harness() {
  const redis = memory();
  const cache = createSummaryCache(redis, { renew: async () => true });
  const kept: Promise<unknown>[] = [];
  let computed = 0;
  const ask = async (request = closed, nowMs = NOW): Promise<string> => {
    const { body, state } = await cache.answer(
      request,
      nowMs,
      async () => `{"answer":${++computed}}`,
      (work) => kept.push(work),
    );
    await Promise.all(kept);
    return `${state}: ${body}`;
  };
  return { redis, cache, ask };
}

describe("createSummaryCache", () => {
  it("needs an epoch before it trusts a value: miss, miss, hit", async () => {
    const { ask } = harness();
    expect([await ask(), await ask(), await ask()]).toEqual([
      'miss: {"answer":1}',
      'miss: {"answer":2}',
      'hit: {"answer":2}',
    ]);
  });

  it("misses after the epoch moved, and never takes the older value again", async () => {
    const { ask, redis } = harness();
    await ask();
    await ask();
    await moveEpoch(redis, "p");
    expect([await ask(), await ask()]).toEqual(['miss: {"answer":3}', 'hit: {"answer":3}']);
  });

  it("does not let a value that was asked for before a write answer after it", async () => {
    const { redis, cache, ask } = harness();
    await moveEpoch(redis, "p");
    let finish: (body: string) => void = () => {};
    const early = cache.answer(
      closed,
      NOW,
      () => new Promise((resolve) => (finish = resolve)),
      () => {},
    );
    await Promise.resolve();
    await moveEpoch(redis, "p");
    expect(await ask()).toBe('miss: {"answer":1}');
    finish("old");
    expect((await early).body).toBe("old");
    expect(['hit: {"answer":1}', 'miss: {"answer":2}']).toContain(await ask());
  });

  it("asks once for equal questions at once, and shares the error of one that fails", async () => {
    const { redis, cache } = harness();
    await moveEpoch(redis, "p");
    let calls = 0;
    const together = (compute: () => Promise<string>) =>
      Promise.allSettled(Array.from({ length: 5 }, () => cache.answer(closed, NOW, compute, () => {})));
    // What takes longer than asking Redis, as databases do.
    const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const answers = await together(async () => {
      const answer = `{"answer":${++calls}}`;
      await later();
      return answer;
    });
    expect(calls).toBe(1);
    expect(answers.every((answer) => answer.status === "fulfilled" && answer.value.body === '{"answer":1}')).toBe(true);
    await moveEpoch(redis, "p");
    const failed = await together(async () => {
      calls++;
      await later();
      throw new Error("no database");
    });
    expect(failed.every(({ status }) => status === "rejected")).toBe(true);
    expect(calls).toBe(2);
  });

  it("answers from the database while Redis is down, each question for itself", async () => {
    const { redis, ask } = harness();
    redis.isDown = true;
    expect(await Promise.all([ask(), ask()])).toEqual(['down: {"answer":1}', 'down: {"answer":2}']);
    expect(redis.values.size).toBe(0);
  });

  it("bypasses without reading or writing", async () => {
    const { redis, ask } = harness();
    expect(await ask({ ...closed, bypass: true })).toBe('bypass: {"answer":1}');
    expect(redis.values.size).toBe(0);
  });

  it.each([
    ["ends in the future", NOW + HOUR, 1_000],
    ["ends now, in the current hour", NOW, 1_000],
    ["ended with the last hour, half an hour ago", NOW - 30 * 60_000, 300_000],
    ["ended in the middle of the last hour", NOW - 60 * 60_000, 300_000],
  ])("keeps a range that %s", async (_, toMs, ttlMs) => {
    const { redis, ask } = harness();
    await ask({ ...closed, toMs });
    await ask({ ...closed, toMs });
    expect(redis.ttls.get("summary:p:q")).toBe(ttlMs);
  });

  it("takes an hour as closed only a minute after its end: clocks differ", async () => {
    const end = Date.UTC(2025, 2, 10, 13);
    for (const [nowMs, ttlMs] of [
      [end + 59_999, 1_000],
      [end + 60_000, 300_000],
    ] as const) {
      const { redis, ask } = harness();
      await ask({ ...closed, toMs: end }, nowMs);
      await ask({ ...closed, toMs: end }, nowMs);
      expect(redis.ttls.get("summary:p:q")).toBe(ttlMs);
    }
  });
});

it("touchesClosedHour: the hour before the current one is closed, its first ms is not", () => {
  const hour = Date.UTC(2025, 2, 10, 12);
  expect(touchesClosedHour(hour - 1, NOW)).toBe(true);
  expect(touchesClosedHour(hour, NOW)).toBe(false);
});
