/**
 * Retention: calls and hour rows are removed once they are older than configured. Day and week rows stay. They hold the
 * sums of both, so no total changes.
 *
 * Each bound moves first (`kept.ts`). Then everything before it is removed in steps. A step may be cut off anywhere,
 * and the next run goes on with it. Calls are removed by whole months, a partition at a time. The bound lies `REACH_MS`
 * after the start of the first month that stays. So a call after the bound finds every span that its trace could ever
 * have.
 */
import { type Database } from "../db/client.ts";
import { instantAt } from "../db/sql.ts";
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
  if (rawRetentionDays !== undefined) await db.query(moveRawSince(rawSinceFor(now(), rawRetentionDays)));
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
function moveRawSince(sinceMs: number): SQL {
  return sql`
with moved as (
  update retention set raw_since = ${instantAt(sinceMs)}
  where raw_since < ${instantAt(sinceMs)} and not exists (
    select from held_wrappers h
    where h.id < trace_id_at(${instantAt(sinceMs)}) and (
      h.due_at <= now() or exists (
        select from traces t
        where t.project_id = h.project_id and t.id = h.id and t.received_at > now() - interval '2 days'
      )
    )
  )
  returning trace_id_at(raw_since) as lowest
)
delete from held_wrappers where id < (select lowest from moved)`;
}

function moveHourSince(sinceMs: number): SQL {
  return sql`update retention set hour_since = ${instantAt(sinceMs)} where hour_since < ${instantAt(sinceMs)}`;
}

/** A partition that other transactions use is tried this often, with this pause between. */
const MOST_TRIES = 5;
const PAUSE_MS = 500;

/** Drops the partitions before the bound, each in its own transaction. Returns whether all are dropped. */
async function dropPartitions(db: Database, inTime: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < MOST_TRIES && inTime();) {
    const [row] = await db.query(sql`select drop_trace_partition(${START_OF_KEPT}) as dropped from retention`);
    if (row!["dropped"] === false) return true;
    if (row!["dropped"] === true) tries = 0;
    else {
      tries++;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  return false;
}

/** The number of blocks that one statement looks at: 80 MB of the table. */
const BLOCKS = 10_000;

/** Deletes responses whose sightings are all dropped. A call that names one of them now is another call. */
async function forgetResponses(db: Database, inTime: () => boolean): Promise<boolean> {
  const [row] = await db.query(sql`
    select pg_relation_size('responses') / current_setting('block_size')::bigint as blocks`);
  for (let first = 0; first < Number(row!["blocks"]); first += BLOCKS) {
    if (!inTime()) return false;
    await db.query(sql`
      delete from responses
      where ctid >= ${`(${first},0)`}::tid and ctid < ${`(${first + BLOCKS},0)`}::tid
        and (select trace_id_at(${START_OF_KEPT}) from retention) > all (sightings)
        and coalesce(upper(crowds) <= (select extract(epoch from ${START_OF_KEPT}) * 1000 from retention), true)`);
  }
  return true;
}

/** The number of rows that one statement deletes. */
const HOURS = 20_000;

/** Deletes the hour rows before `hour_since`, of every project and family. Returns whether none is left. */
async function deleteHours(db: Database, inTime: () => boolean): Promise<boolean> {
  for (const level of LEVELS.hour) if (!(await deleteLevel(db, level, inTime))) return false;
  return true;
}

async function deleteLevel(db: Database, level: number, inTime: () => boolean): Promise<boolean> {
  for (let deleted = HOURS; deleted === HOURS;) {
    if (!inTime()) return false;
    deleted = (
      await db.query(sql`
with recursive labels as (
  (select project_id, label from rollup where level = ${level} order by project_id, label limit 1)
  union all
  select n.project_id, n.label from labels l, lateral (
    select r.project_id, r.label from rollup r
    where r.level = ${level} and (r.project_id, r.label) > (l.project_id, l.label)
    order by r.project_id, r.label limit 1
  ) n
)
delete from rollup where ctid = any(array(
  select r.ctid from labels l, rollup r
  where r.level = ${level} and r.project_id = l.project_id and r.label = l.label
    and r.bucket < (select hour_since from retention)
  limit ${HOURS}
  for update of r skip locked
)) returning 1`)
    ).length;
  }
  return true;
}
