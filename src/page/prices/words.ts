/** What is known after a write that did not get its answer, and what to do, in words. */
import type { Problem } from "../problem.ts";
import type { Job } from "./changes.ts";

/** Nobody knows whether a write was done: it is sent again under the same key, which does it once at most. */
export function isUncertain({ status }: Problem): boolean {
  return status === 0 || status === 408 || status >= 500;
}

export function previewSentence(problem: Problem): string {
  if (isUncertain(problem)) return "The ledger does not answer right now. Nothing was saved. Ask again in a moment.";
  return known(problem, "Nothing was saved.");
}

export function savingSentence(problem: Problem): string {
  if (isUncertain(problem))
    return "The ledger did not answer, so it is not known whether the price is saved. What you typed stays here. Save again: the price is added once at most.";
  return known(problem, "The price is not saved.");
}

export function restatingSentence(problem: Problem): string {
  if (isUncertain(problem))
    return "The price is saved. The ledger did not answer whether restating past calls has begun. Start it again: it begins once at most.";
  return known(problem, "The price is saved. Past calls are not restated yet.");
}

function known(problem: Problem, state: string): string {
  if (problem.status === 401) return `${state} Your session has ended: sign in again, and go on here.`;
  if (problem.status === 429) return `${state} The key has asked too often. Try again in a moment.`;
  return `${state} ${problem.sentence}`;
}

const STATES: Readonly<Record<Job["status"], string>> = {
  running: "Running",
  failed: "Waiting to try again",
  cancelled: "Cancelled",
  done: "Done",
};
/** A sign beside the word, so that a state is not told by colour alone. */
export const STATE_SIGNS: Readonly<Record<Job["status"], string>> = {
  running: "\u25d4",
  failed: "!",
  cancelled: "\u00d7",
  done: "\u2713",
};

export function stateName(job: Job): string {
  return STATES[job.status];
}

/** What a job is about. */
export function scopeName({ models, providers, unpriced_only: unpricedOnly }: Job): string {
  const some = models.length > 0 ? listed(models) : providers.length > 0 ? listed(providers) : null;
  return `${some === null ? "All calls" : `Calls of ${some}`}${unpricedOnly ? " without a price" : ""}`;
}

function listed(names: readonly string[]): string {
  return names.length <= 2 ? names.join(" and ") : `${names[0]} and ${names.length - 1} others`;
}
