/**
 * Fills in what calls of a day lack whose other reports were stored by an older version, which filled it in only when a
 * call was read. Only calls with another report have one that does not count, so these are looked for.
 */
import { compileNamed, type Database } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import { DEFAULT_GRACE_SECONDS } from "../ledger/call.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { DAY_MS } from "../time.ts";
import { sql } from "drizzle-orm";
import { applyJudgements } from "./apply-judgements.ts";
import { earliestOf } from "./retry.ts";
import { scopeOf } from "./scope.ts";
import { LOCK_RESPONSES, sightedValues, sightingOf, TAKE_TURN_JOINED } from "./sightings.ts";

/** The reports that one transaction looks at. */
const STEP = 500;

const NOT_COUNTED = compileNamed(sql`
select t.id, t.response_id, t.other_ids from traces t
where t.project_id = ${project} and t.id > ${param("after")}::uuid and t.id < ${param("before")}::uuid
  and not t.billable and not t.wrapper and not t.nested and (t.response_id is not null or t.other_ids is not null)
order by t.id limit ${STEP}`);

/** @returns whether a call was changed. Once none is, nothing is left to fill in. */
export async function fillDay(db: Database, projectId: string, startMs: number): Promise<boolean> {
  let [after, before] = keyRange(startMs, startMs + DAY_MS);
  let changed = false;
  for (;;) {
    const { statement, values } = NOT_COUNTED({ project: projectId, after, before });
    const reports = (await db.run(statement, values)).map(sightingOf);
    if (reports.length === 0) return changed;
    const starts = reports.map(({ id }) => startOfKey(id));
    const scope = scopeOf(projectId, starts, DEFAULT_GRACE_SECONDS);
    const sighted = { ...scope, ...sightedValues(reports) };
    const settled = await db.batch([
      LOCK_RESPONSES(sighted),
      TAKE_TURN_JOINED(sighted),
      ...applyJudgements(scope, reports, []),
    ]);
    changed ||= earliestOf(settled) !== null;
    if (reports.length < STEP) return changed;
    after = reports.at(-1)!.id;
  }
}
