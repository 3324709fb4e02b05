/** Pages of lists. A page is cut by its bytes as well as by its rows, because a driver takes answers of 10 MB only. */
import { type Placeholder, sql, type SQL } from "drizzle-orm";
import type { Database, Row } from "../db/client.ts";
import { readRaw } from "../retention/kept.ts";

/** A page ends with the row that reaches this. JSON escapes texts and names fields, which may double it. */
const PAGE_BYTES = 4_000_000;

/**
 * Reads a page of rows about calls from `fromMs` on, the highest `key` first.
 *
 * @param rows selects one row more than a page may have, in this order.
 * @returns the page, and the key of its last row. The key is null if no row follows.
 */
export async function readPage(
  db: Database,
  rows: SQL,
  { key, limit, fromMs }: { key: string; limit: number; fromMs: number },
): Promise<{ page: Row[]; next_cursor: string | null }> {
  return pageOf(await readRaw(db, cutPage(rows, key, limit), fromMs), key);
}

/**
 * The statement that `pageOf` takes the rows of.
 *
 * @param size the bytes of the row `p`.
 */
export function cutPage(rows: SQL, key: string, limit: number | Placeholder, size = sql`octet_length(p::text)`): SQL {
  const by = sql`p.${sql.identifier(key)} desc`;
  return sql`
    select p.* from (
      select p.*, lead(1) over w is not null as page_goes_on,
        coalesce(sum(${size}) over w, 0) as bytes_before
      from (${rows}) p window w as (order by ${by} rows between unbounded preceding and 1 preceding)
    ) p
    where bytes_before < ${PAGE_BYTES} order by ${by} limit ${limit}`;
}

export function pageOf(page: Row[], key: string): { page: Row[]; next_cursor: string | null } {
  const last = page.at(-1);
  return { page, next_cursor: last?.["page_goes_on"] === true ? String(last[key]) : null };
}
