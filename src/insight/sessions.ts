/** Sessions: who waits for whose lock, and which transactions are open for long. Texts never show a value. */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { columns } from "../db/sql.ts";
import { durationText, type Finding } from "./finding.ts";
import { queryText } from "./query-text.ts";
import { readSection, type Unread } from "./section.ts";

const Session = z.object({
  pid: z.int(),
  role: z.string().nullable(),
  application: z.string().nullable().describe("What the client calls itself (`application_name`)."),
  state: z.string().nullable().describe("Null if the role may not see it."),
  transaction_seconds: z.number().nullable(),
  state_seconds: z.number().nullable().describe("How long it has been in this state."),
  query: z.string().describe("Its statement now, or its last one, without values."),
});

export const Transaction = Session.extend({ waits_for_lock: z.boolean() });

export const LockWait = Session.extend({
  relation: z.string().nullable().describe("Null if it waits for a row, a transaction or an advisory lock."),
  lock: z.string().describe("The kind of the lock and its mode."),
  waiting_seconds: z.number(),
  blockers: z.array(Session),
});

type Session = z.infer<typeof Session>;
export type Transaction = z.infer<typeof Transaction>;
export type LockWait = z.infer<typeof LockWait>;

const secondsSince = (instant: SQL): SQL => sql`extract(epoch from clock_timestamp() - ${instant})::float8`;

function sessionOf(alias: string): SQL {
  const of = (column: string): SQL => columns([column], alias);
  return sql`json_build_object(
    'pid', ${of("pid")}, 'role', ${of("usename")}, 'application', ${of("application_name")}, 'state', ${of("state")},
    'query', left(${of("query")}, 4000), 'transaction_seconds', ${secondsSince(of("xact_start"))},
    'state_seconds', ${secondsSince(of("state_change"))})`;
}

const TRANSACTIONS = sql`
select ${sessionOf("a")} as session, a.wait_event_type is not distinct from 'Lock' as waits_for_lock
from pg_stat_activity a
where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
  and a.xact_start is not null
order by a.xact_start limit 20`;

const WAITS = sql`
select ${sessionOf("a")} as session, w.relation::regclass::text as relation, w.locktype || ' ' || w.mode as lock,
  coalesce(${secondsSince(sql`w.waitstart`)}, 0) as waiting_seconds,
  (select json_agg(${sessionOf("b")} order by b.xact_start) from pg_stat_activity b
   where b.pid = any(pg_blocking_pids(w.pid))) as blockers
from pg_locks w join pg_stat_activity a using (pid)
where not w.granted and a.datname = current_database()
order by w.waitstart limit 20`;

function shown(session: unknown): Session {
  const { query, ...rest } = session as Session & { query: string | null };
  return { ...rest, query: queryText(query ?? "") };
}

/** The oldest first. */
export async function readTransactions(db: Database, unread: Unread[]): Promise<Transaction[]> {
  const rows = (await readSection(db, "transactions", TRANSACTIONS, unread)) ?? [];
  return rows.map((row) => ({ ...shown(row["session"]), waits_for_lock: row["waits_for_lock"] === true }));
}

/** Who waits longest comes first. */
export async function readLockWaits(db: Database, unread: Unread[]): Promise<LockWait[]> {
  const rows = (await readSection(db, "locks", WAITS, unread)) ?? [];
  return rows.map((row) => ({
    ...shown(row["session"]),
    relation: row["relation"] as string | null,
    lock: String(row["lock"]),
    waiting_seconds: Number(row["waiting_seconds"]),
    blockers: ((row["blockers"] ?? []) as unknown[]).map(shown),
  }));
}

/** Writes of one project wait for each other for moments. */
const LONG_WAIT_SECONDS = 1;
const VERY_LONG_WAIT_SECONDS = 30;
const LONG_TRANSACTION_SECONDS = 5 * 60;
const VERY_LONG_TRANSACTION_SECONDS = 3_600;
const IDLE_SECONDS = 60;

export function judgeLockWaits(waits: readonly LockWait[]): Finding[] {
  return waits.flatMap(({ pid, waiting_seconds: waited, relation, lock, blockers }): Finding[] => {
    if (waited < LONG_WAIT_SECONDS) return [];
    const held = blockers.map(
      (one) =>
        `session ${one.pid} (${one.state ?? "state hidden"}, transaction open for ${durationText(one.transaction_seconds ?? 0)})`,
    );
    const ends = blockers.map((one) => `SELECT pg_terminate_backend(${one.pid})`);
    const [by, then] =
      held.length === 0
        ? ["a session that is not shown", "Look at pg_prepared_xacts."]
        : [held.join(" and "), `If that does not end by itself, run ${ends.join("; ")}.`];
    return [
      {
        severity: waited < VERY_LONG_WAIT_SECONDS ? "warning" : "critical",
        code: "lock_wait",
        subject: `session ${pid}`,
        advice: `It has waited ${durationText(waited)} for a lock (${lock}${relation === null ? "" : ` on ${relation}`}) behind ${by}. ${then}`,
      },
    ];
  });
}

export function judgeTransactions(transactions: readonly Transaction[]): Finding[] {
  return transactions.flatMap(({ pid, state, transaction_seconds: open, state_seconds: since }): Finding[] => {
    const subject = `session ${pid}`;
    const end = `SELECT pg_terminate_backend(${pid})`;
    if (state?.startsWith("idle in transaction") && (since ?? 0) >= IDLE_SECONDS) {
      return [
        {
          severity: (since ?? 0) >= VERY_LONG_TRANSACTION_SECONDS ? "critical" : "warning",
          code: "idle_in_transaction",
          subject,
          advice: `It has left a transaction open and done nothing for ${durationText(since ?? 0)}. It keeps its locks, and dead rows stay. Run ${end}, and set idle_in_transaction_session_timeout.`,
        },
      ];
    }
    if ((open ?? 0) < LONG_TRANSACTION_SECONDS) return [];
    return [
      {
        severity: (open ?? 0) >= VERY_LONG_TRANSACTION_SECONDS ? "critical" : "warning",
        code: "long_transaction",
        subject,
        advice: `Its transaction has been open for ${durationText(open ?? 0)}. Until it ends, dead rows stay in all tables. The ledger's own end after 30 s: a dump, a migration or a person is at work. If nobody needs it, run ${end}.`,
      },
    ];
  });
}
