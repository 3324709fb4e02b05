/** Held wrappers: if the grace time of a wrapper ends without a call below it, it counts, until such a call comes. */
import { sql } from "drizzle-orm";
import { plainArray } from "../db/array-literal.ts";
import { compileNamed, type Row } from "../db/client.ts";
import { atOnce, type Everywhere } from "../db/shards.ts";
import { param, project } from "../db/sql.ts";
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { startOfKey } from "../ledger/key.ts";
import { earliestOf, retryRefused } from "./retry.ts";
import { settlingAgain } from "./settle.ts";
import { errorLine } from "../telemetry/log-line.ts";

export interface HeldDeps extends AnnounceDeps {
  config: { wrapperGraceSeconds: number };
}

export interface Decided {
  /** True if no wrapper is held any more. */
  done: boolean;
  /** Projects in which a wrapper without a cost counts now. A price for it may have been added while it was held. */
  unpriced: ReadonlySet<string>;
}

const STEP = 200;

const RELEASE = compileNamed(sql`
delete from held_wrappers
where project_id = ${project} and id = any(${param("ids")}::uuid[]) and due_at <= now()`);

/** Settles the traces of the wrappers that are due, until `deadlineMs`. */
export async function decideHeld(
  deps: HeldDeps,
  deadlineMs: number,
  keepAlive: KeepAlive,
  all: Everywhere = atOnce(deps.db),
): Promise<Decided> {
  const unpriced = new Set<string>();
  for (let full = true; full && deps.now() < deadlineMs;) {
    const due = await all.ask(
      (among) => sql`
      select project_id, id, trace_id from held_wrappers h
      where due_at <= now()${among(sql`h`)} order by due_at limit ${STEP}`,
    );
    full = due.length >= STEP;
    for (const [projectId, held] of Map.groupBy(due, (row) => String(row["project_id"]))) {
      if (await decide(deps, projectId, held, keepAlive)) unpriced.add(projectId);
    }
  }
  const left = await all.ask(
    (among) => sql`select exists (select 1 from held_wrappers h where true${among(sql`h`)}) as left`,
  );
  return { done: left.every((row) => row["left"] !== true), unpriced };
}

/**
 * Settles the traces of some wrappers of one project. If that fails, it settles them in halves. A single wrapper that
 * fails is due again in an hour, so the others are not held up.
 *
 * @returns whether one of them counts now and has no cost.
 */
async function decide(deps: HeldDeps, projectId: string, held: readonly Row[], keepAlive: KeepAlive): Promise<boolean> {
  const traces = held.map((row) => ({ traceId: String(row["trace_id"]), startedAtMs: startOfKey(String(row["id"])) }));
  const ids = plainArray(held.map((row) => String(row["id"])));
  try {
    const results = await retryRefused(deps.db, async () => [
      ...(await settlingAgain(deps.db, projectId, traces, deps.config.wrapperGraceSeconds)),
      RELEASE({ project: projectId, ids }),
    ]);
    const earliestMs = earliestOf(results);
    if (earliestMs !== null) await announceChange(deps, projectId, earliestMs, keepAlive);
    return results.flat().some((row) => Number(row["unpriced"] ?? 0) > 0);
  } catch (error) {
    if (held.length > 1) {
      const half = Math.ceil(held.length / 2);
      const first = await decide(deps, projectId, held.slice(0, half), keepAlive);
      const second = await decide(deps, projectId, held.slice(half), keepAlive);
      return first || second;
    }
    console.error(errorLine("held", { held: ids }, error));
    await deps.db.query(sql`
      update held_wrappers set due_at = now() + interval '1 hour'
      where project_id = ${projectId}::uuid and id = any(${ids}::uuid[])`);
    return false;
  }
}
