/**
 * A read replica answers questions in place of the primary, and as exactly. The primary is first asked how far its log
 * is. The replica is told that position, and refuses if it has not replayed as much. If it refuses or fails, the
 * primary answers. So every write that was acknowledged before a question is in its answer.
 *
 * The replica must follow the primary that is asked. A replica that a failover left behind has another log. On Citus
 * each node has a log of its own, and the coordinator's says nothing of the workers, where the calls are. So there the
 * replica is never asked.
 */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, type Database, Expired, REFUSED, Refused, type Row, StatementTooLarge } from "./client.ts";
import { isDistributed } from "./shards.ts";

export type ReplicaState = "answered" | "behind" | "unavailable";

export interface Reader extends Database {
  /** The number of questions to the replica in this isolate, by their outcome. Null if there is no replica. */
  readonly counts: Readonly<Record<ReplicaState, number>> | null;
  /** The age of the last transaction that the replica replayed. 0 if it has all, null if there is no replica. */
  lagSeconds(): Promise<number | null>;
}

/** A replica that failed is not asked for this long, because one that hangs would delay every question. */
const PAUSE_MS = 5_000;

const BESIDE_CITUS =
  "The replica is not used: this database is Citus, whose workers each have a log of their own. Remove REPLICA_DATABASE_URL or REPLICA_HYPERDRIVE.";

/** The end of the primary's flushed log. A commit is flushed before it is visible, so every visible one lies before. */
const FLUSHED = sql`select pg_current_wal_flush_lsn()::text as lsn`;

/** Ends its transaction with `Refused` if the server has not replayed as much. Later snapshots contain that much. */
const requireReplayed = (lsn: string): SQL =>
  sql`select refuse_if(coalesce(pg_last_wal_replay_lsn() < ${lsn}::pg_lsn, true), ${REFUSED})`;

/** `query` and `batch` ask the replica if it can answer, so they may only read. All other methods are the primary's. */
export function createReader(primary: Database, replica: Database | null, now: () => number): Reader {
  if (replica === null) return { ...primary, counts: null, lagSeconds: async () => null };
  const counts: Record<ReplicaState, number> = { answered: 0, behind: 0, unavailable: 0 };
  let pausedUntilMs = 0;

  let isRefused: boolean | null = null;

  /** Whether the replica must not be asked, whatever its log. The first time it says why. */
  async function refused(): Promise<boolean> {
    if (isRefused === null && (isRefused = await isDistributed(primary))) console.error(BESIDE_CITUS);
    return isRefused;
  }

  /** Returns null if the primary has to be asked. */
  async function ask(replica: Database, queries: readonly (SQL | Bound)[]): Promise<Row[][] | null> {
    if (now() < pausedUntilMs) {
      counts.unavailable++;
      return null;
    }
    if (await refused()) {
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
      // These errors are about the question, so the primary would answer with them too.
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
    async lagSeconds() {
      if (await refused()) return null;
      const [primaryLog] = await primary.query(FLUSHED);
      const [row] = await replica.query(sql`
        select case when pg_last_wal_replay_lsn() < ${String(primaryLog!["lsn"])}::pg_lsn
          then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) else 0 end::float8 as seconds`);
      return Number(row!["seconds"]);
    },
    async query(query) {
      const answers = await ask(replica, [query]);
      return answers ? answers[0]! : await primary.query(query);
    },
    async batch(queries) {
      return (await ask(replica, queries)) ?? (await primary.batch(queries));
    },
  };
}
