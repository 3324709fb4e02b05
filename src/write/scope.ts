/** The scope of settling: one project, and the calls that begin at most `REACH_MS` before or after the given spans. */
import { sql, type SQL } from "drizzle-orm";
import { param, project } from "../db/sql.ts";
import { REACH_MS } from "../ledger/call.ts";
import { keyRange } from "../ledger/key.ts";

/** True for rows of `traces` in the scope. The bounds on `id` also limit the partitions that are read. */
export const inReach = (alias: SQL): SQL =>
  sql`${alias}.project_id = ${project} and ${alias}.id >= ${param("lowest")}::uuid and ${alias}.id < ${param("highest")}::uuid`;

export interface Scope {
  project: string;
  lowest: string;
  highest: string;
  grace: number;
}

export function scopeOf(projectId: string, startsMs: readonly number[], graceSeconds: number): Scope {
  let [earliestMs, latestMs] = [Infinity, 0];
  for (const ms of startsMs) {
    if (ms < earliestMs) earliestMs = ms;
    if (ms > latestMs) latestMs = ms;
  }
  const [lowest, highest] = keyRange(Math.max(earliestMs - REACH_MS, 0), latestMs + REACH_MS);
  return { project: projectId, lowest, highest, grace: graceSeconds };
}
