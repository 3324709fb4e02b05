/**
 * Takes a user off stored links, in both modes. A link has no usage, but joins calls to the spans above them, so it
 * stays until it is forgotten.
 */
import { sql } from "drizzle-orm";
import { compileNamed, type Database } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import type { Erasure } from "./erasure.ts";
import { forgetSessions, goneSession } from "./counters.ts";
import { isNamed, unnamed } from "./named.ts";

const STEP = 5_000;

const ERASE = compileNamed(sql`
with looked as materialized (
  select t.trace_id, t.span_id, ${isNamed} as named, ${goneSession} as session from spans t
  where t.project_id = ${project} and (t.trace_id, t.span_id) > (${param("trace")}::text, ${param("span")}::text)
  order by t.trace_id, t.span_id limit ${param("limit")}::int
),
changed as (
  update spans t set ${unnamed} from looked l
  where t.project_id = ${project} and t.trace_id = l.trace_id and t.span_id = l.span_id and l.named
  returning t.span_id
),
forgotten as (${forgetSessions(sql`select l.session from looked l`)}),
tallied as (
  update erasures e set links = e.links + (select count(*) from changed)
  where e.project_id = ${project} and e.id = ${param("erasure")}::uuid
)
select l.trace_id, l.span_id, (select count(*)::int from changed) as changed
from looked l order by l.trace_id desc, l.span_id desc limit 1`);

/** Erases the user from the links after the cursor. */
export async function eraseFromLinks(
  db: Database,
  { projectId, id, userId, cursor }: Erasure,
  limit = STEP,
): Promise<{ cursor: string | null; changed: boolean }> {
  const [trace, span] = JSON.parse(cursor ?? '["",""]') as [string, string];
  const { statement, values } = ERASE({ project: projectId, erasure: id, user: userId, trace, span, limit });
  const [last] = await db.run(statement, values);
  if (!last) return { cursor: null, changed: false };
  return { cursor: JSON.stringify([last["trace_id"], last["span_id"]]), changed: Number(last["changed"]) > 0 };
}
