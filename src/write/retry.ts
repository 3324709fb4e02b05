/** Retries transactions that refuse because other spans were stored since they were prepared. */
import type { SQL } from "drizzle-orm";
import { type Bound, type Database, Refused, type Row } from "../db/client.ts";

/** After this many refusals the transaction is given up. */
const MOST_TRIES = 5;

/**
 * Prepares statements from the stored rows and runs them in one transaction. If it refuses, both are done again.
 *
 * @throws Refused if the last try refuses too.
 */
export async function retryRefused(db: Database, prepare: () => Promise<(SQL | Bound)[]>): Promise<Row[][]> {
  for (let tries = 1; ; tries++) {
    const statements = await prepare();
    try {
      return await db.batch(statements);
    } catch (error) {
      if (!(error instanceof Refused) || tries === MOST_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** tries * Math.random()));
    }
  }
}

/** The start of the earliest call that any of the statements changed, epoch ms. Null if none changed. */
export function earliestOf(results: readonly Row[][]): number | null {
  return results
    .flat()
    .reduce<number | null>((found, row) => earlier(found, (row["earliest_ms"] ?? null) as number | null), null);
}

export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
