/**
 * Whether the database is distributed over nodes (Citus), and which projects are on one shard there. The database says so
 * itself. A statement that locks rows, or goes on from its own rows, may be for one shard only. So there such work is done
 * for the projects of one shard after another. Any other Postgres has all projects in one place.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray } from "./array-literal.ts";
import { type Bound, compile, type Database, DatabaseUnavailable, type Row } from "./client.ts";
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
  return await grouped(db, projectIds, "shard");
}

async function grouped(db: Database, projectIds: readonly string[], by: "shard" | "node"): Promise<string[][]> {
  const rows = await db.query(placesOf(projectIds));
  return [...Map.groupBy(rows, (row) => String(row[by])).values()].map(idsOf);
}

/** Before `scripts/citus.sql` has run, all is on one node there, too. */
const placesOf = (projectIds: readonly string[]): SQL => sql`
select project_id, shard, (select groupid from pg_dist_placement where shardid = shard limit 1) as node
from (
  select project_id, case when exists (select 1 from pg_dist_partition where logicalrelid = 'rollup'::regclass)
    then get_shard_id_for_distribution_column('rollup', project_id) end as shard
  from unnest(${plainArray(projectIds)}::uuid[]) as p (project_id)
) placed
order by shard, project_id`;

/** A condition on the projects of a table. It is empty if the question is for all. */
export type Among = (table: SQL) => SQL;
/** A question about all projects, or some. */
export type Question = (among: Among) => SQL | Bound;

const anyone: Among = () => sql``;
const among =
  (projectIds: readonly string[]): Among =>
  (table) =>
    sql` and ${table}.project_id = any(${plainArray(projectIds)}::uuid[])`;

/** A question that is compiled once. That for some projects is rare. */
export function compiledQuestion(build: (among: Among) => SQL): Question {
  const statement = compile(build(anyone).inlineParams(), []);
  return (among) => (among === anyone ? { statement, values: [] } : build(among));
}

/** How work for all projects meets the failure of a part of the database. */
export interface Everywhere {
  /** Asks for rows of all projects. */
  ask(question: Question): Promise<Row[]>;
  /** Runs what is done for one shard. Returns nothing if it failed and others go on. */
  orFailure<T>(work: () => Promise<T>): Promise<T | undefined>;
}

const answered = async (db: Database, question: Question, of: Among): Promise<Row[]> => {
  const asked = question(of);
  return "statement" in asked ? await db.run(asked.statement, asked.values) : await db.query(asked);
};

/** Every failure ends all. */
export const atOnce = (db: Database): Everywhere => ({
  ask: (question) => answered(db, question, anyone),
  orFailure: (work) => work(),
});

/** What is known of nodes, from the first failure on: the projects of each node that answers. */
export interface KnownNodes {
  down: { failure: unknown; answering: string[][] } | null;
}

/**
 * Runs work for all projects. On Citus it goes on for the others if a part fails, and throws the first failure in the
 * end. A shard that is moved refuses every DELETE. A node that is down answers nothing: then each node is asked for its
 * own projects, and those that do not answer are left out from then on. If no node answers, a failure ends all, as it
 * does on any other Postgres.
 */
export async function throughFailures<T>(
  db: Database,
  work: (all: Everywhere) => Promise<T>,
  known: KnownNodes = { down: null },
): Promise<T> {
  const failures: unknown[] = [];
  const result = await work({
    async ask(question) {
      let { down } = known;
      if (down === null) {
        try {
          return await answered(db, question, anyone);
        } catch (error) {
          if (!(error instanceof DatabaseUnavailable) || !(await isDistributed(db))) throw error;
          down = { failure: error, answering: await grouped(db, await allProjects(db), "node") };
        }
      }
      const { failure, answering: asked } = down;
      const rows: Row[] = [];
      const answering: string[][] = [];
      for (const projectIds of asked) {
        try {
          rows.push(...(await answered(db, question, among(projectIds))));
          answering.push(projectIds);
        } catch (error) {
          if (!(error instanceof DatabaseUnavailable)) throw error;
        }
      }
      if (answering.length === 0) throw failure;
      // Each node may have answered after all.
      if (known.down !== null || answering.length < asked.length) {
        known.down = { failure, answering };
        failures.push(failure);
      }
      return rows;
    },
    async orFailure(work) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof DatabaseUnavailable || !(await isDistributed(db))) throw error;
        failures.push(error);
        return undefined;
      }
    },
  });
  if (failures.length > 0) throw failures[0];
  return result;
}

/** They are on each node, so that the coordinator answers from its own. */
const allProjects = async (db: Database): Promise<string[]> =>
  idsOf(await db.query(sql`select id as project_id from projects`));
