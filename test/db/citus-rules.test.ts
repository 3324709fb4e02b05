/** What the rules for Citus find in a statement. */
import { expect, it } from "vitest";
import { brokenRules } from "./citus-rules.ts";

const found = (text: string, routable = false) => brokenRules(text, routable, ["traces"]);

it.each([
  ["select 1 from traces for update skip locked", "rows locked for all"],
  ["with recursive r as (select 1 as n union all select n + 1 from r) select n from r", "a recursion over all"],
  ["delete from traces where ctid = any(array(select t.ctid from traces t))", "ctid for all"],
])("refuses for all, but not for one project: %s", async (text, rule) => {
  expect(await found(text)).toEqual([rule]);
  expect(await found(text, true)).toEqual([]);
});

it.each([
  ["select exists (select from traces where project_id = $1)", "an empty target list"],
  [
    "update traces t set started_at = case when $1 then now() end where t.project_id = $2",
    "now() in CASE or COALESCE of a change",
  ],
  [
    "insert into traces (started_at) select coalesce($1, clock_timestamp())",
    "clock_timestamp() in CASE or COALESCE of a change",
  ],
  ["select pg_relation_size('traces')", "pg_relation_size() of a distributed table"],
  ["select drop_trace_partition(raw_since) from retention", "drop_trace_partition() selected FROM a table"],
])("refuses always: %s", async (text, rule) => {
  expect(await found(text, true)).toEqual([rule]);
});

it.each([
  "select coalesce(started_at, now()) from traces where project_id = $1",
  "update traces t set started_at = now() + case when $1 then interval '0' end where t.project_id = $2",
  "select pg_relation_size('retention')",
  "select drop_trace_partition($1::timestamptz)",
])("takes: %s", async (text) => {
  expect(await found(text, true)).toEqual([]);
});
