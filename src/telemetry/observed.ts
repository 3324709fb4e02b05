/** Wraps the database and Redis, so that each transaction and command is timed and told to observers. */
import { type Database, DatabaseUnavailable, Expired, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import type { RedisClient, RedisReply } from "../redis.ts";
import { type Observer, type StatementFailure, tell } from "./observer.ts";
import { addStatement, currentTimings } from "./timings.ts";

export function observedDatabase(db: Database, now: () => number, observers: readonly Observer[]): Database {
  async function observe<T>(statements: number, rowsOf: (answer: T) => number, run: () => Promise<T>): Promise<T> {
    const beganMs = now();
    let errorKind: StatementFailure | null = null;
    let rows = 0;
    try {
      const answer = await run();
      rows = rowsOf(answer);
      return answer;
    } catch (error) {
      errorKind = failureOf(error);
      throw error;
    } finally {
      const durationMs = now() - beganMs;
      addStatement(durationMs, statements, rows);
      tell(observers, (observer) => observer.statement?.({ durationMs, statements, errorKind }));
    }
  }
  const length = (rows: readonly Row[]): number => rows.length;
  return {
    ping: () =>
      observe(
        1,
        () => 0,
        () => db.ping(),
      ),
    query: (query) => observe(1, length, () => db.query(query)),
    run: (statement, values) => observe(1, length, () => db.run(statement, values)),
    batch: (queries) =>
      observe(
        queries.length,
        (results: Row[][]) => results.reduce((sum, rows) => sum + rows.length, 0),
        () => db.batch(queries),
      ),
  };
}

function failureOf(error: unknown): StatementFailure {
  if (error instanceof DatabaseUnavailable) return "unavailable";
  if (error instanceof StatementTooLarge) return "too_large";
  if (error instanceof Refused) return "refused";
  return error instanceof Expired ? "expired" : "failed";
}

export function observedRedis(redis: RedisClient, now: () => number): RedisClient {
  async function observe<T>(run: () => Promise<RedisReply<T>>): Promise<RedisReply<T>> {
    const beganMs = now();
    const reply = await run();
    const timings = currentTimings();
    if (timings !== undefined) {
      timings.redisMs += now() - beganMs;
      timings.commands++;
    }
    return reply;
  }
  return {
    getMany: (keys) => observe(() => redis.getMany(keys)),
    set: (key, value, ttlMs) => observe(() => redis.set(key, value, ttlMs)),
    setIfAbsent: (key, value) => observe(() => redis.setIfAbsent(key, value)),
    take: (key) => observe(() => redis.take(key)),
  };
}
