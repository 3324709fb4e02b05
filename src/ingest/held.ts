/** Wrappers whose grace time is over without a call below them: they count from now on, until one comes after all. */
import { sql } from "drizzle-orm";
import { plainArray } from "../db/array-literal.ts";
import { compileNamed, type Row } from "../db/client.ts";
import type { Deps, KeepAlive } from "../deps.ts";
import { announceChange } from "../rollup/announce.ts";
import { healProject } from "../reprice/heal.ts";
import { startOfKey } from "./key.ts";
import { settlingAgain } from "./settle.ts";
import { earliestOf, settled } from "./write.ts";

const STEP = 200;

const RELEASE = compileNamed(sql`
delete from held_wrappers
where project_id = ${sql.placeholder("project")}::uuid and id = any(${sql.placeholder("ids")}::uuid[]) and due_at <= now()`);

/** Decides what is due, until `deadlineMs`. Returns whether nothing is held any more. */
export async function decideHeld(deps: Deps, deadlineMs: number, keepAlive: KeepAlive): Promise<boolean> {
  for (let full = true; full && deps.now() < deadlineMs;) {
    const due = await deps.db.query(
      sql`select project_id, id, trace_id from held_wrappers where due_at <= now() order by due_at limit ${STEP}`,
    );
    full = due.length === STEP;
    for (const [projectId, held] of Map.groupBy(due, (row) => String(row["project_id"]))) {
      await decide(deps, projectId, held, deadlineMs, keepAlive);
    }
  }
  const [row] = await deps.db.query(sql`select exists (select from held_wrappers) as left`);
  return row!["left"] !== true;
}

/** In halves where all at once fail; a single one that fails has to wait, and keeps nobody else from being decided. */
async function decide(
  deps: Deps,
  projectId: string,
  held: readonly Row[],
  deadlineMs: number,
  keepAlive: KeepAlive,
): Promise<void> {
  const traces = held.map((row) => ({ traceId: String(row["trace_id"]), startedAtMs: startOfKey(String(row["id"])) }));
  const ids = plainArray(held.map((row) => String(row["id"])));
  try {
    const results = await settled(deps.db, async () => [
      ...(await settlingAgain(deps.db, projectId, traces, deps.config.wrapperGraceSeconds)),
      RELEASE({ project: projectId, ids }),
    ]);
    const earliestMs = earliestOf(results);
    if (earliestMs !== null) await announceChange(deps, projectId, earliestMs, keepAlive);
    // A price may have come while they were held, for a model that nothing else had.
    if (results.flat().some((row) => Number(row["unpriced"] ?? 0) > 0)) {
      await healProject(deps, projectId, deadlineMs, keepAlive);
    }
  } catch (error) {
    if (held.length > 1) {
      const half = Math.ceil(held.length / 2);
      await decide(deps, projectId, held.slice(0, half), deadlineMs, keepAlive);
      return await decide(deps, projectId, held.slice(half), deadlineMs, keepAlive);
    }
    console.error(JSON.stringify({ level: "error", held: ids, error: String(error) }));
    await deps.db.query(sql`
      update held_wrappers set due_at = now() + interval '1 hour'
      where project_id = ${projectId}::uuid and id = any(${ids}::uuid[])`);
  }
}
