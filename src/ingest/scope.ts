/** Where settling looks: one project, and the traces that begin within reach of what has just come. */
import { sql, type SQL } from "drizzle-orm";
import { keyRange } from "./key.ts";

/** Spans of one trace are looked for this long before and after what has just come. */
export const REACH_MS = 2 * 86_400_000;

export const param = sql.placeholder;
export const project = sql`${param("project")}::uuid`;
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
