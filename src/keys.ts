/**
 * Projects and their API keys. A key is `lct_`, 160 random bits and a checksum. The database holds only its SHA-256. A
 * key belongs to one project, so the content of a request never decides about the project.
 */
import { sql, type SQL } from "drizzle-orm";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { type Actor, entry } from "./admin-log.ts";
import type { Database, Row } from "./db/client.ts";
import { holdOpen, type KeepAlive } from "./keep-alive.ts";
import { sha256Hex } from "./digest.ts";
import { ApiError, idempotencyMismatch } from "./errors.ts";
import { once, upTo } from "./parameters.ts";
import { id, time } from "./wire.ts";

export const SCOPES = ["ingest", "read", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  projectId: string;
  /** The id of the key, which is no secret. */
  keyId: string;
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

/**
 * Creates a key, which is shown only this once. It is random rather than made from the request: nobody who knows the
 * request and the admin key of that time can make it again.
 *
 * @param id of the key; the same one twice creates one key.
 * @throws ApiError `not_found` if there is no such project, `key_already_created` the second time, and
 * `idempotency_mismatch` if the first time was for another name or other scopes.
 */
export async function createKey(
  db: Database,
  projectId: string,
  name: string,
  scopes: readonly Scope[],
  id: string = crypto.randomUUID(),
  actor: Actor | null = null,
): Promise<ApiKey & { key: string }> {
  const key = mintKey();
  const hash = sha256Hex(key);
  // The update changes nothing, but lets `returning` show a row that was there.
  const [row] = await db.query(sql`
    with made as (
      insert into api_keys (project_id, id, name, scopes, key_hash)
      select id, ${id}::uuid, ${name}, ${`{${scopes.join()}}`}::text[], ${hash} from projects where id = ${projectId}::uuid
      on conflict (project_id, id) do update set name = api_keys.name
      returning project_id, id, name, scopes, created_at, revoked_at, key_hash
    ),
    logged as (${entry(actor, "key.created", sql`${projectId}::uuid`, sql`id`, sql`(select * from made where key_hash = ${hash}) one`)})
    select * from made`);
  if (!row) throw new ApiError("not_found", "there is no such project");
  const made = readKey(row);
  if (row["key_hash"] === hash) return { ...made, key };
  if (made.name !== name || made.scopes.join() !== scopes.join()) throw idempotencyMismatch();
  throw new ApiError(
    "key_already_created",
    "an earlier request with this Idempotency-Key created the key; it is shown only once",
    { key_id: made.id },
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
    select project_id, id, name, scopes, created_at, revoked_at, ${MICROS}::text as micros
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

export interface Keyring {
  /**
   * The caller who holds this key. Null if the key is wrong or revoked. Answers may be half a minute old. With
   * `keepAlive` an old answer is renewed beside the request, so requests with keys in use do not wait for the database.
   */
  callerOf(key: string, nowMs: number, keepAlive?: KeepAlive): Promise<Caller | null>;
  /** Says that a key was made, which must work at once. */
  added(): void;
}

const MEMO_MS = 30_000;
/** From this age on an answer is renewed. */
const RENEW_MS = 15_000;
/** A renewal that failed is tried again after this time. */
const RETRY_MS = 5_000;
const MEMO_SIZE = 10_000;

/** Looks keys up in the database and remembers the answers for `MEMO_MS`. */
export function createKeyring(db: Database): Keyring {
  const callers = new Map<string, { caller: Caller; renewMs: number; untilMs: number }>();
  /** Keys of nobody. They have a memo of their own, so that any number of them puts no caller out of it. */
  const strangers = new Map<string, number>();
  const roster = createRoster(db);

  async function lookUp(key: string, nowMs: number): Promise<Caller | null> {
    const [row] = await db.query(sql`
      select project_id, id, scopes from api_keys where key_hash = ${sha256Hex(key)} and revoked_at is null`);
    callers.delete(key);
    if (!row) {
      remember(strangers, key, nowMs + MEMO_MS);
      return null;
    }
    const [projectId, keyId] = [String(row["project_id"]), String(row["id"])];
    const caller = { projectId, keyId, scopes: new Set(row["scopes"] as Scope[]) };
    remember(callers, key, { caller, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS });
    return caller;
  }

  return {
    async callerOf(key, nowMs, keepAlive) {
      if (!isWellFormedKey(key)) return null;
      const known = callers.get(key);
      if (known && known.untilMs > nowMs) {
        if (keepAlive && known.renewMs <= nowMs) {
          known.renewMs = nowMs + RETRY_MS;
          keepAlive(lookUp(key, nowMs).catch(() => undefined));
        }
        return known.caller;
      }
      if (known) return await lookUp(key, nowMs);
      if ((strangers.get(key) ?? 0) > nowMs) return null;
      if (roster.isFlood(nowMs) && !(await roster.mayHave(key, nowMs, keepAlive))) return null;
      return await roster.watch(lookUp(key, nowMs), nowMs);
    },
    added: roster.forget,
  };
}

/** Forgets the oldest of `MEMO_SIZE` entries for a new one. */
function remember<T>(memo: Map<string, T>, key: string, value: T): void {
  memo.delete(key);
  if (memo.size >= MEMO_SIZE) memo.delete(memo.keys().next().value!);
  memo.set(key, value);
}

/** So many look-ups of strangers, under way or ended within `WINDOW_MS`, are a flood. */
const FLOOD = 30;
const WINDOW_MS = 10_000;
const ROSTER_MS = 1_000;
/** With more keys than this, each is looked up by itself. */
const MAX_ROSTER = 50_000;
const START_LENGTH = 16;

/**
 * In a flood of forged keys one look at the hashes of all keys, once a second, takes the place of a look-up for each.
 * Meanwhile a key that another isolate makes may take that second to work here.
 */
function createRoster(db: Database) {
  let read: { hashes: Promise<ReadonlySet<string> | null>; untilMs: number } | null = null;
  let underWay = 0;
  let found = 0;
  let windowMs = 0;

  async function load(): Promise<ReadonlySet<string> | null> {
    const rows = await db.query(sql`
      select left(key_hash, ${START_LENGTH}) as start from api_keys where revoked_at is null limit ${MAX_ROSTER + 1}`);
    return rows.length > MAX_ROSTER ? null : new Set(rows.map(({ start }) => String(start)));
  }

  return {
    isFlood(nowMs: number): boolean {
      if (nowMs - windowMs >= WINDOW_MS) {
        windowMs = nowMs;
        found = 0;
      }
      return underWay + found >= FLOOD;
    },
    /** False if there is no such key. True if it must be looked up. */
    async mayHave(key: string, nowMs: number, keepAlive?: KeepAlive): Promise<boolean> {
      if (read === null || read.untilMs <= nowMs) {
        const hashes = load().catch(() => null);
        read = { hashes, untilMs: nowMs + ROSTER_MS };
        keepAlive?.(hashes);
      }
      const hashes = await holdOpen(read.hashes, ROSTER_MS);
      return hashes === null || hashes === "late" || hashes.has(sha256Hex(key).slice(0, START_LENGTH));
    },
    /** Counts a look-up, which found nobody if it gives null. */
    async watch(lookUp: Promise<Caller | null>, nowMs: number): Promise<Caller | null> {
      underWay++;
      try {
        const caller = await lookUp;
        if (caller === null && nowMs - windowMs < WINDOW_MS) found++;
        return caller;
      } finally {
        underWay--;
      }
    },
    forget(): void {
      read = null;
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
