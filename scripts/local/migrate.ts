/**
 * Brings a database to the newest migration of `drizzle/`, makes this version's routines in it, and limits how long a
 * statement may run. Safe to run twice, and by two processes at once: they queue on an advisory lock. From the command
 * line: `DATABASE_URL=… node scripts/local/migrate.ts`, with `--roles` to make the roles, too (roles.ts).
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as runMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { installRoutines } from "../../src/db/routine.ts";
import { ROUTINES } from "../../src/write/insert.ts";
import { becomeMigrator, grant, makeRoles } from "./roles.ts";
import { StartError } from "./start-error.ts";

const migrationsFolder = resolve(import.meta.dirname, "../../drizzle");
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

/**
 * @param options.roles makes the roles, too. Once a database has them, every migration is theirs.
 * @throws StartError with Postgres' words when the database cannot be reached or a migration fails.
 */
export async function migrate(databaseUrl: string, { roles = false } = {}): Promise<void> {
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
    await runMigrations(drizzle({ client }), { migrationsFolder });
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

// Drizzle wraps what Postgres said, and puts the whole SQL in front of it.
function reason(error: unknown): string {
  const { cause, message, code } = error as { cause?: unknown; message: string; code?: string };
  return cause instanceof Error ? reason(cause) : message || (code ?? "no reason given");
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
