/**
 * When a newer catalogue was last looked for, and what came of it. It is in Redis, so that looking leaves a quiet
 * database asleep. Without Redis nobody looks.
 */
import type { RedisClient, RedisReply } from "../redis.ts";

export interface CatalogueCheck {
  atMs: number;
  /** The last document that was judged, good or not. */
  etag: string | null;
  /** The version that it was judged against: against another one it may pass. */
  against: string | null;
  /** Why that document, or whatever came instead, was refused. Null if it was good. */
  refused: string | null;
  /** When the URL last had a good document, or the same as before. */
  goodMs: number | null;
}

const KEY = "catalogue:check";
/** A little less than an hour, since cron is not on time to the second. */
const EVERY_MS = 59 * 60_000;
const NEVER: CatalogueCheck = { atMs: 0, etag: null, against: null, refused: null, goodMs: null };

/** Takes the turn to look. Returns the check before, or null if the last one is less than an hour ago. */
export async function beginCheck(redis: RedisClient, nowMs: number): Promise<CatalogueCheck | null> {
  const reply = await readCheck(redis);
  if (reply.down) return null;
  const last = reply.value;
  if (nowMs - last.atMs < EVERY_MS) return null;
  return (await writeCheck(redis, { ...last, atMs: nowMs })) ? last : null;
}

/** Returns whether Redis took it. */
export async function writeCheck(redis: RedisClient, check: CatalogueCheck): Promise<boolean> {
  return !(await redis.set(KEY, JSON.stringify(check))).down;
}

/** The last check; all of it is null if nobody has looked. */
export async function readCheck(redis: RedisClient): Promise<RedisReply<CatalogueCheck>> {
  const reply = await redis.getMany([KEY]);
  if (reply.down) return reply;
  const text = reply.value[0];
  return { down: false, value: text ? (JSON.parse(text) as CatalogueCheck) : NEVER };
}
