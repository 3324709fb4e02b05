/** Takes a wrong call out of the ledger. */
import { sql } from "drizzle-orm";
import { compile, type Database } from "../db/client.ts";
import { insertLabelPartials, insertMainPartials } from "../rollup/derive.ts";

const GONE = sql`gone t left join prices p on p.project_id = t.project_id and p.id = t.price_id`;

const DELETE = compile(
  sql`
with gone as (
  delete from traces where project_id = ${sql.placeholder("project")}::uuid and id = ${sql.placeholder("id")}::uuid
  returning *
),
main_partials as (${insertMainPartials(GONE, -1)}),
label_partials as (${insertLabelPartials(GONE, -1)})
select id from gone`.inlineParams(),
  ["project", "id"],
);

/**
 * Deletes one trace, and takes it off the rollups in the same statement. Sent again it would be a new call.
 *
 * @returns whether the project had such a trace.
 */
export async function deleteTrace(db: Database, projectId: string, id: string): Promise<boolean> {
  return (await db.run(DELETE, [projectId, id])).length > 0;
}
