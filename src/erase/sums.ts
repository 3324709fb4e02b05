/**
 * Takes a user off the rollups. Changed calls have left partial rows that name the user, with the sums that they take
 * off. First these are merged. Then the user's rows are added up by group, a month at a time. What adds up to nothing
 * goes. What does not is put back, so that rollups stay the sum of the calls: the user has new calls, or other rows are
 * still to be merged.
 *
 * Before the retention bound there are no calls, so the user's rows go whatever they hold. Their calls then count as
 * calls without the label, because the main rows keep them.
 */
import { sql, type SQL } from "drizzle-orm";
import { compileNamed, type Database, type Row } from "../db/client.ts";
import { columns, constants, dayOf, param, project } from "../db/sql.ts";
import { keyRange } from "../ledger/key.ts";
import { FORMAT, LEVEL, LEVELS } from "../ledger/levels.ts";
import { MEASURE_NAMES } from "../ledger/measures.ts";
import { markCrowded } from "../rollup/crowded.ts";
import { MAIN } from "../rollup/families.ts";
import { BY_HASH, columnsOfRows, grouped } from "../rollup/grouped.ts";
import { mergingOf } from "../rollup/merging.ts";
import { repairDay } from "../rollup/repair.ts";
import { DAY_MS } from "../time.ts";
import type { Erasure } from "./erasure.ts";
import { isNamed, isNamedUnspread, user } from "./named.ts";

/** The partial rows that one step merges. */
const STEP = 2_000;

const MERGE_NAMED = compileNamed(mergingOf(sql` and label <> ${MAIN} and ${isNamedUnspread}`));

const FIRST = compileNamed(sql`
select (extract(epoch from min(t.bucket)) * 1000)::float8 as first_ms from rollup t
where t.project_id = ${project} and t.level in (${constants([LEVEL.partial, ...LEVELS.day])}) and t.label = ${MAIN}`);

const MERGED = [...LEVELS.hour, ...LEVELS.day];
const ofLevels = (level: number, levels: readonly number[]): SQL =>
  sql`select ${level}::smallint as level, g.* from (${grouped(sql`(select * from taken where level in (${constants(levels)})) as t`)}) g`;
/** The first label of the project after another one, at the level of `k`. */
const nextLabel = (after = sql``): SQL =>
  sql`(select r.level, r.label from rollup r where r.level = k.level and r.project_id = ${project}${after} order by r.label limit 1) n`;

const CLEAR = compileNamed(sql`
with taken as (
  delete from rollup where project_id = ${project} and ctid = any(array(
    with recursive labels (level, label) as (
      select n.level, n.label from unnest(array[${constants(MERGED)}]::smallint[]) as k (level), lateral ${nextLabel()}
      union all
      select n.level, n.label from labels k, lateral ${nextLabel(sql` and r.label > k.label`)}
    )
    select r.ctid from labels l join rollup r
      on r.level = l.level and r.project_id = ${project} and r.label = l.label and r.value = ${user}
      and r.bucket >= ${param("from")}::timestamptz and r.bucket < ${param("to")}::timestamptz
    where l.label = 'user' or starts_with(l.label, 'tag.')
    for update of r skip locked
  )) returning *
),
kept as materialized (
  select * from (${ofLevels(LEVEL.hour, LEVELS.hour)} union all ${ofLevels(LEVEL.day, LEVELS.day)}) s
  where bucket >= (select raw_since from retention) and (requests <> 0
    or num_nonnulls(${columns([...MEASURE_NAMES.filter((name) => name !== "requests"), "latency_buckets"])}) > 0)
),
put as (
  insert into rollup (level, format, ${columnsOfRows}) select level, ${FORMAT}, ${columnsOfRows} from kept
)
select distinct (extract(epoch from ${dayOf(sql`bucket`)}) * 1000)::float8 as day_ms from kept order by 1`);

const NAMED = compileNamed(sql`
select exists (
  select 1 from traces t
  where t.project_id = ${project} and t.id >= ${param("lowest")}::uuid and t.id < ${param("highest")}::uuid and ${isNamed}
) as named`);

export interface Cleared {
  cursor: string | null;
  changed: boolean;
  /** True if the step has to wait for other transactions. */
  waits?: boolean;
}

/**
 * Erases the user from the sums: merges first, then clears the month at the cursor.
 *
 * @param last true in the pass after which nothing but new calls may name the user.
 */
export async function eraseFromSums(
  db: Database,
  { projectId, userId, cursor }: Erasure,
  nowMs: number,
  last: boolean,
): Promise<Cleared> {
  const values = { project: projectId, user: userId };
  if (cursor === null) {
    const [, [row] = []] = await db.batch([BY_HASH, MERGE_NAMED({ ...values, limit: STEP })]);
    await markCrowded(db, new Set(((row!["label_days"] ?? []) as unknown[]).map((day) => JSON.stringify(day))));
    if (Number(row!["merged"]) === STEP) return { cursor: MERGE_AGAIN, changed: true };
    const { statement, values: asked } = FIRST(values);
    const [first] = await db.run(statement, asked);
    const firstMs = first!["first_ms"] as number | null;
    return { cursor: firstMs === null ? null : String(monthOf(firstMs)), changed: true };
  }
  if (cursor === MERGE_AGAIN)
    return await eraseFromSums(db, { projectId, userId, cursor: null } as Erasure, nowMs, last);
  const fromMs = Number(cursor);
  const toMs = nextMonth(fromMs);
  const month = { ...values, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const clear = async (): Promise<Row[]> => (await db.batch([BY_HASH, CLEAR(month)]))[1]!;
  let left = await clear();
  if (last && left.length > 0) {
    const wrong = await withoutCalls(db, values, left);
    for (const dayMs of wrong) await repairDay(db, projectId, dayMs);
    if (wrong.length > 0) left = await clear();
    const waits = (await withoutCalls(db, values, left)).length > 0;
    if (waits) return { cursor, changed: true, waits };
  }
  return { cursor: toMs > nowMs + DAY_MS ? null : String(toMs), changed: true };
}

const MERGE_AGAIN = "merge";

/** The days on which rollups name the user, but no call does. */
async function withoutCalls(
  db: Database,
  values: { project: string; user: string },
  days: readonly Row[],
): Promise<number[]> {
  const found: number[] = [];
  for (const { day_ms } of days) {
    const [lowest, highest] = keyRange(Number(day_ms), Number(day_ms) + DAY_MS);
    const { statement, values: asked } = NAMED({ ...values, lowest, highest });
    const [row] = await db.run(statement, asked);
    if (row!["named"] !== true) found.push(Number(day_ms));
  }
  return found;
}

function monthOf(ms: number): number {
  const at = new Date(ms);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth());
}

function nextMonth(ms: number): number {
  const at = new Date(ms);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1);
}
