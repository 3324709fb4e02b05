/**
 * The wall between projects (`src/db/wall.ts`): a statement that forgets the project sees and changes nothing of another,
 * in any table that there is.
 */
import { sql } from "drizzle-orm";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import type { Database, Row } from "../../src/db/client.ts";
import { forProject } from "../../src/db/wall.ts";
import { createProject } from "../../src/keys.ts";
import { merge } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { createZones } from "../../src/summary/zone.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { NO_PROJECT_ID } from "../../src/db/schema-prices.ts";
import { ownDatabase } from "../own-database.ts";

const { db, url } = await ownDatabase(undefined, afterAll);
const [A, B] = ["a", "b"].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`) as [string, string];

const owner = new pg.Client({ connectionString: url });
await owner.connect();
afterAll(() => owner.end());

/** The tables that carry a project, and their columns that need a value. */
const { rows: tables } = await owner.query<{ name: string; project: string; needed: string[]; values: string[] }>(`
  select c.relname as name, case c.relname when 'projects' then 'id' else 'project_id' end as project,
    array_agg(a.attname::text) as needed,
    array_agg(case
      when c.relname = 'traces' and a.attname = 'id' then 'overlay(trace_id_at(now())::text placing substr(gen_random_uuid()::text, 15) from 15)::uuid'
      when t.typcategory = 'A' or t.typname = 'int8multirange' then '''{}'''
      when t.typname = 'uuid' then 'gen_random_uuid()'
      when t.typname in ('timestamptz', 'date') then 'now()'
      when t.typname = 'jsonb' then '''{}'''
      when t.typname = 'bool' then 'false'
      else '''0''' end) as values
  from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and attnotnull and not attisdropped
    and a.attname <> case c.relname when 'projects' then 'id' else 'project_id' end
  join pg_type t on t.oid = a.atttypid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and (c.relname = 'projects' or exists (select from pg_attribute p where p.attrelid = c.oid and p.attname = 'project_id'))
  group by 1 order by c.relname = 'projects' desc, 1`);

/** A row with the least that it needs. */
const insertion = ({ name, project, needed, values }: (typeof tables)[number], of: string): string =>
  `insert into ${name} (${[project, ...needed].join()}) values (${[`'${of}'`, ...values].join()})`;

// What the role may do elsewhere is not what is tested, so here it may do all.
await owner.query("grant all on all tables in schema public to llm_cost_project");
for (const table of tables) for (const project of [A, B]) await owner.query(insertion(table, project));

describe.each(tables)("in $name", (table) => {
  const { name, project } = table;
  const wall = forProject(db, A);
  const rowsOf = async (of: string): Promise<number> =>
    (await owner.query(`select from ${name} where ${project} = '${of}'`)).rowCount!;

  it("a statement that forgets the project sees its own rows alone", async () => {
    const seen = await wall.run(
      { text: `select ${project}::text as of from ${name} where ${project} <> '${NO_PROJECT_ID}'` },
      [],
    );
    expect(seen).toEqual([{ of: A }]);
    expect(await wall.batch([{ statement: { text: `select count(*)::int as n from ${name}` }, values: [] }])).toEqual([
      [{ n: 1 }],
    ]);
    const counted = sql`select count(*)::int as n from ${sql.identifier(name)}`;
    expect(await wall.query(counted)).toEqual([{ n: 1 }]);
  });

  it("it changes and deletes nothing of another, and adds nothing to it", async () => {
    await expect(wall.run({ text: insertion(table, B) }, [])).rejects.toThrow("row-level security");
    const update = wall.run({ text: `update ${name} set ${project} = '${B}'` }, []);
    if (name === "admin_log") {
      await expect(update).rejects.toThrow("admin_log is append-only");
      await expect(wall.run({ text: `delete from ${name}` }, [])).rejects.toThrow("admin_log is append-only");
      return;
    }
    await expect(update).rejects.toThrow("row-level security");
    expect(
      await wall.run({ text: `update ${name} set ${project} = ${project} returning ${project}` }, []),
    ).toHaveLength(1);
    // Keys refer to their project, so it stays.
    const gone = await wall.run({ text: `delete from ${name} returning ${project}::text as of` }, []).catch(() => []);
    if (gone.length > 0) await owner.query(insertion(table, A));
    else expect(name).toBe("projects");
    expect(gone).not.toContainEqual({ of: B });
    expect(await rowsOf(B)).toBe(1);
  });

  it("without the wall the Worker sees all", async () => {
    const rows = await db.run({ text: `select distinct ${project}::text as of from ${name}` }, []);
    expect(rows).toEqual(expect.arrayContaining([{ of: B }]));
  });
});

it("shows the prices that hold for all projects, which it cannot change", async () => {
  const wall = forProject(db, A);
  const prices = tables.find(({ name }) => name === "custom_prices")!;
  await owner.query(insertion(prices, NO_PROJECT_ID));
  expect(await wall.query(sql`select project_id::text as of from custom_prices order by 1`)).toEqual([
    { of: NO_PROJECT_ID },
    { of: A },
  ]);
  const change = sql`update custom_prices set factor = 0 where project_id = ${NO_PROJECT_ID}::uuid`;
  await expect(wall.query(change)).rejects.toThrow("row-level security");
});

it("changes no plan", async () => {
  const now = Date.UTC(2026, 10, 29, 12);
  const projects = await Promise.all([1, 2, 3].map(() => createProject(db, "test")));
  const { id } = projects[0]!;
  for (const { id: of } of projects) {
    const calls = Array.from({ length: 2_000 }, (_, i) =>
      priced(trace({ clientId: `c${i}`, startedAtMs: now - (i % 700) * 3_600_000 - i, userId: `u${i % 50}` })),
    );
    await writeBatch(db, of, calls, { links: [], graceSeconds: 300 });
  }
  await merge(db, () => 0, 1);
  await owner.query("analyze traces, rollup");

  const asked: Parameters<Database["batch"]>[0][number][] = [];
  const note = async (query: unknown, rows: Promise<Row[]>): Promise<Row[]> => {
    asked.push(query as (typeof asked)[number]);
    return await rows;
  };
  const noting: Database = {
    ...db,
    query: (query) => note(query, db.query(query)),
    batch: async (queries) => [
      await note(
        queries[0],
        db.batch(queries).then(([rows]) => rows!),
      ),
    ],
  };
  const zones = createZones();
  for (const question of ["group_by=model", "group_by=user&include=latency", "tz=Asia/Kolkata&interval=day"]) {
    const query = new URLSearchParams(`from=2026-11-05T00:20:00Z&to=2026-11-28T10:10:00Z&${question}`);
    await summarize(noting, id, parseSummaryQuery(query, now, zones), now);
  }
  for (const question of ["", "&user=u1&status=ok"]) {
    const query = new URLSearchParams(`from=2026-11-05&to=2026-11-28&limit=100${question}`);
    await listTraces(noting, id, parseTracesQuery(query, now, zones));
  }
  expect(asked).toHaveLength(5);

  // The nodes that read tables, and what they find by index; not what is estimated.
  const plan = async (through: Database, query: (typeof asked)[number]): Promise<string[]> => {
    const rows =
      "statement" in query
        ? await through.run({ text: `explain (costs off) ${query.statement.text}` }, query.values)
        : await through.query(sql`explain (costs off) ${query}`);
    const lines = rows.map((row) => String(row["QUERY PLAN"]).trim());
    return lines
      .filter((line) => /\bScan\b|Index Cond/.test(line))
      .map((line) => line.replaceAll(/InitPlan \d+/g, "InitPlan"));
  };
  for (const query of asked) {
    const plain = await plan(db, query);
    expect(plain.join()).toMatch(/Index Cond: .*project_id = /);
    expect(await plan(forProject(db, id), query)).toEqual(plain);
  }
});
