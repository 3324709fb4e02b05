import pg from "pg";
import { expect, it, vi } from "vitest";
import type { Bound, Database } from "../../src/db/client.ts";
import { installRoutines, PREFIX } from "../../src/db/routine.ts";
import { DAY_MS } from "../../src/time.ts";
import { ROUTINES } from "../../src/routines.ts";
import type { PricedCall } from "../../src/write/columns.ts";
import { INSERT_CALLS } from "../../src/write/insert.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createProject } from "../../src/keys.ts";
import { READ_CALL, readCall } from "../../src/traces/read.ts";
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

it("a new connection plans for the latest months alone, unless it is asked about older calls", async () => {
  const { db, url } = await ownDatabase();
  const { id: projectId } = await createProject(db, "test");
  const calls = (count: number, daysAgo: number): PricedCall[] =>
    Array.from({ length: count }, (_, i) =>
      priced(trace({ clientId: `${count}-${i}`, startedAtMs: Date.now() - daysAgo * DAY_MS - i })),
    );
  const writing = async (batch: PricedCall[]): Promise<Bound> => {
    const run = vi.fn<Database["run"]>().mockRejectedValue(new Error("noted"));
    await expect(writeBatch({ ...db, run }, projectId, batch)).rejects.toThrow("noted");
    const [statement, values] = run.mock.lastCall!;
    return { statement, values };
  };
  const reading = ([first]: PricedCall[]): Bound => ({ statement: READ_CALL, values: [projectId, first!.call.id] });
  /** A month that is planned for is locked. */
  async function monthsFor({ statement, values }: Bound): Promise<number> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("begin");
    expect((await client.query(statement.routine!.call, [...values])).rows).toHaveLength(1);
    const { rows } = await client.query<{ months: number }>(
      `select count(distinct l.relation)::int as months from pg_locks l join pg_inherits i on i.inhrelid = l.relation
       where l.pid = pg_backend_pid() and i.inhparent = 'traces'::regclass`,
    );
    await client.query("commit");
    await client.end();
    return rows[0]!.months;
  }
  const [few, many, old] = [calls(3, 0), calls(60, 0), calls(60, 400)];

  expect(await monthsFor(await writing(few))).toBeLessThanOrEqual(2);
  expect(await monthsFor(reading(few))).toBeLessThan(10);
  expect(await monthsFor(await writing(many))).toBeLessThan(10);
  // Sent again.
  expect(await monthsFor(await writing(many))).toBeLessThan(10);
  const months = await monthsFor(await writing(old));
  expect(months).toBeGreaterThan(80);
  expect(await monthsFor(reading(old))).toBe(months);
});
