/** Takes a wrong call out of the ledger. */
import { sql } from "drizzle-orm";
import { compile, type Database } from "../db/client.ts";
import { insertLabelPartials, insertMainPartials, priceVisible } from "../rollup/derive.ts";

const GONE = sql`gone t left join prices p on p.project_id = t.project_id and p.id = t.price_id`;

const MAX_TRIES = 5;

const DELETE = compile(
  sql`
with locked as materialized (
  select t.* from traces t
  where t.project_id = ${sql.placeholder("project")}::uuid and t.id = ${sql.placeholder("id")}::uuid for update
),
gone as (
  delete from traces d using locked t
  where d.project_id = t.project_id and d.id = t.id and ${priceVisible}
  returning d.*
),
main_partials as (${insertMainPartials(GONE, -1)}),
label_partials as (${insertLabelPartials(GONE, -1)})
select (select count(*) from gone) = 1 as gone from locked`.inlineParams(),
  ["project", "id"],
);

/**
 * Deletes one trace, and takes it off the rollups in the same statement. Sent again it would be a new call.
 *
 * @returns whether the project had such a trace.
 */
export async function deleteTrace(db: Database, projectId: string, id: string): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [row] = await db.run(DELETE, [projectId, id]);
    if (!row || row["gone"] === true) return row !== undefined;
  }
  throw new Error("the price of a trace is missing");
}
