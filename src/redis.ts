/**
 * Upstash Redis over REST, with a time limit for every command. Every caller must be able to go on without Redis, so a
 * failure is a value here (`down`), not an exception.
 */
import { Redis } from "@upstash/redis";

export type RedisReply<T> = { down: false; value: T } | { down: true };

/** The commands that the ledger needs. */
export interface RedisClient {
  /** The values of some keys. Null for a key without a value. */
  getMany(keys: string[]): Promise<RedisReply<(string | null)[]>>;
  set(key: string, value: string, ttlMs?: number): Promise<RedisReply<void>>;
  /** Sets a value only if the key has none. */
  setIfAbsent(key: string, value: string): Promise<RedisReply<void>>;
  /** Reads a value and removes it. */
  take(key: string): Promise<RedisReply<string | null>>;
}

const BUDGET_MS = 200;

/** @param budgetMs the time after which a command has failed. */
export function connectRedis(url: string, token: string, budgetMs = BUDGET_MS): RedisClient {
  const redis = new Redis({
    url,
    token,
    automaticDeserialization: false,
    responseEncoding: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    retry: false,
    signal: () => AbortSignal.timeout(budgetMs),
  });

  async function within<T>(run: Promise<T>): Promise<RedisReply<T>> {
    try {
      return { down: false, value: await run };
    } catch {
      return { down: true };
    }
  }

  return {
    getMany: (keys) => within(redis.mget<(string | null)[]>(...keys)),
    set: (key, value, ttlMs) =>
      within(redis.set(key, value, ttlMs === undefined ? {} : { px: ttlMs }).then(() => undefined)),
    setIfAbsent: (key, value) => within(redis.set(key, value, { nx: true }).then(() => undefined)),
    take: (key) => within(redis.getdel<string>(key)),
  };
}
