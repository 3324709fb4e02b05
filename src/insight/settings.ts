/** Settings of the server that make plans slow or lose data, as a new session of the role gets them. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { constants } from "../db/sql.ts";
import { type Finding, sizeText } from "./finding.ts";
import { readSection, type Unread } from "./section.ts";

export const Setting = z.object({
  name: z.string(),
  value: z.string().describe("In `unit`, if there is one."),
  unit: z.string().nullable(),
  source: z.string().describe("What set it: `default`, `configuration file`, `database`, `user` and so on."),
});

export type Setting = z.infer<typeof Setting>;

const NAMES = [
  "autovacuum",
  "default_statistics_target",
  "effective_cache_size",
  "fsync",
  "full_page_writes",
  "idle_in_transaction_session_timeout",
  "jit",
  "lock_timeout",
  "maintenance_work_mem",
  "max_connections",
  "max_parallel_workers_per_gather",
  "plan_cache_mode",
  "random_page_cost",
  "shared_buffers",
  "statement_timeout",
  "synchronous_commit",
  "track_counts",
  "track_io_timing",
  "wal_level",
  "work_mem",
];

/** `reset_val`, because the drivers set a `statement_timeout` of their own for the transaction. */
const QUERY = sql`
select name, reset_val as value, unit, source from pg_settings where name in (${constants(NAMES)}) order by name`;

export async function readSettings(db: Database, unread: Unread[]): Promise<Setting[]> {
  const rows = (await readSection(db, "settings", QUERY, unread)) ?? [];
  return rows.map((row) => ({
    name: String(row["name"]),
    value: String(row["value"]),
    unit: row["unit"] as string | null,
    source: String(row["source"]),
  }));
}

const BYTES: Record<string, number> = { B: 1, kB: 1_024, "8kB": 8_192, MB: 2 ** 20, GB: 2 ** 30 };
const LITTLE_WORK_MEM = 4 * 2 ** 20;
/** From here on a smaller `shared_buffers` costs. */
const LARGE_DATABASE = 2 * 2 ** 30;
const FEW_BUFFERS = 128 * 2 ** 20;

interface Rule {
  severity: Finding["severity"];
  /** True if the value hurts. */
  hurts(value: string, bytes: number): boolean;
  advice(value: string, bytes: number): string;
}

const ALTER_ROLE = "ALTER ROLE <the ledger's role> SET";

function rulesOf(sizeBytes: number): Record<string, Rule> {
  return {
    fsync: {
      severity: "critical",
      hurts: (value) => value === "off",
      advice: () => "After a power cut the database may be damaged beyond repair. Set fsync = on, and reload.",
    },
    full_page_writes: {
      severity: "critical",
      hurts: (value) => value === "off",
      advice: () =>
        "After a power cut pages may be torn. Set full_page_writes = on, unless the file system writes whole pages.",
    },
    synchronous_commit: {
      severity: "critical",
      hurts: (value) => value === "off",
      advice: () => `A crash loses calls that were acknowledged. Run ${ALTER_ROLE} synchronous_commit = on.`,
    },
    autovacuum: {
      severity: "critical",
      hurts: (value) => value === "off",
      advice: () => "Dead rows stay and statistics grow old. Set autovacuum = on, and reload.",
    },
    track_counts: {
      severity: "warning",
      hurts: (value) => value === "off",
      advice: () => "Autovacuum does not know what to do, and this report lacks numbers. Set track_counts = on.",
    },
    jit: {
      severity: "warning",
      hurts: (value) => value === "on",
      advice: () =>
        `Compiling a plan costs 100 ms and more, which a question over many partitions never gets back. Run ${ALTER_ROLE} jit = off.`,
    },
    random_page_cost: {
      severity: "warning",
      hurts: (value) => Number(value) > 2,
      advice: (value) =>
        `At ${value} Postgres reads whole tables where an index would be faster, as on a disk that turns. On an SSD or on Neon run ${ALTER_ROLE} random_page_cost = 1.1.`,
    },
    work_mem: {
      severity: "warning",
      hurts: (_, bytes) => bytes < LITTLE_WORK_MEM,
      advice: (_, bytes) =>
        `With ${sizeText(bytes)} sorts and groups of summaries go to disk. Run ${ALTER_ROLE} work_mem = '16MB'.`,
    },
    shared_buffers: {
      severity: "info",
      hurts: (_, bytes) => bytes < FEW_BUFFERS && sizeBytes > LARGE_DATABASE,
      advice: (_, bytes) =>
        `Postgres' own cache has ${sizeText(bytes)} for a database of ${sizeText(sizeBytes)}. Set shared_buffers to a quarter of the memory, and restart. Neon sets it by itself.`,
    },
    statement_timeout: {
      severity: "warning",
      hurts: (value) => value === "0",
      advice: () =>
        "A statement whose caller has gone runs on without end. Run ALTER DATABASE <the ledger's database> SET statement_timeout = '30s', as npm run migrate does for the owner.",
    },
    idle_in_transaction_session_timeout: {
      severity: "info",
      hurts: (value) => value === "0",
      advice: () =>
        "A session that forgets its transaction keeps its locks, and dead rows stay. Set idle_in_transaction_session_timeout = '60s' for people and tools that connect.",
    },
    plan_cache_mode: {
      severity: "info",
      hurts: (value) => value === "force_generic_plan",
      advice: () => `Plans then do not know the range that is asked for. Run ${ALTER_ROLE} plan_cache_mode = auto.`,
    },
  };
}

export function judgeSettings(settings: readonly Setting[], sizeBytes: number): Finding[] {
  const rules = rulesOf(sizeBytes);
  return settings.flatMap(({ name, value, unit }): Finding[] => {
    const rule = rules[name];
    const bytes = Number(value) * (BYTES[unit ?? ""] ?? 1);
    if (!rule?.hurts(value, bytes)) return [];
    return [{ severity: rule.severity, code: `setting_${name}`, subject: name, advice: rule.advice(value, bytes) }];
  });
}
