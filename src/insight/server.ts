/** The server, this database as a whole, and what the role may see of both. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { time } from "../wire.ts";
import { type Finding, sizeText } from "./finding.ts";
import { instantOf, readSection, type Unread } from "./section.ts";

export const Server = z.object({
  version: z.string(),
  role: z.string().describe("The role that the ledger connects as."),
  started_at: time.nullable(),
  statistics_since: time.nullable().describe("Null if the statistics were never reset."),
  replica: z.boolean(),
  distributed: z.boolean().describe("True on Citus. The report is then about the node that answered."),
  transaction_id_age: z.int().describe("Transactions since the oldest row that is not frozen. The limit is 2^31."),
  temporary_bytes: z.int().describe("What sorts and hashes wrote to disk since the statistics began."),
  checksum_failures: z.int(),
});

export type Server = z.infer<typeof Server>;

export interface KnownServer {
  shown: Server;
  /** The schema of `pg_stat_statements`. Null if it is not installed. */
  statementsSchema: string | null;
}

const QUERY = sql`
select
  current_setting('server_version') as version,
  current_user::text as role,
  pg_postmaster_start_time() as started_at,
  d.stats_reset,
  pg_is_in_recovery() as replica,
  exists (select 1 from pg_extension where extname = 'citus') as distributed,
  (select nspname::text from pg_extension join pg_namespace n on n.oid = extnamespace
   where extname = 'pg_stat_statements') as statements_schema,
  (select age(datfrozenxid) from pg_database where datname = current_database()) as transaction_id_age,
  d.temp_bytes::float8 as temporary_bytes,
  coalesce(d.checksum_failures, 0)::float8 as checksum_failures,
  pg_has_role('pg_read_all_stats', 'usage') as sees_all
from pg_stat_database d
where d.datname = current_database()`;

export async function readServer(db: Database, unread: Unread[]): Promise<KnownServer | null> {
  const [row] = (await readSection(db, "server", QUERY, unread)) ?? [];
  if (!row) return null;
  const role = String(row["role"]);
  if (row["sees_all"] !== true) {
    unread.push({
      what: "sessions and statements of other roles",
      reason: `The role may not see them. Run: GRANT pg_read_all_stats TO "${role.replaceAll('"', '""')}"`,
    });
  }
  return {
    statementsSchema: row["statements_schema"] as string | null,
    shown: {
      version: String(row["version"]),
      role,
      started_at: instantOf(row["started_at"]),
      statistics_since: instantOf(row["stats_reset"]),
      replica: row["replica"] === true,
      distributed: row["distributed"] === true,
      transaction_id_age: Number(row["transaction_id_age"]),
      temporary_bytes: Number(row["temporary_bytes"]),
      checksum_failures: Number(row["checksum_failures"]),
    },
  };
}

/** Postgres stops taking writes 3 million before 2^31. By default autovacuum freezes from 200 million on. */
const OLD_TRANSACTIONS = 600_000_000;
const TOO_OLD_TRANSACTIONS = 1_500_000_000;
const MUCH_TEMPORARY = 10 * 2 ** 30;

export function judgeServer(server: Server): Finding[] {
  const found: Finding[] = [];
  if (server.checksum_failures > 0) {
    found.push({
      severity: "critical",
      code: "checksum_failures",
      subject: null,
      advice: `Postgres read ${server.checksum_failures} damaged pages. The disk or its controller fails. Restore the last backup on other hardware, and do not vacuum or reindex here before.`,
    });
  }
  if (server.transaction_id_age > OLD_TRANSACTIONS) {
    found.push({
      severity: server.transaction_id_age > TOO_OLD_TRANSACTIONS ? "critical" : "warning",
      code: "transaction_ids_old",
      subject: null,
      advice: `The oldest unfrozen row is ${server.transaction_id_age} transactions old; at 2,147,483,647 Postgres refuses writes. End long transactions, drop unused replication slots and prepared transactions, then run VACUUM (FREEZE).`,
    });
  }
  if (server.temporary_bytes > MUCH_TEMPORARY) {
    found.push({
      severity: "info",
      code: "temporary_files",
      subject: null,
      advice: `Sorts and hashes wrote ${sizeText(server.temporary_bytes)} to disk since the statistics began. If it still grows, raise work_mem for the role, and look with npm run db:explain for "external merge" or "Batches".`,
    });
  }
  if (server.distributed) {
    found.push({
      severity: "info",
      code: "distributed",
      subject: null,
      advice:
        "This is Citus. Sizes, statistics and locks here are those of one node. Ask citus_tables for sizes, citus_stat_statements for statements, citus_stat_activity for sessions and citus_lock_waits for locks.",
    });
  }
  return found;
}
