/**
 * Takes the sessions and machines of a user off agents' own counters, which have digests of them. A counter itself
 * stays, in both modes: it says how much an agent used, and not whose it was.
 */
import { type SQL, sql } from "drizzle-orm";
import { compileNamed, type Database } from "../db/client.ts";
import { project } from "../db/sql.ts";
import type { Erasure } from "./erasure.ts";
import { user } from "./named.ts";

/** The digest of the session of `t`, if erasing the user takes it off. */
export const goneSession = sql`case when t.user_id = ${user} or t.session_id = ${user} then md5(t.session_id)::uuid end`;

/** @param sessions a question for digests. It must see the sessions before they are taken off. */
export const forgetSessions = (sessions: SQL): SQL => sql`
update reported_usage r set session = null, instance = null
where r.project_id = ${project} and r.session in (${sessions})`;

/** An agent may name its session, or its installation, as its calls name their user. */
const FORGET_NAMED = compileNamed(sql`
update reported_usage r set session = null, instance = null
where r.project_id = ${project} and (r.session = md5(${user})::uuid or r.instance = md5(${user})::uuid)`);

/** Sums of calls have none of it, so nothing that is cached changes. */
export async function eraseFromCounters(db: Database, { projectId, userId }: Erasure): Promise<void> {
  const { statement, values } = FORGET_NAMED({ project: projectId, user: userId });
  await db.run(statement, values);
}
