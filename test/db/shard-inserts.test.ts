/** How INSERTs are sent to the shard of their project on Citus, and what is sent behind the wall (`src/db/wall.ts`). */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import type { Bound, Database } from "../../src/db/client.ts";
import { boundOf } from "../../src/db/client.ts";
import { sentToShard, toShards } from "../../src/db/shard-inserts.ts";
import { forProject } from "../../src/db/wall.ts";

const TABLES = new Set(["traces", "rollup", "project_homes"]);
const PROJECT = "aaaaaaaa-0000-4000-8000-000000000000";
const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
const rewritten = (text: string): string => oneLine(sentToShard(text, TABLES)?.text ?? "as it was");

/** A database that notes what it is sent. It says that it is Citus, with these tables distributed. */
function noting(tables: readonly string[] | null): { db: Database; sent: Bound[][] } {
  const sent: Bound[][] = [];
  const batch: Database["batch"] = async (queries) => {
    const bound = queries.map(boundOf);
    const [{ statement }] = bound as [Bound];
    if (statement.text.includes("from pg_extension")) return [[{ distributed: tables !== null }]];
    if (statement.text.includes("from pg_dist_partition")) return [(tables ?? []).map((name) => ({ name }))];
    sent.push(bound);
    return bound.map((_, i) => [{ i }]);
  };
  const one = async (query: Parameters<typeof batch>[0][number]) => (await batch([query]))[0]!;
  return {
    db: { ping: async () => {}, query: one, run: (statement, values) => one({ statement, values }), batch },
    sent,
  };
}
const texts = (sent: Bound[][]): string[][] =>
  sent.map((batch) => batch.map(({ statement }) => oneLine(statement.text)));

describe("an INSERT", () => {
  it("in a CTE is joined to the project's row", () => {
    expect(
      rewritten(
        "with x as (select $1::uuid as project_id), y as (insert into traces (project_id, a) select project_id, 1 from x on conflict do nothing returning a) select * from y",
      ),
    ).toBe(
      'with x as (select $1::uuid as project_id), y_rows (project_id, a) as materialized ( select project_id, 1 from x ), y as (insert into traces as stored (project_id, a) select h.project_id, i."a" from y_rows i join project_homes h on h.project_id = i.project_id where h.project_id = $1::uuid on conflict do nothing returning a) select * from y',
    );
  });

  it("that stands alone becomes a CTE, which returns what it did", () => {
    const insert =
      "insert into rollup as r (project_id, a) select t.project_id, ')' from traces t where t.project_id = $2::uuid";
    const rows =
      "with put_rows (project_id, a) as materialized ( select t.project_id, ')' from traces t where t.project_id = $2::uuid ), put as (insert into rollup as r (project_id, a) select h.project_id, i.\"a\" from put_rows i join project_homes h on h.project_id = i.project_id where h.project_id = $2::uuid";
    expect(rewritten(insert)).toBe(`${rows} ) select 1 where false`);
    expect(rewritten(`${insert} returning a`)).toBe(`${rows} returning a) select * from put`);
  });

  it("keeps its table's name where the rest uses it", () => {
    const insert = "insert into traces (project_id, a) select $1::uuid, 1 on conflict (a) do update set a = traces.a";
    expect(rewritten(insert)).toContain("insert into traces (project_id, a) select h.project_id");
  });

  it("for the projects of a shard names them all", () => {
    const insert =
      "insert into rollup (project_id) select r.project_id from rollup r where r.project_id = any($3::uuid[])";
    expect(rewritten(insert)).toContain("where h.project_id = any($3::uuid[])");
    expect(sentToShard(insert, TABLES)!.of).toBe(2);
  });

  it.each([
    ["into another table", "insert into admin_log (project_id) select $1::uuid"],
    ["of values", "insert into traces (project_id) values ($1::uuid)"],
    ["that names no project", "insert into traces (project_id) select project_id from rollup"],
    ["without a project's column", "insert into traces (a) select $1::uuid"],
  ])("%s stays as it is", (_, text) => expect(rewritten(text)).toBe("as it was"));
});

describe("a transaction", () => {
  const insert = { statement: { text: "insert into traces (project_id, a) select $1::uuid, 1" }, values: [PROJECT] };

  it("puts the project's row in before the INSERT, and answers as asked", async () => {
    const { db, sent } = noting(["traces", "project_homes"]);
    const answers = await toShards(db).batch([sql`select 1`, insert, sql`select 2`]);
    expect(answers).toEqual([[{ i: 0 }], [{ i: 2 }], [{ i: 3 }]]);
    expect(texts(sent)[0]![1]).toBe("insert into project_homes (project_id) values ($1::uuid) on conflict do nothing");
    expect(sent[0]![1]!.values).toEqual([PROJECT]);
  });

  it("puts in a row for each project of a shard", async () => {
    const { db, sent } = noting(["rollup", "project_homes"]);
    const text = "insert into rollup (project_id) select project_id from rollup where project_id = any($1::uuid[])";
    await toShards(db).run({ text }, [`{${PROJECT},b}`]);
    expect(sent[0]![0]).toMatchObject({
      statement: { text: expect.stringContaining("($1::uuid), ($2::uuid)") },
      values: [PROJECT, "b"],
    });
  });

  it.each([
    ["on any other Postgres", null],
    ["before citus.sql of this version has run", ["traces"]],
  ])("%s is sent as it is", async (_, tables) => {
    const { db, sent } = noting(tables);
    await toShards(db).batch([insert]);
    expect(sent).toEqual([[insert]]);
  });

  it("behind the wall passes the project on to workers, on Citus alone", async () => {
    const plain = noting(null);
    await forProject(plain.db, PROJECT).query(sql`select 1`);
    expect(texts(plain.sent)).toEqual([[expect.stringContaining("set_config('ledger.project'"), "select 1"]]);
    const citus = noting([]);
    expect(await forProject(citus.db, PROJECT).query(sql`select 1`)).toEqual([{ i: 2 }]);
    const [[entering, passing, asked]] = texts(citus.sent) as [string[]];
    expect(entering).toBe(texts(plain.sent)[0]![0]);
    expect(passing).toContain("perform set_config('citus.propagate_set_commands', 'local', true)");
    expect(passing).toContain("'set local ledger.project = %L', current_setting('ledger.project')");
    expect(asked).toBe("select 1");
  });
});
