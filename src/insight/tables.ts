/** Tables and their partitions: sizes, dead rows, and when they were last vacuumed and analyzed. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { count, time } from "../wire.ts";
import { instantOf, readSection, type Unread } from "./section.ts";
import { isLocked, LOCKED, NOT_OF_POSTGRES, NOTED_BYTES } from "./sizes.ts";

const sizes = {
  total_bytes: count,
  heap_bytes: count.describe("The rows themselves."),
  index_bytes: count,
  toast_bytes: count.describe("Long values, stored beside the rows."),
};

export const Partition = z.object({
  name: z.string(),
  table: z.string().describe("The table that it is a part of; its own name if it is no partition."),
  ...sizes,
  estimated: z.boolean().describe("True if a lock kept it from being measured. Indexes and TOAST are then missing."),
  rows: count,
  dead_rows: count,
  rows_since_analyze: count,
  sequential_scans: count,
  sequential_rows: count.describe("Rows that sequential scans read."),
  index_scans: count,
  last_vacuum: time.nullable(),
  last_analyze: time.nullable(),
  analyzed: z.boolean().describe("False if it was neither vacuumed nor analyzed since it was made or truncated."),
  vacuums_at: z.number().describe("The number of dead rows from which autovacuum begins."),
  autovacuum: z.boolean(),
});

export type Partition = z.infer<typeof Partition>;

export const Table = Partition.omit({ table: true, analyzed: true, vacuums_at: true, autovacuum: true }).extend({
  partitions: count.describe("0 if the table is not partitioned."),
  bytes_a_day: z.number().nullable().describe("How fast it grows. Null until there are samples of two days."),
});

export type Table = z.infer<typeof Table>;

/** An option of the table, or else of the server. */
const option = (name: string) => sql`coalesce(
    (select option_value from pg_options_to_table(c.reloptions) where option_name = ${name}),
    (select setting from pg_settings where name = ${name}))`;

const QUERY = sql`
with ${LOCKED},
relations as (
  select c.oid, c.reltoastrelid, c.reltuples, c.reloptions, ${isLocked(sql`c.oid`)} as estimated, ${NOTED_BYTES} as noted
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence <> 't' and ${NOT_OF_POSTGRES}
),
measured as (
  select oid,
    case when estimated then noted else pg_table_size(oid) end::float8 as table_bytes,
    case when estimated then 0 else pg_indexes_size(oid) end::float8 as index_bytes,
    case when estimated or reltoastrelid = 0 then 0 else pg_total_relation_size(reltoastrelid) end::float8 as toast_bytes
  from relations
)
select
  c.oid::regclass::text as name,
  coalesce(pg_partition_root(c.oid)::oid, c.oid)::regclass::text as table,
  m.table_bytes - m.toast_bytes as heap_bytes, m.index_bytes, m.toast_bytes, c.estimated,
  case when s.n_live_tup > 0 then s.n_live_tup else greatest(c.reltuples, 0) end::float8 as rows,
  s.n_dead_tup::float8 as dead_rows, s.n_mod_since_analyze::float8 as rows_since_analyze,
  s.seq_scan::float8 as sequential_scans, s.seq_tup_read::float8 as sequential_rows,
  coalesce(s.idx_scan, 0)::float8 as index_scans,
  greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum,
  greatest(s.last_analyze, s.last_autoanalyze) as last_analyze,
  c.reltuples >= 0 as analyzed,
  ${option("autovacuum_vacuum_threshold")}::float8
    + ${option("autovacuum_vacuum_scale_factor")}::float8 * greatest(c.reltuples, 0) as vacuums_at,
  coalesce((select option_value from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_enabled'), 'true')
    ::boolean as autovacuum
from relations c
join measured m using (oid)
join pg_stat_all_tables s on s.relid = c.oid
order by 1`;

/** Each table that is not partitioned, and each partition. Null if they cannot be read. */
export async function readPartitions(db: Database, unread: Unread[]): Promise<Partition[] | null> {
  const rows = await readSection(db, "tables", QUERY, unread);
  return (
    rows?.map((row): Partition => {
      const number = (name: string): number => Math.max(0, Math.round(Number(row[name])));
      const [heap, indexes, toast] = [number("heap_bytes"), number("index_bytes"), number("toast_bytes")];
      return {
        name: String(row["name"]),
        table: String(row["table"]),
        total_bytes: heap + indexes + toast,
        heap_bytes: heap,
        index_bytes: indexes,
        toast_bytes: toast,
        estimated: row["estimated"] === true,
        rows: number("rows"),
        dead_rows: number("dead_rows"),
        rows_since_analyze: number("rows_since_analyze"),
        sequential_scans: number("sequential_scans"),
        sequential_rows: number("sequential_rows"),
        index_scans: number("index_scans"),
        last_vacuum: instantOf(row["last_vacuum"]),
        last_analyze: instantOf(row["last_analyze"]),
        analyzed: row["analyzed"] === true,
        vacuums_at: Number(row["vacuums_at"]),
        autovacuum: row["autovacuum"] === true,
      };
    }) ?? null
  );
}

const SUMMED = [
  "total_bytes",
  "heap_bytes",
  "index_bytes",
  "toast_bytes",
  "rows",
  "dead_rows",
  "rows_since_analyze",
  "sequential_scans",
  "sequential_rows",
  "index_scans",
] as const;

/** Sums partitions up under their tables, the largest table first. */
export function tablesOf(partitions: readonly Partition[], growth: ReadonlyMap<string, number>): Table[] {
  return [...Map.groupBy(partitions, ({ table }) => table)]
    .map(([name, parts]): Table => {
      const [first] = parts as [Partition];
      const sums = Object.fromEntries(
        SUMMED.map((field) => [field, parts.reduce((sum, part) => sum + part[field], 0)]),
      ) as Pick<Table, (typeof SUMMED)[number]>;
      return {
        name,
        ...sums,
        estimated: parts.some(({ estimated }) => estimated),
        last_vacuum: latest(parts.map(({ last_vacuum: at }) => at)),
        last_analyze: latest(parts.map(({ last_analyze: at }) => at)),
        partitions: parts.length > 1 || first.name !== name ? parts.length : 0,
        bytes_a_day: growth.get(name) ?? null,
      };
    })
    .toSorted((a, b) => b.total_bytes - a.total_bytes);
}

/** RFC 3339 in UTC sorts as text. */
function latest(instants: readonly (string | null)[]): string | null {
  return instants.reduce((last, at) => (at !== null && (last === null || at > last) ? at : last), null);
}
