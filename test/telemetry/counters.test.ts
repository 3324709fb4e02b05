/** Counters of an isolate, and how they get to Redis: each once, whatever is lost on the way. */
import { expect, it } from "vitest";
import type { FieldLimit, RedisHashes } from "../../src/redis.ts";
import { createCounters, fieldOf } from "../../src/telemetry/counters.ts";

/** Redis as `add` promises it; `fate` decides what becomes of the next commands. */
interface Hashes extends RedisHashes {
  fate: "done" | "down" | "answer lost";
}

function hashes(): Hashes {
  const all = new Map<string, Map<string, number>>();
  const ids = new Set<string>();
  const self: Hashes = {
    fate: "done",
    async add(key: string, id: string, increments: ReadonlyMap<string, number>, { most, rest }: FieldLimit) {
      if (self.fate === "down") return { down: true } as const;
      if (!ids.has(id)) {
        ids.add(id);
        const hash = all.get(key) ?? new Map<string, number>();
        all.set(key, hash);
        for (const [field, amount] of increments) {
          const kept = hash.has(field) || hash.size < most ? field : rest;
          hash.set(kept, (hash.get(kept) ?? 0) + amount);
        }
      }
      return self.fate === "done" ? ({ down: false, value: undefined } as const) : ({ down: true } as const);
    },
    async fields(key: string) {
      const hash = [...(all.get(key) ?? [])].map(([field, value]) => [field, String(value)]);
      return { down: false, value: Object.fromEntries(hash) as Record<string, string> } as const;
    },
  };
  return self;
}

const FAILED = fieldOf("llm_cost_cron_failures_total", ["merge"]);

it("arrive once although Redis is down for a while, or its answers are lost", async () => {
  const redis = hashes();
  const counters = createCounters(redis, () => 0);
  const read = async (): Promise<string | undefined> => {
    const reply = await counters.read();
    return reply.down ? "down" : reply.value[FAILED];
  };
  const fail = (): void => counters.count("llm_cost_cron_failures_total", ["merge"]);
  fail();
  redis.fate = "down";
  expect(await counters.send()).toBe(false);
  fail();
  redis.fate = "answer lost";
  expect(await counters.send()).toBe(false);
  expect(await counters.send()).toBe(false);
  expect(await read()).toBe("1");
  fail();
  redis.fate = "done";
  // What waited for an answer goes first, then the rest.
  await counters.send();
  await counters.send();
  expect(await read()).toBe("3");
});

it("are sent at most every ten seconds", () => {
  const redis = hashes();
  let ms = 0;
  const counters = createCounters(redis, () => ms);
  let sent = 0;
  const keepAlive = (): void => void sent++;
  for (ms = 0; ms < 25_000; ms += 1_000) counters.sendSometimes(keepAlive);
  expect(sent).toBe(2);
});

it("take totals of others as what came since", async () => {
  const redis = hashes();
  const counts = { hit: 3 };
  const counters = createCounters(redis, () => 0, [() => [["llm_cost_cache_answers_total", ["hit"], counts.hit]]]);
  await counters.send();
  counts.hit = 5;
  await counters.send();
  await counters.send();
  expect(await counters.read()).toMatchObject({ value: { [fieldOf("llm_cost_cache_answers_total", ["hit"])]: "5" } });
});

it("have a bound, in memory and in Redis; what callers name has one of its own", async () => {
  const redis = hashes();
  const counters = createCounters(redis, () => 0);
  for (let i = 0; i < 100_000; i++) counters.count("llm_cost_unknown_usage_members_total", ["openai", `member ${i}`]);
  counters.count("llm_cost_cron_failures_total", ["merge"]);
  await counters.send();
  const reply = await counters.read();
  const fields = reply.down ? [] : Object.entries(reply.value);
  expect(fields.length).toBeLessThanOrEqual(202);
  const rest = fieldOf("llm_cost_unknown_usage_members_total", ["other", "other"]);
  expect(Number(Object.fromEntries(fields)[rest])).toBeGreaterThan(1_000);
});

it("count durations by bin, with a sum in microseconds", async () => {
  const redis = hashes();
  const counters = createCounters(redis, () => 0);
  for (const seconds of [0.005, 0.0051, 20]) counters.time("llm_cost_database_query_duration_seconds", [], seconds);
  await counters.send();
  const name = "llm_cost_database_query_duration_seconds";
  expect(await counters.read()).toEqual({
    down: false,
    value: {
      [fieldOf(name, [], 0)]: "1",
      [fieldOf(name, [], 1)]: "1",
      [fieldOf(name, [], 12)]: "1",
      [fieldOf(name, [], "sum")]: "20010100",
    },
  });
});
