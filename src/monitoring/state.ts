/**
 * The state of the deployment, for the page's settings: its version, what it keeps how long, and what cron last did.
 * All but the bounds of retention is read from Redis, where cron leaves it.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import type { Config } from "../config.ts";
import type { Database } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import type { RedisClient } from "../redis.ts";
import type { MergeSignal } from "../rollup/signal.ts";
import { type Kept, NO_RUNS, readKept, type Runs } from "../telemetry/snapshot.ts";
import { formatInstant } from "../time.ts";
import { count, time, usdDifference } from "../wire.ts";

const retentionDays = z.int().min(1).nullable().describe("The least number of days. Null is for ever.");

export const State = z
  .object({
    version: z.string().describe("Of the release that answers."),
    raw_retention_days: retentionDays,
    hour_retention_days: retentionDays,
    ingest_mode: z.enum(["direct", "queue"]),
    raw_since: time.nullable().describe("Calls are kept from then on. Null if none were deleted."),
    hour_since: time.nullable().describe("Hourly data is kept from then on. Null if none was deleted."),
    last_cron: z
      .record(z.string(), time)
      .describe("When each stage of cron last succeeded. `run` is the whole run. Empty if Redis does not know."),
    rollup_lag_seconds: z
      .number()
      .nullable()
      .describe("Time since nothing was left to merge. 0 if nothing is to be merged, null if it is not known."),
    audit: z
      .object({
        at: time,
        different_days: count.describe("Projects whose audited day differs from its calls."),
        difference_usd: usdDifference,
      })
      .nullable()
      .describe("The last audit of a whole day. Null if it is not known."),
    snapshot_at: time.nullable().describe("When cron last looked at the database. It does not while nothing is due."),
  })
  .meta({ id: "State" });
export type State = z.infer<typeof State>;

export interface StateDeps {
  config: Pick<Config, "rawRetentionDays" | "hourRetentionDays" | "queue">;
  db: Database;
  redis: Pick<RedisClient, "getMany">;
  mergeSignal: Pick<MergeSignal, "isUp">;
}

async function readBounds(db: Database) {
  const [bounds] = await db.query(sql`
    select nullif(raw_since, 'epoch') as raw_since, nullif(hour_since, 'epoch') as hour_since from retention`);
  return bounds;
}

export async function readState({ config, db, redis, mergeSignal }: StateDeps, nowMs: number): Promise<State> {
  const [kept, isMergeDue, bounds] = await Promise.all([readKept(redis), mergeSignal.isUp(), readBounds(db)]);
  const { snapshot, runs }: Kept = kept.down ? { snapshot: null, runs: NO_RUNS } : kept.value;
  const { audit } = runs;
  return {
    version: manifest.version,
    raw_retention_days: config.rawRetentionDays ?? null,
    hour_retention_days: config.hourRetentionDays ?? null,
    ingest_mode: config.queue === null ? "direct" : "queue",
    raw_since: timeOf(bounds!["raw_since"]),
    hour_since: timeOf(bounds!["hour_since"]),
    last_cron: Object.fromEntries(
      Object.entries(runs.succeededMs).map(([stage, ms]) => [stage, formatInstant(ms)] as const),
    ),
    rollup_lag_seconds: rollupLagSeconds(runs, isMergeDue, nowMs),
    audit: audit && {
      at: formatInstant(audit.atMs),
      different_days: audit.days,
      difference_usd: picoToUsd(BigInt(audit.differencePico)),
    },
    snapshot_at: snapshot && formatInstant(snapshot.atMs),
  };
}

/** @param isMergeDue null if it is not known. */
export function rollupLagSeconds({ mergedMs }: Runs, isMergeDue: boolean | null, nowMs: number): number | null {
  if (isMergeDue === false) return 0;
  return isMergeDue === null || mergedMs === null ? null : (nowMs - mergedMs) / 1_000;
}

function timeOf(value: unknown): string | null {
  return value === null ? null : (value as Date).toISOString();
}
