/** What distributing the schema by project needs of it. */
import { sql } from "drizzle-orm";
import { expect, inject, it } from "vitest";
import { database } from "../ledger.ts";
import { DISTRIBUTED, LOCAL, REFERENCE } from "./citus-script.ts";

const db = database();

it("has a place for every table", async () => {
  const tables = await db.query(sql`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`);
  const placed = [...REFERENCE, ...DISTRIBUTED, ...LOCAL].toSorted();
  expect(placed).toEqual(tables.map(({ name }) => name));
});

it.runIf(inject("distributed"))("has each table where the script says", async () => {
  const tables = await db.query(sql`
    select logicalrelid::regclass::text as name, case
        when autoconverted then 'nowhere for certain'
        when partmethod = 'h' then 'by project'
        when repmodel = 't' then 'whole on each node'
        else 'on the coordinator'
      end as place
    from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid where not c.relispartition`);
  const of = (names: readonly string[], place: string) => names.map((name) => [name, place]);
  const placed = [
    ...of([...DISTRIBUTED, "project_homes"], "by project"),
    ...of(REFERENCE, "whole on each node"),
    ...of(LOCAL, "on the coordinator"),
  ];
  expect(Object.fromEntries(tables.map(({ name, place }) => [name, place]))).toEqual(Object.fromEntries(placed));
});

it("has the project in every unique key of what is distributed, which refers to no other table", async () => {
  const without = await db.query(sql`
    select i.indexrelid::regclass::text as index from pg_index i join pg_class c on c.oid = i.indrelid
    where i.indisunique and c.relname = any(${`{${DISTRIBUTED.join()}}`}::text[]) and not exists (
      select from pg_attribute a
      where a.attrelid = i.indrelid and a.attname = 'project_id' and a.attnum = any(i.indkey)
    )`);
  expect(without).toEqual([]);
  const references = await db.query(sql`
    select conname from pg_constraint
    where contype = 'f' and conrelid = any(array(
      select c.oid from pg_class c where c.relname = any(${`{${DISTRIBUTED.join()}}`}::text[])
    ))`);
  expect(references).toEqual([]);
});
