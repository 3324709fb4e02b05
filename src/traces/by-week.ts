/** Reads all calls of a range, a week at a time: a statement over a year would take too long. */
import type { SQL } from "drizzle-orm";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import { readRaw } from "../retention/kept.ts";
import { DAY_MS } from "../time.ts";
import type { CheckQuery } from "./query.ts";
import { matching } from "./matching.ts";

const WEEK_MS = 7 * DAY_MS;

/**
 * The rows of each week's statement.
 *
 * @param statement is given the condition on `t` for calls of the week that the filters let through.
 * @throws Expired if calls of the range are no longer kept.
 */
export async function* readByWeek(
  db: Database,
  projectId: string,
  query: CheckQuery,
  statement: (calls: SQL) => SQL,
): AsyncGenerator<Row> {
  for (let atMs = query.fromMs; atMs < query.toMs; atMs += WEEK_MS) {
    const [after, before] = keyRange(atMs, Math.min(atMs + WEEK_MS, query.toMs));
    yield* await readRaw(db, statement(matching(projectId, query, { after, before })), atMs);
  }
}
