/** The pace of a merge: how long its steps are, and how much room they leave to requests. */
import { sql } from "drizzle-orm";
import { type Bound, compile, type Database, DatabaseUnavailable } from "../db/client.ts";
import { leadingTo } from "../db/shards.ts";

interface Pace {
  /** Of the first step. */
  firstRows: number;
  /** How long a step should take. Each is sized by the one before. */
  stepMs: number;
  /** Of each step that compacts. */
  compactedRows: number;
}
const QUICK: Pace = { firstRows: 20_000, stepMs: 3_000, compactedRows: 50_000 };
/**
 * Requests wait for a core while a step runs. So it is short. If there were requests meanwhile, the cores are theirs for
 * as long as it took.
 */
const ROOMY: Pace = { firstRows: 4_000, stepMs: 150, compactedRows: 8_000 };
/** A merge that takes longer than this is behind. Then it goes on as fast as it can. */
const ROOMY_MS = 15_000;
const LEAST_ROWS = 50;
const MOST_ROWS = 100_000;

/**
 * True if another session has run a statement since this transaction began. A role that may not see what a session of
 * another role does takes it for one that has.
 */
const MET_OTHERS: Bound = {
  statement: compile(
    sql`
select exists (
  select 1 from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and (backend_type is null or backend_type = 'client backend' and (state <> 'idle' or state_change >= now()))
) as met`,
    [],
  ),
  values: [],
};

/** Runs a step, then leaves the room that the pace asks for. `tookMs` is of the step alone. */
export type Paced = <T>(work: () => Promise<T>) => Promise<{ result: T; tookMs: number }>;

export interface Step {
  merged: number;
  /** True if nothing is left. */
  isLast: boolean;
}

export interface Stepped {
  merged: number;
  /** False if there was no time for all. */
  drained: boolean;
}

export interface Pacing {
  /** The database, whose transactions of several statements tell the pace whether it has requests to answer. */
  db: Database;
  pace(): Pace;
  paced: Paced;
  /**
   * Takes steps until one is the last.
   *
   * @param step merges up to `limit` rows.
   * @throws DatabaseUnavailable if not even the smallest step succeeds.
   */
  steps(step: (limit: number) => Promise<Step>): Promise<Stepped>;
}

/** @param leavesRoom true if the database may have requests to answer meanwhile. */
export function startPacing(db: Database, now: () => number, deadlineMs: number, leavesRoom: boolean): Pacing {
  const beganMs = now();
  let metOthers = false;
  const batch: Database["batch"] = async (queries) => {
    const results = await db.batch([...queries, MET_OTHERS]);
    if (results.pop()?.[0]?.["met"] === true) metOthers = true;
    return results;
  };
  const pace = (): Pace => (leavesRoom && now() - beganMs < ROOMY_MS ? ROOMY : QUICK);
  const paced: Paced = async (work) => {
    const startMs = now();
    metOthers = false;
    const result = await work();
    const tookMs = now() - startMs;
    if (metOthers && pace() === ROOMY) await new Promise((resolve) => setTimeout(resolve, tookMs));
    return { result, tookMs };
  };
  return {
    db: leavesRoom ? leadingTo({ ...db, batch }, db) : db,
    pace,
    paced,
    async steps(step) {
      let merged = 0;
      let limit = pace().firstRows;
      while (now() < deadlineMs) {
        try {
          const { result, tookMs } = await paced(() => step(limit));
          merged += result.merged;
          if (result.isLast) return { merged, drained: true };
          limit = Math.min(Math.max(Math.floor(limit * clampedBy2(pace().stepMs / tookMs)), LEAST_ROWS), MOST_ROWS);
        } catch (error) {
          // The step may have taken too long. Then nothing was changed, and a smaller step may succeed.
          if (!(error instanceof DatabaseUnavailable) || limit === LEAST_ROWS) throw error;
          limit = Math.max(Math.floor(limit / 4), LEAST_ROWS);
        }
      }
      return { merged, drained: false };
    },
  };
}

const clampedBy2 = (factor: number): number => Math.min(Math.max(factor, 0.5), 2);
