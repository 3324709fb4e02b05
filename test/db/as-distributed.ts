/** A database that takes itself for Citus, with each project on a shard and a node of its own. It runs what is run there. */
import { boundOf, type Database } from "../../src/db/client.ts";

export function asDistributed(db: Database): Database {
  const run: Database["run"] = async (statement, values) => {
    // What it runs it runs as it is: there is no row of `project_homes`.
    if (statement.text.includes("select logicalrelid::regclass::text")) return [];
    if (statement.text.trimStart().startsWith("select exists (select 1 from pg_extension"))
      return [{ distributed: true }];
    if (!statement.text.includes("get_shard_id_for_distribution_column")) return await db.run(statement, values);
    const projects = String(values[0]).slice(1, -1).split(",");
    return projects.map((project_id, shard) => ({ project_id, shard, node: shard }));
  };
  return {
    ...db,
    run,
    async query(query) {
      const { statement, values } = boundOf(query);
      return await run(statement, values);
    },
  };
}
