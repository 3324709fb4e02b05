/** Takes a wrong call out of the ledger. */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compileNamed, type Database, Refused, StatementTooLarge } from "../db/client.ts";
import { startOfKey } from "../ingest/key.ts";
import { settlingWithout } from "../ingest/settle.ts";
import { DEFAULT_GRACE_SECONDS } from "../ingest/trace.ts";
import { settled } from "../ingest/write.ts";
import { expectRaw, requireRaw } from "../retention/kept.ts";
import { insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";

const project = sql`${sql.placeholder("project")}::uuid`;
const GONE = sql`gone t left join prices p on p.project_id = ${project} and p.id = t.price_id`;

const which = sql`t.project_id = ${project} and t.id = ${sql.placeholder("id")}::uuid`;

const LOCK = compileNamed(lockTraces(which));

const DELETE = compileNamed(sql`
with gone as (delete from traces t where ${which} returning t.*),
main_partials as (${insertMainPartials(GONE, -1)}),
label_partials as (${insertLabelPartials(GONE, -1)})
select id from gone`);

/**
 * Deletes one trace, and takes it off the rollups in the same transaction. All else is then as if it had never been
 * sent: another sighting of its response counts, or the wrapper that it stood for. Sent again it would be a new call.
 *
 * @returns whether the project had such a trace.
 * @throws Expired when traces of then are kept no longer: what it cost stays in the rollups.
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
  const deletion = async (judging: boolean): Promise<(SQL | Bound)[]> => {
    const { before, after } = await settlingWithout(db, projectId, gone, graceSeconds, judging);
    // Once it is locked nobody can drop it with its partition any more.
    return [...before, LOCK(values), requireRaw(gone.startedAtMs), DELETE(values), ...after];
  };
  try {
    await settled(db, () => deletion(true));
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
    await db.batch(await deletion(false));
  }
  return true;
}
