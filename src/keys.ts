/**
 * Projects and their API keys. A key is `lct_`, 160 random bits and a checksum. The database holds only its SHA-256. A
 * key belongs to one project, so the content of a request never decides about the project.
 */
import { sql, type SQL } from "drizzle-orm";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { type Actor, entry } from "./admin-log.ts";
import type { Database, Row } from "./db/client.ts";
import { instantAt } from "./db/sql.ts";
import { sha256Hex } from "./digest.ts";
import { ApiError, idempotencyMismatch } from "./errors.ts";
import { once, upTo } from "./parameters.ts";
import { formatInstant } from "./time.ts";
import { id, time } from "./wire.ts";

export const SCOPES = ["ingest", "read", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as the API shows it, without the key itself. */
export const ApiKey = z
  .object({
    id,
    project_id: id,
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: time,
    expires_at: time.nullable().describe("The key is refused from then on. Null if it never expires."),
    last_used_at: time.nullable().describe("Up to a minute before the last use. Null if the key was never used."),
    revoked_at: time.nullable(),
    replaced_by: id.nullable().describe("The key that took its place when it was rotated."),
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

/** A key as the answer shows that made it. Nothing shows the key itself again. */
export const NewKey = ApiKey.omit({ last_used_at: true, revoked_at: true, replaced_by: true }).extend({
  key: z.string(),
});
export type NewKey = z.infer<typeof NewKey>;

export const Project = z.object({ id, name: z.string(), created_at: time }).meta({ id: "Project" });
export type Project = z.infer<typeof Project>;

const PREFIX = "lct_";
const RANDOM_BYTES = 20;

/** A key that nobody has yet, and what the database keeps of it. */
export function mintKey(): { key: string; hash: string } {
  const random = randomHex(RANDOM_BYTES);
  const key = PREFIX + random + checksum(random);
  return { key, hash: sha256Hex(key) };
}

/** Twice as many hex digits as bytes. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/** Checks the checksum alone, so that typing errors and guesses never reach the database. */
export function isWellFormedKey(key: string): boolean {
  const match = /^lct_([0-9a-f]{40})([0-9a-f]{8})$/.exec(key);
  return match !== null && checksum(match[1]!) === match[2];
}

function checksum(random: string): string {
  return crc32(random).toString(16).padStart(8, "0");
}

const NEW_KEY_COLUMNS = sql`project_id, id, name, scopes, created_at, expires_at`;

/**
 * Creates a key, which is shown only this once. It is random rather than made from the request: nobody who knows the
 * request and the admin key of that time can make it again.
 *
 * @param id of the key; the same one twice creates one key.
 * @param expiresMs when it expires, if it does.
 * @throws ApiError `not_found` if there is no such project, `key_already_created` the second time, and
 * `idempotency_mismatch` if the first time was for another name, other scopes or another expiry.
 */
export async function createKey(
  db: Database,
  projectId: string,
  name: string,
  scopes: readonly Scope[],
  id: string = crypto.randomUUID(),
  expiresMs: number | null = null,
  actor: Actor | null = null,
): Promise<NewKey> {
  const { key, hash } = mintKey();
  // The update changes nothing, but lets `returning` show a row that was there.
  const [row] = await db.query(sql`
    with made as (
      insert into api_keys (project_id, id, name, scopes, key_hash, expires_at)
      select id, ${id}::uuid, ${name}, ${`{${scopes.join()}}`}::text[], ${hash}, ${instantAt(expiresMs)}
      from projects where id = ${projectId}::uuid
      on conflict (project_id, id) do update set name = api_keys.name
      returning ${NEW_KEY_COLUMNS}, replaced_by, key_hash
    ),
    logged as (${entry(actor, "key.created", sql`${projectId}::uuid`, sql`id`, sql`(select * from made where key_hash = ${hash}) one`)})
    select * from made`);
  if (!row) throw new ApiError("not_found", "there is no such project");
  const made = readNewKey(row);
  if (row["key_hash"] === hash) return { ...made, key };
  // A rotation has moved the expiry since.
  const expiry = row["replaced_by"] === null ? made.expires_at : asTime(expiresMs);
  if (made.name !== name || made.scopes.join() !== scopes.join() || expiry !== asTime(expiresMs))
    throw idempotencyMismatch();
  throw keyAlreadyCreated(made.id);
}

export function keyAlreadyCreated(id: string): ApiError {
  return new ApiError(
    "key_already_created",
    "an earlier request with this Idempotency-Key created the key; it is shown only once",
    { key_id: id },
  );
}

/** A page of a list that is ordered by time and id. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

const CURSOR = /^(\d{1,16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const MAX_PAGE = 10_000;

export const LIST_PARAMETERS = {
  limit: once(upTo(MAX_PAGE), `Maximum number of items on a page. Without it, ${MAX_PAGE}.`),
  cursor: once(z.string().regex(CURSOR, "is not a cursor of this list"), "The `next_cursor` of the previous page."),
};
interface AskedPage {
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** The page that begins behind the cursor. `limit` is one more than it has, to find whether another follows. */
function pageAfter({ limit = MAX_PAGE, cursor }: AskedPage): SQL {
  const [, micros, id] = CURSOR.exec(cursor ?? "") ?? [];
  const after = micros === undefined ? sql`true` : sql`(${MICROS}, id) > (${micros}::bigint, ${id}::uuid)`;
  return sql`where ${after} order by ${MICROS}, id limit ${limit + 1}`;
}

const MICROS = sql`(extract(epoch from created_at) * 1000000)::bigint`;

function pageOf<T>(rows: Row[], { limit = MAX_PAGE }: AskedPage, read: (row: Row) => T): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit ? `${String(last!["micros"])}-${String(last!["id"])}` : null;
  return { items: shown.map(read), nextCursor };
}

export async function listKeys(db: Database, asked: AskedPage): Promise<Page<ApiKey>> {
  const rows = await db.query(sql`
    select ${NEW_KEY_COLUMNS}, last_used_at, revoked_at, replaced_by, ${MICROS}::text as micros
    from api_keys ${pageAfter(asked)}`);
  return pageOf(rows, asked, readKey);
}

/** @throws ApiError `not_found` if there is no such key. Revoking a key twice is not an error. */
export async function revokeKey(db: Database, id: string, actor: Actor | null = null): Promise<void> {
  const [row] = await db.query(sql`
    with before as (select project_id, id, revoked_at from api_keys where id = ${id}::uuid for update),
    revoked as (
      update api_keys k set revoked_at = now() from before b
      where k.project_id = b.project_id and k.id = b.id and b.revoked_at is null returning k.project_id, k.id
    ),
    logged as (${entry(actor, "key.revoked", sql`project_id`, sql`id`, sql`revoked`)})
    select id from before`);
  if (!row) throw new ApiError("not_found", "there is no such key");
}

/**
 * Creates a project. The same `id` twice creates one project.
 *
 * @throws ApiError `idempotency_mismatch` if the first time was for another name.
 */
export async function createProject(
  db: Database,
  name: string,
  id: string = crypto.randomUUID(),
  actor: Actor | null = null,
): Promise<Project> {
  // A row that was there before has been locked by the update.
  const [row] = await db.query(sql`
    with made as (
      insert into projects (id, name) values (${id}::uuid, ${name})
      on conflict (id) do update set name = projects.name
      returning id, name, created_at, xmax::text = '0' as fresh
    ),
    logged as (${entry(actor, "project.created", sql`${id}::uuid`, sql`id`, sql`(select * from made where fresh) one`)})
    select id, name, created_at from made`);
  const made = readProject(row!);
  if (made.name !== name) throw idempotencyMismatch();
  return made;
}

export async function listProjects(db: Database, asked: AskedPage): Promise<Page<Project>> {
  const rows = await db.query(sql`
    select id, name, created_at, ${MICROS}::text as micros from projects ${pageAfter(asked)}`);
  return pageOf(rows, asked, readProject);
}

function readKey(row: Row): ApiKey {
  return {
    ...readNewKey(row),
    last_used_at: timeOf(row["last_used_at"]),
    revoked_at: timeOf(row["revoked_at"]),
    replaced_by: row["replaced_by"] as string | null,
  };
}

export function readNewKey(row: Row): Omit<NewKey, "key"> {
  return {
    id: String(row["id"]),
    project_id: String(row["project_id"]),
    name: String(row["name"]),
    scopes: row["scopes"] as Scope[],
    created_at: (row["created_at"] as Date).toISOString(),
    expires_at: timeOf(row["expires_at"]),
  };
}

function timeOf(value: unknown): string | null {
  return value === null ? null : (value as Date).toISOString();
}

function asTime(ms: number | null): string | null {
  return ms === null ? null : formatInstant(ms);
}

function readProject(row: Row): Project {
  return { id: String(row["id"]), name: String(row["name"]), created_at: (row["created_at"] as Date).toISOString() };
}
