import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
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
  /** Of each look-up, how many keys it read. */
  reads: number[];
} {
  const values = new Map<string, string>();
  const ttls = new Map<string, number | undefined>();
  const reply = <T>(value: T) =>
    Promise.resolve(redis.isDown ? ({ down: true } as const) : ({ down: false, value } as const));
  const redis = {
    values,
    ttls,
    isDown: false,
    reads: [] as number[],
    getMany: (keys: string[]) => {
      redis.reads.push(keys.length);
      return reply(keys.map((key) => values.get(key) ?? (key === LEASE_KEY ? String(NOW + 24 * HOUR) : null)));
    },
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

/** @param redis of other isolates, too. */
function harness(redis = memory(), now = () => NOW) {
  const cache = createSummaryCache(redis, { renew: async () => true }, now);
  const kept: Promise<unknown>[] = [];
  let computed = 0;
  const ask = async (request = closed, nowMs = NOW, filler = ""): Promise<string> => {
    const { body, state } = await cache.answer(
      request,
      nowMs,
      async () => `{"answer":${++computed}${filler}}`,
      (work) => kept.push(work),
    );
    await Promise.all(kept);
    return `${state}: ${textOf(body).replace(filler, "")}`;
  };
  return { redis, cache, ask };
}

function textOf(body: string | Uint8Array): string {
  return typeof body === "string" ? body : gunzipSync(body).toString();
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

  describe("what an isolate remembers", () => {
    const LONG = `,"rows":"${"0123456789".repeat(2_000)}"`;

    it("is used after a look-up that reads the epoch and the lease alone", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      expect([await ask(), await ask()]).toEqual(['miss: {"answer":1}', 'hit: {"answer":1}']);
      redis.values.delete("summary:p:q");
      expect(await ask()).toBe('hit: {"answer":1}');
      expect(redis.reads).toEqual([3, 2, 2]);
    });

    it("is what another isolate has stored, too", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      await ask();
      const other = harness(redis);
      expect([await other.ask(), await other.ask()]).toEqual(['hit: {"answer":1}', 'hit: {"answer":1}']);
      expect(redis.reads).toEqual([3, 3, 2]);
    });

    it("is not used in another epoch, but what others have stored in that one", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      await ask();
      await moveEpoch(redis, "p");
      const other = harness(redis);
      await other.ask({ ...closed, question: "another" });
      await other.ask();
      expect([await ask(), await ask()]).toEqual(['hit: {"answer":2}', 'hit: {"answer":2}']);
    });

    it("is not used while Redis is down", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      await ask();
      redis.isDown = true;
      expect(await ask()).toBe('down: {"answer":2}');
      // To wait for Redis a second time would double the delay.
      expect(redis.reads).toEqual([3, 2]);
    });

    it.each([
      ["of a range that is over", closed.toMs, 300_000],
      ["of the present", NOW + HOUR, 1_000],
    ])("is over when the value in Redis is: %s", async (_, toMs, ttlMs) => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      await ask({ ...closed, toMs });
      // Another isolate sees it half of its time later, and gets no more than the other half.
      const other = harness(redis, () => NOW + ttlMs / 2);
      await other.ask({ ...closed, toMs }, NOW + ttlMs / 2);
      redis.values.delete("summary:p:q");
      const asked = { ...closed, toMs };
      expect(await ask(asked, NOW + ttlMs - 1)).toBe('hit: {"answer":1}');
      expect(await other.ask(asked, NOW + ttlMs - 1)).toBe('hit: {"answer":1}');
      expect(await other.ask(asked, NOW + ttlMs)).toBe('miss: {"answer":1}');
      redis.values.delete("summary:p:q");
      expect(await ask(asked, NOW + ttlMs)).toBe('miss: {"answer":2}');
    });

    it("ends by its own clock if the one that stored it is ahead", async () => {
      const ahead = harness(memory(), () => NOW + HOUR);
      await moveEpoch(ahead.redis, "p");
      await ahead.ask();
      const { ask } = harness(ahead.redis);
      await ask();
      ahead.redis.values.delete("summary:p:q");
      expect(await ask(closed, NOW + 299_999)).toBe('hit: {"answer":1}');
      expect(await ask(closed, NOW + 300_000)).toBe('miss: {"answer":1}');
    });

    it("is forgotten in the order of use, once it is 8 MB", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      const noise = (): string => `,"rows":"${randomBytes(750_000).toString("base64")}"`;
      const stateOf = async (question: string): Promise<string> =>
        (await ask({ ...closed, question }, NOW, noise())).slice(0, 4);
      await stateOf("0");
      redis.values.delete("summary:p:0");
      for (let question = 1; question < 14; question++) {
        await stateOf(String(question));
        expect(await stateOf("0")).toBe("hit:");
      }
      for (const key of redis.values.keys()) if (key.startsWith("summary:")) redis.values.delete(key);
      expect(await stateOf("13")).toBe("hit:");
      expect(await stateOf("1")).toBe("miss");
    });

    it("is compressed if it is long, and so is the value in Redis", async () => {
      const { ask, redis } = harness();
      await moveEpoch(redis, "p");
      expect(await ask(closed, NOW, LONG)).toBe('miss: {"answer":1}');
      expect(redis.values.get("summary:p:q")!.length).toBeLessThan(1_000);
      expect(await ask(closed, NOW, LONG)).toBe('hit: {"answer":1}');
      expect(await harness(redis).ask(closed, NOW, LONG)).toBe('hit: {"answer":1}');
    });
  });

  it.each([
    ["of the version before", (epoch: string) => `${epoch}\n${"0".repeat(32)}\n{"answer":9}`],
    ["cut off", (epoch: string) => `${epoch}\n${"0".repeat(32)}\n${NOW + HOUR}\n{"answer":9`],
    ["without a body", (epoch: string) => `${epoch}\n${"0".repeat(32)}\n${NOW + HOUR}\n`],
    ["no base64", (epoch: string) => `${epoch}\n${"0".repeat(32)}\n${NOW + HOUR}\nH4sI{}`],
  ])("passes by a value that is %s", async (_, valueOf) => {
    const { ask, redis } = harness();
    await moveEpoch(redis, "p");
    redis.values.set("summary:p:q", valueOf(redis.values.get("epoch:p")!));
    expect(await ask()).toBe('miss: {"answer":1}');
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
