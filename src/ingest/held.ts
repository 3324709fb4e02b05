/** Wrappers whose grace time is over without a call below them: they count from now on, until one comes after all. */
import { sql } from "drizzle-orm";
import { plainArray } from "../db/array-literal.ts";
import { compileNamed, type Row } from "../db/client.ts";
import type { Deps, KeepAlive } from "../deps.ts";
import { announceChange } from "../rollup/announce.ts";
import { startOfKey } from "./key.ts";
import { settlingAgain } from "./settle.ts";
import { earliestOf } from "./write.ts";

const STEP = 500;

const RELEASE = compileNamed(sql`
delete from held_wrappers
where project_id = ${sql.placeholder("project")}::uuid and id = any(${sql.placeholder("ids")}::uuid[]) and due_at <= now()`);

/** Decides what is due, until `deadlineMs`. Returns whether nothing is held any more. */
export async function decideHeld(deps: Deps, deadlineMs: number, keepAlive: KeepAlive): Promise<boolean> {
  for (let full = true; full && deps.now() < deadlineMs;) {
    const due = await deps.db.query(
      sql`select project_id, id, trace_id from held_wrappers where due_at <= now() order by project_id, id limit ${STEP}`,
    );
    full = due.length === STEP;
    for (const [projectId, held] of Map.groupBy(due, (row) => String(row["project_id"]))) {
      await decide(deps, projectId, held, keepAlive);
    }
  }
  const [row] = await deps.db.query(sql`select exists (select from held_wrappers) as left`);
  return row!["left"] !== true;
}

async function decide(deps: Deps, projectId: string, held: Row[], keepAlive: KeepAlive): Promise<void> {
  const traces = held.map((row) => ({ traceId: String(row["trace_id"]), startedAtMs: startOfKey(String(row["id"])) }));
  const ids = plainArray(held.map((row) => String(row["id"])));
  const settled = settlingAgain(projectId, traces, deps.config.wrapperGraceSeconds);
  const results = await deps.db.batch([...settled, RELEASE({ project: projectId, ids })]);
  const earliestMs = earliestOf(results);
  if (earliestMs !== null) await announceChange(deps, projectId, earliestMs, keepAlive);
}
