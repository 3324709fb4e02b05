/**
 * The roles of the database: `scripts/roles.sql` makes them, `scripts/grants.sql` says what each may do. Both are files
 * of statements that run one by one, so that none holds locks for another.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import pg from "pg";

const folder = resolve(import.meta.dirname, "..");
const MOST_TRIES = 10;
const BREAK = "--> statement-breakpoint";

/** Makes the roles that are missing, and gives the tables that are there to the one that migrates. */
export async function makeRoles(client: pg.Client): Promise<void> {
  await runFile(client, "roles.sql");
}

/** Says who may do what. */
export async function grant(client: pg.Client): Promise<void> {
  await runFile(client, "grants.sql");
}

/**
 * Goes on as `llm_cost_migrate` if the database has the roles.
 *
 * @param made true if they were just made.
 * @returns whether it has.
 */
export async function becomeMigrator(client: pg.Client, made: boolean): Promise<boolean> {
  const { rows } = await client.query<{ owner: string }>(`
    select coalesce((select relowner::regrole::text from pg_class where oid = to_regclass('public.traces')), current_user) as owner`);
  const hasRoles = made || rows[0]?.owner === "llm_cost_migrate";
  if (hasRoles) await client.query("SET ROLE llm_cost_migrate");
  return hasRoles;
}

/**
 * The URL with which one who may become any role logs in as the Worker does: with the rights of `llm_cost_run`, and the
 * settings that roles.sql gives it. No password of the role is needed, and none is changed.
 */
export function asWorker(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c role=llm_cost_run -c jit=off -c work_mem=32MB -c random_page_cost=1.1");
  return url.href.replaceAll("+", "%20");
}

/** True if the URL's role may make all roles and become any; also false if it cannot be asked. */
export async function isSuperuser(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ is_superuser: string }>("show is_superuser");
    return rows[0]?.is_superuser === "on";
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function runFile(client: pg.Client, name: string): Promise<void> {
  const statements = (await readFile(resolve(folder, name), "utf8")).split(BREAK);
  for (const statement of statements) await unhindered(client, statement);
}

/** Roles are of the whole server, so another database's migration may change the same row at the same instant. */
async function unhindered(client: pg.Client, statement: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query(statement);
      return;
    } catch (error) {
      if (!/tuple concurrently updated/.test((error as Error).message) || tries === MOST_TRIES) throw error;
      // A file's own transaction may be open, and is void then.
      await client.query("ROLLBACK");
      await new Promise((resolve) => setTimeout(resolve, 100 * tries));
    }
  }
}
