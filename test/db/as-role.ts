/** Logging in as a role of `scripts/roles.sql`. All databases of the server share the roles. */
import pg from "pg";
import { expect } from "vitest";

const PASSWORD = "of-these-tests-0123456789";
/** The SQLSTATE of what a role has no right to. */
export const DENIED = "42501";

export type Role = "llm_cost_migrate" | "llm_cost_run" | "llm_cost_read";

/** @param url the owner's. */
export async function letRolesLogIn(url: string): Promise<void> {
  for (const role of ["llm_cost_migrate", "llm_cost_run", "llm_cost_read"]) {
    expect(await ask(url, `alter role ${role} login password '${PASSWORD}'`)).toEqual([]);
  }
}

export const urlAs = (role: Role, url: string): string =>
  Object.assign(new URL(url), { username: role, password: PASSWORD }).href;

/** Runs statements one by one. Returns the rows of the last, or the SQLSTATE that refuses one. */
export async function ask(url: string, ...statements: string[]): Promise<Record<string, unknown>[] | string> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
    return rows;
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  } finally {
    await client.end();
  }
}
