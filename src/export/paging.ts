/** Pages of an export: so many rows at once as a statement's answer and an isolate's memory bear, read with patience. */
import { DatabaseUnavailable, StatementTooLarge } from "../db/client.ts";

export interface PageSize {
  /** How many rows the next page may have. */
  rows: number;
  maxRows: number;
  /** How much text a page should become: far less than the 10 MB of an answer, of which the driver makes objects first. */
  targetChars: number;
}

/** Every page costs the same for each of its rows; these may be long. */
export const forTraces = (): PageSize => ({ rows: 200, maxRows: 2_000, targetChars: 1_000_000 });
/** Every page adds up again what is left: fewer and larger ones. */
export const forGroups = (maxRows: number): PageSize => ({
  rows: maxRows,
  maxRows,
  targetChars: Number.POSITIVE_INFINITY,
});

/** Sets the size of the next page by what this one became. */
export function learn(size: PageSize, rows: number, chars: number): void {
  if (rows === 0) return;
  const fitting = Math.floor((size.targetChars * rows) / Math.max(chars, 1));
  size.rows = Math.max(1, Math.min(fitting, size.maxRows, size.rows * 10));
}

const RETRY_AFTER_MS = [100, 300, 900];

/**
 * Reads a page, again when the database does not answer, smaller when its answer would be too large.
 *
 * @param read is told how many rows to read, and how often that failed.
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

/** Asks for the next page before this one is used. */
export async function* ahead<T>(pages: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = pages.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = pages.next();
      // Whoever waits for it is told; nobody may any more.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await pages.return();
  }
}
