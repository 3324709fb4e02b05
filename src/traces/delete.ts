/** Takes a wrong call out of the ledger. */
import { sql } from "drizzle-orm";
import { compileNamed, type Database } from "../db/client.ts";
import { insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";

const GONE = sql`gone t left join prices p on p.project_id = t.project_id and p.id = t.price_id`;

const which = sql`t.project_id = ${sql.placeholder("project")}::uuid and t.id = ${sql.placeholder("id")}::uuid`;

const LOCK = compileNamed(lockTraces(which));

const DELETE = compileNamed(sql`
with gone as (delete from traces t where ${which} returning t.*),
main_partials as (${insertMainPartials(GONE, -1)}),
label_partials as (${insertLabelPartials(GONE, -1)})
select id from gone`);

/**
 * Deletes one trace, and takes it off the rollups in the same statement. Sent again it would be a new call.
 *
 * @returns whether the project had such a trace.
 */
export async function deleteTrace(db: Database, projectId: string, id: string): Promise<boolean> {
  const values = { project: projectId, id };
  const [, gone] = await db.batch([LOCK(values), DELETE(values)]);
  return gone!.length > 0;
}
