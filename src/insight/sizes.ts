/**
 * Sizes of relations as SQL. To measure a relation takes a lock on it, for which a locked one makes the report wait.
 * Then its size is what the last vacuum or analyze noted.
 */
import { type SQL, sql } from "drizzle-orm";

/** A CTE `locked`: the relations of this database that a session locks, or waits to lock, against all others. */
export const LOCKED = sql`locked as materialized (
  select array_agg(distinct relation) as oids from pg_locks
  where locktype = 'relation' and mode = 'AccessExclusiveLock'
    and database = (select oid from pg_database where datname = current_database())
)`;

/** True for a relation in `locked`. */
export function isLocked(relation: SQL): SQL {
  return sql`coalesce(${relation} = any((select oids from locked)::oid[]), false)`;
}

/** What the catalogue notes of a relation's size, where `c` is its row of `pg_class`. */
export const NOTED_BYTES = sql`c.relpages::float8 * current_setting('block_size')::float8`;

/** Schemas of Postgres itself, where `n` is a row of `pg_namespace`. */
export const NOT_OF_POSTGRES = sql`n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
