/** A part that cannot be read is said; a database that does not answer is an error. */
import { sql } from "drizzle-orm";
import { expect, it, onTestFinished, vi } from "vitest";
import { connect, DatabaseUnavailable } from "../../src/db/client.ts";
import { readDatabase } from "../../src/insight/report.ts";
import { readSection, type Unread } from "../../src/insight/section.ts";
import { database } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { session } from "./sessions.ts";

it("waits for no lock", async () => {
  const { db, url } = await ownDatabase();
  const holder = await session(url);
  await holder.query("begin; lock table rollup in access exclusive mode");
  const unread: Unread[] = [];
  expect(await readSection(db, "rollup", sql`select from rollup`, unread)).toBeNull();
  expect(unread).toEqual([{ what: "rollup", reason: "Another session held a lock on it for more than 1 s." }]);
  await holder.query("rollback");
});

it.each([
  [sql`select from nothing_of_this_name`, "This server does not have it."],
  [sql`select nothing from pg_class`, "This version of it has other columns."],
  [sql`select nothing_of_this_name()`, "This server lacks a function that it needs."],
])("says why, and nothing else changes", async (query, reason) => {
  const logged = vi.spyOn(console, "error");
  onTestFinished(() => logged.mockRestore());
  const unread: Unread[] = [];
  expect(await readSection(database(), "it", query, unread)).toBeNull();
  expect(unread).toEqual([{ what: "it", reason }]);
  // Otherwise the client would take it that the ledger's own functions are missing.
  expect(logged).not.toHaveBeenCalled();
});

it("sets its limits for its own transaction alone", async () => {
  const db = database();
  const shown = sql`select current_setting('lock_timeout') as lock`;
  const [before] = await db.query(shown);
  expect(await readSection(db, "it", shown, [])).toEqual([{ lock: "1s" }]);
  expect((await db.query(shown))[0]).toEqual(before);
});

it("fails with the statement's own error, and if the database does not answer", async () => {
  await expect(readSection(database(), "it", sql`select 1 / 0`, [])).rejects.toThrow("division by zero");
  const nowhere = connect({ driver: "postgres", url: "postgres://nobody@127.0.0.1:9/none" });
  await expect(readDatabase(nowhere, Date.now())).rejects.toThrow(DatabaseUnavailable);
});
