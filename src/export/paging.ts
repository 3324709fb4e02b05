/** Pages of an export. Their size fits a statement's answer and an isolate's memory; a failed read is tried again. */
import { DatabaseUnavailable, StatementTooLarge } from "../db/client.ts";

export interface PageSize {
  /** Maximum number of rows of the next page. */
  rows: number;
  maxRows: number;
  /**
   * How much text a page should become. It is far below the 10 MB limit of an answer, of which the driver makes
   * objects.
   */
  targetChars: number;
}

/** Pages of calls are small at first, as a call may be long. A page costs the same per row whatever its size. */
export const forTraces = (): PageSize => ({ rows: 200, maxRows: 2_000, targetChars: 1_000_000 });
/** Pages of groups are as large as possible, because every page adds up again all groups that are left. */
export const forGroups = (maxRows: number): PageSize => ({
  rows: maxRows,
  maxRows,
  targetChars: Number.POSITIVE_INFINITY,
});

/** Sets the size of the next page by the length of this one. */
export function learn(size: PageSize, rows: number, chars: number): void {
  if (rows === 0) return;
  const fitting = Math.floor((size.targetChars * rows) / Math.max(chars, 1));
  size.rows = Math.max(1, Math.min(fitting, size.maxRows, size.rows * 10));
}

const RETRY_AFTER_MS = [100, 300, 900];

/**
 * Reads a page. If the database does not answer, it reads the page again. If the answer would be too large, it reads a
 * smaller page.
 *
 * @param read takes the number of rows to read, and how often the database has failed.
 */
export async function patiently<T>(size: PageSize, read: (rows: number, failures: number) => Promise<T>): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await read(size.rows, failures);
    } catch (error) {
      const waitMs = RETRY_AFTER_MS[failures];
      if (error instanceof StatementTooLarge && size.rows > 1) {
        size.maxRows = Math.ceil(size.rows / 2);
        size.rows = size.maxRows;
      } else if (error instanceof DatabaseUnavailable && waitMs !== undefined) {
        failures++;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      } else throw error;
    }
  }
}

/** Asks for the next page before it gives this one. */
export async function* ahead<T>(pages: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = pages.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = pages.next();
      // A failure is thrown where the page is awaited. If the reader has left, nothing awaits it.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await pages.return();
  }
}
