/**
 * Questions that a read replica answers in place of the primary, exactly as the primary would have: it is told how much
 * of the log the primary had when it was asked, and refuses where it has not replayed as much. What was acknowledged
 * before a question is in its answer, then, whoever gives it. Where the replica refuses or fails, the primary is asked.
 *
 * The replica must follow the primary that is asked: one that a failover left behind has a log of its own.
 */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, type Database, Expired, REFUSED, Refused, type Row, StatementTooLarge } from "./client.ts";

export type ReplicaState = "answered" | "behind" | "unavailable";

export interface Reader extends Database {
  /** Questions to the replica so far, by what became of them, in this isolate; null without a replica. */
  readonly counts: Readonly<Record<ReplicaState, number>> | null;
}

/** How long a replica that failed is left alone: one that hangs would hold up every question. */
const PAUSE_MS = 5_000;

/** What is flushed is visible on the primary only after, so nothing that anybody has seen there lies behind it. */
const FLUSHED = sql`select pg_current_wal_flush_lsn()::text as lsn`;

/** Ends its transaction with `Refused` on a server that has not replayed as much. Snapshots are taken after it. */
const requireReplayed = (lsn: string): SQL =>
  sql`select refuse_if(coalesce(pg_last_wal_replay_lsn() < ${lsn}::pg_lsn, true), ${REFUSED})`;

/** `query` and `batch` are the replica's where it can tell; they may only read. All else is the primary's. */
export function createReader(primary: Database, replica: Database | null, now: () => number): Reader {
  if (replica === null) return { ...primary, counts: null };
  const counts: Record<ReplicaState, number> = { answered: 0, behind: 0, unavailable: 0 };
  let pausedUntilMs = 0;

  /** Null where the primary has to be asked. */
  async function ask(replica: Database, queries: readonly (SQL | Bound)[]): Promise<Row[][] | null> {
    if (now() < pausedUntilMs) {
      counts.unavailable++;
      return null;
    }
    const [primaryLog] = await primary.query(FLUSHED);
    try {
      const [, ...answers] = await replica.batch([requireReplayed(String(primaryLog!["lsn"])), ...queries]);
      counts.answered++;
      return answers;
    } catch (error) {
      if (error instanceof Refused) {
        counts.behind++;
        return null;
      }
      // Of what is in the database, not of the server that was asked.
      if (error instanceof Expired || error instanceof StatementTooLarge) {
        counts.answered++;
        throw error;
      }
      counts.unavailable++;
      pausedUntilMs = now() + PAUSE_MS;
      return null;
    }
  }

  return {
    ...primary,
    counts,
    async query(query) {
      const answers = await ask(replica, [query]);
      return answers ? answers[0]! : await primary.query(query);
    },
    async batch(queries) {
      return (await ask(replica, queries)) ?? (await primary.batch(queries));
    },
  };
}
