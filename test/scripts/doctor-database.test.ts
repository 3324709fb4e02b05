/** The doctor's checks of a database, on faults made in one of the test's own. Each fault is undone afterwards. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { DATABASE } from "../../scripts/doctor/database.ts";
import { LEDGER } from "../../scripts/doctor/ledger.ts";
import { runChecks } from "../../scripts/doctor/run.ts";
import { SCHEMA } from "../../scripts/doctor/schema.ts";
import type { Subject } from "../../scripts/doctor/subject.ts";
import { listen } from "../../scripts/local/listen.ts";
import type { Database } from "../../src/db/client.ts";
import { createKey, createProject } from "../../src/keys.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { ownDatabase } from "../own-database.ts";
import { finding, subjectWith } from "./doctor-subject.ts";

const CHECKS = [...DATABASE, ...SCHEMA, ...LEDGER];
let db: Database;
let url: string;
let client: pg.Client;
let name: string;

beforeAll(async () => {
  ({ db, url } = await ownDatabase("postgres", (close) => afterAll(close)));
  client = new pg.Client({ connectionString: url });
  await client.connect();
  name = client.database!;
}, 60_000);
afterAll(() => client.end());

const at = (connection: string): Partial<Subject> => ({ database: { driver: "postgres", url: connection } });
const look = (id: string, parts: Partial<Subject> = {}) => finding(CHECKS, id, { ...at(url), ...parts });

/** Until the test is over. */
async function broken(fault: string, undo: string): Promise<void> {
  await client.query(fault);
  onTestFinished(async () => void (await client.query(undo)));
}

it.each(["postgres", "neon"] as const)(
  "finds nothing wrong in a database that was just migrated, over %s",
  async (driver) => {
    const fetchEndpoint = driver === "neon" ? inject("bindings").NEON_FETCH_ENDPOINT : undefined;
    const parts: Partial<Subject> = { database: { driver, url, fetchEndpoint }, kind: "dev stack" };
    const findings = await runChecks(CHECKS, subjectWith(parts), 30_000);
    const states = Object.fromEntries(findings.map(({ id, state }) => [id, state]));
    const ids = CHECKS.map(({ id }) => id).filter((id) => !/replica|unused_keys|expiring_keys/.test(id));
    expect(states).toMatchObject(Object.fromEntries(ids.map((id) => [id, "ok"])));
    expect(findings.every(({ state, advice }) => state !== "ok" || advice === null)).toBe(true);
  },
);

describe("migrations", () => {
  const TABLE = "drizzle.__drizzle_migrations";
  const without = async (which: string): Promise<void> => {
    await client.query(`create table taken as select * from ${TABLE} where created_at = (select ${which})`);
    await broken(
      `delete from ${TABLE} where created_at in (select created_at from taken)`,
      `insert into ${TABLE} select * from taken; drop table taken`,
    );
  };

  it("names one that is missing", async () => {
    await without(`max(created_at) from ${TABLE}`);
    expect(await look("database.migrations")).toMatchObject({
      state: "failed",
      found: expect.stringMatching(/^1 migration missing: \d{4}_\w+$/),
      advice: expect.stringContaining("npm run migrate"),
    });
  });

  it("tells one that migrating would pass over", async () => {
    await without(`created_at from ${TABLE} order by created_at offset 1 limit 1`);
    expect(await look("database.migrations")).toMatchObject({
      state: "failed",
      found: "0001_partitions missing although a later one is applied",
    });
  });

  it("warns of one that this checkout does not know", async () => {
    await broken(
      `insert into ${TABLE} (hash, created_at) values ('x', 9999999999999)`,
      `delete from ${TABLE} where hash = 'x'`,
    );
    expect(await look("database.migrations")).toMatchObject({ state: "warning" });
  });

  it("tells a database that was never migrated", async () => {
    await broken("alter schema drizzle rename to elsewhere", "alter schema elsewhere rename to drizzle");
    expect(await look("database.migrations")).toMatchObject({
      state: "failed",
      found: "the database was never migrated",
    });
  });

  it("are skipped for a role that may not read them, which says whose role is needed", async () => {
    const role = `reader_${randomUUID().slice(0, 8)}`;
    await broken(
      `create role ${role} login password 'secret-of-the-reader'; grant select on all tables in schema public to ${role}`,
      `drop owned by ${role}; drop role ${role}`,
    );
    const own = new URL(url);
    [own.username, own.password] = [role, "secret-of-the-reader"];
    expect(await look("database.migrations", at(own.href))).toMatchObject({
      state: "skipped",
      advice: "Run the doctor with the role that migrates.",
    });
    expect(await look("database.role", at(own.href))).toMatchObject({
      state: "warning",
      found: expect.stringContaining(role),
    });
  });
});

describe("partitions", () => {
  const MAKE = "select create_trace_partitions(current_date, (current_date + interval '3 months')::date)";
  const drop = (ahead: number): Promise<void> =>
    broken(
      `do $$ begin execute format('drop table traces_%s',
         to_char(date_trunc('month', now() at time zone 'UTC') + interval '${ahead} months', 'YYYY_MM')); end $$`,
      MAKE,
    );

  it.each([
    [0, "failed"],
    [1, "failed"],
    [3, "warning"],
  ])("the one %i months ahead is missing: %s", async (ahead, state) => {
    await drop(ahead);
    expect(await look("database.partitions")).toMatchObject({
      state,
      found: expect.stringMatching(/^\d{4}_\d\d missing$/),
      advice: expect.stringContaining("create_trace_partitions"),
    });
  });
});

describe("settings and roles", () => {
  it("warns if a statement may run for ever, and names what the owner must run", async () => {
    await broken(
      `alter database ${name} set statement_timeout = 0`,
      `alter database ${name} set statement_timeout = '30s'`,
    );
    expect(await look("database.statement_timeout")).toMatchObject({
      state: "warning",
      advice: expect.stringContaining(`ALTER DATABASE ${name} SET statement_timeout = '30s'`),
    });
  });

  it("warns of jit", async () => {
    const role = client.user!;
    await broken(
      `alter role ${role} in database ${name} set jit = on`,
      `alter role ${role} in database ${name} reset jit`,
    );
    expect(await look("database.jit")).toMatchObject({ state: "warning", found: "on" });
  });

  it("warns of a superuser in a deployment, and of a role without the wall between projects", async () => {
    expect(await look("database.role")).toMatchObject({
      state: "warning",
      found: expect.stringMatching(/, a superuser$/),
    });
    const role = `worker_${randomUUID().slice(0, 8)}`;
    await broken(
      `create role ${role} login password 'p'; grant all on schema public to ${role}`,
      `drop owned by ${role}; drop role ${role}`,
    );
    const own = new URL(url);
    [own.username, own.password] = [role, "p"];
    expect(await look("database.role", at(own.href))).toMatchObject({
      state: "warning",
      found: expect.stringContaining("no wall between projects"),
    });
    await client.query(`grant llm_cost_project to ${role}`);
    expect(await look("database.role", at(own.href))).toMatchObject({ state: "ok", found: role });
  });

  it("warns if a routine of this version is missing", async () => {
    const { rows } = await client.query(
      "select oid::regprocedure::text as name, pg_get_functiondef(oid) as made from pg_proc where starts_with(proname, 'llm_cost_routine_') limit 1",
    );
    await broken(`drop function ${rows[0].name}`, rows[0].made);
    expect(await look("database.routines")).toMatchObject({
      state: "warning",
      found: "1 routine of this version missing",
    });
  });

  it("refuses a replica that is a primary", async () => {
    expect(await look("database.replica", { replica: { driver: "postgres", url } })).toMatchObject({
      state: "failed",
      found: "it is not in recovery",
    });
  });
});

describe("the ledger", () => {
  /** One call in a project of its own, which is gone afterwards. */
  async function oneCall(): Promise<string> {
    const { id } = await createProject(db, "doctor");
    await writeBatch(db, id, [priced(trace({ startedAtMs: Date.now() - 1_000, clientId: randomUUID() }))]);
    onTestFinished(async () => {
      for (const table of ["traces", "rollup"]) await client.query(`delete from ${table} where project_id = $1`, [id]);
    });
    return id;
  }

  it.each([
    ["20 seconds", "ok"],
    ["20 minutes", "warning"],
    ["3 hours", "failed"],
  ])("a partial row that has waited for %s is %s", async (age, state) => {
    const project = await oneCall();
    await client.query(`update traces set received_at = now() - $2::interval where project_id = $1`, [project, age]);
    expect(await look("ledger.merging")).toMatchObject({
      state,
      found: expect.stringContaining(`one for ${age === "20 seconds" ? "20 s" : age} at least`),
    });
  });

  it("audits the last days of every project, and names the first wrong sum", async () => {
    const project = await oneCall();
    expect(await look("ledger.audit")).toMatchObject({ state: "ok", found: expect.stringMatching(/right, 1 call$/) });
    await client.query("update rollup set requests = requests + 1 where project_id = $1 and label = ''", [project]);
    expect(await look("ledger.audit")).toMatchObject({
      state: "failed",
      found: expect.stringMatching(
        new RegExp(
          `^project ${project}: on \\d{4}-\\d\\d-\\d\\d requests is 2 in (day|hour) rows, and 1 by the calls$`,
        ),
      ),
      advice: expect.stringContaining("POST /v1/repair"),
    });
  });

  it("names dead letters, epochs that wait, and jobs that fail", async () => {
    const { id } = await createProject(db, "doctor");
    await broken(
      `insert into dead_letters (project_id, id, body, died_at) values ('${id}', 'm', '{}', now() - interval '3 hours');
       update projects set epoch_move_due_at = now() - interval '1 hour' where id = '${id}';
       insert into reprice_jobs (project_id, id, scope, failures, error) values ('${id}', gen_random_uuid(), '{}', 2, 'no price')`,
      `delete from dead_letters; update projects set epoch_move_due_at = null; delete from reprice_jobs`,
    );
    expect(await look("ledger.dead_letters")).toMatchObject({
      state: "warning",
      found: "1 message, the oldest 3 hours old",
    });
    expect(await look("ledger.epochs")).toMatchObject({ state: "warning", found: "1 project due, for 60 minutes" });
    expect(await look("ledger.jobs")).toMatchObject({ state: "warning", found: "1 job failing: no price" });
  });

  it("names keys that nobody used, and keys that expire", async () => {
    const { id } = await createProject(db, "doctor");
    const key = await createKey(db, id, "old \u001b[31m key", ["read"]);
    await broken(
      `alter table api_keys add column if not exists last_used_at timestamptz, add column if not exists expires_at timestamptz;
       update api_keys set created_at = now() - interval '1 year', last_used_at = now() - interval '100 days',
         expires_at = now() + interval '5 days' where id = '${key.id}'`,
      `delete from api_keys where id = '${key.id}'`,
    );
    expect(await look("ledger.unused_keys")).toMatchObject({
      state: "warning",
      found: expect.stringContaining('"old '),
    });
    expect(await look("ledger.expiring_keys")).toMatchObject({
      state: "warning",
      found: expect.stringMatching(/^1 key within 14 days: "old /),
    });
  });
});

it("a database that accepts and never answers costs one time limit, and nothing else is asked of it", async () => {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createServer((socket) => sockets.add(socket));
  const port = await listen(silent);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const impatient = CHECKS.map((check) => ({ ...check, limitMs: 300 }));
  const findings = await runChecks(impatient, subjectWith(at(`postgres://u:p@127.0.0.1:${port}/d`)), 10_000);
  expect(findings.filter(({ state }) => state === "failed")).toEqual([
    expect.objectContaining({ id: "database.answers", found: "no answer within 0.3 s" }),
  ]);
  expect(findings.filter(({ state }) => state === "skipped")).toHaveLength(CHECKS.length - 1);
  expect(sockets.size).toBe(1);
});
