import pg from "pg";
import { expect, it } from "vitest";
import { type Bound, boundOf, type Database } from "../../src/db/client.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createProject } from "../../src/keys.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

it("a page with a filter walks the calls in order, also where Postgres takes the filter to let few through", async () => {
  const { db, url } = await ownDatabase();
  const { id: project } = await createProject(db, "test");
  const startMs = Date.UTC(2025, 8, 2);
  const write = (from: number, count: number, application: string) => {
    const calls = Array.from({ length: count }, (_, i) =>
      priced(trace({ clientId: `c${from + i}`, startedAtMs: startMs + from + i, application })),
    );
    return writeBatch(db, project, calls);
  };
  await write(0, 3_000, "old");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("analyze traces");
  await write(3_000, 1_000, "new");

  const asked: Bound[] = [];
  const noting: Database = {
    ...db,
    batch: (queries) => {
      asked.push(boundOf(queries[0]!));
      return db.batch(queries);
    },
  };
  const query = parseTracesQuery(
    new URLSearchParams("from=2025-09-01&to=2025-09-10&application=new&limit=50"),
    startMs,
  );
  const { traces } = await listTraces(noting, project, query);
  expect(traces.map(({ client_id }) => client_id)).toEqual(Array.from({ length: 50 }, (_, i) => `c${3_999 - i}`));
  const { statement, values } = asked[0]!;
  const { rows } = await client.query(`explain ${statement.text}`, [...values]);
  await client.end();
  const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
  expect(plan).toContain("Index Scan Backward");
  expect(plan).not.toMatch(/Seq Scan|Sort/);
});
