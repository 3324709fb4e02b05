/**
 * How fast the database grows, and when the disk is full. Cron notes the size of the database and of each table once a
 * day. The rate is the faster of two: since a week ago, and since a month ago. So a month of calls that retention has
 * just removed does not hide that the rest grows.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { instantAt } from "../db/sql.ts";
import { DAY_MS, formatInstant } from "../time.ts";
import { count, time } from "../wire.ts";
import { durationText, type Finding, shareText, sizeText } from "./finding.ts";
import { instantOf, readSection, type Unread } from "./section.ts";
import { isLocked, LOCKED, NOT_OF_POSTGRES, NOTED_BYTES } from "./sizes.ts";

export const Growth = z.object({
  samples: count.describe("Days of which the size is known."),
  since: time.nullable().describe("The sample that the rate is measured from. Null if there is none of a day ago."),
  bytes_a_day: z.number().nullable(),
  disk_bytes: count.nullable().describe("As `disk_bytes` was given."),
  disk_share: z.number().nullable().describe("This database's part of the disk, from 0 to 1."),
  disk_full_at: time.nullable().describe("Null if the disk is not given, or at this rate not full within ten years."),
});

export type Growth = z.infer<typeof Growth>;

/** The sizes at one time. */
export interface SizeSample {
  atMs: number;
  databaseBytes: number;
  tables: Readonly<Record<string, number>>;
}

const KEPT_DAYS = 400;

/** Notes today's sizes, in place of those noted earlier today, and forgets the oldest. */
export async function sampleSizes(db: Database, nowMs: number): Promise<void> {
  await db.query(sql`
with ${LOCKED},
sizes as (
  select coalesce(pg_partition_root(c.oid)::oid, c.oid)::regclass::text as name,
    sum(case when ${isLocked(sql`c.oid`)} then ${NOTED_BYTES} else pg_total_relation_size(c.oid) end)::bigint as bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence <> 't' and ${NOT_OF_POSTGRES}
  group by 1
),
sampled as (
  insert into size_samples (day, sampled_at, database_bytes, tables)
  select (${instantAt(nowMs)} at time zone 'UTC')::date, ${instantAt(nowMs)}, pg_database_size(current_database()),
    (select jsonb_object_agg(name, bytes) from sizes)
  on conflict (day) do update
  set sampled_at = excluded.sampled_at, database_bytes = excluded.database_bytes, tables = excluded.tables
)
delete from size_samples where day < (${instantAt(nowMs - KEPT_DAYS * DAY_MS)} at time zone 'UTC')::date`);
}

/** Those of the last month and the one before, the oldest first. Null if they cannot be read. */
export async function readSizeSamples(db: Database, nowMs: number, unread: Unread[]): Promise<SizeSample[] | null> {
  const since = instantAt(nowMs - (LONG_DAYS + 1) * DAY_MS);
  const query = sql`
select sampled_at, database_bytes::float8 as database_bytes, tables from size_samples
where sampled_at >= ${since} order by day`;
  const rows = await readSection(db, "growth", query, unread);
  return (
    rows?.map((row) => ({
      atMs: Date.parse(instantOf(row["sampled_at"]) ?? ""),
      databaseBytes: Number(row["database_bytes"]),
      tables: row["tables"] as Record<string, number>,
    })) ?? null
  );
}

const SHORT_DAYS = 7;
const LONG_DAYS = 30;
/** Cron's minute is not exact. */
const LEAST_DAYS = 0.9;

interface Rate {
  bytesADay: number;
  sinceMs: number;
}

/** The faster of the two rates. Null without a sample of a day ago. */
export function rateOf(samples: readonly SizeSample[], nowMs: number, bytesOf: BytesOf, nowBytes: number): Rate | null {
  const rates = [SHORT_DAYS, LONG_DAYS].flatMap((days): Rate[] => {
    const from = samples.find((sample) => {
      const age = (nowMs - sample.atMs) / DAY_MS;
      return age >= LEAST_DAYS && age <= days + LEAST_DAYS && bytesOf(sample) !== undefined;
    });
    if (!from) return [];
    return [{ bytesADay: ((nowBytes - bytesOf(from)!) * DAY_MS) / (nowMs - from.atMs), sinceMs: from.atMs }];
  });
  return rates.toSorted((a, b) => b.bytesADay - a.bytesADay)[0] ?? null;
}

type BytesOf = (sample: SizeSample) => number | undefined;

const MOST_DAYS = 3_653;

export function growthOf(
  samples: readonly SizeSample[],
  nowMs: number,
  nowBytes: number,
  diskBytes: number | undefined,
): Growth {
  const rate = rateOf(samples, nowMs, ({ databaseBytes }) => databaseBytes, nowBytes);
  const left = diskBytes === undefined ? null : Math.max(0, diskBytes - nowBytes);
  const days = left === 0 ? 0 : left !== null && rate && rate.bytesADay > 0 ? left / rate.bytesADay : Infinity;
  return {
    samples: samples.length,
    since: rate && formatInstant(rate.sinceMs),
    bytes_a_day: rate && Math.round(rate.bytesADay),
    disk_bytes: diskBytes ?? null,
    disk_share: diskBytes === undefined ? null : nowBytes / diskBytes,
    disk_full_at: days > MOST_DAYS ? null : formatInstant(Math.round(nowMs + days * DAY_MS)),
  };
}

/** Bytes a day of each table, by name. Tables that a sample lacks are left out. */
export function tableGrowth(
  samples: readonly SizeSample[],
  nowMs: number,
  now: Readonly<Record<string, number>>,
): Map<string, number> {
  return new Map(
    Object.entries(now).flatMap(([name, bytes]): [string, number][] => {
      const rate = rateOf(samples, nowMs, ({ tables }) => tables[name], bytes);
      return rate ? [[name, Math.round(rate.bytesADay)]] : [];
    }),
  );
}

const SOON_DAYS = 60;
const VERY_SOON_DAYS = 14;
const FULL_SHARE = 0.8;
const ALMOST_FULL_SHARE = 0.9;
const MAKE_ROOM =
  "Grow the disk, or set RAW_RETENTION_DAYS (calls) and HOUR_RETENTION_DAYS (hourly rows), which keep the daily sums.";
const BESIDES = "WAL, temporary files and other databases need room beside it.";

export function judgeGrowth(growth: Growth, nowMs: number): Finding[] {
  const { disk_bytes: disk, disk_share: share, disk_full_at: fullAt, bytes_a_day: rate } = growth;
  const found: Finding[] = [];
  if (disk !== null && share !== null && share >= FULL_SHARE) {
    found.push({
      severity: share >= ALMOST_FULL_SHARE ? "critical" : "warning",
      code: "disk_nearly_full",
      subject: null,
      advice: `The database fills ${shareText(share)} of ${sizeText(disk)}. ${BESIDES} ${MAKE_ROOM}`,
    });
  }
  const days = fullAt === null ? Infinity : (Date.parse(fullAt) - nowMs) / DAY_MS;
  if (disk !== null && rate !== null && days < SOON_DAYS) {
    found.push({
      severity: days < VERY_SOON_DAYS ? "critical" : "warning",
      code: "disk_full_soon",
      subject: null,
      advice: `At ${sizeText(rate)} a day the disk is full in ${durationText(days * 86_400)}. ${BESIDES} ${MAKE_ROOM}`,
    });
  }
  if (rate === null) {
    found.push({
      severity: "info",
      code: "growth_unknown",
      subject: null,
      advice: "There is no sample of the size from a day ago or earlier. Cron takes one a day at 03:00 UTC.",
    });
  }
  return found;
}
