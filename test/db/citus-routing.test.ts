/** What counts as restricted to one project, and what does not. */
import { describe, expect, it } from "vitest";
import { referencesOf, type Tables } from "./citus-routing.ts";

const TABLES: Tables = new Map([
  ["traces", ["project_id", "id", "cost_pico"]],
  ["prices", ["project_id", "id"]],
]);

/** Each reference as `table` and, where it is restricted, `=` the value. */
async function seen(text: string, values: readonly unknown[] = ["p", "{q}", "{p,q}"]): Promise<string[]> {
  const references = await referencesOf(text, values, TABLES);
  return references.map(({ table, project }) => (project === undefined ? table : `${table}=${project}`)).toSorted();
}

describe("restricted", () => {
  it.each([
    ["by a parameter", "select from traces t where t.project_id = $1::uuid and t.id > '0'", ["traces=p"]],
    ["by a constant, without an alias", "select from traces where project_id = 'q'", ["traces=q"]],
    [
      "by a join",
      "select from traces t left join prices p on p.project_id = t.project_id where t.project_id = $1",
      ["prices=p", "traces=p"],
    ],
    [
      "by USING",
      "select from traces t join prices p using (project_id) where p.project_id = $1",
      ["prices=p", "traces=p"],
    ],
    [
      "by the query around it",
      "select from traces t where t.project_id = $1 and exists (select from prices p where p.project_id = t.project_id)",
      ["prices=p", "traces=p"],
    ],
    [
      "by a CTE that is used once",
      "with b as (select $1::uuid as project_id) select from b join traces t on t.project_id = b.project_id",
      ["traces=p"],
    ],
    ["by a list of one", "select from traces t where t.project_id = any($2::uuid[])", ["traces=q"]],
    ["in an UPDATE", "update traces t set cost_pico = 1 from (select 1) s where t.project_id = $1", ["traces=p"]],
    ["in a DELETE", "delete from traces where project_id = $1 returning *", ["traces=p"]],
    ["in an INSERT of values", "insert into prices (id, project_id) values ('a', $1), ('b', $1)", ["prices=p"]],
    [
      "in an INSERT of what a CTE deleted",
      "with d as (delete from traces t where t.project_id = $1 returning t.*), e as (select * from d union all select * from d) insert into prices (project_id, id) select e.project_id, e.id from e",
      ["prices=p", "traces=p"],
    ],
  ])("%s", async (_, text, expected) => {
    expect(await seen(text)).toEqual(expected);
  });
});

describe("not restricted", () => {
  it.each([
    ["without a condition", "select from traces", ["traces"]],
    ["by another column", "select from traces t where t.id = $1", ["traces"]],
    ["by one of two conditions", "select from traces where project_id = $1 or id = $1", ["traces"]],
    ["by the opposite", "select from traces where not (project_id = $1)", ["traces"]],
    ["by a list", "select from traces where project_id = any($3)", ["traces"]],
    ["by another operator", "select from traces where project_id >= $1", ["traces"]],
    [
      "by the ON of a join that keeps all of its rows",
      "select from traces t left join prices p on p.project_id = t.project_id and t.project_id = $1",
      ["prices", "traces"],
    ],
    ["by what is not joined", "select from traces t, prices p where t.project_id = $1", ["prices", "traces=p"]],
    [
      "by a full join",
      "select from traces t full join prices p on p.project_id = $1 and t.project_id = $1",
      ["prices", "traces"],
    ],
    [
      "by each arm of a union otherwise",
      "insert into prices (project_id) select $1::uuid union all select 'q'::uuid",
      ["prices"],
    ],
    ["by rows of a parameter", "select from traces t, unnest($1) as u (p) where t.project_id = u.p", ["traces"]],
    [
      "by a CTE that is computed by itself",
      "with b as materialized (select $1::uuid as project_id) select from traces t, b where t.project_id = b.project_id",
      ["traces"],
    ],
    [
      "by a CTE that is used twice",
      "with b as (select $1::uuid as project_id) select from traces t, b where t.project_id = b.project_id union all select from b",
      ["traces"],
    ],
    [
      "by a sub-select that is computed by itself",
      "select from traces t, (select project_id from prices where project_id = $1 limit 1) p where t.project_id = p.project_id",
      ["prices=p", "traces"],
    ],
    ["in an UPDATE that sets it", "update traces set project_id = $1 where project_id = $1", ["traces"]],
    [
      "in an INSERT that sets it where the row is there",
      "insert into prices (project_id, id) values ($1, 'a') on conflict (id) do update set project_id = 'q'",
      ["prices"],
    ],
    ["in one of several CTEs", "with a as (select from traces), b as (select 1) select from b", ["traces"]],
    ["in an expression", "select exists (select from traces where id = $1)", ["traces"]],
    [
      "in an INSERT of another column",
      "insert into prices (project_id, id) select id, project_id from traces where project_id = $1",
      ["prices", "traces=p"],
    ],
  ])("%s", async (_, text, expected) => {
    expect(await seen(text)).toEqual(expected);
  });
});

it("tells projects apart", async () => {
  const text = "select from traces t, prices p where t.project_id = $1 and p.project_id = $2";
  expect(await seen(text, ["p", "q"])).toEqual(["prices=q", "traces=p"]);
});
