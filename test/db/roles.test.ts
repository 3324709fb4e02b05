/**
 * The roles of the database (`scripts/roles.sql`): the Worker does all that it does as `llm_cost_run`, and neither this
 * role nor `llm_cost_read` may do more.
 */
import { sql } from "drizzle-orm";
import { describe, expect, inject, it } from "vitest";
import { connect, type Database } from "../../src/db/client.ts";
import type { OwnDatabase } from "../own-database.ts";
import { ask, DENIED, letRolesLogIn, urlAs } from "./as-role.ts";
import { playScenario } from "./citus-scenario.ts";

/** What the Worker was not allowed to do, also where it goes on after an error. */
const refusals: string[] = [];

function noting(db: Database): Database {
  const note = async <T>(running: Promise<T>): Promise<T> => {
    try {
      return await running;
    } catch (error) {
      if ((error as { code?: string }).code === DENIED) refusals.push(String(error));
      throw error;
    }
  };
  return {
    ping: () => note(db.ping()),
    query: (query) => note(db.query(query)),
    run: (statement, values) => note(db.run(statement, values)),
    batch: (queries) => note(db.batch(queries)),
  };
}

async function asRunRole({ url }: OwnDatabase): Promise<Database> {
  await letRolesLogIn(url);
  const fetchEndpoint = inject("bindings").NEON_FETCH_ENDPOINT;
  return noting(connect({ url: urlAs("llm_cost_run", url), fetchEndpoint, timeoutMs: 30_000 }));
}

// Every route, the queue, and cron with retention.
const { db, url, runs } = await playScenario(asRunRole);

/** What runs without the wall, and why; a file, or one function of it. */
const UNWALLED: Record<string, string> = {
  "src/catalogue/store.ts": "is of no project",
  "src/cron.ts": "cron",
  "src/admin-log.ts": "is of all projects",
  "src/erase/": "a job, which cron runs as well",
  "src/insight/": "the whole database",
  "src/keyring.ts": "finds out whose a key is",
  "src/monitoring/": "cron; the admin key",
  "src/page-sessions.ts": "finds out whose a session is",
  "src/rollup/corrections.ts": "cron",
  "src/rollup/counted.ts": "cron",
  "src/rotation.ts": "the admin key",
  "src/epoch.ts": "after a write; all projects' moves",
  "src/keys.ts": "finds out whose a key is; the admin key",
  "src/queue/dead-letters.ts keepDeadLetters": "letters of several projects",
  "src/queue/dead-letters.ts replayDeadLetters": "the admin key",
  "src/reprice/heal.ts openAllHealing": "cron",
  "src/reprice/job.ts takeStep": "cron notes a failure",
  "src/reprice/relabel.ts": "cron",
  "src/retention/retain.ts": "cron",
  "src/rollup/compact.ts": "cron",
  "src/rollup/crowded.ts": "cron",
  "src/rollup/merge.ts": "cron, and merging after writes",
  "src/rollup/pace.ts": "cron",
  "src/rollup/repair-noted.ts": "cron",
  "src/write/": "writes, which are many; and cron settles",
};

describe("the wall between projects", () => {
  it("is before each statement of a request for one project", () => {
    const behind = runs.filter(({ first }) => first.includes("llm_cost_project"));
    const walled = new Set(behind.map(({ within: [name] }) => name));
    // What has no name is what `src/db/` asks for itself: whether this is Citus.
    const without = runs.flatMap(({ within: [name] }) => name ?? []).filter((name) => !walled.has(name));
    const why = without.map(
      (name) => Object.keys(UNWALLED).find((one) => name.startsWith(one)) ?? `${name} has no wall`,
    );
    expect([...new Set(why)].toSorted()).toEqual(Object.keys(UNWALLED).toSorted());
  });
});

describe("llm_cost_run", () => {
  it("is all that the Worker needs", async () => {
    expect(refusals).toEqual([]);
    expect(runs.length).toBeGreaterThan(500);
    const asked = sql`
      select session_user::text as who, current_setting('jit') as jit, current_setting('work_mem') as memory,
        -- The scenario ends in November 2026 and keeps ten days.
        to_regclass('traces_2026_09') as dropped`;
    expect(await db.query(asked)).toEqual([{ who: "llm_cost_run", jit: "off", memory: "32MB", dropped: null }]);
  });

  it("has the same settings as llm_cost_project, as which nodes of Citus log in to each other", async () => {
    const [role] = await db.query(
      sql`select rolconfig::text[] as settings from pg_roles where rolname = 'llm_cost_run'`,
    );
    expect(role!["settings"]).toContain("jit=off");
    expect(
      await db.query(sql`select rolconfig::text[] as settings from pg_roles where rolname = 'llm_cost_project'`),
    ).toEqual([role]);
  });

  it.each([
    "drop table rollup",
    "drop table traces_2026_12",
    "alter table traces add column x text",
    "alter table traces disable row level security",
    "drop policy own_project on traces",
    "truncate rollup",
    "delete from projects",
    "delete from api_keys",
    "delete from reprice_jobs",
    "update custom_prices set factor = 0",
    "update prices set input_pico = 0",
    "delete from retention",
    "create table x ()",
    "create function x() returns int language sql return 1",
    "create schema x",
    "select from traces_2026_12",
    "insert into traces_2026_12 select",
    "select from drizzle.__drizzle_migrations",
    "select foresee_statistics('traces', now())",
    "select from pg_authid",
    "set role llm_cost_migrate",
    "set role llm_cost_read",
    "copy rollup to program 'true'",
  ])("may not: %s", async (statement) => {
    expect(await ask(urlAs("llm_cost_run", url), statement)).toBe(DENIED);
  });

  it("drops no partition of which calls are kept, whatever it asks for", async () => {
    const oldest = "select min(inhrelid::regclass::text) as name from pg_inherits where inhparent = 'traces'::regclass";
    const before = await ask(url, oldest);
    const drop = "select drop_trace_partition('2100-01-01') as dropped";
    expect(await ask(urlAs("llm_cost_run", url), drop)).toEqual([{ dropped: false }]);
    expect(await ask(url, oldest)).toEqual(before);
  });

  it("does not inherit the wall, which is only for transactions that ask for it", async () => {
    const inherits = "select pg_has_role('llm_cost_run', 'llm_cost_project', 'usage') as inherits";
    expect(await ask(url, inherits)).toEqual([{ inherits: false }]);
    expect(
      await ask(url, "select rolsuper, rolbypassrls from pg_roles where rolname like 'llm_cost%' group by 1, 2"),
    ).toEqual([{ rolsuper: false, rolbypassrls: false }]);
  });
});

describe("llm_cost_read", () => {
  it("reads what the ledger knows", async () => {
    const [row] = (await ask(
      urlAs("llm_cost_read", url),
      "select (select count(*)::int from traces) as traces, (select count(*)::int from rollup) as rollup",
    )) as { traces: number; rollup: number }[];
    expect(row!.traces).toBeGreaterThan(0);
    expect(row!.rollup).toBeGreaterThan(0);
  });

  it.each([
    "select key_hash from api_keys",
    "select name from api_keys",
    "select secret_hash from page_sessions",
    "select body from dead_letters",
    "select from pg_authid",
  ])("may not: %s", async (statement) => expect(await ask(urlAs("llm_cost_read", url), statement)).toBe(DENIED));

  it.each([
    "insert into projects (id, name) values (gen_random_uuid(), 'x')",
    "update traces set cost_pico = 0",
    "delete from rollup",
    "select create_trace_partitions('2030-01-01', '2030-02-01')",
  ])("may not, not even in a transaction that may write: %s", async (statement) => {
    const reader = urlAs("llm_cost_read", url);
    expect(await ask(reader, "set default_transaction_read_only = off", statement)).toBe(DENIED);
  });
});
