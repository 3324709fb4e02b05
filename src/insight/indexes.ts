/** Indexes and how much they are used. Those of partitions are summed up under the index of their table. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { count } from "../wire.ts";
import { durationText, type Finding, sizeText } from "./finding.ts";
import { readSection, type Unread } from "./section.ts";
import { isLocked, LOCKED, NOT_OF_POSTGRES, NOTED_BYTES } from "./sizes.ts";

export const Index = z.object({
  name: z.string(),
  table: z.string(),
  bytes: count,
  scans: count.describe("Since the statistics began."),
  unique: z.boolean(),
  valid: z.boolean().describe("False if building it failed. Postgres then keeps it up to date and never reads it."),
  partitions: count,
});

export type Index = z.infer<typeof Index>;

const QUERY = sql`
with ${LOCKED},
indexes as (
  select coalesce(pg_partition_root(c.oid)::oid, c.oid) as root,
    coalesce(pg_partition_root(i.indrelid)::oid, i.indrelid) as table_oid,
    case when ${isLocked(sql`c.oid`)} then ${NOTED_BYTES} else pg_relation_size(c.oid) end::float8 as bytes,
    coalesce(pg_stat_get_numscans(c.oid), 0)::float8 as scans,
    i.indisunique or i.indisexclusion as is_unique, i.indisvalid as is_valid,
    pg_partition_root(c.oid) is not null as is_part
  from pg_index i
  join pg_class c on c.oid = i.indexrelid and c.relkind = 'i' and c.relpersistence <> 't'
  join pg_namespace n on n.oid = c.relnamespace
  where ${NOT_OF_POSTGRES}
)
select root::regclass::text as name, table_oid::regclass::text as table, sum(bytes) as bytes, sum(scans) as scans,
  bool_or(is_unique) as unique, bool_and(is_valid) as valid, count(*) filter (where is_part)::int as partitions
from indexes group by root, table_oid order by sum(bytes) desc, name`;

/** The largest first. Null if they cannot be read. */
export async function readIndexes(db: Database, unread: Unread[]): Promise<Index[] | null> {
  const rows = await readSection(db, "indexes", QUERY, unread);
  return (
    rows?.map((row) => ({
      name: String(row["name"]),
      table: String(row["table"]),
      bytes: Number(row["bytes"]),
      scans: Number(row["scans"]),
      unique: row["unique"] === true,
      valid: row["valid"] === true,
      partitions: Number(row["partitions"]),
    })) ?? null
  );
}

/** Smaller ones cost nothing. */
const LARGE_INDEX = 10 * 2 ** 20;
/** An index may be for what happens once a month. After so long it would have been used. */
const OBSERVED_SECONDS = 7 * 86_400;

/** @param observedSeconds how long scans have been counted. */
export function judgeIndexes(indexes: readonly Index[], observedSeconds: number): Finding[] {
  return indexes.flatMap((index): Finding[] => {
    const { name, table, bytes, scans, unique, valid } = index;
    if (!valid) {
      return [
        {
          severity: "warning",
          code: "invalid_index",
          subject: name,
          advice: `Building it failed or is still under way. If no CREATE INDEX runs, run DROP INDEX ${name}, and create it again.`,
        },
      ];
    }
    if (unique || scans > 0 || bytes < LARGE_INDEX) return [];
    const told = `No statement has used it in ${durationText(observedSeconds)}. It has ${sizeText(bytes)}, and each write to ${table} pays for it.`;
    return [
      observedSeconds < OBSERVED_SECONDS
        ? {
            severity: "info",
            code: "unused_index",
            subject: name,
            advice: `${told} Wait until a week is observed before you judge it.`,
          }
        : {
            severity: "warning",
            code: "unused_index",
            subject: name,
            advice: `${told} If no migration of this ledger made it and no replica uses it, run DROP INDEX ${name}.`,
          },
    ];
  });
}
