/**
 * What cron last saw of the database, kept in Redis as JSON, so that a scrape asks Redis alone and never wakes a
 * sleeping database. Each run of cron that had something to do leaves one.
 */
import { z } from "zod";
import type { RedisClient, RedisReply } from "../redis.ts";

const KEY = "metrics:snapshot";
const RUN_KEY = "metrics:cron";

const pico = z.string().regex(/^-?\d+$/);
const amounts = z.record(z.string(), z.number());

const Snapshot = z.object({
  atMs: z.number(),
  /** How long it took to read. */
  tookMs: z.number(),
  projects: z.record(z.string(), z.string()),
  groups: z.array(
    z.object({
      projectId: z.string(),
      key: z.string(),
      application: z.string(),
      environment: z.string(),
      provider: z.string(),
      model: z.string(),
      requests: z.number(),
      errors: z.number(),
      tokens: amounts,
      costPico: pico,
      durationCount: z.number(),
      durationSumSeconds: z.number(),
      durations: z.array(z.number()),
    }),
  ),
  corrections: z.array(z.object({ projectId: z.string(), addedPico: pico, takenPico: pico })),
  today: z.array(
    z.object({ projectId: z.string(), costPico: pico, requests: z.number(), unpricedRequests: z.number() }),
  ),
  partialRows: z.number(),
  deadLetters: z.number(),
  replicaLagSeconds: z.number().nullable(),
  /** The price catalogue of the isolate that ran cron. `storedMs` is null for the embedded one. */
  catalogue: z.object({ version: z.string(), storedMs: z.number().nullable() }),
  database: z
    .object({
      connections: amounts,
      maxConnections: z.number(),
      waitingLocks: z.number(),
      deadlocks: z.number(),
      cacheHitRatio: z.number().nullable(),
      indexHitRatio: z.number().nullable(),
      sizeBytes: z.number(),
      longestTransactionSeconds: z.number(),
    })
    .nullable(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** What runs of cron say of themselves. It is written also by runs that had nothing to do. */
const Runs = z.object({
  /** When each stage last succeeded, epoch ms. The stage `run` is the run itself. */
  succeededMs: amounts,
  /** When nothing was left to merge for the last time. */
  mergedMs: z.number().nullable(),
  /** The last audit of a whole day: the days and the cost that differ. */
  audit: z.object({ atMs: z.number(), days: z.number(), differencePico: pico }).nullable(),
});
export type Runs = z.infer<typeof Runs>;

export interface Kept {
  /** Null if there is none, or one of another version. */
  snapshot: Snapshot | null;
  runs: Runs;
}

export const NO_RUNS: Runs = { succeededMs: {}, mergedMs: null, audit: null };

export async function readKept(redis: Pick<RedisClient, "getMany">): Promise<RedisReply<Kept>> {
  const reply = await redis.getMany([KEY, RUN_KEY]);
  if (reply.down) return reply;
  const [snapshot, runs] = reply.value;
  return { down: false, value: { snapshot: parsed(Snapshot, snapshot), runs: parsed(Runs, runs) ?? NO_RUNS } };
}

function parsed<T>(schema: z.ZodType<T>, text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Returns whether Redis took it. */
export async function keepSnapshot(redis: Pick<RedisClient, "set">, snapshot: Snapshot): Promise<boolean> {
  return !(await redis.set(KEY, JSON.stringify(snapshot))).down;
}

export async function keepRuns(redis: Pick<RedisClient, "set">, runs: Runs): Promise<void> {
  await redis.set(RUN_KEY, JSON.stringify(runs));
}
