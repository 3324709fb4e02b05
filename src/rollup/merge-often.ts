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

/** Counts what this isolate added since it last merged, by project. */
export function createFrequentMerger(db: Database): FrequentMerger {
  const added = new Map<string, number>();
  const merging = new Set<string>();

  async function mergeAll(projectId: string): Promise<void> {
    merging.add(projectId);
    try {
      while ((added.get(projectId) ?? 0) >= MANY) {
        added.delete(projectId);
        await mergeMain(db, projectId, MOST);
      }
    } finally {
      merging.delete(projectId);
    }
  }

  return {
    added(projectId, rows, keepAlive) {
      const all = (added.get(projectId) ?? 0) + rows;
      added.set(projectId, all);
      if (all >= MANY && !merging.has(projectId)) keepAlive(mergeAll(projectId).catch(() => undefined));
    },
  };
}
