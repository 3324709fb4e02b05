/**
 * What a request, a cron run or a batch of messages has spent so far in the database and in Redis. It travels with the
 * work by `AsyncLocalStorage`, so no function between a handler and a driver passes it on. Times of statements that run
 * at once are added up. Work that goes on after the answer still adds to it, but nobody reads that.
 */
import { AsyncLocalStorage } from "node:async_hooks";

export interface Timings {
  databaseMs: number;
  statements: number;
  /** Rows that the database returned. */
  rows: number;
  redisMs: number;
  commands: number;
}

const storage = new AsyncLocalStorage<Timings>();

export function createTimings(): Timings {
  return { databaseMs: 0, statements: 0, rows: 0, redisMs: 0, commands: 0 };
}

/** Runs work whose statements and commands are counted in `timings`. */
export function timed<T>(timings: Timings, work: () => T): T {
  return storage.run(timings, work);
}

/** The timings of the work that is running. */
export function currentTimings(): Timings | undefined {
  return storage.getStore();
}

/** Counts time that a request waited while another one ran its statement, as group commit does. */
export function addStatement(durationMs: number, statements = 1, rows = 0): void {
  const timings = storage.getStore();
  if (timings === undefined) return;
  timings.databaseMs += durationMs;
  timings.statements += statements;
  timings.rows += rows;
}
