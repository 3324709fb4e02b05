/**
 * Who holds a key, as the database says, remembered for half a minute.
 *
 * A key that is revoked is refused everywhere within 60 s, whatever is slow or down meanwhile: an answer counts from
 * before its question was sent, and is believed for `MEMO_MS`. A key expires by the clock, also if it is remembered.
 */
import { sql } from "drizzle-orm";
import type { Database } from "./db/client.ts";
import { instantAt } from "./db/sql.ts";
import { sha256Hex } from "./digest.ts";
import { ApiError } from "./errors.ts";
import { holdOpen, type KeepAlive } from "./keep-alive.ts";
import { isWellFormedKey, type Scope } from "./keys.ts";
import { formatInstant } from "./time.ts";

export interface Caller {
  /** The id of the key; `admin key` for a session of the admin key in the project that it chose. */
  keyId: string;
  projectId: string;
  scopes: ReadonlySet<Scope>;
}

export interface Keyring {
  /**
   * The caller who holds this key. Null if the key is wrong or revoked. Answers may be half a minute old. With
   * `keepAlive` an old answer is renewed beside the request, so requests with keys in use do not wait for the database;
   * and that the key is used is noted.
   *
   * @throws ApiError `unauthorized` if the key has expired.
   */
  callerOf(key: string, nowMs: number, keepAlive?: KeepAlive): Promise<Caller | null>;
  /** Says that a key was made, which must work at once. */
  added(): void;
  /** Says that the key of this id was revoked or rotated. Other isolates find out within `MEMO_MS`. */
  changed(keyId: string): void;
}

export const MEMO_MS = 30_000;
/** From this age on an answer is renewed. */
export const RENEW_MS = 15_000;
/** A renewal that failed is tried again after this time. */
export const RETRY_MS = 5_000;
const MEMO_SIZE = 10_000;
/** A use is noted if the last one noted is older. With `RENEW_MS` this keeps the note within a minute. */
const NOTED_MS = 30_000;

interface Known {
  caller: Caller;
  expiresMs: number;
  renewMs: number;
  untilMs: number;
}

/** Looks keys up in the database and remembers the answers for `MEMO_MS`. */
export function createKeyring(db: Database): Keyring {
  const callers = new Map<string, Known>();
  /** Keys of nobody. They have a memo of their own, so that any number of them puts no caller out of it. */
  const strangers = new Map<string, number>();
  const roster = createRoster(db);

  async function lookUp(key: string, nowMs: number, keepAlive?: KeepAlive): Promise<Known | null> {
    const [row] = await db.query(sql`
      select project_id, id, scopes, expires_at, last_used_at
      from api_keys where key_hash = ${sha256Hex(key)} and revoked_at is null`);
    callers.delete(key);
    if (!row) {
      remember(strangers, key, nowMs + MEMO_MS);
      return null;
    }
    const caller = {
      keyId: String(row["id"]),
      projectId: String(row["project_id"]),
      scopes: new Set(row["scopes"] as Scope[]),
    };
    const expiresMs = (row["expires_at"] as Date | null)?.getTime() ?? Infinity;
    const known = { caller, expiresMs, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS };
    remember(callers, key, known);
    if (nowMs < expiresMs) noteUse(db, caller, row["last_used_at"], nowMs, keepAlive);
    return known;
  }

  return {
    async callerOf(key, nowMs, keepAlive) {
      const known = callers.get(key);
      if (known === undefined && !isWellFormedKey(key)) return null;
      if (known && known.untilMs > nowMs) {
        if (keepAlive && known.renewMs <= nowMs) {
          known.renewMs = nowMs + RETRY_MS;
          keepAlive(lookUp(key, nowMs, keepAlive).catch(() => undefined));
        }
        return admitted(known, nowMs);
      }
      if (known) return admitted(await lookUp(key, nowMs, keepAlive), nowMs);
      if ((strangers.get(key) ?? 0) > nowMs) return null;
      if (roster.isFlood(nowMs) && !(await roster.mayHave(key, nowMs, keepAlive))) return null;
      return admitted(await roster.watch(lookUp(key, nowMs, keepAlive), nowMs), nowMs);
    },
    added: roster.forget,
    changed(keyId) {
      for (const [key, { caller }] of callers) if (caller.keyId === keyId) callers.delete(key);
    },
  };
}

function admitted(known: Known | null, nowMs: number): Caller | null {
  if (known === null) return null;
  if (known.expiresMs > nowMs) return known.caller;
  throw new ApiError("unauthorized", `the API key expired at ${formatInstant(known.expiresMs)}`);
}

/**
 * Notes beside the request that a key is used, if the last note is old.
 *
 * @param lastUsed as the database has it.
 */
export function noteUse(
  db: Database,
  caller: Caller,
  lastUsed: unknown,
  nowMs: number,
  keepAlive: KeepAlive | undefined,
): void {
  const usedMs = (lastUsed as Date | null)?.getTime() ?? -Infinity;
  if (usedMs < nowMs - NOTED_MS) keepAlive?.(writeUse(db, caller, nowMs).catch(() => undefined));
}

/** Isolates that look the key up at the same time write it once, unless they do so in the same moment. */
async function writeUse(db: Database, { projectId, keyId }: Caller, nowMs: number): Promise<void> {
  await db.query(sql`
    update api_keys set last_used_at = ${instantAt(nowMs)}
    where project_id = ${projectId}::uuid and id = ${keyId}::uuid
      and (last_used_at is null or last_used_at < ${instantAt(nowMs - NOTED_MS)})`);
}

/** Forgets the oldest of `MEMO_SIZE` entries for a new one. */
export function remember<T>(memo: Map<string, T>, key: string, value: T): void {
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
    async watch<T>(lookUp: Promise<T | null>, nowMs: number): Promise<T | null> {
      underWay++;
      try {
        const known = await lookUp;
        if (known === null && nowMs - windowMs < WINDOW_MS) found++;
        return known;
      } finally {
        underWay--;
      }
    },
    forget(): void {
      read = null;
    },
  };
}
