/**
 * Summaries in Redis. A cached value carries the project's epoch at the time it was asked for; a
 * write that changes a closed hour moves the epoch before it is acknowledged, so no later read
 * takes an older value. Ranges that reach into the current hour live for a second instead.
 *
 * Redis is never needed: every path here ends in the database when Redis does not answer.
 */
import type { KeepAlive } from "../deps.ts";
import { sha256Hex } from "../digest.ts";
import { holdOpen } from "../hold-open.ts";
import type { RedisClient } from "../redis.ts";
import { createCoalescer } from "./coalesce.ts";
import { HOUR_MS } from "./zone.ts";

export type CacheState = "hit" | "miss" | "bypass" | "down";

const CLOSED_TTL_MS = 300_000;
const LIVE_TTL_MS = 1_000;
/** Longer than this nobody waits for another request's question. */
const FLIGHT_MS = 10_000;
/** An hour counts as closed this long after its end, so that clocks may differ by as much. */
const CLOCK_SLACK_MS = 60_000;

const epochKey = (projectId: string): string => `epoch:${projectId}`;

/** Makes every cached summary of the project stale. Returns whether Redis took it. */
export async function moveEpoch(redis: RedisClient, projectId: string): Promise<boolean> {
  return !(await redis.set(epochKey(projectId), crypto.randomUUID())).down;
}

/** Does a write of traces that started at `startedAtMs` (the earliest) need the epoch to move? */
export function touchesClosedHour(startedAtMs: number, nowMs: number): boolean {
  return startedAtMs < Math.floor(nowMs / HOUR_MS) * HOUR_MS;
}

/** A value in Redis: the epoch, the digest and the body, a line each; nothing to escape or parse on a hit. */
const ENTRY = /^([0-9a-f-]{36})\n([0-9a-f]{32})\n(\{[^]*\})$/;

export interface Answer {
  body: string;
  /** Of the body but for its `as_of`: the same numbers have the same digest, whenever they were read. */
  digest: string;
}

/** An answer on its way into Redis. */
interface Stored {
  answer: Answer;
  kept: Promise<unknown>;
}

export interface CacheRequest {
  projectId: string;
  /** What identifies the question, in one canonical form. */
  question: string;
  /** End of the range asked for. */
  toMs: number;
  /** Ask the database whatever is cached. */
  bypass: boolean;
}

export interface Cached extends Answer {
  state: CacheState;
}

export interface SummaryCache {
  /** Answers so far by where they came from, in this isolate. */
  readonly counts: Readonly<Record<CacheState, number>>;
  /**
   * Answers from Redis or by `compute`, and stores what was computed.
   *
   * @param keepAlive keeps the isolate working on a promise after the request that began it ended.
   */
  answer(request: CacheRequest, nowMs: number, compute: () => Promise<string>, keepAlive: KeepAlive): Promise<Cached>;
}

export function createSummaryCache(redis: RedisClient): SummaryCache {
  /** One flight per question, epoch and isolate: equal questions at once are one, but for those asked after a write. */
  const flights = new Map<string, Promise<Answer>>();

  const lookUps = createCoalescer<Awaited<ReturnType<RedisClient["getMany"]>>>();
  const asks = createCoalescer<Answer>();

  /** Computes, or waits for somebody else who began to under the same epoch. */
  async function shared(
    key: string,
    epoch: string | null,
    compute: () => Promise<Stored>,
    keepAlive: KeepAlive,
  ): Promise<Answer> {
    const name = `${key} ${epoch}`;
    for (let flying = flights.get(name); flying;) {
      const landed = await holdOpen(flying, FLIGHT_MS);
      if (landed !== "late") return landed;
      // Of all who waited in vain one asks, and the others wait for that.
      const newer = flights.get(name);
      flying = newer === flying ? undefined : newer;
    }
    const stored = compute();
    const flight = stored.then(({ answer }) => answer);
    flights.set(name, flight);
    // It stands in for the value in Redis until all have looked who could not see that.
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
      const reply = await lookUps.share(key, () => redis.getMany([epochKey(projectId), key]), keepAlive);
      // Without Redis nobody can tell whether a write came between: nobody joins who asks for what was asked before.
      if (reply.down) return counted("down", await asks.share(key, ask, keepAlive));
      const [epoch = null, value = null] = reply.value;
      const entry = ENTRY.exec(value ?? "");
      // A value that is not of our form is a miss, whoever wrote it.
      if (entry && entry[1] === epoch) return counted("hit", { digest: entry[2]!, body: entry[3]! });
      const askAndStore = async (): Promise<Stored> => {
        const answer = await ask();
        // Without an epoch no value can be trusted; the project gets one for the next question.
        const kept: Promise<unknown> =
          epoch === null
            ? redis.setIfAbsent(epochKey(projectId), crypto.randomUUID())
            : redis.set(key, [epoch, answer.digest, answer.body].join("\n"), ttl(toMs, nowMs));
        return { answer, kept };
      };
      return counted("miss", await shared(key, epoch, askAndStore, keepAlive));
    },
  };
}

function withDigest(body: string): Answer {
  return { body, digest: sha256Hex(body.replace(AS_OF, "")).slice(0, 32) };
}

const AS_OF = /"as_of":"[^"]*"/;

/** Ranges that reach into an hour that is not over, or only just, may change at any moment. */
function ttl(toMs: number, nowMs: number): number {
  const lastHourEndMs = Math.ceil(toMs / HOUR_MS) * HOUR_MS;
  return nowMs >= lastHourEndMs + CLOCK_SLACK_MS ? CLOSED_TTL_MS : LIVE_TTL_MS;
}
