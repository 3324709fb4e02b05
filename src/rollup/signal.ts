/**
 * "There is something to merge", as a flag in Redis: cron asks it first, so that a quiet database
 * may sleep. A lost flag delays merging to the daily sweep; answers are exact all the while.
 */
import type { KeepAlive } from "../deps.ts";
import type { RedisClient } from "../redis.ts";

export interface MergeSignal {
  /** Called after each write; reaches Redis once in a while only. */
  raise(nowMs: number, keepAlive: KeepAlive): void;
  /** Takes the flag down. True when it was up, or when Redis cannot say. */
  take(nowMs: number): Promise<boolean>;
  /** Puts it up for the next run, when this one left something. */
  keep(nowMs: number): Promise<void>;
}

const KEY = "merge:due";
const RAISE_EVERY_MS = 5_000;
/** A flag younger than this may stand for writes that come after it was taken. */
const SETTLED_MS = 2 * RAISE_EVERY_MS;

export function createMergeSignal(redis: RedisClient): MergeSignal {
  let raisedMs = Number.NEGATIVE_INFINITY;

  /** What Redis did not take is raised again by the next write. */
  async function put(nowMs: number): Promise<void> {
    if ((await redis.set(KEY, String(nowMs))).down) raisedMs = Number.NEGATIVE_INFINITY;
  }

  return {
    raise(nowMs, keepAlive) {
      if (nowMs - raisedMs < RAISE_EVERY_MS) return;
      raisedMs = nowMs;
      keepAlive(put(nowMs));
    },
    async take(nowMs) {
      const reply = await redis.take(KEY);
      if (reply.down) return true;
      if (reply.value === null) return false;
      if (nowMs - Number(reply.value) < SETTLED_MS) await redis.set(KEY, reply.value);
      return true;
    },
    async keep(nowMs) {
      await redis.set(KEY, String(nowMs));
    },
  };
}
