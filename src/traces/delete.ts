/** Takes wrong calls out of the ledger. */
import { type Actor, actorValues, entry, NAMED_ACTOR } from "../admin-log.ts";
import { param, project } from "../db/sql.ts";
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compileNamed, type Database, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { startOfKey } from "../ledger/key.ts";
import { type Gone, settlingWithout } from "../write/settle.ts";
import { sightingOf } from "../write/sightings.ts";
import { DEFAULT_GRACE_SECONDS } from "../ledger/call.ts";
import { retryRefused } from "../write/retry.ts";
import { expectRaw, requireRaw } from "../retention/kept.ts";
import { insertCorrections } from "../rollup/corrections.ts";
import { insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";

const GONE = sql`gone t left join prices p on p.project_id = ${project} and p.id = t.price_id`;

const which = sql`t.project_id = ${project} and t.id = ${param("id")}::uuid`;

const LOCK = compileNamed(lockTraces(which));

const DELETE = compileNamed(sql`
with gone as (delete from traces t where ${which} returning t.*),
main_partials as (${insertMainPartials(GONE, -1)}),
label_partials as (${insertLabelPartials(GONE, -1)}),
corrected as (${insertCorrections(sql`gone t`, sql`-1`)}),
logged as (${entry(NAMED_ACTOR, "call.deleted", sql`project_id`, sql`id`, sql`gone`)})
select id from gone`);

/**
 * Deletes one call, and subtracts it from the rollups in the same transaction. The ledger is then as if the call had
 * never been sent: another sighting of the same response may count, or a wrapper around it. If the call is sent again,
 * it is new.
 *
 * @param actor is logged. Null logs nothing.
 * @returns true if the project had the call. Of several deletions at once only one finds it.
 * @throws Expired if calls of that time have been deleted for their age. The cost of the call stays in the rollups.
 */
export async function deleteTrace(
  db: Database,
  projectId: string,
  id: string,
  graceSeconds = DEFAULT_GRACE_SECONDS,
  actor: Actor | null = null,
): Promise<boolean> {
  const values = { project: projectId, id, ...actorValues(actor) };
  const [row] = await db.query(sql`
    select id, trace_id, span_id, response_id, other_ids from traces
    where project_id = ${projectId}::uuid and id = ${id}::uuid`);
  if (!row) {
    await expectRaw(db, startOfKey(id));
    return false;
  }
  // Once the call is locked, its partition can no longer be dropped.
  const deleting = [LOCK(values), requireRaw(startOfKey(id)), DELETE(values)];
  return (await deleteSettling(db, projectId, [goneOf(row)], deleting, graceSeconds)).length > 0;
}

/** @param row of `traces`: its id, trace id, span id, response id and other ids. */
export function goneOf(row: Row): Gone {
  const sighting = sightingOf(row);
  return {
    ...sighting,
    traceId: row["span_id"] === null ? null : (row["trace_id"] as string | null),
    startedAtMs: startOfKey(sighting.id),
  };
}

/**
 * Deletes calls and settles their traces without them, in one transaction. If a trace does not hold still or is too
 * large, the spans around a single call stay as they are.
 *
 * @param deleting the statements that delete the calls.
 * @returns the rows of the last of these statements.
 * @throws Refused or StatementTooLarge if there are several calls. Fewer may succeed.
 */
export async function deleteSettling(
  db: Database,
  projectId: string,
  gone: readonly Gone[],
  deleting: readonly (SQL | Bound)[],
  graceSeconds: number,
): Promise<Row[]> {
  let position = 0;
  const prepare = async (judging: boolean): Promise<(SQL | Bound)[]> => {
    const { before, after } = await settlingWithout(db, projectId, gone, graceSeconds, judging);
    position = before.length + deleting.length - 1;
    return [...before, ...deleting, ...after];
  };
  try {
    return (await retryRefused(db, () => prepare(true)))[position]!;
  } catch (error) {
    if (gone.length > 1 || !(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
    return (await db.batch(await prepare(false)))[position]!;
  }
}
