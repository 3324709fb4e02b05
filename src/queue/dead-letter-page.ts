/** Dead letters as an operator sees them: in pages, oldest first, each with its reason. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { type Actor, entry } from "../admin-log.ts";
import type { Database, Row } from "../db/client.ts";
import { NO_PROJECT_ID } from "../db/schema-prices.ts";
import { once, upTo } from "../parameters.ts";
import { rawSinceMs } from "../retention/kept.ts";
import { CHARACTER, count, id, time } from "../wire.ts";
import { readMessage } from "./message.ts";

export const DeadLetter = z
  .object({
    id: z.string().describe("The queue's id of the message."),
    project_id: id.nullable().describe("Null if the message names no project."),
    received_at: time.describe("The time at which the queue gave the message up."),
    tried_at: time.describe("The time of the last replay that failed. If there was none, the same as `received_at`."),
    reason: z
      .enum(["failed", "expired", "unreadable"])
      .describe(
        "`expired`: all its calls begin before the time from which calls are kept, so no replay stores them. They may have been counted before. `unreadable`: it is not a message of this ledger. `failed`: it could not be stored for another reason.",
      ),
    calls: count.nullable().describe("The number of calls in it. Null if it cannot be read."),
  })
  .meta({ id: "DeadLetter" });
export type DeadLetter = z.infer<typeof DeadLetter>;

const CURSOR = new RegExp(`^(\\d{1,16})-(${CHARACTER}{1,512})$`);

/** Pages are small, because each letter is read as a whole to find its reason. */
export const PAGE_PARAMETERS = {
  limit: once(upTo(50), "Maximum number of dead letters per page.", { fallback: "20" }),
  cursor: once(
    z.string().regex(CURSOR, "must be the `next_cursor` of a page"),
    "The `next_cursor` of the previous page.",
  ),
};

/** @param projectId null lists the letters of all projects, and those of no project. */
export async function listDeadLetters(
  db: Database,
  projectId: string | null,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<{ dead_letters: DeadLetter[]; next_cursor: string | null }> {
  const [, micros, after] = CURSOR.exec(cursor ?? "") ?? [];
  const rows = await db.query(sql`
    select id, project_id, body, died_at, tried_at, ${rawSinceMs} as since_ms,
      (extract(epoch from died_at) * 1000000)::bigint::text as died_us
    from dead_letters
    where ${projectId === null ? sql`true` : sql`project_id = ${projectId}::uuid`}
      and ${
        micros === undefined
          ? sql`true`
          : sql`((extract(epoch from died_at) * 1000000)::bigint, id) > (${micros}::bigint, ${after}::text)`
      }
    order by died_at, id limit ${limit + 1}`);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    dead_letters: page.map(shown),
    next_cursor: rows.length > limit ? `${String(last!["died_us"])}-${String(last!["id"])}` : null,
  };
}

/** Deletes a dead letter. Returns whether there was one. */
export async function deleteDeadLetter(
  db: Database,
  projectId: string | null,
  id: string,
  actor: Actor | null = null,
): Promise<boolean> {
  const gone = await db.query(sql`
    with gone as (
      delete from dead_letters
      where id = ${id} and ${projectId === null ? sql`true` : sql`project_id = ${projectId}::uuid`}
      returning project_id, id
    ),
    logged as (${entry(actor, "dead_letter.deleted", sql`project_id`, sql`id`, sql`gone`)})
    select id from gone`);
  return gone.length > 0;
}

function shown(row: Row): DeadLetter {
  const project = String(row["project_id"]);
  return {
    id: String(row["id"]),
    project_id: project === NO_PROJECT_ID ? null : project,
    received_at: (row["died_at"] as Date).toISOString(),
    tried_at: (row["tried_at"] as Date).toISOString(),
    ...contentOf(String(row["body"]), Number(row["since_ms"])),
  };
}

function contentOf(body: string, sinceMs: number): Pick<DeadLetter, "reason" | "calls"> {
  try {
    const { calls } = readMessage(body).batch;
    const expired = calls.length > 0 && calls.every(({ call }) => call.startedAtMs < sinceMs);
    return { reason: expired ? "expired" : "failed", calls: calls.length };
  } catch {
    return { reason: "unreadable", calls: null };
  }
}
