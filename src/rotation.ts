/**
 * Rotation: a new key takes the place of an old one, which lives on until the clients have the new one. Both happen in
 * one statement, so a key is replaced once, whoever asks at the same time.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { type Actor, entry } from "./admin-log.ts";
import type { Database } from "./db/client.ts";
import { instantAt } from "./db/sql.ts";
import { ApiError, idempotencyMismatch } from "./errors.ts";
import { keyAlreadyCreated, mintKey, NewKey, readNewKey } from "./keys.ts";
import { id, time } from "./wire.ts";

export const DEFAULT_OVERLAP_SECONDS = 24 * 3_600;
export const MAX_OVERLAP_SECONDS = 30 * 24 * 3_600;

/** The new key, and what becomes of the old one. */
export const RotatedKey = NewKey.extend({
  replaces: z.object({ id, expires_at: time.describe("The old key is refused from then on.") }),
}).meta({ id: "RotatedKey" });
export type RotatedKey = z.infer<typeof RotatedKey>;

export interface Rotation {
  /** The key to replace. */
  id: string;
  /** The key to make; the same one twice makes one key. */
  newId: string;
  /** How long the old key lives on; less if it expires before. */
  overlapSeconds: number;
  /** Who asks, for the log. */
  actor?: Actor;
}

/**
 * The new key has the project, the name, the scopes and the length of life of the old one. It is shown only this once.
 *
 * @throws ApiError `not_found` if there is no such key, `key_inactive` if it is revoked, expired or replaced;
 * `key_already_created` the second time, and `idempotency_mismatch` if the first time was for another overlap.
 */
export async function rotateKey(db: Database, nowMs: number, rotation: Rotation): Promise<RotatedKey> {
  const { id, newId, overlapSeconds, actor = null } = rotation;
  const { key, hash } = mintKey();
  const now = instantAt(nowMs);
  const overlapEnd = instantAt(nowMs + overlapSeconds * 1_000);
  // Of two at once the second waits for the first, and then finds the key replaced.
  const [row] = await db.query(sql`
    with old as (
      update api_keys k
      set replaced_by = ${newId}::uuid, expires_at = least(k.expires_at, ${overlapEnd})
      from (select project_id, id, extract(epoch from expires_at - created_at)::float8 as life from api_keys where id = ${id}::uuid) was
      where k.project_id = was.project_id and k.id = was.id
        and k.replaced_by is null and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${now})
      returning k.project_id, k.name, k.scopes, k.expires_at as old_expires_at, was.life
    ), made as (
      insert into api_keys (project_id, id, name, scopes, key_hash, created_at, expires_at)
      select project_id, ${newId}::uuid, name, scopes, ${hash}, ${now}, ${now} + life * interval '1 second' from old
      returning project_id, id, name, scopes, created_at, expires_at
    ),
    logged as (${entry(actor, "key.rotated", sql`project_id`, sql`${id}`, sql`made`)})
    select made.*, old_expires_at from made, old`);
  if (!row) throw await refusalOf(db, rotation);
  const old = { id, expires_at: (row["old_expires_at"] as Date).toISOString() };
  return { ...readNewKey(row), key, replaces: old };
}

async function refusalOf(db: Database, { id, newId, overlapSeconds }: Rotation): Promise<ApiError> {
  const [row] = await db.query(sql`
    select old.created_at, old.expires_at, old.replaced_by, made.created_at as made_at, made.expires_at as made_expires_at
    from api_keys old left join api_keys made on made.project_id = old.project_id and made.id = old.replaced_by
    where old.id = ${id}::uuid`);
  if (!row) return new ApiError("not_found", "there is no such key");
  const replacedBy = row["replaced_by"] as string | null;
  if (replacedBy !== newId) {
    const state = replacedBy === null ? "is revoked or has expired" : "was replaced before";
    return new ApiError("key_inactive", `the key ${state}`, { replaced_by: replacedBy });
  }
  const ms = (column: string) => (row[column] as Date | null)?.getTime() ?? Infinity;
  // The old key's own expiry is not kept, but it had as long to live as the new one has.
  const ownEnd = ms("created_at") + ms("made_expires_at") - ms("made_at");
  const asked = Math.min(ownEnd, ms("made_at") + overlapSeconds * 1_000);
  // Instants of the database are finer than ms.
  return Math.abs(ms("expires_at") - asked) <= 1 ? keyAlreadyCreated(newId) : idempotencyMismatch();
}
