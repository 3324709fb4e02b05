/**
 * The state of the database in a few numbers, by one statement that is cheap enough for each run of cron. It reads
 * statistics of the server and no table of the ledger.
 *
 * A role that is not in `pg_read_all_stats` sees no state and no transaction of other roles' sessions. These count as
 * `hidden`, with the few workers of the server that it cannot tell from them. On Citus all numbers are those of the node that the client is connected to.
 */
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";

export interface DatabaseGauges {
  /** Client connections of the whole server by state. States without a connection are left out. */
  connections: Record<string, number>;
  maxConnections: number;
  /** Sessions of this database that wait for a lock. */
  waitingLocks: number;
  /** Deadlocks in this database since its statistics began. */
  deadlocks: number;
  /** The share of block reads that Postgres' own cache answered, from 0 to 1. Null if none was read yet. */
  cacheHitRatio: number | null;
  /** The same of indexes alone. */
  indexHitRatio: number | null;
  /** Everything of this database on disk. */
  sizeBytes: number;
  /** The age of the oldest open transaction of this database, other than the one that asks. 0 if there is none. */
  longestTransactionSeconds: number;
}

const STATEMENT = sql`
with
  sessions as materialized (
    select pid, coalesce(state, 'hidden') as state, xact_start, datname = current_database() as here
    from pg_stat_activity
    where coalesce(backend_type, 'client backend') = 'client backend' and datid is not null
  ),
  indexes as (
    select sum(idx_blks_hit) as hit, sum(idx_blks_read) as read from pg_statio_user_indexes
  )
select
  (select json_object_agg(state, connections)
   from (select state, count(*) as connections from sessions group by state) states) as connections,
  current_setting('max_connections')::int as max_connections,
  (select count(distinct pid)::int from pg_locks join sessions using (pid) where not granted and here) as waiting_locks,
  (select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8
   from sessions where here and pid <> pg_backend_pid()) as longest_seconds,
  deadlocks::float8 as deadlocks,
  (blks_hit / nullif(blks_hit + blks_read, 0)::float8) as cache_hit_ratio,
  (select hit::float8 / nullif(hit + read, 0)::float8 from indexes) as index_hit_ratio,
  pg_database_size(current_database())::float8 as size_bytes
from pg_stat_database
where datname = current_database()`;

export async function readDatabaseGauges(db: Database): Promise<DatabaseGauges> {
  const [row = {}] = await db.query(STATEMENT);
  return {
    connections: (row["connections"] ?? {}) as Record<string, number>,
    maxConnections: Number(row["max_connections"]),
    waitingLocks: Number(row["waiting_locks"]),
    deadlocks: Number(row["deadlocks"]),
    cacheHitRatio: row["cache_hit_ratio"] as number | null,
    indexHitRatio: row["index_hit_ratio"] as number | null,
    sizeBytes: Number(row["size_bytes"]),
    longestTransactionSeconds: Math.max(0, Number(row["longest_seconds"])),
  };
}
