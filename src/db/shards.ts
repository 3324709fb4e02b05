/**
 * Whether the database is distributed over nodes (Citus), and which projects are on one shard there. The database says so
 * itself. A statement that locks rows, or goes on from its own rows, may be for one shard only. So there such work is done
 * for the projects of one shard after another. Any other Postgres has all projects in one place.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray } from "./array-literal.ts";
import { type Database, DatabaseUnavailable, type Row } from "./client.ts";
import { param } from "./sql.ts";

const asked = new WeakMap<Database, Promise<boolean>>();
const within = new WeakMap<Database, Database>();

/** Says that `db` leads to the same database as `inner`, so that only `inner` is asked. Returns `db`. */
export function leadingTo<T extends Database>(db: T, inner: Database): T {
  if ((db as Database) !== inner) within.set(db, inner);
  return db;
}

/** True on Citus. It is asked once for each database. */
export function isDistributed(db: Database): Promise<boolean> {
  const inner = within.get(db);
  if (inner !== undefined) return isDistributed(inner);
  let answer = asked.get(db);
  if (answer === undefined) {
    answer = db
      .query(sql`select exists (select 1 from pg_extension where extname = 'citus') as distributed`)
      .then(([row]) => row!["distributed"] === true);
    asked.set(db, answer);
    // What could not be asked is asked again.
    answer.catch(() => asked.delete(db));
  }
  return answer;
}

/** The projects of a statement that is for several. */
export const projects = sql`${param("projects")}::uuid[]`;

/** The projects that rows name. */
export const idsOf = (rows: readonly Row[]): string[] => rows.map((row) => String(row["project_id"]));

/** On Citus, a condition that alone shows its planner the shard of table `t`. Elsewhere it would only cost. */
export const amongThem = (distributed: boolean, table: SQL): SQL =>
  distributed ? sql` and ${table}.project_id = any(${projects})` : sql``;

/** The projects in lists, each of which one statement may be for: one list, and on Citus one for each shard. */
export async function byShard(db: Database, projectIds: readonly string[]): Promise<string[][]> {
  if (projectIds.length === 0) return [];
  if (!(await isDistributed(db))) return [[...projectIds]];
  const rows = await db.query(shardsOf(projectIds));
  const shards = Map.groupBy(rows, (row) => String(row["shard"]));
  return [...shards.values()].map(idsOf);
}

/** Before `scripts/citus.sql` has run, all is on one node there, too. */
const shardsOf = (projectIds: readonly string[]): SQL => sql`
select project_id, case when exists (select 1 from pg_dist_partition where logicalrelid = 'rollup'::regclass)
  then get_shard_id_for_distribution_column('rollup', project_id) end as shard
from unnest(${plainArray(projectIds)}::uuid[]) as p (project_id)
order by 2, 1`;

/** Runs what is done for one shard. Returns nothing if it failed and others go on. */
export type OrFailure = <T>(work: () => Promise<T>) => Promise<T | undefined>;

/** Every failure ends all. */
export const atOnce: OrFailure = (work) => work();

/**
 * The failure of one shard is collected, so that the others go on meanwhile: a shard that Citus moves refuses every
 * DELETE. A database that did not answer ends all.
 */
export function collecting(failures: unknown[]): OrFailure {
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseUnavailable) throw error;
      failures.push(error);
      return undefined;
    }
  };
}
