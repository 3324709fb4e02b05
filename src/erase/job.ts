/**
 * Erasing a user as a job. Its stages go over links, calls, dead letters and sums, in bounded steps that store how far
 * they came. Each step leaves rollups equal to the calls.
 *
 * A write that was under way may store what it read of the user before. So all stages are passed again once any such
 * write has ended. What comes after the job is new, and counts.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { type Actor, entry } from "../admin-log.ts";
import type { Row } from "../db/client.ts";
import { atOnce, type Everywhere } from "../db/shards.ts";
import { instantAt } from "../db/sql.ts";
import { sha256Hex } from "../digest.ts";
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import { ApiError } from "../errors.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { count, id, time } from "../wire.ts";
import { eraseFromCalls } from "./calls.ts";
import { eraseFromCounters } from "./counters.ts";
import { eraseFromDeadLetters } from "./dead-letters.ts";
import { type Erasure, MODES } from "./erasure.ts";
import { eraseFromLinks } from "./links.ts";
import { eraseFromPlans } from "./plans.ts";
import { type Cleared, eraseFromSums } from "./sums.ts";

/** An erasure as the API shows it. It does not name the user. */
export const ErasureJob = z
  .object({
    id,
    status: z.enum(["running", "failed", "done"]),
    mode: z.enum(MODES),
    subject: z.string().describe("A digest of the project and the user's id, as in the log of admin actions."),
    calls: count.describe("How many calls were changed or removed so far."),
    links: count.describe("How many spans that are no calls were changed so far."),
    dead_letters: count.describe("How many dead letters were changed or deleted so far."),
    error: z.string().nullable().describe("Why the last step failed. Null if it did not."),
    retry_at: time.nullable().describe("When a failed step is tried again, at the earliest."),
    created_at: time,
    done_at: time.nullable(),
  })
  .meta({ id: "Erasure" });
export type ErasureJob = z.infer<typeof ErasureJob>;

export interface EraseDeps extends AnnounceDeps {
  config: { wrapperGraceSeconds: number };
}

/** How long one request, or one scheduled run, may work on erasures. */
const RUN_MS = 20_000;
/** After this time a write has ended: longer than a statement may run, and a request may wait for it. */
const SETTLED_MS = 60_000;
const LAST_PASS = 2;
/** The wait after a failed step doubles with each failure. */
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 6 * 3_600_000;
const MAX_OPEN = 100;
/** The erasures that `listErasures` returns at most. */
export const MAX_LISTED = 100;

type Stage = (deps: EraseDeps, erasure: Erasure, pass: number) => Promise<Cleared>;

/** Links come first: a call takes over the user of a link above it. */
const STAGES: Readonly<Record<string, Stage>> = {
  links: async ({ db }, erasure) => {
    // These are one statement each. A stage of their own would stop a Worker of an older version.
    if (erasure.cursor === null) {
      await eraseFromPlans(db, erasure);
      await eraseFromCounters(db, erasure);
    }
    return await eraseFromLinks(db, erasure);
  },
  calls: ({ db, config }, erasure) => eraseFromCalls(db, erasure, config.wrapperGraceSeconds),
  dead_letters: ({ db }, erasure) => eraseFromDeadLetters(db, erasure),
  sums: ({ db, now }, erasure, pass) => eraseFromSums(db, erasure, now(), pass === LAST_PASS),
};
const ORDER = Object.keys(STAGES);

/** A digest that tells erasures of one user from those of others, without naming the user. */
export function subjectOf(projectId: string, userId: string): string {
  return sha256Hex(`${projectId} ${userId}`).slice(0, 32);
}

/**
 * Opens an erasure, unless one of the same user and mode is open. `runErasures` runs it.
 *
 * @throws ApiError `too_many_jobs`.
 */
export async function openErasure(
  { db }: Pick<EraseDeps, "db">,
  projectId: string,
  userId: string,
  mode: Erasure["mode"],
  actor: Actor,
): Promise<ErasureJob> {
  const subject = subjectOf(projectId, userId);
  const open = sql`project_id = ${projectId}::uuid and done_at is null`;
  const [, rows] = await db.batch([
    // The next statement sees the erasures of requests that came first.
    sql`select pg_advisory_xact_lock(hashtextextended(${`erasures ${projectId}`}, 0))`,
    sql`
    with like_it as (select * from erasures where ${open} and subject = ${subject} and mode = ${mode}),
    opened as (
      insert into erasures (project_id, id, user_id, subject, mode)
      select ${projectId}::uuid, gen_random_uuid(), ${userId}::text, ${subject}::text, ${mode}::text
      where not exists (select 1 from like_it) and (select count(*) from erasures where ${open}) < ${MAX_OPEN}
      returning *
    ),
    logged as (${entry(actor, "user.erased", sql`project_id`, sql`subject`, sql`opened`)})
    select * from opened union all select * from like_it`,
  ]);
  const row = rows![0];
  if (!row)
    throw new ApiError("too_many_jobs", `a project may have ${MAX_OPEN} open erasures; wait for one to be done`);
  return shown(row);
}

/** @returns null if the project has no such erasure. */
export async function readErasure(
  { db }: Pick<EraseDeps, "db">,
  projectId: string,
  id: string,
): Promise<ErasureJob | null> {
  const [row] = await db.query(sql`
    select * from erasures where project_id = ${projectId}::uuid and id = ${id}::uuid`);
  return row ? shown(row) : null;
}

/** The project's erasures, the newest first. */
export async function listErasures({ db }: Pick<EraseDeps, "db">, projectId: string): Promise<ErasureJob[]> {
  const rows = await db.query(sql`
    select * from erasures where project_id = ${projectId}::uuid order by created_at desc, id limit ${MAX_LISTED}`);
  return rows.map(shown);
}

/**
 * Runs the open erasures. The oldest of each project takes a step, then the next project has its turn.
 *
 * @param projectId runs only this project's.
 * @returns whether none is open.
 */
export async function runErasures(
  deps: EraseDeps,
  keepAlive: KeepAlive,
  projectId: string | null = null,
  all: Everywhere = atOnce(deps.db),
): Promise<boolean> {
  const deadlineMs = deps.now() + RUN_MS;
  for (;;) {
    const open = await all.ask(
      (among) => sql`
      select *, coalesce(due_at <= ${instantAt(deps.now())}, true) as due from (
        select distinct on (project_id) * from erasures e
        where done_at is null and (${projectId}::uuid is null or project_id = ${projectId}::uuid)${among(sql`e`)}
        order by project_id, due_at nulls first, created_at, id
      ) job
      order by stepped_at nulls first, created_at, id`,
    );
    const due = open.filter((row) => row["due"] === true);
    if (due.length === 0) return open.length === 0;
    for (const row of due) {
      if (deps.now() >= deadlineMs) return false;
      await takeStep(deps, row, keepAlive);
    }
  }
}

async function takeStep(deps: EraseDeps, row: Row, keepAlive: KeepAlive): Promise<void> {
  const [stage, pass, cursor] = [String(row["stage"]), Number(row["pass"]), row["cursor"] as string | null];
  const erasure: Erasure = {
    projectId: String(row["project_id"]),
    id: String(row["id"]),
    userId: String(row["user_id"]),
    mode: String(row["mode"]) as Erasure["mode"],
    cursor,
  };
  const own = sql`project_id = ${erasure.projectId}::uuid and id = ${erasure.id}::uuid`;
  // After a failure too: the step may have been committed although its answer was lost.
  let mayDiffer = true;
  try {
    const step = await STAGES[stage]!(deps, erasure, pass);
    mayDiffer = step.changed;
    const next = after(stage, pass, step);
    // Before the job is told to be done.
    if (mayDiffer || next.done) await announceChange(deps, erasure.projectId, 0, keepAlive);
    mayDiffer = false;
    const dueMs = next.waits ? deps.now() + SETTLED_MS : null;
    await deps.db.query(sql`
      update erasures
      set stage = ${next.stage}, pass = ${next.pass}, cursor = ${next.cursor}, due_at = ${instantAt(dueMs)},
        stepped_at = now(), failures = 0, error = null,
        done_at = now() + case when ${next.done}::boolean then interval '0' end, user_id = case when not ${next.done}::boolean then user_id end
      where ${own} and done_at is null and stage = ${stage} and pass = ${pass} and cursor is not distinct from ${cursor}`);
  } catch (error) {
    // The kind of error alone, because its text may quote the statement, which names the user.
    const name = error instanceof Error ? error.name : "Error";
    console.error(JSON.stringify({ level: "error", erasure: erasure.id, stage, error: name }));
    const failures = Number(row["failures"]) + 1;
    const retryMs = deps.now() + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    await deps.db.query(sql`
      update erasures set failures = ${failures}, error = ${name}, due_at = ${instantAt(retryMs)}, stepped_at = now()
      where ${own} and done_at is null`);
  } finally {
    if (mayDiffer) await announceChange(deps, erasure.projectId, 0, keepAlive);
  }
}

interface Next {
  stage: string;
  pass: number;
  cursor: string | null;
  waits: boolean;
  done: boolean;
}

/** Where an erasure goes on after a step. */
function after(stage: string, pass: number, { cursor, waits = false }: Cleared): Next {
  if (cursor !== null) return { stage, pass, cursor, waits, done: false };
  const next = ORDER[ORDER.indexOf(stage) + 1];
  if (next !== undefined) return { stage: next, pass, cursor: null, waits: false, done: false };
  const done = pass === LAST_PASS;
  return { stage: ORDER[0]!, pass: pass + 1, cursor: null, waits: !done, done };
}

function shown(row: Row): ErasureJob {
  const instant = (name: string): string | null => (row[name] as Date | null)?.toISOString() ?? null;
  const status = row["done_at"] ? "done" : row["error"] ? "failed" : "running";
  return {
    id: String(row["id"]),
    status,
    mode: String(row["mode"]) as ErasureJob["mode"],
    subject: String(row["subject"]),
    calls: Number(row["calls"]),
    links: Number(row["links"]),
    dead_letters: Number(row["dead_letters"]),
    error: row["error"] as string | null,
    retry_at: status === "failed" ? instant("due_at") : null,
    created_at: instant("created_at")!,
    done_at: instant("done_at"),
  };
}
