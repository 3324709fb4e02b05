/** The statements that took the most time, from `pg_stat_statements`. Their texts never show a value. */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { count } from "../wire.ts";
import { type Finding, shareText } from "./finding.ts";
import { queryText } from "./query-text.ts";
import { readSection, type Unread } from "./section.ts";

export const Statement = z.object({
  id: z.string().describe("`queryid` in `pg_stat_statements`."),
  query: z.string().describe("The text without values and comments, cut off after 1,000 characters."),
  calls: count,
  mean_ms: z.number(),
  max_ms: z.number(),
  total_ms: z.number(),
  share: z.number().describe("Its part of the time that all statements of this database took, from 0 to 1."),
  rows: count,
  cache_hit_ratio: z.number().nullable(),
});

export type Statement = z.infer<typeof Statement>;

/** The same query of several roles, or from within functions and outside of them, is one statement here. */
function statementsIn(schema: string): SQL {
  return sql`
with own as (
  select queryid, max(query) as query, sum(calls)::float8 as calls, sum(rows)::float8 as rows,
    sum(total_exec_time) as total_ms, max(max_exec_time) as max_ms,
    sum(shared_blks_hit)::float8 as hit, sum(shared_blks_read)::float8 as read
  from ${sql.identifier(schema)}.pg_stat_statements
  where dbid = (select oid from pg_database where datname = current_database()) and toplevel and calls > 0
  group by queryid
)
select coalesce(queryid::text, '') as id, query, calls, rows, total_ms, max_ms, total_ms / calls as mean_ms,
  coalesce(total_ms / nullif(sum(total_ms) over (), 0), 0) as share, hit / nullif(hit + read, 0) as cache_hit_ratio
from own order by total_ms desc limit 20`;
}

/** @returns null if they cannot be read. */
export async function readStatements(
  db: Database,
  schema: string | null,
  unread: Unread[],
): Promise<Statement[] | null> {
  if (schema === null) {
    unread.push({ what: "statements", reason: "The extension pg_stat_statements is not installed." });
    return null;
  }
  const rows = await readSection(db, "statements", statementsIn(schema), unread);
  return (
    rows?.map((row) => ({
      id: String(row["id"]),
      query: queryText(String(row["query"] ?? "")),
      calls: Number(row["calls"]),
      mean_ms: milliseconds(row["mean_ms"]),
      max_ms: milliseconds(row["max_ms"]),
      total_ms: milliseconds(row["total_ms"]),
      share: Number(row["share"]),
      rows: Number(row["rows"]),
      cache_hit_ratio: row["cache_hit_ratio"] as number | null,
    })) ?? null
  );
}

/** Whole microseconds. */
function milliseconds(value: unknown): number {
  return Math.round(Number(value) * 1_000) / 1_000;
}

/** The database's share of the time in which the API should answer. */
const SLOW_MS = 100;
const VERY_SLOW_MS = 300;
const FEWEST_CALLS = 10;
const DOMINANT = 0.5;
const SUBJECT_CHARS = 80;

export function judgeStatements(statements: readonly Statement[] | null): Finding[] {
  if (statements === null) {
    return [
      {
        severity: "info",
        code: "no_statement_statistics",
        subject: "pg_stat_statements",
        advice:
          "Slow statements are unknown. Run CREATE EXTENSION pg_stat_statements. If Postgres then says that it must be loaded, add it to shared_preload_libraries and restart; on Neon it is loaded already.",
      },
    ];
  }
  return statements.flatMap((statement): Finding[] => {
    const { query, calls, mean_ms: meanMs, max_ms: maxMs, share } = statement;
    const subject = query.slice(0, SUBJECT_CHARS);
    const found: Finding[] = [];
    if (calls >= FEWEST_CALLS && meanMs >= SLOW_MS) {
      found.push({
        severity: meanMs >= VERY_SLOW_MS ? "warning" : "info",
        code: "slow_statement",
        subject,
        advice: `It takes ${Math.round(meanMs)} ms on average and ${Math.round(maxMs)} ms at most, in ${calls} calls. If a question of the API sends it, npm run db:explain -- '<its path>' shows the plan; ask for a shorter range or fewer groups. If it writes calls or cron sends it, it may work on thousands of rows at once; then it matters only while requests wait or merging lags.`,
      });
    }
    if (calls >= FEWEST_CALLS && share >= DOMINANT) {
      found.push({
        severity: "info",
        code: "dominant_statement",
        subject,
        advice: `It takes ${shareText(share)} of the time of all statements. To make the database faster, begin with this one.`,
      });
    }
    return found;
  });
}
