/** Migrations run while Workers write: what Postgres gives up is run again, and what is done stays done. */
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { migrationsWith } from "../migrations.ts";
import { ownDatabase } from "../own-database.ts";

async function clientOf(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function hasColumn(client: pg.Client, table: string, column: string): Promise<boolean> {
  const { rowCount } = await client.query("select from pg_attribute where attrelid = $1::regclass and attname = $2", [
    table,
    column,
  ]);
  return rowCount === 1;
}

it("runs a migration again that met a request in a deadlock, and the request goes on", async () => {
  const { url } = await ownDatabase();
  const [request, watcher] = [await clientOf(url), await clientOf(url)];
  await request.query("begin");
  // It looks for deadlocks later than the migration, so the migration is the one that is given up.
  await request.query("set local deadlock_timeout = '1min'; lock table held_wrappers in row exclusive mode");
  const folder = await migrationsWith([
    "alter table spans add column added text",
    "alter table held_wrappers add column added text",
  ]);
  const migrating = migrate(url, { migrationsFolder: folder });
  const waits = `select from pg_locks where relation = 'held_wrappers'::regclass and not granted`;
  while ((await watcher.query(waits)).rowCount === 0);
  // Each now waits for the other.
  expect((await request.query("select count(*)::int as n from spans")).rows).toEqual([{ n: 0 }]);
  expect(await hasColumn(watcher, "spans", "added")).toBe(false);
  await request.query("commit");
  await migrating;
  expect(await hasColumn(watcher, "spans", "added")).toBe(true);
  expect(await hasColumn(watcher, "held_wrappers", "added")).toBe(true);
});

it("runs each migration in a transaction of its own, and goes on after the last that was done", async () => {
  const { url } = await ownDatabase();
  const client = await clientOf(url);
  const first = ["create table one (n integer)"];
  const wrong = ["create table two (n integer)", "alter table nothing add column n integer"];
  await expect(migrate(url, { migrationsFolder: await migrationsWith(first, wrong) })).rejects.toThrow(
    /"nothing" does not exist/,
  );
  const tables = `select relname from pg_class where relname in ('one', 'two') order by 1`;
  expect((await client.query(tables)).rows).toEqual([{ relname: "one" }]);
  await migrate(url, { migrationsFolder: await migrationsWith(first, wrong.slice(0, 1)) });
  expect((await client.query(tables)).rows).toEqual([{ relname: "one" }, { relname: "two" }]);
});
