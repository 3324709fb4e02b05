/**
 * A part of the report is read by one statement, which never waits long: not for a lock, and not for itself. If the role
 * may not read it, or the server lacks it, the report says so and the other parts are read all the same.
 */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { type Database, DatabaseUnavailable, type Row } from "../db/client.ts";

export const Unread = z.object({
  what: z.string().describe("What the report lacks."),
  reason: z.string(),
});

export type Unread = z.infer<typeof Unread>;

const LOCK_SECONDS = 1;
const STATEMENT_SECONDS = 5;
/** Neither driver has a session. Both keep these for one transaction. */
const LIMITS = sql`select set_config('lock_timeout', ${`${LOCK_SECONDS}s`}, true),
  set_config('statement_timeout', ${`${STATEMENT_SECONDS}s`}, true)`;

/** SQLSTATEs that are about the part and not about the database as a whole. */
const REASONS: Record<string, string> = {
  "42501": "The role may not read it.",
  "42P01": "This server does not have it.",
  "42703": "This version of it has other columns.",
  "42883": "This server lacks a function that it needs.",
  "0A000": "This server does not support it.",
  "55000": "The library is not loaded: shared_preload_libraries must name it.",
  "55P03": `Another session held a lock on it for more than ${LOCK_SECONDS} s.`,
  "57014": `It took longer than ${STATEMENT_SECONDS} s.`,
};

/**
 * Reads one part.
 *
 * @param unread gets an entry if it cannot be read.
 * @returns null then.
 */
export async function readSection(db: Database, what: string, query: SQL, unread: Unread[]): Promise<Row[] | null> {
  try {
    const [, rows = []] = await db.batch([LIMITS, query]);
    return rows;
  } catch (error) {
    const { code } = (error instanceof DatabaseUnavailable ? error.cause : error) as { code?: string };
    const reason = REASONS[code ?? ""];
    if (reason === undefined) throw error;
    unread.push({ what, reason });
    return null;
  }
}

export const instantOf = (value: unknown): string | null => (value instanceof Date ? value.toISOString() : null);
