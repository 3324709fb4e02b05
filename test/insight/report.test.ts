/** The report is what Postgres itself says, over the driver that is tested. What is provoked here is found. */
import { sql } from "drizzle-orm";
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { connect } from "../../src/db/client.ts";
import { sampleSizes } from "../../src/insight/growth.ts";
import { type DatabaseReport as Report, DatabaseReport, readDatabase } from "../../src/insight/report.ts";
import { DAY_MS } from "../../src/time.ts";
import { asOwner, ownDatabase } from "../own-database.ts";
import { limitedRole, session, waitsFor } from "./sessions.ts";

/** Ages that Postgres tells are by its own clock. */
const NOW = Date.now();

const found = ({ findings }: Report, code: string) => findings.filter((finding) => finding.code === code);

/** Tells the server at once what the session did. */
async function flush(client: pg.Client): Promise<void> {
  await client.query("select pg_stat_force_next_flush()");
  await client.query("select 1");
}

it("has every part as described, and nothing that is not", async () => {
  const db = asOwner(await ownDatabase());
  await sampleSizes(db, NOW - 2 * DAY_MS);
  const report = await readDatabase(db, NOW, 2 ** 40);
  expect(DatabaseReport.parse(report)).toEqual(report);
  const [real] = await db.query(sql`
    select current_setting('server_version') as version, current_user::text as role,
      (select count(*)::int from pg_inherits where inhparent = 'traces'::regclass) as partitions`);
  expect(report.server).toMatchObject({ version: real!["version"], role: real!["role"], distributed: false });
  expect(report.growth).toMatchObject({ samples: 1, since: new Date(NOW - 2 * DAY_MS).toISOString() });
  expect(report.settings.map(({ name }) => name)).toContain("jit");
  // The migration's own. What the driver sets for its transaction is not shown.
  expect(report.settings).toContainEqual(expect.objectContaining({ name: "statement_timeout", value: "30000" }));
  const traces = report.tables.find(({ name }) => name === "traces")!;
  expect(traces).toMatchObject({ partitions: real!["partitions"], estimated: false });
  expect(report.partitions).toHaveLength(10);
  expect(report.partitions.every(({ table }) => table === "traces")).toBe(true);
  const key = report.indexes.find(({ table, unique }) => table === "traces" && unique);
  expect(key).toMatchObject({ table: "traces", unique: true, valid: true, partitions: real!["partitions"] });
});

it("measures tables, TOAST and indexes as Postgres does", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const client = await session(url);
  await client.query(`
    insert into dead_letters (project_id, id, body)
    select gen_random_uuid(), i::text, (select string_agg(md5((i * j)::text), '') from generate_series(1, 200) j)
    from generate_series(1, 100) i`);
  const { rows } = await client.query(`
    select pg_total_relation_size('dead_letters')::int as total_bytes, pg_indexes_size('dead_letters')::int as index_bytes,
      pg_total_relation_size(reltoastrelid)::int as toast_bytes
    from pg_class where oid = 'dead_letters'::regclass`);
  const table = (await readDatabase(db, NOW)).tables.find(({ name }) => name === "dead_letters")!;
  expect(table).toMatchObject(rows[0]);
  expect(table.toast_bytes).toBeGreaterThan(100_000);
  expect(table.heap_bytes + table.index_bytes + table.toast_bytes).toBe(table.total_bytes);
});

it("finds dead rows, an unused index, one that is not valid, missing statistics, and autovacuum that is off", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const client = await session(url);
  await client.query(`
    create table own (id int primary key, filler text) with (autovacuum_enabled = false);
    insert into own select i, repeat('x', 900) from generate_series(1, 20000) i;
    create index own_filler on own (filler);
    alter table own set (autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0.1);
    analyze own;
    delete from own where id > 9000;
    create table blind with (autovacuum_enabled = false) as select i from generate_series(1, 10000) i`);
  await expect(client.query("create unique index concurrently own_broken on own ((id / 2))")).rejects.toThrow();
  await flush(client);
  const report = await readDatabase(db, NOW);
  // It had 20,000 rows when it was analyzed: 100 + 10% of 20,000 = 2,100 are where autovacuum would begin.
  expect(found(report, "dead_rows")).toEqual([
    expect.objectContaining({
      subject: "own",
      advice: expect.stringMatching(/^11000 of 20000 rows are dead \(55%\).* begun at 2100.*VACUUM \(ANALYZE\) own/s),
    }),
  ]);
  expect(found(report, "autovacuum_disabled")).toMatchObject([{ subject: "blind" }, { subject: "own" }]);
  expect(found(report, "never_analyzed")).toMatchObject([{ subject: "blind" }]);
  expect(found(report, "invalid_index")).toMatchObject([{ subject: "own_broken" }]);
  expect(report.indexes.find(({ name }) => name === "own_filler")).toMatchObject({ scans: 0, valid: true });

  await client.query("set enable_seqscan = off; select from own where filler = 'x'");
  await flush(client);
  const used = await readDatabase(db, NOW);
  expect(used.indexes.find(({ name }) => name === "own_filler")!.scans).toBeGreaterThan(0);
});

it("shows who waits for whom, without waiting itself, and without values of statements", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const [holder, waiter, watcher] = await Promise.all([session(url), session(url), session(url)]);
  await holder.query("begin; lock table rollup in access exclusive mode; select 'whispered by the holder'");
  const pid = async (client: pg.Client): Promise<number> =>
    (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]!.pid;
  const [held, waiting] = [await pid(holder), await pid(waiter)];
  await waitsFor(waiter, watcher, "select count(*) from rollup where model = 'whispered by the waiter'");

  const report = await readDatabase(db, NOW);
  expect(report.lock_waits).toMatchObject([
    {
      pid: waiting,
      relation: "rollup",
      lock: "relation AccessShareLock",
      query: "select count(*) from rollup where model = ?",
      blockers: [{ pid: held, state: "idle in transaction", query: "select pg_backend_pid() as pid" }],
    },
  ]);
  expect(report.transactions.map(({ pid, waits_for_lock }) => [pid, waits_for_lock])).toEqual([
    [held, false],
    [waiting, true],
  ]);
  expect(report.unread.map(({ what }) => what)).not.toContain("tables");
  // What is locked is estimated, and all else measured.
  const estimated = report.tables.filter(({ estimated }) => estimated).map(({ name }) => name);
  expect(estimated).toEqual(["rollup"]);
  expect(JSON.stringify(report)).not.toContain("whisper");
  await holder.query("rollback");
});

describe("statements", () => {
  it("are unknown without the extension, which is said with what to do", async () => {
    const db = asOwner(await ownDatabase());
    const report = await readDatabase(db, NOW);
    expect(report.statements).toBeNull();
    expect(report.unread).toContainEqual({
      what: "statements",
      reason: "The extension pg_stat_statements is not installed.",
    });
    expect(found(report, "no_statement_statistics")[0]!.advice).toContain("CREATE EXTENSION pg_stat_statements");
  });

  it("are those that took the most time, with their share", async (test) => {
    const { url } = await ownDatabase();
    const db = asOwner({ url });
    const client = await session(url);
    if (!(await loads(client))) return test.skip("the server has no pg_stat_statements");
    // Wherever it is installed.
    await client.query("create schema elsewhere; create extension pg_stat_statements schema elsewhere");
    await client.query(
      "select elsewhere.pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)",
    );
    for (let i = 0; i < 12; i++) await client.query(`select pg_sleep(0.0${(i % 2) + 1}) as "nap", 'whisper ${i}'`);
    const { statements, ...report } = await readDatabase(db, NOW);
    const nap = statements![0]!;
    // 6 x 10 ms + 6 x 20 ms = 180 ms, and what each needs to wake up.
    expect(nap).toMatchObject({ calls: 12, rows: 12, query: 'select pg_sleep($1) as "nap", $2' });
    expect(nap.total_ms).toBeGreaterThanOrEqual(180);
    expect(nap.mean_ms).toBeCloseTo(nap.total_ms / 12, 1);
    expect(nap.share).toBeGreaterThan(0);
    expect(statements!.reduce((sum, { share }) => sum + share, 0)).toBeLessThanOrEqual(1.000001);
    expect(JSON.stringify({ statements, report })).not.toContain("whisper");
  });

  it("are read from a view of the same columns where the library is not loaded", async () => {
    const { url } = await ownDatabase();
    const db = asOwner({ url });
    const client = await session(url);
    const { rows } = await client.query("select from pg_available_extensions where name = 'pg_stat_statements'");
    if (rows.length === 0) return;
    await client.query("create extension pg_stat_statements");
    await client.query(`
      alter view pg_stat_statements rename to real;
      create view pg_stat_statements as
      select 1::bigint as queryid, 'alter role r password ''secret''' as query, 20::bigint as calls, 5::bigint as rows,
        9000::float8 as total_exec_time, 800::float8 as max_exec_time, 3::bigint as shared_blks_hit,
        1::bigint as shared_blks_read, true as toplevel, d.oid as dbid
      from pg_database d`);
    const report = await readDatabase(db, NOW);
    // 9,000 ms / 20 = 450 ms, 3 of 4 blocks from the cache, and all of this database's time.
    expect(report.statements).toEqual([
      {
        id: "1",
        query: "alter role r password ?",
        calls: 20,
        mean_ms: 450,
        max_ms: 800,
        total_ms: 9_000,
        share: 1,
        rows: 5,
        cache_hit_ratio: 0.75,
      },
    ]);
    expect(found(report, "slow_statement")).toMatchObject([{ severity: "warning" }]);
    expect(found(report, "dominant_statement")).toHaveLength(1);
  });
});

it("says what the role may not read, and reads the rest", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const owner = await session(url);
  const { role, url: limited } = await limitedRole(owner, url);
  await owner.query(`create schema elsewhere; create extension if not exists pg_stat_statements schema elsewhere`);
  const report = await readDatabase(connect({ driver: "postgres", url: limited }), NOW);
  expect(report.unread).toContainEqual({
    what: "sessions and statements of other roles",
    reason: `The role may not see them. Run: GRANT pg_read_all_stats TO "${role}"`,
  });
  expect(report.unread).toContainEqual({ what: "growth", reason: "The role may not read it." });
  expect(report.unread).toContainEqual({ what: "statements", reason: "The role may not read it." });
  expect(report.server?.role).toBe(role);
  expect(report.tables.map(({ name }) => name)).toContain("traces");
  expect(DatabaseReport.parse(report)).toEqual(report);

  await owner.query(`grant pg_read_all_stats to ${role}; grant select on size_samples to ${role}`);
  await sampleSizes(db, NOW);
  const more = await readDatabase(connect({ driver: "postgres", url: limited }), NOW);
  expect(more.unread.map(({ what }) => what)).toEqual(["statements"]);
  await owner.query(`drop owned by ${role}; drop role ${role}`);
});

async function loads(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ names: string }>("select current_setting('shared_preload_libraries') as names");
  return rows[0]!.names.includes("pg_stat_statements");
}
