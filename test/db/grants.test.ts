/**
 * Who may do what (`scripts/grants.sql`), read from the catalog: a table or a function of which nothing is decided fails
 * by its name. And `llm_cost_migrate` migrates by itself.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { ownDatabase } from "../own-database.ts";
import { ask, DENIED, letRolesLogIn, urlAs } from "./as-role.ts";

const { url } = await ownDatabase(undefined, afterAll);
beforeAll(() => letRolesLogIn(url));

/** What each role may do with each table, from the catalog: S(elect), I(nsert), U(pdate), D(elete), (u)pdate of columns. */
const GRANTED = `
  select c.relname as name, coalesce(string_agg(g.grantee || ' ' || g.rights, ', ' order by g.grantee), '') as rights
  from pg_class c left join lateral (
    select replace(coalesce(grantee::regrole::text, ''), 'llm_cost_', '') as grantee,
      string_agg(left(privilege_type, 1), '' order by array_position('{SELECT,INSERT,UPDATE,DELETE}', privilege_type)) as rights
    from (
      select * from aclexplode(c.relacl)
      union all
      select x.grantor, x.grantee, 'u' || x.privilege_type, x.is_grantable from pg_attribute a, aclexplode(a.attacl) x where a.attrelid = c.oid
    ) acl
    where grantee <> c.relowner group by 1
  ) g on true
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S') and not c.relispartition
  group by 1`;

describe("every right is decided", () => {
  // A new table belongs here and in scripts/grants.sql: who needs it?
  it("of each table", async () => {
    const rows = (await ask(url, GRANTED)) as { name: string; rights: string }[];
    expect(Object.fromEntries(rows.map(({ name, rights }) => [name, rights]))).toEqual({
      admin_log: "project I, run SI",
      api_keys: "run SIU",
      catalogue_versions: "read S, run SIUD",
      corrections: "project I, run SID",
      crowded_labels: "project S, run SI",
      custom_prices: "project SI, read S, run SI",
      days_to_repair: "project S, run SIUD",
      dead_letters: "project SD, run SIUD",
      doubles: "project SIU, run S",
      erasures: "project S, run SIU",
      held_wrappers: "project SIUD, run SIUD",
      page_sessions: "run SIUD",
      plans: "project SID, run SU",
      prices: "project SI, read S, run SI",
      projects: "project Su, read S, run SIU",
      relabel_jobs: "run SIUD",
      reported_usage: "project SIU, run SIUD",
      reprice_jobs: "project SIU, read S, run SIU",
      responses: "project SIUD, run SIUD",
      retention: "project S, read S, run SU",
      rollup: "project SIU, read S, run SIUD",
      size_samples: "run SIUD",
      spans: "project S, run SIUD",
      traces: "project SUD, read S, run SIUD",
      views: "project SIUD, run S",
    });
  });

  it("of partitions, which nobody uses directly", async () => {
    const used = `
      select relname from pg_class, aclexplode(relacl) where relispartition and relkind = 'r' and grantee <> relowner`;
    expect(await ask(url, used)).toEqual([]);
  });

  it("of each function that has its owner's rights", async () => {
    const definers = `
      select oid::regprocedure::text as name, array_to_string(proconfig, '; ') as settings,
        (select string_agg(grantee::regrole::text, ', ') from aclexplode(proacl) where grantee <> proowner) as callers
      from pg_proc where pronamespace = 'public'::regnamespace and prosecdef order by 1`;
    const fixed = expect.stringContaining("search_path=public, pg_temp");
    expect(await ask(url, definers)).toEqual([
      { name: "create_trace_partitions(date,date)", settings: fixed, callers: "llm_cost_run" },
      { name: "drop_trace_partition(timestamp with time zone)", settings: fixed, callers: "llm_cost_run" },
    ]);
  });

  it("and all is llm_cost_migrate's", async () => {
    const owners = `
      select relowner::regrole::text as owner from pg_class where relnamespace::regnamespace::text in ('public', 'drizzle')
      union select proowner::regrole::text from pg_proc where pronamespace = 'public'::regnamespace
      union select nspowner::regrole::text from pg_namespace where nspname = 'drizzle'`;
    expect(await ask(url, owners)).toEqual([{ owner: "llm_cost_migrate" }]);
  });
});

describe("llm_cost_migrate", () => {
  async function emptyDatabase(): Promise<string> {
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    expect(await ask(url, `create database ${name}`)).toEqual([]);
    onTestFinished(async () => void (await ask(url, `drop database ${name} with (force)`)), 60_000);
    return Object.assign(new URL(url), { pathname: `/${name}` }).href;
  }

  it("migrates by itself what it owns, again and again", async () => {
    const before = await ask(url, GRANTED);
    await migrate(urlAs("llm_cost_migrate", url));
    await migrate(urlAs("llm_cost_migrate", url));
    expect(await ask(url, GRANTED)).toEqual(before);
  });

  it("takes over what an earlier owner has migrated", async () => {
    const old = await emptyDatabase();
    await migrate(old);
    const denied = await ask(urlAs("llm_cost_run", old), "select from rollup");
    await migrate(old, { roles: true });
    expect(denied).toBe(DENIED);
    expect(await ask(urlAs("llm_cost_run", old), "select from rollup")).toEqual([]);
    expect(
      await ask(
        old,
        "select from pg_class where relnamespace = 'public'::regnamespace and relowner <> 'llm_cost_migrate'::regrole",
      ),
    ).toEqual([]);
    const rows = await ask(old, GRANTED);
    expect(rows).toEqual(await ask(url, GRANTED));
    // The next one is its own, without being asked for roles.
    await migrate(old);
    expect(await ask(old, GRANTED)).toEqual(rows);
  });
});
