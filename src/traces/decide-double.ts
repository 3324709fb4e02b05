/**
 * Says that two calls are the same, or different. If they are the same, both get an id that they share, so they join as
 * reports do that name each other, and the sums are corrected by the same statements.
 */
import { sql } from "drizzle-orm";
import { type Actor, actorValues, entry, NAMED_ACTOR } from "../admin-log.ts";
import { type Bound, compileNamed, type Database, type Row } from "../db/client.ts";
import { plainArray } from "../db/array-literal.ts";
import { param, project } from "../db/sql.ts";
import { CACHE_HIT_RULE } from "../ledger/call.ts";
import { startOfKey } from "../ledger/key.ts";
import { expectRaw, requireRaw } from "../retention/kept.ts";
import { lockTraces } from "../rollup/derive.ts";
import { HOUR_MS } from "../time.ts";
import { settlingIds } from "../write/settle.ts";
import { sightingOf } from "../write/sightings.ts";
import type { Verdict } from "./double.ts";

/** Why a pair cannot be the same. */
export type Unfit = "unknown" | "cache hit" | "too far apart";

const theirs = sql`t.project_id = ${project} and t.id = any(${param("ids")}::uuid[])`;

const LOCK = compileNamed(lockTraces(theirs));

/** Takes an id off the calls, and gives each the id after it, if there is one. */
const RENAME = compileNamed(sql`
update traces t
set other_ids = array_remove(coalesce(t.other_ids, '{}'), ${param("dropped")}::text) || array_remove(array[i.added], null)
from unnest(${param("ids")}::uuid[], ${param("added")}::text[]) as i (id, added)
where ${theirs} and t.id = i.id
  and (i.added <> all(coalesce(t.other_ids, '{}')) or ${param("dropped")}::text = any(t.other_ids))`);

const DECIDE = compileNamed(sql`
with decided as (
  insert into doubles as d (project_id, first, second, verdict, decided_at)
  values (${project}, ${param("first")}::uuid, ${param("second")}::uuid, ${param("verdict")}::text, now())
  on conflict (project_id, first, second) do update set verdict = excluded.verdict, decided_at = excluded.decided_at
  where d.verdict <> excluded.verdict
  returning d.project_id, d.first, d.second
),
logged as (${entry(NAMED_ACTOR, "double.decided", sql`project_id`, sql`first || ' ' || second`, sql`decided`)})
select first from decided`);

/**
 * Stores the verdict. Saying it again changes nothing.
 *
 * @returns the ids of the two that count now, or why they cannot be the same.
 * @throws Expired if calls of that time have been deleted for their age.
 */
export async function decideDouble(
  db: Database,
  projectId: string,
  ids: readonly [string, string],
  verdict: Verdict,
  graceSeconds: number,
  actor: Actor | null = null,
): Promise<string[] | Unfit> {
  const [first, second] = ids.toSorted() as [string, string];
  const rows = await read(db, projectId, [first, second]);
  if (rows.length < 2) {
    await expectRaw(db, startOfKey(first));
    return "unknown";
  }
  if (rows.some((row) => row["rule"] === CACHE_HIT_RULE)) return "cache hit";
  if (startOfKey(second) - startOfKey(first) > HOUR_MS) return "too far apart";

  const shared = `double:${first}:${second}`;
  const wasSame = rows.some((row) => sightingOf(row).otherIds.includes(shared));
  const decided = DECIDE({ project: projectId, first, second, verdict, ...actorValues(actor) });
  const renaming = verdict === "same" || wasSame;
  const statements = renaming ? rename(projectId, rows, shared, verdict, graceSeconds) : [];
  await db.batch([...statements, requireRaw(startOfKey(first)), decided]);
  const now = await read(db, projectId, [first, second]);
  return now.filter((row) => row["billable"] === true).map((row) => String(row["id"]));
}

/** If they were the same, each gets an id of its own instead, by which it is found to be alone. */
function rename(
  projectId: string,
  rows: readonly Row[],
  shared: string,
  verdict: Verdict,
  graceSeconds: number,
): Bound[] {
  const sightings = rows.map(sightingOf);
  const added = sightings.map(({ id }) => (verdict === "same" ? shared : `apart:${id}`));
  const values = {
    project: projectId,
    ids: plainArray(sightings.map(({ id }) => id)),
    added: plainArray(added),
    dropped: verdict === "same" ? null : shared,
  };
  const renamed = sightings.map((sighting, i) => ({
    ...sighting,
    otherIds: [...sighting.otherIds.filter((id) => id !== shared), added[i]!],
  }));
  const dropped = verdict === "same" ? [] : [shared];
  return settlingIds(projectId, renamed, dropped, [LOCK(values), RENAME(values)], graceSeconds);
}

async function read(db: Database, projectId: string, ids: readonly string[]): Promise<Row[]> {
  return await db.query(sql`
    select t.id, t.response_id, t.other_ids, t.rule, t.billable from traces t
    where t.project_id = ${projectId}::uuid and t.id = any(${plainArray(ids)}::uuid[]) order by t.id`);
}
