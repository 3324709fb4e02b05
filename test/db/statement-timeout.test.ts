/** A statement whose client has given up ends by itself, even if nobody cancels it. */
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import pg from "pg";
import { expect, inject, it, onTestFinished, vi } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { connect, DatabaseUnavailable } from "../../src/db/client.ts";
import { ownDatabase } from "../own-database.ts";

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** How many statements with this text run. */
async function running(url: string, mark: string): Promise<number> {
  const client = await open(url);
  const { rows } = await client.query(
    "select from pg_stat_activity where state = 'active' and query like '%' || $1::text || '%'",
    [mark],
  );
  await client.end();
  return rows.length;
}

it("is limited to 30 s by the database, in every session that sets nothing else", async () => {
  const { url, db } = await ownDatabase("neon");
  expect(await db.query(sql`select current_setting('statement_timeout') as limit`)).toEqual([{ limit: "30s" }]);
  // Neon's proxy may not notice that its client hung up. A second stands for the 30 s.
  const owner = await open(url);
  await owner.query(`alter database ${owner.database} set statement_timeout = '1s'`);
  const proxy = await open(url);
  const mark = randomUUID();
  proxy.query(`select pg_sleep(60), '${mark}'`).catch(() => undefined);
  await expect.poll(() => running(url, mark)).toBe(1);
  (proxy as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await expect.poll(() => running(url, mark), { timeout: 5_000 }).toBe(0);
  // Migrating again restores the limit, and is not limited itself.
  await migrate(url);
  const { rows } = await (await open(url)).query("show statement_timeout");
  expect(rows).toEqual([{ statement_timeout: "30s" }]);
});

it.each(["neon", "postgres"] as const)("ends soon after the time-out of the Worker, over %s", async (driver) => {
  const mark = randomUUID();
  const db = connect({ ...inject("databases")[driver], timeoutMs: 500 });
  await expect(db.query(sql`select pg_sleep(60), ${mark}`.inlineParams())).rejects.toThrow(DatabaseUnavailable);
  await expect.poll(() => running(inject("databaseUrl"), mark), { timeout: 5_000 }).toBe(0);
});

it("tells a role that does not own the database what the owner must run", async () => {
  const admin = await open(inject("databaseUrl"));
  const [name, role] = [randomUUID(), randomUUID()].map((id) => `t_${id.replaceAll("-", "")}`);
  await admin.query(`create role ${role} login superuser password 'p'`);
  await admin.query(`create database ${name}`);
  const url = new URL(inject("databaseUrl"));
  Object.assign(url, { pathname: `/${name}`, username: role, password: "p" });
  await migrate(url.href);
  const owner = await open(url.href);
  await owner.query(`alter database ${name} reset statement_timeout`);
  await owner.end();
  await admin.query(`alter role ${role} nosuperuser`);
  await admin.query(`grant create on database ${name} to ${role}`);
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  onTestFinished(() => warn.mockRestore());
  await migrate(url.href);
  expect(warn.mock.calls.flat()).toContain(`  ALTER DATABASE "${name}" SET statement_timeout = '30s'`);
  await admin.query(`drop database ${name} with (force)`);
  await admin.query(`drop role ${role}`);
  await admin.end();
});
