/** Takes a user off the plans. The seat stays without a name, because it was paid for. */
import { sql } from "drizzle-orm";
import { compileNamed, type Database } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import { ERASED } from "../plans/plan.ts";
import type { Erasure } from "./erasure.ts";
import { user } from "./named.ts";

const ERASE = compileNamed(sql`
update plans set users = array_replace(users, ${user}, ${param("erased")}::text)
where project_id = ${project} and users @> array[${user}]`);

export async function eraseFromPlans(db: Database, { projectId, userId }: Erasure): Promise<void> {
  const { statement, values } = ERASE({ project: projectId, user: userId, erased: ERASED });
  await db.run(statement, values);
}
