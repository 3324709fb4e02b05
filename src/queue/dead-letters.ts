/**
 * Dead letters: messages that could not be stored, and the expired calls of messages whose other calls were stored.
 * They are kept until an operator has found the cause, and replays or deletes them.
 */
import { type RecordDeps, recordCalls } from "../write/record.ts";
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { textArray } from "../db/array-literal.ts";
import { NO_PROJECT_ID } from "../db/schema-prices.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Batch, Outcome } from "../write/write-batch.ts";
import { packMessages, readMessage } from "./message.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The most letters that one replay tries to store. */
const AT_ONCE = 100;

export interface Letter {
  /** The queue's id of the message. */
  id: string;
  body: unknown;
}

/** Keeps messages as dead letters. A message that comes twice is kept once. */
export async function keepDeadLetters(db: Database, messages: readonly Letter[]): Promise<void> {
  const letters = messages.map(({ id, body }) => ({ id, body: textOf(body) }));
  await db.query(sql`
    insert into dead_letters (project_id, id, body)
    select * from unnest(
      ${textArray(letters.map(({ body }) => projectOf(body)))}::uuid[],
      ${textArray(letters.map(({ id }) => id))}::text[],
      ${textArray(letters.map(({ body }) => body))}::text[]
    )
    on conflict do nothing`);
}

/**
 * A message of the calls that expired between being acknowledged and being stored. Null if none did. It contains no
 * call that was stored, so it holds exactly the calls that the ledger does not count.
 */
export function expiredOf(projectId: string, { calls }: Batch, outcomes: readonly Outcome[]): string | null {
  const expired = calls.filter((_, i) => outcomes[i] === "expired");
  return packMessages(projectId, { calls: expired, links: [] }, Infinity).messages[0] ?? null;
}

export interface Replayed {
  replayed: number;
  failed: { id: string; error: string }[];
  remaining: number;
}

/** Stores dead letters, oldest first. A letter that fails again stays, and goes behind the others. */
export async function replayDeadLetters(deps: RecordDeps, keepAlive: KeepAlive): Promise<Replayed> {
  const letters = await deps.db.query(
    sql`select project_id, id, body from dead_letters order by tried_at, id limit ${AT_ONCE}`,
  );
  const result: Replayed = { replayed: 0, failed: [], remaining: 0 };
  for (const { project_id: project, id, body } of letters) {
    const letter = sql`project_id = ${String(project)}::uuid and id = ${String(id)}`;
    try {
      const { projectId, batch } = readMessage(String(body));
      const expired = expiredOf(projectId, batch, await recordCalls(deps, projectId, batch, keepAlive));
      if (expired !== null) {
        result.failed.push({ id: String(id), error: "Expired" });
        await deps.db.query(sql`update dead_letters set tried_at = now(), body = ${expired} where ${letter}`);
        continue;
      }
    } catch (error) {
      result.failed.push({ id: String(id), error: error instanceof Error ? error.name : "unknown" });
      await deps.db.query(sql`update dead_letters set tried_at = now() where ${letter}`);
      continue;
    }
    await deps.db.query(sql`delete from dead_letters where ${letter}`);
    result.replayed++;
  }
  const [row] = await deps.db.query(sql`select count(*)::int as remaining from dead_letters`);
  result.remaining = Number(row!["remaining"]);
  return result;
}

/** The body as a text that Postgres can store. A body that is not a message of this ledger may be any value. */
function textOf(body: unknown): string {
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}

function projectOf(body: string): string {
  try {
    const { projectId } = readMessage(body);
    return UUID.test(projectId) ? projectId : NO_PROJECT_ID;
  } catch {
    return NO_PROJECT_ID;
  }
}
