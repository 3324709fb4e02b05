/**
 * Summaries and explanations in Redis. A cached value carries the project's epoch at the time of its question. A write
 * that changes a closed hour moves the epoch before it is acknowledged, so no later read takes an older value. An
 * answer whose range reaches into the current hour is cached for one second only. All others need the lease, too: it
 * says that no move of an epoch is due (`src/epoch.ts`).
 *
 * An isolate remembers answers that it has seen. It uses one only after Redis has told that the epoch still holds, so
 * what it spares is the transport of the answer.
 *
 * Redis is optional: if it does not answer or takes no writes, the answer comes from the database.
 */
import { epochKey, type EpochLease, LEASE_KEY } from "../epoch.ts";
import { type KeepAlive, holdOpen } from "../keep-alive.ts";
import type { RedisClient } from "../redis.ts";
import { type Answer, compressed, readEntry, withDigest, writeEntry } from "./answer.ts";
import { createCoalescer } from "./coalesce.ts";
import { createMemory } from "./memory.ts";
import { HOUR_MS } from "../time.ts";

export type CacheState = "hit" | "miss" | "bypass" | "down";

const CLOSED_TTL_MS = 300_000;
const LIVE_TTL_MS = 1_000;
/** A request waits this long for another request that asks the same; then it asks by itself. */
const FLIGHT_MS = 10_000;
/** An hour counts as closed this long after its end, because clocks may differ by as much. */
const CLOCK_SLACK_MS = 60_000;

/** An answer, and a promise that settles once Redis has it or has failed. */
interface Stored {
  answer: Answer;
  kept: Promise<unknown>;
}

export interface CacheRequest {
  projectId: string;
  /** Identifies the question: the digest of its canonical form. */
  question: string;
  /** End of the range asked for, epoch ms. */
  toMs: number;
  /** Ask the database even if the answer is cached. */
  bypass: boolean;
}

export interface Cached extends Answer {
  state: CacheState;
}

export interface SummaryCache {
  /** Number of answers of this isolate, by the cache's state. */
  readonly counts: Readonly<Record<CacheState, number>>;
  /**
   * Answers from Redis or, if Redis says that it still holds, from memory; or by `compute`, and then stores the answer.
   *
   * @param keepAlive keeps the isolate alive for a promise after the request that began it has ended.
   */
  answer(request: CacheRequest, nowMs: number, compute: () => Promise<string>, keepAlive: KeepAlive): Promise<Cached>;
}

export function createSummaryCache(redis: RedisClient, lease: EpochLease, now: () => number): SummaryCache {
  const memory = createMemory();
  /**
   * One flight per question and epoch in this isolate: requests that ask the same share one, unless a write came
   * between.
   */
  const flights = new Map<string, Promise<Answer>>();

  const lookUps = createCoalescer<Awaited<ReturnType<RedisClient["getMany"]>>>();
  const asks = createCoalescer<Answer>();

  /** Waits for the flight of the same question and epoch; starts one if there is none. */
  async function shared(
    key: string,
    epoch: string,
    compute: () => Promise<Stored>,
    keepAlive: KeepAlive,
  ): Promise<Answer> {
    const name = `${key} ${epoch}`;
    for (let flying = flights.get(name); flying;) {
      const landed = await holdOpen(flying, FLIGHT_MS);
      if (landed !== "late") return landed;
      // After a wait in vain one request asks by itself, and the others wait for that request.
      const newer = flights.get(name);
      flying = newer === flying ? undefined : newer;
    }
    const stored = compute();
    const flight = stored.then(({ answer }) => answer);
    flights.set(name, flight);
    // A look-up that began before the value was in Redis does not see it, so the flight stays until all of these end.
    const standIn = async (): Promise<void> => {
      await stored.then(({ kept }) => kept).catch(() => undefined);
      await lookUps.idle(key);
      if (flights.get(name) === flight) flights.delete(name);
    };
    keepAlive(standIn());
    return await flight;
  }

  const counts: Record<CacheState, number> = { hit: 0, miss: 0, bypass: 0, down: 0 };
  const counted = (state: CacheState, answer: Answer): Cached => {
    counts[state]++;
    return { ...answer, state };
  };

  return {
    counts,
    async answer({ projectId, question, toMs, bypass }, nowMs, compute, keepAlive) {
      const ask = async (): Promise<Answer> => withDigest(await compute());
      if (bypass) return counted("bypass", await ask());
      const key = `summary:${projectId}:${question}`;
      const ttlMs = ttl(toMs, nowMs);
      /** @param keys what is read besides the epoch and the lease. */
      const lookUp = async (name: string, keys: string[]): ReturnType<RedisClient["getMany"]> => {
        const run = (): ReturnType<RedisClient["getMany"]> =>
          lookUps.share(name, () => redis.getMany([epochKey(projectId), LEASE_KEY, ...keys]), keepAlive);
        const reply = await run();
        if (reply.down || ttlMs !== CLOSED_TTL_MS || Number(reply.value[1]) > nowMs) return reply;
        return (await lease.renew(keepAlive)) ? await run() : { down: true };
      };
      const own = memory.get(key, nowMs);
      let reply = own === undefined ? await lookUp(key, [key]) : await lookUp(epochKey(projectId), []);
      if (own !== undefined && !reply.down) {
        if (reply.value[0] === own.epoch) return counted("hit", own.answer);
        reply = await lookUp(key, [key]);
      }
      // Without the epoch a write may have come between, so a request never joins a question that was asked before it.
      if (reply.down) return counted("down", await asks.share(key, ask, keepAlive));
      const [epoch = null, , value = null] = reply.value;
      if (epoch === null) {
        // Redis may have lost the epoch again after a write, so there is none to tell an older flight by. The project
        // gets an epoch first, and caching starts with the next question.
        keepAlive(redis.setIfAbsent(epochKey(projectId), crypto.randomUUID()));
        return counted("miss", await asks.share(key, ask, keepAlive));
      }
      const cached = value === null ? null : readEntry(value, epoch);
      if (cached !== null) {
        memory.set(key, { ...cached, untilMs: Math.min(cached.untilMs, nowMs + ttlMs) });
        return counted("hit", cached.answer);
      }
      const askAndStore = async (): Promise<Stored> => {
        const entry = { answer: compressed(await ask()), epoch, untilMs: now() + ttlMs };
        memory.set(key, entry);
        return { answer: entry.answer, kept: redis.set(key, writeEntry(entry), ttlMs) };
      };
      return counted("miss", await shared(key, epoch, askAndStore, keepAlive));
    },
  };
}

/** An answer may change at any moment if its range reaches into an hour that is not closed. */
function ttl(toMs: number, nowMs: number): number {
  const lastHourEndMs = Math.ceil(toMs / HOUR_MS) * HOUR_MS;
  return nowMs >= lastHourEndMs + CLOCK_SLACK_MS ? CLOSED_TTL_MS : LIVE_TTL_MS;
}
