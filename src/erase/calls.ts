/**
 * Takes a user off stored calls, or removes the user's calls. The statement that changes calls changes the rollups by
 * the difference. Calls before the retention bound are counted in rollups alone, so these keep their sums, and
 * `sums.ts` takes the user off them.
 */
import { sql } from "drizzle-orm";
import { plainArray } from "../db/array-literal.ts";
import { compileNamed, type Database, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import { insertCorrections } from "../rollup/corrections.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import { deleteSettling, goneOf } from "../traces/delete.ts";
import { forgetSessions, goneSession } from "./counters.ts";
import { isNamed, unnamedCall, user } from "./named.ts";
import { own } from "../write/filled.ts";
import type { Erasure } from "./erasure.ts";

/** The calls that one step looks at. */
const STEP = 5_000;
/** The most calls that one transaction removes. */
const REMOVED_AT_ONCE = 500;

const LOOK = compileNamed(sql`
with looked as (
  select t.id, ${isNamed} as named, ${own.user_id} = ${user} as own, t.trace_id, t.span_id, t.response_id, t.other_ids
  from traces t
  where t.project_id = ${project} and t.id > ${param("cursor")}::uuid order by t.id limit ${param("limit")}::int
)
select id, coalesce(own, false) as own, trace_id, span_id, response_id, other_ids, false as last from looked where named
union all
(select id, false, null, null, null, null, true from looked order by id desc limit 1)
order by last, id`);

const theirs = sql`t.project_id = ${project} and t.id = any(${param("ids")}::uuid[])`;

/** Runs first, so that the next statement sees the latest state of what it changes, and no partition is dropped. */
const LOCK = compileNamed(lockTraces(theirs));

const FORGET_SESSIONS = compileNamed(forgetSessions(sql`select ${goneSession} from traces t where ${theirs}`));

const counted = (from: string) =>
  sql`(select * from ${sql.identifier(from)} where started_at >= (select raw_since from retention)) t
    left join prices p on p.project_id = ${project} and p.id = t.price_id`;
const tally = (from: string) => sql`
tallied as (
  update erasures e set calls = e.calls + (select count(*) from ${sql.identifier(from)})
  where e.project_id = ${project} and e.id = ${param("erasure")}::uuid
)`;

const ANONYMISE = compileNamed(sql`
with before as materialized (select t.* from traces t where ${theirs} and ${isNamed}),
after as (
  update traces t set ${unnamedCall} from before b where ${theirs} and t.id = b.id
  returning t.*
),
difference as (${difference(sql`before`, sql`after`)}),
label_partials as (${insertLabelPartials(counted("difference"), "t.sign")}),
${tally("after")}
select id from after`);

const REMOVE = compileNamed(sql`
with gone as (delete from traces t where ${theirs} and ${own.user_id} = ${user} returning t.*),
main_partials as (${insertMainPartials(counted("gone"), -1)}),
label_partials as (${insertLabelPartials(counted("gone"), -1)}),
corrected as (${insertCorrections(sql`gone t`, sql`-1`)}),
${tally("gone")}
select id from gone`);

/** Erases the user from the calls after the cursor. */
export async function eraseFromCalls(
  db: Database,
  { projectId, id: erasure, userId, mode, cursor }: Erasure,
  graceSeconds: number,
  limit = STEP,
): Promise<{ cursor: string | null; changed: boolean }> {
  const values = { project: projectId, user: userId, erasure };
  const { statement, values: asked } = LOOK({ ...values, cursor: cursor ?? NOTHING, limit });
  const rows = await db.run(statement, asked);
  const last = rows.pop();
  if (last === undefined) return { cursor: null, changed: false };
  const removed = mode === "remove" ? rows.filter(({ own }) => own === true) : [];
  for (let i = 0; i < removed.length; i += REMOVED_AT_ONCE) {
    await remove(db, projectId, values, removed.slice(i, i + REMOVED_AT_ONCE), graceSeconds);
  }
  // All that are named, because removing a call may have changed another.
  const ids = plainArray(rows.map((row) => String(row["id"])));
  if (rows.length > removed.length)
    await db.batch([LOCK({ ...values, ids }), FORGET_SESSIONS({ ...values, ids }), ANONYMISE({ ...values, ids })]);
  return { cursor: String(last["id"]), changed: rows.length > 0 };
}

/** Before the first call. */
const NOTHING = "00000000-0000-0000-0000-000000000000";

/** Removes calls in one transaction, or in halves if their traces are too many or do not hold still. */
async function remove(
  db: Database,
  projectId: string,
  values: Record<string, string>,
  rows: readonly Row[],
  graceSeconds: number,
): Promise<void> {
  const of = { ...values, ids: plainArray(rows.map((row) => String(row["id"]))) };
  try {
    await deleteSettling(db, projectId, rows.map(goneOf), [LOCK(of), FORGET_SESSIONS(of), REMOVE(of)], graceSeconds);
  } catch (error) {
    if (rows.length === 1 || !(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
    const half = Math.ceil(rows.length / 2);
    await remove(db, projectId, values, rows.slice(0, half), graceSeconds);
    await remove(db, projectId, values, rows.slice(half), graceSeconds);
  }
}
