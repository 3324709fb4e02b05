/**
 * From when on calls and hours are kept. What needs some of before ends with `Expired`; nothing misses any silently.
 *
 * A bound moves before anything is removed, and never back. So hours that a statement reads are all there if the bound
 * has not passed them in its snapshot, and calls if it has not passed them after. A statement that writes calls holds a
 * lock on `traces` before it takes its snapshot, under which no partition can be dropped.
 */
import { sql, type SQL } from "drizzle-orm";
import type { Database, Row } from "../db/client.ts";

/** True where hours from `fromMs` on are kept; else the statement ends with `Expired`. */
export const hoursKept = (fromMs: number): SQL =>
  sql`(select kept_since(${at(sql`${fromMs}`)}, hour_since, 'hours') from retention)`;

/** Ends its transaction with `Expired` where calls from `fromMs` on are kept no longer. */
export const requireRaw = (fromMs: number): SQL =>
  sql`select kept_since(${at(sql`${fromMs}`)}, raw_since, 'raw') from retention`;

/**
 * Reads calls from `fromMs` on.
 *
 * Asked after reading: where there is no partition any more, a statement's own conditions are not looked at.
 *
 * @throws Expired where they are kept no longer.
 */
export async function readRaw(db: Database, statement: SQL, fromMs: number): Promise<Row[]> {
  const [rows] = await db.batch([statement, requireRaw(fromMs)]);
  return rows!;
}

/** Since when calls are kept, in epoch ms. */
export const rawSinceMs = sql`(select extract(epoch from raw_since) * 1000 from retention)::float8`;

export async function readRawSince(db: Database): Promise<number> {
  const [row] = await db.query(sql`select ${rawSinceMs} as since_ms`);
  return Number(row!["since_ms"]);
}

/** For a row that begins at `startedMs`, with `sinceMs` read once: false never, as the statement ends then. */
export function rowKept(startedMs: SQL, sinceMs: SQL): SQL {
  return sql`(${startedMs} >= ${sinceMs} or kept_since(${at(startedMs)}, ${at(sinceMs)}, 'raw'))`;
}

function at(ms: SQL): SQL {
  return sql`to_timestamp(greatest(${ms}::float8, 0) / 1000)`;
}

/** @throws Expired where calls from `fromMs` on are kept no longer. */
export async function expectRaw(db: Database, fromMs: number): Promise<void> {
  await db.query(requireRaw(fromMs));
}
