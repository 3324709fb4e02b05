/**
 * Users in a closed loop with a schedule: each sends one request at a time, at its due time or, when it is late by then,
 * at once. So a server that stalls is not offered less, and what waited is charged to it.
 */
import type { Account } from "./account.ts";
import type { Answer, Client } from "./client.ts";
import { type Outcome, outcomeOf, type Recorder } from "./record.ts";
import type { Request } from "./traffic.ts";

export interface Run {
  client: Client;
  recorder: Recorder;
  account: Account;
  /** ms since the run began. */
  clock: () => number;
  nextRequest: () => Request;
  /** Sees the answers to lists. */
  seen?: (list: string) => void;
}

/**
 * @param schedules one of each user (or one shared by all): due times in ms since the run began.
 * @param endMs nothing is sent from then on; what is under way is awaited.
 */
export async function runUsers(run: Run, schedules: readonly Iterator<number, void>[], endMs: number): Promise<void> {
  await Promise.all(schedules.map((schedule) => runUser(run, schedule, endMs)));
}

async function runUser(run: Run, schedule: Iterator<number, void>, endMs: number): Promise<void> {
  const { clock, recorder } = run;
  for (let next = schedule.next(); !next.done; next = schedule.next()) {
    const dueMs = next.value;
    const nowMs = clock();
    if (nowMs < dueMs) await new Promise((resolve) => void setTimeout(resolve, dueMs - nowMs));
    recorder.due(dueMs);
    const sentMs = clock();
    if (sentMs >= endMs) recorder.unsent(dueMs, endMs - dueMs);
    else await exchange(run, dueMs, sentMs);
  }
}

async function exchange(run: Run, dueMs: number, sentMs: number): Promise<void> {
  const { client, recorder, clock } = run;
  const request = run.nextRequest();
  const answer = await client.send(request.path, request.body).catch(() => undefined);
  const doneMs = clock();
  const outcome = answer === undefined ? "failed" : outcomeOf(answer.status);
  recorder.answered(request.kind, settle(run, request, outcome, answer), { dueMs, sentMs, doneMs });
  if (request.kind === "list" && outcome === "ok") run.seen?.(answer!.text);
}

/** Keeps the account of a write. What a server accepted only in part counts as refused. */
function settle({ account }: Run, { calls }: Request, outcome: Outcome, answer: Answer | undefined): Outcome {
  if (!calls) return outcome;
  if (outcome === "ok" && acceptedOf(answer!) === calls.count) {
    account.acknowledge(calls, answer!.status === 202);
    return outcome;
  }
  account.leaveOpen(calls);
  return outcome === "ok" ? "refused" : outcome;
}

function acceptedOf({ text }: Answer): number {
  try {
    return (JSON.parse(text) as { accepted: number }).accepted;
  } catch {
    return -1;
  }
}
