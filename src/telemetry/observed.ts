/**
 * Wraps the database, Redis and the queue: each transaction, command and sending is timed, told to observers, and
 * becomes a span if its request's trace is sampled. Spans name operations, never texts or values.
 */
import { type Database, DatabaseUnavailable, Expired, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { operationOf } from "../db/operation.ts";
import type { RedisClient, RedisReply } from "../redis.ts";
import { type Observer, type StatementFailure, tell } from "./observer.ts";
import { currentTimings } from "./timings.ts";

type Queries = Parameters<Database["batch"]>[0];

export function observedDatabase(inner: Database, now: () => number, observers: readonly Observer[]): Database {
  async function observe<T>(queries: Queries, rowsOf: (answer: T) => number, run: () => Promise<T>): Promise<T> {
    const startMs = now();
    const statements = queries.length;
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
      const endMs = now();
      const durationMs = endMs - startMs;
      const timings = currentTimings();
      if (timings !== undefined) {
        timings.databaseMs += durationMs;
        timings.statements += statements;
        timings.rows += rows;
        timings.recorder?.child({ ...statementSpan(queries, rows), startMs, endMs, errorType: errorKind });
      }
      tell(observers, (observer) => observer.statement?.({ durationMs, statements, errorKind }));
    }
  }
  return {
    ping: () =>
      observe(
        [PING],
        () => 0,
        () => inner.ping(),
      ),
    query: (query) => observe([query], lengthOf, () => inner.query(query)),
    run: (statement, values) => observe([{ statement, values }], lengthOf, () => inner.run(statement, values)),
    batch: (queries) => observe(queries, totalOf, () => inner.batch(queries)),
  };
}

const PING = { statement: { text: "select 1" }, values: [] };
const lengthOf = (rows: readonly Row[]): number => rows.length;
const totalOf = (results: readonly Row[][]): number => results.reduce((sum, rows) => sum + rows.length, 0);

function statementSpan(queries: Queries, rows: number) {
  const operations = new Set(queries.map(operationOf));
  const batch = queries.length > 1;
  const one = operations.size === 1 ? [...operations][0]! : "";
  const operation = batch ? `BATCH ${one}`.trim() : one;
  return {
    name: operation,
    kind: "client" as const,
    attributes: {
      "db.system.name": "postgresql",
      "db.operation.name": operation,
      "db.operation.batch.size": batch ? queries.length : undefined,
      "db.response.returned_rows": rows,
    },
  };
}

function failureOf(error: unknown): StatementFailure {
  if (error instanceof DatabaseUnavailable) return "unavailable";
  if (error instanceof StatementTooLarge) return "too_large";
  if (error instanceof Refused) return "refused";
  return error instanceof Expired ? "expired" : "failed";
}

export function observedRedis(redis: RedisClient, now: () => number): RedisClient {
  async function observe<T>(command: string, run: () => Promise<RedisReply<T>>): Promise<RedisReply<T>> {
    const startMs = now();
    const reply = await run();
    const timings = currentTimings();
    if (timings === undefined) return reply;
    const endMs = now();
    timings.redisMs += endMs - startMs;
    timings.commands++;
    timings.recorder?.child({
      name: command,
      kind: "client",
      startMs,
      endMs,
      attributes: { "db.system.name": "redis", "db.operation.name": command },
      errorType: reply.down ? "unavailable" : null,
    });
    return reply;
  }
  return {
    getMany: (keys) => observe("MGET", () => redis.getMany(keys)),
    set: (key, value, ttlMs) => observe("SET", () => redis.set(key, value, ttlMs)),
    setIfAbsent: (key, value) => observe("SET", () => redis.setIfAbsent(key, value)),
    take: (key) => observe("GETDEL", () => redis.take(key)),
  };
}

/** Only what this Worker uses of a queue. */
export function observedQueue(queue: Queue, now: () => number): Queue {
  async function sendBatch(messages: MessageSendRequest[], options?: QueueSendBatchOptions) {
    const startMs = now();
    let errorType: string | null = null;
    try {
      return await queue.sendBatch(messages, options);
    } catch (error) {
      errorType = "unavailable";
      throw error;
    } finally {
      const endMs = now();
      const timings = currentTimings();
      if (timings !== undefined) {
        timings.queueMs += endMs - startMs;
        timings.messages += messages.length;
        timings.recorder?.child({
          name: "send",
          kind: "producer",
          startMs,
          endMs,
          attributes: {
            "messaging.system": "cloudflare_queues",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.batch.message_count": messages.length,
          },
          errorType,
        });
      }
    }
  }
  return {
    send: (message, options) => queue.send(message, options),
    sendBatch: (messages, options) => sendBatch([...messages], options),
    metrics: () => queue.metrics(),
  };
}
