/**
 * Projects and their API keys. A key is `lct_`, 160 random bits and a checksum. The database holds only its SHA-256. A
 * key belongs to one project, so the content of a request never decides about the project.
 */
import { sql } from "drizzle-orm";
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { Database, Row } from "./db/client.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { sha256Hex } from "./digest.ts";
import { ApiError } from "./errors.ts";
import { id, time } from "./wire.ts";

export const SCOPES = ["ingest", "read", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  projectId: string;
  scopes: ReadonlySet<Scope>;
}

/** A key as the API shows it, without the key itself. */
export const ApiKey = z
  .object({
    id,
    project_id: id,
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: time,
    revoked_at: time.nullable(),
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

export const Project = z.object({ id, name: z.string(), created_at: time }).meta({ id: "Project" });
export type Project = z.infer<typeof Project>;

const PREFIX = "lct_";
const RANDOM_BYTES = 20;

function mintKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return PREFIX + random + checksum(random);
}

/** Checks the checksum alone, so that typing errors and guesses never reach the database. */
export function isWellFormedKey(key: string): boolean {
  const match = /^lct_([0-9a-f]{40})([0-9a-f]{8})$/.exec(key);
  return match !== null && checksum(match[1]!) === match[2];
}

function checksum(random: string): string {
  return crc32(random).toString(16).padStart(8, "0");
}

/** @returns the new key's record and the key itself, which is shown only this once. */
export async function createKey(
  db: Database,
  projectId: string,
  name: string,
  scopes: readonly Scope[],
): Promise<ApiKey & { key: string }> {
  const key = mintKey();
  const [row] = await db.query(sql`
    insert into api_keys (project_id, id, name, scopes, key_hash)
    select id, gen_random_uuid(), ${name}, ${`{${scopes.join()}}`}::text[], ${sha256Hex(key)} from projects where id = ${projectId}::uuid
    returning project_id, id, name, scopes, created_at, revoked_at`);
  if (!row) throw new ApiError("not_found", "there is no such project");
  return { ...readKey(row), key };
}

export async function listKeys(db: Database): Promise<ApiKey[]> {
  const rows = await db.query(sql`
    select project_id, id, name, scopes, created_at, revoked_at from api_keys order by created_at, id`);
  return rows.map(readKey);
}

/** @throws ApiError `not_found` if there is no such key. Revoking a key twice is not an error. */
export async function revokeKey(db: Database, id: string): Promise<void> {
  const [row] = await db.query(sql`
    update api_keys set revoked_at = coalesce(revoked_at, now()) where id = ${id}::uuid returning id`);
  if (!row) throw new ApiError("not_found", "there is no such key");
}

export async function createProject(db: Database, name: string): Promise<Project> {
  const [row] = await db.query(sql`
    insert into projects (id, name) values (gen_random_uuid(), ${name}) returning id, name, created_at`);
  return readProject(row!);
}

export async function listProjects(db: Database): Promise<Project[]> {
  return (await db.query(sql`select id, name, created_at from projects order by created_at, id`)).map(readProject);
}

export interface Keyring {
  /**
   * The caller who holds this key. Null if the key is wrong or revoked. Answers may be half a minute old. With
   * `keepAlive` an old answer is renewed beside the request, so requests with keys in use do not wait for the database.
   */
  callerOf(key: string, nowMs: number, keepAlive?: KeepAlive): Promise<Caller | null>;
}

const MEMO_MS = 30_000;
/** From this age on an answer is renewed. */
const RENEW_MS = 15_000;
/** A renewal that failed is tried again after this time. */
const RETRY_MS = 5_000;
const MEMO_SIZE = 10_000;

/** Looks keys up in the database and remembers the answers for `MEMO_MS`. */
export function createKeyring(db: Database): Keyring {
  const memo = new Map<string, { caller: Caller | null; renewMs: number; untilMs: number }>();

  async function lookUp(key: string, nowMs: number): Promise<Caller | null> {
    const [row] = await db.query(sql`
      select project_id, scopes from api_keys where key_hash = ${sha256Hex(key)} and revoked_at is null`);
    const caller = row ? { projectId: String(row["project_id"]), scopes: new Set(row["scopes"] as Scope[]) } : null;
    if (memo.size >= MEMO_SIZE) memo.clear();
    memo.set(key, { caller, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS });
    return caller;
  }

  return {
    async callerOf(key, nowMs, keepAlive) {
      if (!isWellFormedKey(key)) return null;
      const known = memo.get(key);
      if (!known || known.untilMs <= nowMs) return await lookUp(key, nowMs);
      if (keepAlive && known.renewMs <= nowMs) {
        known.renewMs = nowMs + RETRY_MS;
        keepAlive(lookUp(key, nowMs).catch(() => undefined));
      }
      return known.caller;
    },
  };
}

function readKey(row: Row): ApiKey {
  return {
    id: String(row["id"]),
    project_id: String(row["project_id"]),
    name: String(row["name"]),
    scopes: row["scopes"] as Scope[],
    created_at: (row["created_at"] as Date).toISOString(),
    revoked_at: (row["revoked_at"] as Date | null)?.toISOString() ?? null,
  };
}

function readProject(row: Row): Project {
  return { id: String(row["id"]), name: String(row["name"]), created_at: (row["created_at"] as Date).toISOString() };
}
