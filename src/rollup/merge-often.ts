/**
 * Merging main rows as soon as there are many. Every question about the present reads the partial rows, and cron comes
 * once a minute only; in between, whoever wrote the last of many has them merged, after its answer. What it leaves, or
 * fails to do, is cron's.
 */
import type { Database } from "../db/client.ts";
import type { KeepAlive } from "../deps.ts";
import { mergeMain } from "./merge.ts";

export interface FrequentMerger {
  /** Takes note of main partial rows that were added. */
  added(projectId: string, rows: number, keepAlive: KeepAlive): void;
}

/** So many are read within a few ms, and are worth a statement that merges them. */
const MANY = 1_000;
/** In one statement. */
const MOST = 20_000;
/** A merge may be cut off with the request that began it: so long after, another may begin. */
const LONGEST_MS = 60_000;

/** Counts what this isolate added since it last merged, by project. */
export function createFrequentMerger(db: Database, now: () => number): FrequentMerger {
  const added = new Map<string, number>();
  const mergingSinceMs = new Map<string, number>();

  async function mergeAll(projectId: string): Promise<void> {
    const sinceMs = now();
    mergingSinceMs.set(projectId, sinceMs);
    try {
      while ((added.get(projectId) ?? 0) >= MANY) {
        added.delete(projectId);
        await mergeMain(db, projectId, MOST);
      }
    } finally {
      if (mergingSinceMs.get(projectId) === sinceMs) mergingSinceMs.delete(projectId);
    }
  }

  return {
    added(projectId, rows, keepAlive) {
      const all = (added.get(projectId) ?? 0) + rows;
      added.set(projectId, all);
      const isMerging = now() < (mergingSinceMs.get(projectId) ?? -Infinity) + LONGEST_MS;
      if (all >= MANY && !isMerging) keepAlive(mergeAll(projectId).catch(() => undefined));
    },
  };
}
