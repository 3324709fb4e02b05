/**
 * The wall between projects: every transaction for a project begins by becoming `llm_cost_project`, and Postgres shows
 * that role the rows of the project that the transaction names, and no others (`scripts/grants.sql`). So a statement
 * that forgets the project finds nothing of others. Role and name last as long as the transaction.
 *
 * A database whose owner has not made the roles has no wall: there the transaction stays what it is.
 *
 * On Citus the rows are on workers, each of which looks for the name in its own part of the transaction.
 */
import { sql } from "drizzle-orm";
import { compileNamed, type Database } from "./client.ts";
import { isDistributed } from "./shards.ts";
import { param } from "./sql.ts";

/** A role that lacks this one, or is no member of it, keeps its own. It returns no row. */
const ENTER = compileNamed(sql`
select 1 where set_config('ledger.project', ${param("project")}::uuid::text, true) is null
  or set_config('role', case when pg_has_role(to_regrole('llm_cost_project'), 'member') then 'llm_cost_project' else current_setting('role') end, true) is null`);

/** Citus logs in to workers with the role that it has. It passes on what SET LOCAL sets, but not what a function does. */
const PASS_ON = compileNamed(sql`
do $pass_on$ begin
  perform set_config('citus.propagate_set_commands', 'local', true);
  execute format('set local ledger.project = %L', current_setting('ledger.project'));
end $pass_on$`)({});

/** The same database as one project may see and change it. */
export function forProject(db: Database, projectId: string): Database {
  const enter = ENTER({ project: projectId });
  const batch: Database["batch"] = async (queries) => {
    const entering = (await isDistributed(db)) ? [enter, PASS_ON] : [enter];
    return (await db.batch([...entering, ...queries])).slice(entering.length);
  };
  const one = async (query: Parameters<typeof batch>[0][number]) => (await batch([query]))[0]!;
  return { ping: db.ping, query: one, run: (statement, values) => one({ statement, values }), batch };
}
