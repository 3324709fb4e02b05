/**
 * Brings a database to the newest migration of `drizzle/`, makes this version's routines in it, and limits how long a
 * statement may run. Safe to run twice, and by two processes at once: they queue on an advisory lock. From the command
 * line: `DATABASE_URL=… node scripts/local/migrate.ts`, with `--roles` to
 * make the roles, too (roles.ts).
 *
 * It runs while Workers write. Each migration is a transaction of its own, waits for a lock only briefly, because others
 * wait behind it, and is run again if Postgres gave it up.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import pg from "pg";
import { installRoutines } from "../../src/db/routine.ts";
import { ROUTINES } from "../../src/routines.ts";
import { becomeMigrator, grant, makeRoles } from "./roles.ts";
import { StartError } from "./start-error.ts";

const MIGRATIONS = resolve(import.meta.dirname, "../../drizzle");
/** Any number, as long as nothing else in the database locks it. */
const lockKey = 7_203_114;

/**
 * The longest that a statement may run in this database if its session sets no other limit. It is the most that
 * `DATABASE_TIMEOUT_MS` may be: whoever asked has given up by then.
 */
const limitStatements = `
do $$ begin execute format('alter database %I set statement_timeout = %L', current_database(), '30s'); end $$`;
/** Postgres' code for what only the owner may do. */
const NOT_OWNER = "42501";
/** deadlock_detected, lock_not_available: the transaction was rolled back, and may succeed later. */
const GIVEN_UP = new Set(["40P01", "55P03"]);
const MOST_TRIES = 12;
const PAUSE_MS = 250;

/**
 * @param options.roles makes the roles, too. Once a database has them, every migration is theirs.
 * @throws StartError with Postgres' words when the database cannot be reached or a migration fails.
 */
export async function migrate(
  databaseUrl: string,
  { roles = false, migrationsFolder = MIGRATIONS } = {},
): Promise<void> {
  if (!existsSync(`${migrationsFolder}/meta/_journal.json`)) {
    throw new StartError(`${migrationsFolder} has no migrations (meta/_journal.json is missing).`);
  }
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new StartError(`The database cannot be reached: ${reason(error)}.`);
  }
  try {
    await client.query("SET statement_timeout = 0");
    // Ends with the connection.
    await client.query("SELECT pg_advisory_lock($1)", [lockKey]);
    if (roles) await makeRoles(client);
    const hasRoles = await becomeMigrator(client, roles);
    for (const migration of await missing(client, migrationsFolder)) await apply(client, migration);
    await client.query(installRoutines(ROUTINES));
    if (hasRoles) await grant(client);
    await client.query("RESET ROLE");
    await client.query(limitStatements).catch((error: unknown) => {
      if ((error as { code?: string }).code !== NOT_OWNER) throw error;
      console.warn("Only the owner of the database may set its statement_timeout. Let it run:");
      console.warn(`  ALTER DATABASE "${client.database}" SET statement_timeout = '30s'`);
    });
  } catch (error) {
    throw new StartError(`The migrations of ${migrationsFolder} failed: ${reason(error)}.`);
  } finally {
    await client.end();
  }
}

/** The migrations that the database lacks. It notes those that it has as Drizzle's own migrator does. */
async function missing(client: pg.Client, migrationsFolder: string): Promise<MigrationMeta[]> {
  await client.query("CREATE SCHEMA IF NOT EXISTS drizzle");
  await client.query(`
    CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`);
  const { rows } = await client.query<{ last: string | null }>(
    "SELECT max(created_at) AS last FROM drizzle.__drizzle_migrations",
  );
  const last = Number(rows[0]!.last ?? -1);
  return readMigrationFiles({ migrationsFolder }).filter(({ folderMillis }) => folderMillis > last);
}

async function apply(client: pg.Client, { sql, hash, folderMillis }: MigrationMeta): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query("BEGIN");
      // Without it, on Citus the limit holds on the coordinator alone. Elsewhere it is a name that nothing reads.
      await client.query("SET LOCAL citus.propagate_set_commands = 'local'");
      await client.query("SET LOCAL lock_timeout = '3s'");
      for (const statement of sql) await client.query(statement);
      await client.query("INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ($1, $2)", [
        hash,
        folderMillis,
      ]);
      await client.query("COMMIT");
      return;
    } catch (error) {
      await client.query("ROLLBACK");
      if (!GIVEN_UP.has((error as { code?: string }).code ?? "") || tries === MOST_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
    }
  }
}

function reason(error: unknown): string {
  const { message, code } = error as { message: string; code?: string };
  return message || (code ?? "no reason given");
}

if (import.meta.main) {
  const databaseUrl = process.env["DATABASE_URL"];
  const roles = process.argv.includes("--roles");
  try {
    if (!databaseUrl) throw new StartError("DATABASE_URL must name the database to migrate.");
    await migrate(databaseUrl, { roles });
    console.log("The database is at the newest migration.");
  } catch (error) {
    console.error(error instanceof StartError ? error.message : error);
    process.exitCode = 1;
  }
}
