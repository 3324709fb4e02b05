/**
 * Postgres in amounts of work: what arrives joins a line, which each second serves as much as the cores can after
 * merges and summaries took their part. At the end of each second
 *
 *   traces that arrived = traces that were written + traces in the line.
 */
import { coresOf, mergers } from "./citus.ts";
import type { Costs } from "./costs.ts";
import type { Second } from "./requests.ts";
import type { Postgres } from "./scenario.ts";
import { type RandomWait, randomWait } from "./waiting.ts";

const SECOND_US = 1_000_000;
/** The scheduled run, every minute, merges so long at most, over one connection. */
export const MERGE_SECONDS = 40;
/** One connection keeps one core busy, and of a small Postgres half: the others get their part. */
export const coresForMerge = (coresPerShard: number): number => Math.min(1, coresPerShard / 2);

export interface Wait extends RandomWait {
  /** In the line, before chance. */
  lineMs: number;
}

export interface Served {
  written: number;
  inLine: number;
  statementMs: number;
  summaryMs: number;
  ingestWait: Wait;
  summaryWait: Wait;
  /** Core microseconds. */
  usedUs: { ingest: number; merge: number; summary: number };
  /** Statements at work. */
  connections: number;
}

export interface DatabaseModel {
  /** @param misses summaries that the cache did not answer. */
  serve(at: number, second: Second, misses: number): Served;
  unmergedTraces(): number;
}

export function startDatabase(costs: Costs, postgres: Postgres): DatabaseModel {
  const cores = coresOf(postgres);
  const hasReplica = postgres.replicaCores > 0;
  const slowdown = Math.min(1, postgres.coresPerShard);
  const summaryMs = costs.summaryUs / 1_000 / Math.min(1, hasReplica ? postgres.replicaCores : postgres.coresPerShard);
  let lineTraces = 0;
  let lineUs = 0;
  let mergeDueUs = 0;
  let mergeOfMinuteUs = 0;
  let summariesDueUs = 0;

  function merge(at: number): number {
    if (at % 60 === 0) {
      mergeDueUs += mergeOfMinuteUs;
      mergeOfMinuteUs = 0;
    }
    if (at % 60 >= MERGE_SECONDS) return 0;
    const used = Math.min(mergeDueUs, mergers(postgres) * coresForMerge(postgres.coresPerShard) * SECOND_US);
    mergeDueUs -= used;
    return used;
  }

  return {
    serve(at, { traces, statements }, misses) {
      const arrivingUs = statements * costs.databaseUsPerStatement + traces * costs.databaseUsPerTrace;
      const beforeUs = lineUs;
      lineTraces += traces;
      lineUs += arrivingUs;
      summariesDueUs += misses * costs.summaryUs;

      const mergedUs = merge(at);
      const leftUs = cores * SECOND_US - mergedUs;
      const summaryCapacityUs = hasReplica ? postgres.replicaCores * SECOND_US : leftUs;
      const summarizedUs = Math.min(summariesDueUs, summaryCapacityUs);
      summariesDueUs -= summarizedUs;
      const freeUs = hasReplica ? leftUs : leftUs - summarizedUs;

      const usedUs = Math.min(lineUs, freeUs);
      const written = lineUs > 0 ? lineTraces * (usedUs / lineUs) : 0;
      lineTraces -= written;
      lineUs -= usedUs;
      mergeOfMinuteUs += written * costs.mergeUsPerTrace;

      const statementUs = costs.databaseUsPerStatement + (traces / Math.max(1, statements)) * costs.databaseUsPerTrace;
      const statementMs = statementUs / 1_000 / slowdown;
      // The mean of those who arrive in this second: before them what was left, and half of what they leave.
      const lineMs = ((beforeUs + lineUs) / 2 / Math.max(freeUs, 1)) * 1_000;
      const ingestLoad = (mergedUs + (hasReplica ? 0 : summarizedUs) + usedUs) / (cores * SECOND_US);
      const summaryCores = hasReplica ? postgres.replicaCores : cores;
      const summaryLoad = hasReplica ? summarizedUs / summaryCapacityUs : ingestLoad;
      return {
        written,
        inLine: lineTraces,
        statementMs,
        summaryMs,
        ingestWait: { ...randomWait(lineMs > 0 ? 0 : ingestLoad, cores, statementMs), lineMs },
        summaryWait: {
          ...randomWait(summaryLoad, summaryCores, summaryMs),
          lineMs: (summariesDueUs / Math.max(summaryCapacityUs, 1)) * 1_000,
        },
        usedUs: { ingest: usedUs, merge: mergedUs, summary: summarizedUs },
        connections: (statements * statementMs + misses * summaryMs) / 1_000 + (mergedUs > 0 ? mergers(postgres) : 0),
      };
    },
    unmergedTraces: () => (mergeDueUs + mergeOfMinuteUs) / costs.mergeUsPerTrace,
  };
}
