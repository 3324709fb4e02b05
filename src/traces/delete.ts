/** Takes a wrong call out of the ledger. */
import { param, project } from "../db/sql.ts";
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compileNamed, type Database, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { startOfKey } from "../ledger/key.ts";
import { settlingWithout } from "../write/settle.ts";
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
corrected as (${insertCorrections(sql`gone t`, sql`-1`)})
select id from gone`);

/**
 * Deletes one call, and subtracts it from the rollups in the same transaction. The ledger is then as if the call had
 * never been sent: another sighting of the same response may count, or a wrapper around it. If the call is sent again,
 * it is new.
 *
 * @returns true if the project had the call. Of several deletions at once only one finds it.
 * @throws Expired if calls of that time have been deleted for their age. The cost of the call stays in the rollups.
 */
export async function deleteTrace(
  db: Database,
  projectId: string,
  id: string,
  graceSeconds = DEFAULT_GRACE_SECONDS,
): Promise<boolean> {
  const values = { project: projectId, id };
  const [row] = await db.query(sql`
    select trace_id, span_id, response_id from traces
    where project_id = ${projectId}::uuid and id = ${id}::uuid`);
  if (!row) {
    await expectRaw(db, startOfKey(id));
    return false;
  }
  const gone = {
    id,
    traceId: row["span_id"] === null ? null : (row["trace_id"] as string | null),
    responseId: row["response_id"] as string | null,
    startedAtMs: startOfKey(id),
  };
  let position = 0;
  const deletion = async (judging: boolean): Promise<(SQL | Bound)[]> => {
    const { before, after } = await settlingWithout(db, projectId, gone, graceSeconds, judging);
    position = before.length + 2;
    // Once the call is locked, its partition can no longer be dropped.
    return [...before, LOCK(values), requireRaw(gone.startedAtMs), DELETE(values), ...after];
  };
  const deleted = (results: Row[][]): boolean => results[position]!.length > 0;
  try {
    return deleted(await retryRefused(db, () => deletion(true)));
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
    return deleted(await db.batch(await deletion(false)));
  }
}
