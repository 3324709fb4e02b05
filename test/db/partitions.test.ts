import { HOUR_MS } from "../../src/time.ts";
import pg from "pg";
import { expect, it } from "vitest";
import type { Bound, Database } from "../../src/db/client.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createProject } from "../../src/keys.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

it("looks a trace's calls up in a month that was never analyzed", async () => {
  const { db, url } = await ownDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { id: project } = await createProject(db, "test");
  // Made by cron, as if three months had passed; and one that the migrations made.
  await client.query("select create_trace_partitions(current_date, (current_date + interval '7 months')::date)");
  // As it may be on its own at any time.
  await client.query("vacuum (truncate false) traces");
  for (const months of [1, 6]) {
    const startMs = await fill(client, project, `date_trunc('month', now()) + interval '${months} months 10 days'`);
    await expectLookUps(db, project, startMs + 8 * HOUR_MS);
  }
  await client.end();
});

it("looks them up in days that came after the month was analyzed", async () => {
  const { db, url } = await ownDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { id: project } = await createProject(db, "test");
  const day = (n: number) => `date_trunc('month', now()) + interval '1 month ${n} days'`;
  await fill(client, project, day(2));
  await client.query("analyze traces");
  const { rows } = await client.query(`select (extract(epoch from ${day(20)}) * 1000)::float8 as ms`);
  await expectLookUps(db, project, Number(rows[0].ms));
  const startMs = await fill(client, project, day(25));
  await expectLookUps(db, project, startMs + 8 * HOUR_MS);
  await client.end();
});

/** Stores a call each three seconds, each of its own trace. @returns the first one's start. */
async function fill(client: pg.Client, project: string, since: string): Promise<number> {
  await client.query(
    `insert into traces (project_id, id, started_at, billable, status, application, environment, provider, model,
       operation, client_id, trace_id, span_id, rule, usage_semantics)
     select $1, overlay(trace_id_at(${since} + i * interval '3 seconds')::text placing '8000-8000' from 15)::uuid,
       ${since} + i * interval '3 seconds', true, 'ok', 'a', 'e', 'p', 'm', 'chat', i::text, md5(i::text), left(md5(i::text), 16), 'r', 'inclusive'
     from generate_series(1, 20000) i`,
    [project],
  );
  const { rows } = await client.query(`select (extract(epoch from ${since}) * 1000)::float8 as ms`);
  return Number(rows[0].ms);
}

/** Writes a batch of spans, and fails if the calls of their traces would be found by anything but the traces' ids. */
async function expectLookUps(db: Database, project: string, startMs: number): Promise<void> {
  const spans = Array.from({ length: 100 }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: startMs + i,
        traceId: i.toString(16).padStart(32, "a"),
        spanId: i.toString(16).padStart(16, "b"),
      }),
    ),
  );
  const ran: Bound[] = [];
  const noting: Database = {
    ...db,
    batch: (queries) => {
      ran.push(...(queries as Bound[]));
      return db.batch(queries);
    },
  };
  await writeBatch(noting, project, spans);
  const reads = ran.filter(({ statement }) => statement.text.includes("from traces t"));
  expect(reads).toHaveLength(1);
  for (const { statement, values } of reads) {
    const rows = await db.run({ text: `explain ${statement.text}` }, values);
    const plan = rows.map((row) => String(row["QUERY PLAN"]).slice(0, 200)).join("\n");
    expect(plan).toMatch(/traces_\d{4}_\d{2}_project_id_trace_id_idx/);
    expect(plan).not.toMatch(/traces_\d{4}_\d{2}_pkey/);
  }
}

it("foresees each day of a month", async () => {
  const { url } = await ownDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ partition: string; reaches_last_day: boolean }>(`
    select m.partition, (m.ids)[cardinality(m.ids)] >= trace_id_at(m.start + interval '1 month' - interval '1 day') as reaches_last_day
    from (
      select tablename as partition, histogram_bounds::text::uuid[] as ids, to_date(right(tablename, 7), 'YYYY_MM')::timestamptz as start
      from pg_stats where tablename ~ '^traces_\\d{4}_\\d{2}$' and attname = 'id'
    ) m`);
  await client.end();
  expect(rows.length).toBeGreaterThan(2);
  expect(rows.filter(({ reaches_last_day }) => !reaches_last_day)).toEqual([]);
});
