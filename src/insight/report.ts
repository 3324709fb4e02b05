/**
 * The state of the database with advice: what `GET /v1/admin/database` and `npm run db:report` show. Everything is read
 * from statistics of Postgres and from `size_samples`; no table of the ledger is scanned.
 */
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { count, time } from "../wire.ts";
import { bySeverity, Finding } from "./finding.ts";
import { readDatabaseGauges } from "./gauges.ts";
import { Growth, growthOf, judgeGrowth, readSizeSamples, tableGrowth } from "./growth.ts";
import { Index, judgeIndexes, readIndexes } from "./indexes.ts";
import { judgeGauges } from "./judge-gauges.ts";
import { judgePartitions, judgeTables } from "./judge-tables.ts";
import { Unread } from "./section.ts";
import { judgeServer, readServer, Server } from "./server.ts";
import {
  judgeLockWaits,
  judgeTransactions,
  LockWait,
  readLockWaits,
  readTransactions,
  Transaction,
} from "./sessions.ts";
import { judgeSettings, readSettings, Setting } from "./settings.ts";
import { judgeStatements, readStatements, Statement } from "./statements.ts";
import { Partition, readPartitions, Table, tablesOf } from "./tables.ts";

const ratio = z.number().nullable();

const ShownPartition = Partition.pick({
  name: true,
  table: true,
  total_bytes: true,
  heap_bytes: true,
  index_bytes: true,
  toast_bytes: true,
  rows: true,
  dead_rows: true,
});

export const DatabaseReport = z
  .object({
    as_of: time,
    findings: z.array(Finding).describe("The most urgent first."),
    unread: z.array(Unread).describe("What could not be read, and why. The parts are then empty or null."),
    server: Server.nullable(),
    size_bytes: count.describe("Everything of this database on disk."),
    connections: z.object({
      by_state: z
        .record(z.string(), count)
        .describe("Of the whole server. `hidden` are those that the role may not look at."),
      max: count,
    }),
    cache: z.object({
      hit_ratio: ratio.describe("The share of block reads that Postgres' own cache answered, from 0 to 1."),
      index_hit_ratio: ratio,
    }),
    deadlocks: count.describe("Since the statistics began."),
    growth: Growth,
    statements: z.array(Statement).nullable().describe("Those that took the most time. Null if it is not known."),
    tables: z.array(Table).describe("The largest first, partitions summed up under their table."),
    partitions: z.array(ShownPartition).describe("The ten largest partitions."),
    indexes: z.array(Index).describe("The largest first, those of partitions summed up."),
    lock_waits: z.array(LockWait).describe("Sessions that wait for a lock, the longest wait first."),
    transactions: z.array(Transaction).describe("Open transactions, the oldest first."),
    settings: z.array(Setting),
  })
  .meta({ id: "DatabaseReport" });

export type DatabaseReport = z.infer<typeof DatabaseReport>;

const PARTITIONS_SHOWN = 10;

/** @param diskBytes the size of the disk, which Postgres does not know. */
export async function readDatabase(db: Database, nowMs: number, diskBytes?: number): Promise<DatabaseReport> {
  const unread: Unread[] = [];
  const gauges = await readDatabaseGauges(db);
  const server = await readServer(db, unread);
  const settings = await readSettings(db, unread);
  const lockWaits = await readLockWaits(db, unread);
  const transactions = await readTransactions(db, unread);
  const statements = await readStatements(db, server?.statementsSchema ?? null, unread);
  const samples = (await readSizeSamples(db, nowMs, unread)) ?? [];
  const partitions = (await readPartitions(db, unread)) ?? [];
  const indexes = (await readIndexes(db, unread)) ?? [];

  const sizes = Object.fromEntries(
    tablesOf(partitions, new Map()).map(({ name, total_bytes: bytes }) => [name, bytes]),
  );
  const tables = tablesOf(partitions, tableGrowth(samples, nowMs, sizes));
  const growth = growthOf(samples, nowMs, gauges.sizeBytes, diskBytes);
  const observedSince = server?.shown.statistics_since ?? server?.shown.started_at;
  const observedSeconds = observedSince ? (nowMs - Date.parse(observedSince)) / 1_000 : 0;
  return {
    as_of: new Date(nowMs).toISOString(),
    findings: bySeverity([
      ...judgeGauges(gauges),
      ...(server ? judgeServer(server.shown) : []),
      ...judgeLockWaits(lockWaits),
      ...judgeTransactions(transactions),
      ...judgeGrowth(growth, nowMs),
      ...judgeStatements(statements),
      ...judgePartitions(partitions),
      ...judgeTables(tables),
      ...judgeIndexes(indexes, observedSeconds),
      ...judgeSettings(settings, gauges.sizeBytes),
    ]),
    unread,
    server: server?.shown ?? null,
    size_bytes: gauges.sizeBytes,
    connections: { by_state: gauges.connections, max: gauges.maxConnections },
    cache: { hit_ratio: gauges.cacheHitRatio, index_hit_ratio: gauges.indexHitRatio },
    deadlocks: gauges.deadlocks,
    growth,
    statements,
    tables,
    partitions: partitions
      .filter(({ name, table }) => name !== table)
      .toSorted((a, b) => b.total_bytes - a.total_bytes)
      .slice(0, PARTITIONS_SHOWN)
      .map((partition) => ShownPartition.parse(partition)),
    indexes,
    lock_waits: lockWaits,
    transactions,
    settings,
  };
}
