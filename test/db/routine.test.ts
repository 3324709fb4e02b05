import pg from "pg";
import { expect, it, vi } from "vitest";
import { installRoutines, PREFIX } from "../../src/db/routine.ts";
import { ROUTINES } from "../../src/routines.ts";
import { INSERT_CALLS } from "../../src/write/insert.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createProject } from "../../src/keys.ts";
import { readCall } from "../../src/traces/read.ts";
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

it("a plan that is kept since a month was empty looks calls up by index", async () => {
  const { db, url } = await ownDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // Now Postgres knows that no month has a call, so reading one from end to end seems to cost nothing.
  await client.query("analyze traces");
  const scans = async (): Promise<{ seq: number; idx: number }> => {
    const { rows } = await client.query(
      "select sum(seq_scan)::int as seq, sum(idx_scan)::int as idx from pg_stat_user_tables where relname like 'traces\\_%'",
    );
    return rows[0] as { seq: number; idx: number };
  };
  const before = await scans();
  const { id: projectId } = await createProject(db, "test");
  const startMs = Date.UTC(2026, 10, 1);
  const batch = (i: number) =>
    Array.from({ length: 200 }, (_, k) => priced(trace({ clientId: `c${i}-${k}`, startedAtMs: startMs + k })));
  for (let i = 0; i < 3; i++) {
    const calls = batch(i);
    const { outcomes } = await writeBatch(db, projectId, calls);
    expect(new Set(outcomes)).toEqual(new Set(["inserted"]));
    expect(await readCall(db, projectId, calls[7]!.call.id)).not.toBeNull();
  }
  await expect.poll(async () => (await scans()).idx - before.idx, { timeout: 15_000 }).toBeGreaterThanOrEqual(6);
  expect((await scans()).seq - before.seq).toBe(0);
  await client.end();
});
