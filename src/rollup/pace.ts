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

/** So many steps run at once while the database has nothing else to do. Each keeps one core busy. */
const ABREAST = 2;

/**
 * This session, and the others that have run a statement since this transaction began. A role that may not see what a
 * session of another role does takes it for one of these.
 */
const SESSIONS: Bound = {
  statement: compile(
    sql`
select pg_backend_pid()::text as own, (
  select string_agg(pid::text, ' ') from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and (backend_type is null or backend_type = 'client backend' and (state <> 'idle' or state_change >= now()))
) as met`,
    [],
  ),
  values: [],
};

/**
 * Runs steps at once, then leaves the room that the pace asks for. `tookMs` is of the steps alone.
 *
 * @throws what a step failed with, once all have ended.
 */
export type Paced = <T>(steps: readonly (() => Promise<T>)[]) => Promise<{ results: T[]; tookMs: number }>;

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
  /** How many steps may run at once: one, until steps have met nobody else. */
  abreast(): number;
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
  /** The sessions of the latest steps, and those that they met. */
  const own = new Set<string>();
  const met = new Set<string>();
  let metNobody = false;
  const batch: Database["batch"] = async (queries) => {
    const results = await db.batch([...queries, SESSIONS]);
    const sessions = results.pop()?.[0];
    own.add(String(sessions?.["own"]));
    for (const session of (sessions?.["met"] as string | null | undefined)?.split(" ") ?? []) met.add(session);
    return results;
  };
  const pace = (): Pace => (leavesRoom && now() - beganMs < ROOMY_MS ? ROOMY : QUICK);
  const abreast = (): number => (metNobody ? ABREAST : 1);
  const paced: Paced = async (steps) => {
    const startMs = now();
    own.clear();
    met.clear();
    const running = steps.map((step) => step());
    await Promise.allSettled(running);
    const tookMs = now() - startMs;
    metNobody = leavesRoom && [...met].every((session) => own.has(session));
    const results = await Promise.all(running);
    if (!metNobody && pace() === ROOMY) await new Promise((resolve) => setTimeout(resolve, tookMs));
    return { results, tookMs };
  };
  return {
    db: leavesRoom ? leadingTo({ ...db, batch }, db) : db,
    pace,
    paced,
    abreast,
    async steps(step) {
      let merged = 0;
      let limit = pace().firstRows;
      const one = async (): Promise<Step> => {
        const done = await step(limit);
        merged += done.merged;
        return done;
      };
      while (now() < deadlineMs) {
        try {
          const { results, tookMs } = await paced(Array.from({ length: abreast() }, () => one));
          if (results.some(({ isLast }) => isLast)) return { merged, drained: true };
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
