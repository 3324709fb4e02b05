/**
 * The log of what admins did: who, what, when. An entry is written by the statement that acts, or before it if the
 * action takes several. So no action goes without an entry, and an entry may tell of an action that failed. Entries
 * hold ids, never keys, names or users. The database refuses to change or delete them.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "./db/client.ts";
import { NO_PROJECT_ID } from "./db/schema-prices.ts";
import { once, upTo } from "./parameters.ts";
import { id, time } from "./wire.ts";

export const ACTIONS = [
  "project.created",
  "key.created",
  "key.revoked",
  "key.rotated",
  "session.started",
  "session.ended",
  "price.created",
  "reprice.applied",
  "reprice.cancelled",
  "call.deleted",
  "double.decided",
  "plan.created",
  "plan.deleted",
  "user.erased",
  "repair",
  "dead_letters.replayed",
  "dead_letter.deleted",
] as const;
export type Action = (typeof ACTIONS)[number];

/** Who acts. */
export interface Actor {
  /** The id of an API key, or `admin key`. */
  name: string;
  requestId: string;
}

/** The actor named by the placeholders of a compiled statement. */
export const NAMED_ACTOR = { name: sql.placeholder("actor"), requestId: sql.placeholder("request_id") };
/** The values of these placeholders. Nobody's action is not logged. */
export const actorValues = (actor: Actor | null): Record<string, string | null> => ({
  actor: actor?.name ?? null,
  request_id: actor?.requestId ?? null,
});

/**
 * The INSERT of an entry for each row of `source` (the text after FROM), if somebody acts.
 *
 * @param project of the row, as SQL. Null if the action is about no single project.
 */
export function entry(
  actor: Actor | typeof NAMED_ACTOR | null,
  action: Action,
  project: SQL | null,
  subject: SQL,
  source: SQL = sql`(select 1) one`,
): SQL {
  const { name, requestId } = actor ?? { name: null, requestId: null };
  return sql`
  insert into admin_log (project_id, id, actor, action, subject, request_id)
  select ${project ?? sql`${NO_PROJECT_ID}::uuid`}, gen_random_uuid(), ${name}::text, ${action}::text, (${subject})::text, ${requestId}::text
  from ${source} where ${name}::text is not null`;
}

/** Writes an entry before an action that takes several statements. */
export async function log(
  db: Database,
  actor: Actor,
  action: Action,
  projectId: string | null,
  subject: string | null = null,
): Promise<void> {
  await db.query(entry(actor, action, projectId === null ? null : sql`${projectId}::uuid`, sql`${subject}::text`));
}

export const LogEntry = z
  .object({
    id,
    at: time,
    actor: z.string().describe("The id of an API key, or `admin key`."),
    action: z.enum(ACTIONS),
    project_id: id.nullable().describe("Null if the action is about no single project."),
    subject: z
      .string()
      .nullable()
      .describe("The id of what it was done to. For a user a digest, the `subject` of the erasure."),
    request_id: z.string(),
  })
  .meta({ id: "AdminLogEntry" });
export type LogEntry = z.infer<typeof LogEntry>;

const CURSOR = /^(\d{1,16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export const LOG_PARAMETERS = {
  limit: once(upTo(1_000), "Maximum number of entries per page.", { fallback: "100" }),
  cursor: once(z.string().regex(CURSOR, "is not a cursor of this list"), "The `next_cursor` of the previous page."),
};

/** A page of entries, the newest first. */
export async function readLog(
  db: Database,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<{ entries: LogEntry[]; next_cursor: string | null }> {
  const [, micros, after] = CURSOR.exec(cursor ?? "") ?? [];
  const at = sql`timestamptz 'epoch' + ${micros ?? null}::bigint * interval '1 microsecond'`;
  const rows = await db.query(sql`
    select id, at, actor, action, project_id, subject, request_id, (extract(epoch from at) * 1000000)::bigint::text as micros
    from admin_log
    where ${micros === undefined ? sql`true` : sql`(at, id) < (${at}, ${after}::uuid)`}
    order by at desc, id desc limit ${limit + 1}`);
  const last = rows[limit - 1];
  return {
    entries: rows.slice(0, limit).map(shown),
    next_cursor: rows.length > limit ? `${String(last!["micros"])}-${String(last!["id"])}` : null,
  };
}

function shown(row: Row): LogEntry {
  const project = String(row["project_id"]);
  return {
    id: String(row["id"]),
    at: (row["at"] as Date).toISOString(),
    actor: String(row["actor"]),
    action: String(row["action"]) as Action,
    project_id: project === NO_PROJECT_ID ? null : project,
    subject: row["subject"] as string | null,
    request_id: String(row["request_id"]),
  };
}
