/** Postgres itself: its version, the role, its extensions and settings, and the replica. */
import { sql } from "drizzle-orm";
import { connect } from "../../src/db/client.ts";
import { CHECK_MS, type Check, failed, lasting, ok, skipped, type Verdict, warning } from "./check.ts";
import { databaseOf, type Subject } from "./subject.ts";

const LEAST_VERSION = 150_000;
const SLOW_MS = 500;
/** The most that `DATABASE_TIMEOUT_MS` may be. */
const MOST_STATEMENT_MS = 30_000;
const BEHIND_MS = 60_000;

export const DATABASE: readonly Check[] = [
  {
    id: "database.answers",
    title: "Connection",
    needs: ["database"],
    opens: "database",
    async run(subject) {
      const beganMs = performance.now();
      await databaseOf(subject).ping();
      const ms = performance.now() - beganMs;
      const found = `answers in ${ms.toFixed(0)} ms, login included`;
      return ms < SLOW_MS
        ? ok(found)
        : warning(found, "A database that slept takes so long once. Otherwise see how busy it is, and how far away.");
    },
  },
  {
    id: "database.version",
    title: "Version",
    needs: ["database"],
    async run(subject) {
      const row = await one(
        subject,
        sql`select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
      );
      const found = `PostgreSQL ${String(row["version"])}`;
      return Number(row["number"]) >= LEAST_VERSION
        ? ok(found)
        : failed(found, "The ledger needs PostgreSQL 15 or newer: upgrade it.");
    },
  },
  { id: "database.role", title: "Role", needs: ["database"], run: judgeRole },
  {
    id: "database.extensions",
    title: "Extensions",
    needs: ["database"],
    async run(subject) {
      const row = await one(
        subject,
        sql`
        select (select string_agg(extname || ' ' || extversion, ', ' order by extname) from pg_extension) as present,
          exists (select from pg_extension where extname = 'pg_stat_statements') as has,
          exists (select from pg_available_extensions where name = 'pg_stat_statements') as available`,
      );
      const found = String(row["present"] ?? "none");
      if (row["has"] === true || subject.kind === "dev stack" || row["available"] !== true) return ok(found);
      return warning(
        `${found}; no pg_stat_statements`,
        "To see slow statements, let the owner run: CREATE EXTENSION pg_stat_statements.",
      );
    },
  },
  {
    id: "database.statement_timeout",
    title: "statement_timeout",
    needs: ["database"],
    async run(subject) {
      // The driver sets another one for its transaction. `reset_val` is what a new session has, in ms.
      const row = await one(
        subject,
        sql`
        select reset_val::bigint as ms, quote_ident(current_database()) as database from pg_settings where name = 'statement_timeout'`,
      );
      const ms = Number(row["ms"]);
      if (ms > 0 && ms <= MOST_STATEMENT_MS) return ok(`${ms / 1_000} s`);
      const found = ms === 0 ? "none" : `${ms / 1_000} s`;
      return warning(
        found,
        `A statement whose client has given up goes on. Let the owner run: ALTER DATABASE ${String(row["database"])} SET statement_timeout = '30s'.`,
      );
    },
  },
  {
    id: "database.jit",
    title: "jit",
    needs: ["database"],
    async run(subject) {
      const row = await one(
        subject,
        sql`select reset_val as jit, quote_ident(current_user) as role from pg_settings where name = 'jit'`,
      );
      if (row["jit"] !== "on") return ok("off");
      return warning(
        "on",
        `Compiling a summary takes longer than running it: ALTER ROLE ${String(row["role"])} SET jit = off.`,
      );
    },
  },
  { id: "database.replica", title: "Replica", needs: ["database", "replica"], run: judgeReplica },
];

async function one(subject: Subject, query: ReturnType<typeof sql>): Promise<Record<string, unknown>> {
  const [row] = await databaseOf(subject).query(query);
  return row ?? {};
}

async function judgeRole(subject: Subject): Promise<Verdict> {
  const row = await one(
    subject,
    sql`
    select current_user as name, r.rolsuper as super,
      (select pg_get_userbyid(relowner) = current_user from pg_class where oid = to_regclass('traces')) as owns,
      coalesce(pg_has_role(to_regrole('llm_cost_project'), 'member'), false) as walled
    from pg_roles r where r.rolname = current_user`,
  );
  const is = row["super"] === true ? ", a superuser" : row["owns"] === true ? ", the owner of the tables" : "";
  const found = `${String(row["name"])}${is}`;
  if (row["walled"] !== true)
    return warning(
      `${found}; there is no wall between projects`,
      "A statement that forgets its project would see all of them. Let the owner run: npm run migrate -- --roles.",
    );
  if (subject.kind === "dev stack" || is === "") return ok(found);
  return warning(
    found,
    "Whoever has the password may read and change everything. Let the Worker log in as llm_cost_run.",
  );
}

async function judgeReplica(subject: Subject): Promise<Verdict> {
  const replica = connect({ ...subject.replica!, timeoutMs: CHECK_MS - 500 });
  const flushed = await one(subject, sql`select pg_current_wal_flush_lsn()::text as lsn`);
  const [row] = await replica.query(sql`
    select pg_is_in_recovery() as replays,
      pg_wal_lsn_diff(${String(flushed["lsn"])}::pg_lsn, pg_last_wal_replay_lsn())::float8 as bytes,
      extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 * 1000 as ms`);
  if (row?.["replays"] !== true)
    return failed(
      "it is not in recovery",
      "It replays no log, so it answers no question. Name a hot standby of the primary, or unset REPLICA_DATABASE_URL.",
    );
  if (row["bytes"] === null) return skipped("it does not tell what it has replayed", null);
  const bytes = Math.max(0, Number(row["bytes"]));
  if (bytes === 0) return ok("has replayed everything");
  const ms = row["ms"] === null ? 0 : Number(row["ms"]);
  const found = `${(bytes / 1_024).toFixed(0)} KiB behind; its last transaction is ${lasting(ms)} old`;
  return ms < BEHIND_MS
    ? ok(found)
    : warning(found, "The primary answers meanwhile. See if the replica is busy, or if a long query holds it up.");
}
