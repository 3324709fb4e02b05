/**
 * What a request, a cron run or a batch of messages has spent so far in the database, in Redis and in the queue. It
 * travels with the work by `AsyncLocalStorage`, so no function between a handler and a driver passes it on. Times of
 * statements that run at once are added up. Work that goes on after the answer still adds to it, but nobody reads that.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Recorder } from "./spans.ts";

export interface Timings {
  databaseMs: number;
  statements: number;
  /** Rows that the database returned. */
  rows: number;
  redisMs: number;
  commands: number;
  queueMs: number;
  /** Messages that were sent to the queue. */
  messages: number;
  /** Takes the spans below this work. Null if its trace is not sampled. */
  recorder: Recorder | null;
}

const storage = new AsyncLocalStorage<Timings>();

export function createTimings(recorder: Recorder | null): Timings {
  return { databaseMs: 0, statements: 0, rows: 0, redisMs: 0, commands: 0, queueMs: 0, messages: 0, recorder };
}

/** Runs work whose statements and commands are counted in `timings`. */
export function timed<T>(timings: Timings, work: () => T): T {
  return storage.run(timings, work);
}

/** The timings of the work that is running. */
export function currentTimings(): Timings | undefined {
  return storage.getStore();
}

/** Returns a function that runs work for the request that is running now, whoever calls it. */
export function inThisRequest(): <T>(work: () => T) => T {
  return AsyncLocalStorage.snapshot();
}

/**
 * Counts all the time that `work` takes as time in the database. Work that another request does for this one counts as
 * a statement.
 */
export async function asDatabaseTime<T>(now: () => number, work: () => Promise<T>): Promise<T> {
  const timings = storage.getStore();
  if (timings === undefined) return await work();
  const { databaseMs, statements } = timings;
  const beganMs = now();
  try {
    return await work();
  } finally {
    timings.databaseMs = databaseMs + now() - beganMs;
    timings.statements = Math.max(timings.statements, statements + 1);
  }
}
