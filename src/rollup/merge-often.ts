/**
 * Merges main rows as soon as there are many. Every question about the present reads the partial rows, and cron merges
 * only once a minute. So the request that adds the last of many rows starts a merge, which runs beside its answer. If
 * the merge fails, cron merges the rows.
 */
import type { Database } from "../db/client.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { mergeMain } from "./merge.ts";

export interface FrequentMerger {
  /** Counts main partial rows that were added, and starts a merge once they are many. */
  added(projectId: string, rows: number, keepAlive: KeepAlive): void;
}

/** This many rows are read within a few ms, and are worth a statement that merges them. */
const MANY = 1_000;
/** The most rows that one statement merges. */
const MOST = 20_000;
/** A merge may be cut off with the request that began it. After this time another may begin. */
const LONGEST_MS = 60_000;

/** Makes the merger of one isolate. It counts the rows that this isolate added since its last merge, by project. */
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
