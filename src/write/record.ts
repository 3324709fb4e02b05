/**
 * The entry of the write path, for requests and for messages of the queue: stores a batch, then tells cron that there
 * is something to merge and caches that answers may be stale. `README.md` follows a call from here to its row.
 */
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { FrequentMerger } from "../rollup/merge-often.ts";
import { asDatabaseTime } from "../telemetry/timings.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Batch, Outcome } from "./write-batch.ts";

export interface RecordDeps extends AnnounceDeps {
  groupCommit: GroupCommit;
  merger: FrequentMerger;
}

/**
 * Stores a batch of one project. When this returns, its calls are durable and counted.
 *
 * @returns the outcome of each call, by position.
 * @throws DatabaseUnavailable if part of the batch may not be stored. Sending all of it again is safe.
 */
export async function recordCalls(
  deps: RecordDeps,
  projectId: string,
  batch: Batch,
  keepAlive: KeepAlive,
): Promise<Outcome[]> {
  const nowMs = deps.now();
  let earliestMs = batch.calls.reduce((earliest, { call }) => Math.min(earliest, call.startedAtMs), nowMs);
  try {
    // Another request may write the batch; this one waits for it as for a statement of its own.
    const written = await asDatabaseTime(deps.now, () => deps.groupCommit.commit(projectId, batch, keepAlive));
    earliestMs = Math.min(earliestMs, written.earliestMs ?? nowMs);
    deps.merger.added(projectId, written.partials, keepAlive);
    return written.outcomes;
  } finally {
    // Runs after a failure and for duplicates too: the write may have been committed although its answer was lost.
    if (batch.calls.length > 0 || earliestMs < nowMs) await announceChange(deps, projectId, earliestMs, keepAlive);
  }
}
