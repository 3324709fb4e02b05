/**
 * The retention bounds: the start of the calls and of the hour rows that are kept. A statement that needs earlier ones
 * ends with `Expired`. No statement misses any silently.
 *
 * A bound moves before anything is removed, and never moves back. So the hour rows that a statement reads are complete
 * if they lie after the bound in its snapshot. The calls that it reads are complete if they lie after the bound
 * afterwards. A statement that writes calls locks `traces` before it takes its snapshot, and the lock keeps partitions
 * from being dropped.
 */
import type { Placeholder, SQL } from "drizzle-orm";
import { type Bound, compileNamed, type Database, type ExpiredKind, type Row } from "../db/client.ts";
import { constants, param, sql } from "../db/sql.ts";

/** True if hours from `fromMs` on are kept. Otherwise the statement ends with `Expired`. */
export const hoursKept = (fromMs: number): SQL =>
  sql`(select ${kept(at(sql`${fromMs}`), sql`hour_since`, "hours")} from retention)`;

/** Ends its transaction with `Expired` if calls from `fromMs` on are no longer kept. */
export const requireRaw = (fromMs: number): Bound => REQUIRE_RAW({ from: fromMs });

/**
 * Reads calls from `fromMs` on. The bound is checked after reading, because Postgres does not evaluate the statement's
 * own conditions for a partition that is gone.
 *
 * @throws Expired if these calls are no longer kept.
 */
export async function readRaw(db: Database, statement: SQL | Bound, fromMs: number): Promise<Row[]> {
  const [rows] = await db.batch([statement, requireRaw(fromMs)]);
  return rows!;
}

/** The start of the calls that are kept, epoch ms. */
export const rawSinceMs = sql`(select extract(epoch from raw_since) * 1000 from retention)::float8`;

export async function readRawSince(db: Database): Promise<number> {
  const [row] = await db.query(sql`select ${rawSinceMs} as since_ms`);
  return Number(row!["since_ms"]);
}

/** True for a row that begins at `startedMs`. If it begins before `sinceMs` (read once), the statement ends instead. */
export function rowKept(startedMs: SQL, sinceMs: SQL): SQL {
  return sql`(${startedMs} >= ${sinceMs} or ${kept(at(startedMs), at(sinceMs), "raw")})`;
}

/** True if `from` is not before `since`. Otherwise the statement ends with `Expired`, which says `what` is not kept. */
function kept(from: SQL, since: SQL, what: ExpiredKind): SQL {
  return sql`kept_since(${from}, ${since}, ${constants([what])})`;
}

function at(ms: SQL | Placeholder): SQL {
  return sql`to_timestamp(greatest(${ms}::float8, 0) / 1000)`;
}

/** @throws Expired if calls from `fromMs` on are no longer kept. */
export async function expectRaw(db: Database, fromMs: number): Promise<void> {
  await db.batch([requireRaw(fromMs)]);
}

const REQUIRE_RAW = compileNamed(sql`select ${kept(at(param("from")), sql`raw_since`, "raw")} from retention`);
