/** Dead letters as an operator sees them: pages of them, oldest first, and why each is one. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "../db/client.ts";
import { NO_PROJECT_ID } from "../db/schema.ts";
import { once, upTo } from "../parameters.ts";
import { rawSinceMs } from "../retention/kept.ts";
import { CHARACTER, count, id, time } from "../wire.ts";
import { readMessage } from "./message.ts";

export const DeadLetter = z
  .object({
    id: z.string().describe("The queue's id of the message."),
    project_id: id.nullable().describe("Null where the message names none."),
    received_at: time.describe("When the queue gave it up."),
    tried_at: time.describe("When that was, or the last replay that failed."),
    reason: z
      .enum(["failed", "expired", "unreadable"])
      .describe(
        "`expired`: its calls begin before calls are kept, so no replay stores them (they may have been counted before); `unreadable`: it is no message of this ledger; `failed`: it could not be stored for another reason.",
      ),
    calls: count.nullable().describe("How many it holds; null where it cannot be read."),
  })
  .meta({ id: "DeadLetter" });
export type DeadLetter = z.infer<typeof DeadLetter>;

const CURSOR = new RegExp(`^(\\d{1,16})-(${CHARACTER}{1,512})$`);

/** Pages are small, for each letter is read as a whole to be told of. */
export const PAGE_PARAMETERS = {
  limit: once(upTo(50), "Of a page.", { fallback: "20" }),
  cursor: once(z.string().regex(CURSOR, "is not one that a page gave"), "`next_cursor` of the page before."),
};

/** @param projectId null: of all projects, and of none. */
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

/** Returns whether there was one. */
export async function deleteDeadLetter(db: Database, projectId: string | null, id: string): Promise<boolean> {
  if (id.includes("\0")) return false;
  const gone = await db.query(sql`
    delete from dead_letters
    where id = ${id} and ${projectId === null ? sql`true` : sql`project_id = ${projectId}::uuid`}
    returning id`);
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
    const { traces } = readMessage(body).batch;
    const expired = traces.length > 0 && traces.every(({ trace }) => trace.startedAtMs < sinceMs);
    return { reason: expired ? "expired" : "failed", calls: traces.length };
  } catch {
    return { reason: "unreadable", calls: null };
  }
}
