/**
 * Sessions of the page: who signs in with a key has a cookie in its place. The cookie's value is 160 random bits, signed
 * with the admin key, so forged ones never reach the database, and another admin key ends all sessions. The database
 * holds only the SHA-256 of the value.
 *
 * A session ends by the clock, by signing out, and with its key: when that is revoked, expires or is replaced. What the
 * database said of a session is believed as long as what it says of keys (`keyring.ts`): half a minute.
 */
import { sql } from "drizzle-orm";
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { type Actor, entry } from "./admin-log.ts";
import type { Database, Row } from "./db/client.ts";
import { NO_PROJECT_ID } from "./db/schema-prices.ts";
import { instantAt } from "./db/sql.ts";
import { sha256Hex } from "./digest.ts";
import { ApiError } from "./errors.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { type Caller, MEMO_MS, noteUse, remember, RENEW_MS, RETRY_MS } from "./keyring.ts";
import { randomHex, type Scope, SCOPES } from "./keys.ts";
import { DAY_MS, formatInstant, HOUR_MS } from "./time.ts";
import { id, time } from "./wire.ts";

export const SESSION_MS = 12 * HOUR_MS;
/** What takes the place of a key's id for those who sign in with the admin key. */
export const ADMIN_KEY_NAME = "admin key";

/** A session as the API shows it. */
export const ShownPageSession = z
  .object({
    project: z
      .object({ id, name: z.string() })
      .nullable()
      .describe("Null for the admin key, which belongs to no project."),
    scopes: z.array(z.enum(SCOPES)).describe("Of the key. The admin key has `admin` in the project that it chooses."),
    is_admin_key: z.boolean(),
    expires_at: time.describe("The session ends then, or earlier with its key."),
  })
  .meta({ id: "PageSession" });
export type ShownPageSession = z.infer<typeof ShownPageSession>;

export interface PageSession {
  projectId: string;
  id: string;
  /** Null for the admin key. */
  caller: Caller | null;
  /** Null for the admin key. */
  projectName: string | null;
  expiresMs: number;
}

export interface PageSessions {
  /**
   * Begins a session of the caller, or of the admin key (null).
   *
   * @throws ApiError `unauthorized` if the key was revoked or replaced meanwhile.
   */
  open(caller: Caller | null, nowMs: number, requestId: string): Promise<{ secret: string; session: PageSession }>;
  /** The session with this secret. Null if there is none, or if it has ended; up to half a minute late. */
  read(secret: string, nowMs: number, keepAlive?: KeepAlive): Promise<PageSession | null>;
  /** Ends a session. Other isolates find out within `MEMO_MS`. */
  close(session: PageSession, nowMs: number, actor: Actor): Promise<void>;
  /** Says that the key of this id was revoked or rotated. */
  changed(keyId: string): void;
  /** True if there is such a project. */
  hasProject(projectId: string): Promise<boolean>;
}

interface Known {
  session: PageSession | null;
  renewMs: number;
  untilMs: number;
}

/** @param adminKey signs the secrets. */
export function createPageSessions(db: Database, adminKey: string): PageSessions {
  const memo = new Map<string, Known>();
  /** Projects are never deleted. */
  const projects = new Map<string, true>();
  /** What was asked before the last end of a session is not remembered: it may say that the session is alive. */
  let ends = 0;

  async function lookUp(secret: string, nowMs: number, keepAlive?: KeepAlive): Promise<PageSession | null> {
    const endsBefore = ends;
    const [row] = await db.query(sql`
      select s.project_id, s.id, s.key_id, least(s.expires_at, k.expires_at) as expires_at, k.scopes, k.last_used_at, p.name
      from page_sessions s
        left join api_keys k on k.project_id = s.project_id and k.id = s.key_id
        left join projects p on p.id = s.project_id
      where s.secret_hash = ${sha256Hex(secret)} and s.ended_at is null
        and (s.key_id is null or k.id is not null and k.revoked_at is null and k.replaced_by is null)`);
    const session = row ? readSession(row) : null;
    if (ends === endsBefore) remember(memo, secret, { session, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS });
    if (session?.caller && isAlive(session, nowMs)) noteUse(db, session.caller, row!["last_used_at"], nowMs, keepAlive);
    return session;
  }

  function forget(isEnded: (session: PageSession) => boolean): void {
    ends++;
    for (const [secret, { session }] of memo) if (session && isEnded(session)) memo.delete(secret);
  }

  return {
    async open(caller, nowMs, requestId) {
      const secret = mintSecret(adminKey);
      const actor = { name: caller?.keyId ?? ADMIN_KEY_NAME, requestId };
      const holder =
        caller === null
          ? sql`select ${NO_PROJECT_ID}::uuid as project_id, null::uuid as id, null::text[] as scopes, null::timestamptz as expires_at`
          : sql`
            select project_id, id, scopes, expires_at from api_keys
            where project_id = ${caller.projectId}::uuid and id = ${caller.keyId}::uuid
              and revoked_at is null and replaced_by is null`;
      const [row] = await db.query(sql`
        with holder as (${holder}),
        opened as (
          insert into page_sessions (project_id, id, key_id, secret_hash, created_at, expires_at)
          select project_id, gen_random_uuid(), id, ${sha256Hex(secret)}, ${instantAt(nowMs)},
            least(expires_at, ${instantAt(nowMs + SESSION_MS)})
          from holder returning project_id, id, key_id, expires_at
        ),
        logged as (${entry(actor, "session.started", sql`project_id`, sql`id`, sql`opened`)})
        select o.*, h.scopes, p.name
        from opened o cross join holder h left join projects p on p.id = o.project_id`);
      if (!row) throw new ApiError("unauthorized", "the API key is revoked, or another has taken its place");
      return { secret, session: readSession(row) };
    },
    async read(secret, nowMs, keepAlive) {
      if (!isSigned(secret, adminKey)) return null;
      const known = memo.get(secret);
      let session = known?.session ?? null;
      if (known === undefined || known.untilMs <= nowMs) session = await lookUp(secret, nowMs, keepAlive);
      else if (keepAlive && session !== null && known.renewMs <= nowMs) {
        known.renewMs = nowMs + RETRY_MS;
        keepAlive(lookUp(secret, nowMs, keepAlive).catch(() => undefined));
      }
      return session !== null && isAlive(session, nowMs) ? session : null;
    },
    async close({ projectId, id }, nowMs, actor) {
      await db.query(sql`
        with ended as (
          update page_sessions set ended_at = ${instantAt(nowMs)}
          where project_id = ${projectId}::uuid and id = ${id}::uuid and ended_at is null
          returning project_id, id
        ),
        logged as (${entry(actor, "session.ended", sql`project_id`, sql`id`, sql`ended`)})
        select id from ended`);
      forget((session) => session.id === id);
    },
    changed(keyId) {
      forget((session) => session.caller?.keyId === keyId);
    },
    async hasProject(projectId) {
      if (projects.has(projectId)) return true;
      const found = (await db.query(sql`select id from projects where id = ${projectId}::uuid`)).length > 0;
      if (found) remember(projects, projectId, true);
      return found;
    },
  };
}

/** Removes sessions that ended more than a day ago. */
export async function forgetPageSessions(db: Database, nowMs: number): Promise<void> {
  await db.query(sql`delete from page_sessions where least(expires_at, ended_at) < ${instantAt(nowMs - DAY_MS)}`);
}

export function showPageSession({ projectId, caller, projectName, expiresMs }: PageSession): ShownPageSession {
  return {
    project: caller === null ? null : { id: projectId, name: projectName ?? "" },
    scopes: caller === null ? ["admin"] : SCOPES.filter((scope) => caller.scopes.has(scope)),
    is_admin_key: caller === null,
    expires_at: formatInstant(expiresMs),
  };
}

function isAlive({ expiresMs }: PageSession, nowMs: number): boolean {
  return expiresMs > nowMs;
}

function readSession(row: Row): PageSession {
  const projectId = String(row["project_id"]);
  const keyId = row["key_id"] as string | null;
  return {
    projectId,
    id: String(row["id"]),
    caller: keyId === null ? null : { keyId, projectId, scopes: new Set(row["scopes"] as Scope[]) },
    projectName: row["name"] as string | null,
    expiresMs: (row["expires_at"] as Date).getTime(),
  };
}

const PREFIX = "lcs_";
const RANDOM_BYTES = 20;

function mintSecret(adminKey: string): string {
  const random = randomHex(RANDOM_BYTES);
  return PREFIX + random + signatureOf(random, adminKey);
}

function isSigned(secret: string, adminKey: string): boolean {
  const [, random, signature] = /^lcs_([0-9a-f]{40})([0-9a-f]{64})$/.exec(secret) ?? [];
  if (random === undefined || signature === undefined) return false;
  return timingSafeEqual(Buffer.from(signature), Buffer.from(signatureOf(random, adminKey)));
}

function signatureOf(random: string, adminKey: string): string {
  return createHmac("sha256", adminKey).update(`page session ${random}`).digest("hex");
}
