/**
 * A flag in Redis that says "there is something to merge". Cron reads it first, so that a quiet database may sleep. If
 * the flag is lost, merging waits for the next write or the daily sweep. Answers are exact all the while.
 */
import type { KeepAlive } from "../keep-alive.ts";
import type { RedisClient } from "../redis.ts";

export interface MergeSignal {
  /** Called after each write. It reaches Redis at most every five seconds. */
  raise(nowMs: number, keepAlive: KeepAlive): void;
  /** Takes the flag down. Returns true if it was up, or if Redis does not answer. */
  take(nowMs: number): Promise<boolean>;
  /** Returns whether the flag is up. Null if Redis does not answer. */
  isUp(): Promise<boolean | null>;
  /** Puts the flag up for the next run, because this one left something. */
  keep(nowMs: number): Promise<void>;
}

const KEY = "merge:due";
const RAISE_EVERY_MS = 5_000;
/** A flag younger than this is put up again, because a later write may have relied on it and not raised its own. */
const YOUNG_MS = 2 * RAISE_EVERY_MS;

export function createMergeSignal(redis: RedisClient): MergeSignal {
  let raisedMs = Number.NEGATIVE_INFINITY;

  /** If Redis does not take the flag, the next write raises it again. */
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
      if (nowMs - Number(reply.value) < YOUNG_MS) await redis.set(KEY, reply.value);
      return true;
    },
    async isUp() {
      const reply = await redis.getMany([KEY]);
      return reply.down ? null : reply.value[0] !== null;
    },
    async keep(nowMs) {
      await redis.set(KEY, String(nowMs));
    },
  };
}
