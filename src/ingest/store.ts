/** A write, and what follows from it for caches and cron; of requests and of what a queue delivers. */
import type { Deps, KeepAlive } from "../deps.ts";
import { announceChange } from "../rollup/announce.ts";
import type { Batch } from "./trace-writer.ts";
import type { Outcome } from "./write.ts";

/** @throws DatabaseUnavailable when a part may not be stored; storing all of it again is safe. */
export async function store(deps: Deps, projectId: string, batch: Batch, keepAlive: KeepAlive): Promise<Outcome[]> {
  const nowMs = deps.now();
  let earliestMs = batch.traces.reduce((earliest, { trace }) => Math.min(earliest, trace.startedAtMs), nowMs);
  try {
    const written = await deps.writer.write(projectId, batch, keepAlive);
    earliestMs = Math.min(earliestMs, written.earliestMs ?? nowMs);
    deps.merger.added(projectId, written.partials, keepAlive);
    return written.outcomes;
  } finally {
    // Also after a failure, and for duplicates: an answer may have been lost after its write was committed.
    if (batch.traces.length > 0 || earliestMs < nowMs) await announceChange(deps, projectId, earliestMs, keepAlive);
  }
}
