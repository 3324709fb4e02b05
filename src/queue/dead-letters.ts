/** Messages that could not be stored, kept for as long as it takes to find out why, and replayed then. */
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { textArray } from "../db/array-literal.ts";
import type { Deps, KeepAlive } from "../deps.ts";
import { store } from "../ingest/store.ts";
import { readMessage } from "./message.ts";

/** Stands for the project of a message that names none. */
const NO_PROJECT = "00000000-0000-0000-0000-000000000000";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of one replay. */
const AT_ONCE = 100;

/** A message that comes twice is kept once. */
export async function keepDeadLetters(db: Database, messages: readonly Message[]): Promise<void> {
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

export interface Replayed {
  replayed: number;
  failed: { id: string; error: string }[];
  remaining: number;
}

/** Stores what can be stored now, oldest first; what fails again stays, and goes behind the others. */
export async function replayDeadLetters(deps: Deps, keepAlive: KeepAlive): Promise<Replayed> {
  const letters = await deps.db.query(
    sql`select project_id, id, body from dead_letters order by tried_at, id limit ${AT_ONCE}`,
  );
  const result: Replayed = { replayed: 0, failed: [], remaining: 0 };
  for (const { project_id: project, id, body } of letters) {
    const letter = sql`project_id = ${String(project)}::uuid and id = ${String(id)}`;
    try {
      const { projectId, batch } = readMessage(String(body));
      await store(deps, projectId, batch, keepAlive);
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

/** Text as Postgres takes it; what is no message of ours may be anything. */
function textOf(body: unknown): string {
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}

function projectOf(body: string): string {
  try {
    const { projectId } = readMessage(body);
    return UUID.test(projectId) ? projectId : NO_PROJECT;
  } catch {
    return NO_PROJECT;
  }
}
