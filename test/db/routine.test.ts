import pg from "pg";
import { expect, it, vi } from "vitest";
import { installRoutines, PREFIX } from "../../src/db/routine.ts";
import { ROUTINES } from "../../src/routines.ts";
import { INSERT_CALLS } from "../../src/write/insert.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createProject } from "../../src/keys.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const { name, definition } = INSERT_CALLS.routine!;
const all = ROUTINES.map(({ routine }) => routine!.name).toSorted();

it("a routine is made by migrating, called by its name, and done without where it is missing", async () => {
  const { db, url } = await ownDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const made = async (): Promise<string[]> => {
    const { rows } = await client.query("select proname from pg_proc where starts_with(proname, $1) order by 1", [
      PREFIX,
    ]);
    return rows.map(({ proname }) => proname as string);
  };
  const drop = `drop function ${name}`;
  expect(await made()).toEqual(all);

  const { id } = await createProject(db, "test");
  let calls = 0;
  const write = async (): Promise<unknown> => {
    const startedAtMs = Date.UTC(2025, 8, 1) + calls;
    return (await writeBatch(db, id, [priced(trace({ clientId: `c${calls++}`, startedAtMs }))])).outcomes;
  };
  expect(await write()).toEqual(["inserted"]);

  await client.query(`${drop}; ${definition.replace(/begin[^]*end/, "begin raise 'called'; end")}`);
  await expect(write()).rejects.toThrow("called");

  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  await client.query(`${drop}; create function ${PREFIX}older() returns int language sql return 1`);
  await client.query("create function somebodys_own() returns int language sql return 1");
  // At once: each of them finds it missing.
  expect(await Promise.all([write(), write(), write()])).toEqual([["inserted"], ["inserted"], ["inserted"]]);
  expect(said).toHaveBeenCalledTimes(1);
  said.mockRestore();

  await client.query(installRoutines(ROUTINES));
  expect(await made()).toEqual(all);
  expect((await client.query("select somebodys_own() as one")).rows).toEqual([{ one: 1 }]);
  const { rows } = await client.query("select count(*)::int as stored from traces");
  expect(rows).toEqual([{ stored: 4 }]);
  await client.end();
});
