/**
 * The load of benchmarks and load tests: users that send one request at a time, when it is due or, when the user is
 * late by then, at once. A server that stalls is therefore not offered less, and each latency counts from when it was
 * due.
 *
 * None of the kept libraries does this. autocannon 9.0.0 has only rates, no due times of one's own as a replay needs. A
 * timer resets its counter each second, so requests come in bursts. It times a request from its being written and makes
 * up the latencies of those that waited: `recordValueWithExpectedInterval(ms, ceil(1 / rate))` is 1 ms for any rate.
 * k6 and wrk2 are programs with runtimes of their own, which cannot make our calls or keep an account of them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Ledger, Request } from "./ledger.ts";

/** In ms by the load's clock. */
export interface Times {
  dueMs: number;
  sentMs: number;
  doneMs: number;
}

export interface Load<R extends Request> {
  ledger: Ledger;
  clock: () => number;
  /** One of each user (or one shared by all): when its next request is due, by the clock. */
  schedules: readonly Iterator<number, void>[];
  /** Undefined: there are no more. */
  nextRequest: () => R | undefined;
  /** Nothing is sent from then on; what is under way is awaited. */
  endMs: number;
  /** @param answer undefined: there was none. */
  onAnswer(request: R, answer: Answer | undefined, times: Times): void;
  /** A request was due, but the end came first. */
  onUnsent?(dueMs: number): void;
}

/** Rejects when `onAnswer` throws. */
export async function runLoad<R extends Request>(load: Load<R>): Promise<void> {
  await Promise.all(load.schedules.map((schedule) => runUser(load, schedule)));
}

async function runUser<R extends Request>(load: Load<R>, schedule: Iterator<number, void>): Promise<void> {
  const { ledger, clock, nextRequest, endMs, onAnswer, onUnsent } = load;
  for (let next = schedule.next(); !next.done; next = schedule.next()) {
    const dueMs = next.value;
    const nowMs = clock();
    if (nowMs < dueMs) await sleep(dueMs - nowMs);
    const sentMs = clock();
    if (sentMs >= endMs) {
      onUnsent?.(dueMs);
      continue;
    }
    const request = nextRequest();
    if (request === undefined) return;
    const answer = await ledger.send(request).catch(() => undefined);
    onAnswer(request, answer, { dueMs, sentMs, doneMs: clock() });
  }
}
