/**
 * Retention: calls and hour rows are removed once they are older than configured. Day and week rows stay. They hold the
 * sums of both, so no total changes.
 *
 * Each bound moves first (`kept.ts`). Then everything before it is removed in steps. A step may be cut off anywhere,
 * and the next run goes on with it. Calls are removed by whole months, a partition at a time. The bound lies `REACH_MS`
 * after the start of the first month that stays. So a call after the bound finds every span that its trace could ever
 * have.
 */
import { plainArray } from "../db/array-literal.ts";
import { type Bound, compileNamed, type Database } from "../db/client.ts";
import { amongThem, byShard, idsOf, isDistributed } from "../db/shards.ts";
import { instantAt, param } from "../db/sql.ts";
import { sql, type SQL } from "drizzle-orm";
import { REACH_MS } from "../ledger/call.ts";
import { LEVELS } from "../ledger/levels.ts";
import { DAY_MS } from "../time.ts";

export interface RetainDeps {
  db: Database;
  config: { rawRetentionDays: number | undefined; hourRetentionDays: number | undefined };
  now: () => number;
}

const START_OF_KEPT = sql`raw_since - make_interval(secs => ${REACH_MS / 1_000})`.inlineParams();

/** The bound that keeps calls for at least `days`. */
export function rawSinceFor(nowMs: number, days: number): number {
  const oldest = new Date(nowMs - days * DAY_MS - REACH_MS);
  return Date.UTC(oldest.getUTCFullYear(), oldest.getUTCMonth()) + REACH_MS;
}

/** The bound that keeps hours for at least `days`: the start of a UTC day. */
export function hourSinceFor(nowMs: number, days: number): number {
  return Math.floor((nowMs - days * DAY_MS) / DAY_MS) * DAY_MS;
}

/**
 * Moves the bounds and removes everything before them, until `deadlineMs`. Returns whether nothing is left to remove.
 */
export async function retain({ db, config, now }: RetainDeps, deadlineMs: number): Promise<boolean> {
  const { rawRetentionDays, hourRetentionDays } = config;
  if (rawRetentionDays !== undefined) await moveRawSince(db, rawSinceFor(now(), rawRetentionDays));
  if (hourRetentionDays !== undefined) await db.query(moveHourSince(hourSinceFor(now(), hourRetentionDays)));
  const [left] = await db.query(sql`
    select raw_since::text as raw, raw_since > raw_removed as raw_left, hour_since::text as hour, hour_since > hour_removed as hours_left
    from retention`);
  const inTime = (): boolean => now() < deadlineMs;
  let done = true;
  if (left!["raw_left"] === true) {
    const removed = (await dropPartitions(db, inTime)) && (await forgetResponses(db, inTime));
    // What is compared with calls goes with them.
    await db.query(sql`
      delete from reported_usage where day < (select (raw_since at time zone 'UTC')::date from retention)`);
    if (removed) await db.query(sql`update retention set raw_removed = ${left!["raw"]}::timestamptz`);
    done &&= removed;
  }
  if (left!["hours_left"] === true) {
    const removed = await deleteHours(db, inTime);
    if (removed) await db.query(sql`update retention set hour_removed = ${left!["hour"]}::timestamptz`);
    done &&= removed;
  }
  return done;
}

/**
 * Moves the bound of calls, but only once no held wrapper before it has to be settled. A wrapper that is not due yet
 * and was received more than two days ago does not hold the bound up, because settling it keeps failing.
 */
async function moveRawSince(db: Database, sinceMs: number): Promise<void> {
  const isBefore = sql`h.id < trace_id_at(${instantAt(sinceMs)})`;
  const isWaitedFor = sql`(
    h.due_at <= now() or exists (
      select 1 from traces t
      where t.project_id = h.project_id and t.id = h.id and t.received_at > now() - interval '2 days'
    )
  )`;
  const [row] = await db.query(sql`
    select exists (select 1 from held_wrappers h where ${isBefore} and ${isWaitedFor}) as held`);
  if (row!["held"] === true) return;
  await db.batch([
    sql`update retention set raw_since = ${instantAt(sinceMs)} where raw_since < ${instantAt(sinceMs)}`,
    // One that came meanwhile goes on waiting.
    sql`delete from held_wrappers h where ${isBefore} and not ${isWaitedFor}`,
  ]);
}

function moveHourSince(sinceMs: number): SQL {
  return sql`update retention set hour_since = ${instantAt(sinceMs)} where hour_since < ${instantAt(sinceMs)}`;
}

/** A partition that other transactions use is tried this often, with this pause between. */
const MOST_TRIES = 5;
const PAUSE_MS = 500;

/** Drops the partitions before the bound, each in its own transaction. Returns whether all are dropped. */
async function dropPartitions(db: Database, inTime: () => boolean): Promise<boolean> {
  const [kept] = await db.query(sql`select (${START_OF_KEPT})::text as start from retention`);
  for (let tries = 0; tries < MOST_TRIES && inTime();) {
    const [row] = await db.query(sql`select drop_trace_partition(${kept!["start"]}::timestamptz) as dropped`);
    if (row!["dropped"] === false) return true;
    if (row!["dropped"] === true) tries = 0;
    else {
      tries++;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  return false;
}

/** Deletes responses whose sightings are all dropped. A call that names one of them now is another call. */
async function forgetResponses(db: Database, inTime: () => boolean): Promise<boolean> {
  for (const part of (await isDistributed(db)) ? await keyRanges(db) : await blockRanges(db)) {
    if (!inTime()) return false;
    await db.query(sql`
      delete from responses
      where ${part}
        and (select trace_id_at(${START_OF_KEPT}) from retention) > all (sightings)
        and (upper(crowds) <= (select extract(epoch from ${START_OF_KEPT}) * 1000 from retention)) is not false`);
  }
  return true;
}

/** The number of blocks that one statement looks at: 80 MB of the table. */
const BLOCKS = 10_000;

/** Ranges of the responses' table. */
async function blockRanges(db: Database): Promise<SQL[]> {
  const [row] = await db.query(sql`
    select pg_relation_size('responses') / current_setting('block_size')::bigint as blocks`);
  return Array.from({ length: Math.ceil(Number(row!["blocks"]) / BLOCKS) }, (_, i) => {
    const [first, end] = [i * BLOCKS, (i + 1) * BLOCKS];
    return sql`ctid >= ${`(${first},0)`}::tid and ctid < ${`(${end},0)`}::tid`;
  });
}

/** The number of responses that one statement looks for, on all nodes together. */
const RESPONSES = 1_000_000;

/** Ranges of their keys, which are hashes. On Citus the table is in many pieces, and each has its own blocks. */
async function keyRanges(db: Database): Promise<SQL[]> {
  const [row] = await db.query(sql`select count(*) as responses from responses`);
  const ranges = Math.max(1, Math.ceil(Number(row!["responses"]) / RESPONSES));
  const bound = (i: number): string =>
    `${Math.floor((i * 2 ** 32) / ranges)
      .toString(16)
      .padStart(8, "0")}-0000-0000-0000-000000000000`;
  return Array.from({ length: ranges }, (_, i) => {
    const end = i + 1 < ranges ? sql` and response < ${bound(i + 1)}::uuid` : sql``;
    return sql`response >= ${bound(i)}::uuid${end}`;
  });
}

/** The number of rows that one statement deletes. */
const HOURS = 20_000;

/** Deletes the hour rows before `hour_since`, of every project and family. Returns whether none is left. */
async function deleteHours(db: Database, inTime: () => boolean): Promise<boolean> {
  for (const level of LEVELS.hour) {
    for (const statement of await deletionsOf(db, level)) if (!(await repeated(db, statement, inTime))) return false;
  }
  return true;
}

/** The statements that delete them: one, and on Citus one for each shard. */
async function deletionsOf(db: Database, level: number): Promise<Bound[]> {
  if (!(await isDistributed(db))) return [DELETE_HOURS({ level })];
  const old = await db.query(sql`
    select distinct r.project_id from rollup r where r.level = ${level} and r.bucket < (select hour_since from retention)`);
  const shards = await byShard(db, idsOf(old));
  return shards.map((projects) => DELETE_HOURS_OF_SHARD({ level, projects: plainArray(projects) }));
}

async function repeated(db: Database, { statement, values }: Bound, inTime: () => boolean): Promise<boolean> {
  for (let deleted = HOURS; deleted === HOURS;) {
    if (!inTime()) return false;
    deleted = (await db.run(statement, values)).length;
  }
  return true;
}

const level = sql`${param("level")}::smallint`;
const deletingHours = (distributed: boolean) =>
  compileNamed(sql`
with recursive labels as (
  (
    select r.project_id, r.label from rollup r
    where r.level = ${level}${amongThem(distributed, sql`r`)} order by r.project_id, r.label limit 1
  )
  union all
  select n.project_id, n.label from labels l, lateral (
    select r.project_id, r.label from rollup r
    where r.level = ${level}${amongThem(distributed, sql`r`)} and (r.project_id, r.label) > (l.project_id, l.label)
    order by r.project_id, r.label limit 1
  ) n
)
delete from rollup t where t.ctid = any(array(
  select r.ctid from labels l, rollup r
  where r.level = ${level} and r.project_id = l.project_id and r.label = l.label${amongThem(distributed, sql`r`)}
    and r.bucket < (select hour_since from retention)
  limit ${HOURS}
  for update of r skip locked
))${amongThem(distributed, sql`t`)} returning 1`);
const DELETE_HOURS = deletingHours(false);
const DELETE_HOURS_OF_SHARD = deletingHours(true);
