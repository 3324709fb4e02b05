/**
 * The design that this project replaces: a plain table of calls with a key and three indexes, added up anew for each
 * question; and a materialized view of hours over it.
 */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { Bench } from "../context.ts";
import type { History } from "../history.ts";
import { explained } from "../questions.ts";
import { COLUMN_NAMES, COLUMNS, type Peer, type Row, typedColumns } from "./peer.ts";
import { callsBetween, hoursBetween, KEYS, PERCENTILES, type Source, SUMS } from "./statement.ts";

/** Both over one table. */
export async function openPostgres({ pool, say }: Bench, history: History): Promise<{ table: Peer; view: Peer }> {
  say("copying the calls into a plain table with a key and three indexes");
  await createTable(pool, history);
  say("a materialized view of hours");
  await pool.query(`
    create materialized view plain_hours as
    select date_bin('1 hour', started_at, 'epoch'::timestamptz) as started_at, ${KEYS.join(", ")},
      count(*) as requests, ${SUMS.map((name) => `sum(${name}) as ${name}`).join(", ")}
    from plain_calls group by date_bin('1 hour', started_at, 'epoch'::timestamptz), ${KEYS.join(", ")}`);
  await pool.query("create index on plain_hours (started_at)");
  await pool.query("vacuum analyze plain_hours");

  const instant: Source["instant"] = (ms) => `'${new Date(ms).toISOString()}'::timestamptz`;
  const startOf: Source["startOf"] = (interval, zone) =>
    `extract(epoch from date_trunc('${interval}', started_at, '${zone}'))::bigint`;
  const how: Pick<Peer, "rows" | "ms" | "error"> = {
    error: 0,
    rows: async (statement) => (await pool.query<unknown[]>({ text: statement, rowMode: "array" })).rows,
    ms: (statement) => explained(pool, statement, []),
  };
  const table: Peer = {
    id: "group_by",
    name: "Postgres, table",
    source: {
      instant,
      startOf,
      between: callsBetween("plain_calls", instant),
      requests: "count(*)",
      latency: [
        "sum(duration_us)",
        `percentile_disc(array[${PERCENTILES.join(", ")}]) within group (order by duration_us)`,
        "max(duration_us)",
      ],
    },
    ...how,
    write: (batch) => insert(pool, batch),
  };
  const view: Peer = {
    id: "view",
    name: "Postgres, view of hours",
    source: {
      instant,
      startOf,
      between: hoursBetween("plain_hours", "plain_calls", instant),
      requests: "sum(requests)",
      // Percentiles of hours cannot be made into those of days.
      latency: null,
    },
    ...how,
  };
  return { table, view };
}

async function createTable(pool: pg.Pool, { projectId }: History): Promise<void> {
  const stored = COLUMN_NAMES.map((name) => (name === "cost_usd" ? "cost_pico * 0.000000000001" : name));
  await pool.query(`create table plain_calls (${typedColumns(0)})`);
  await pool.query(
    `insert into plain_calls select ${stored.join(", ")} from traces
     where project_id = $1 and started_at > '2020-02-01' order by id`,
    [projectId],
  );
  await pool.query("alter table plain_calls add primary key (id)");
  await pool.query("create index on plain_calls (started_at)");
  await pool.query("create index on plain_calls (application, started_at)");
  await pool.query("create index on plain_calls (model, started_at)");
  await pool.query("vacuum analyze plain_calls");
}

async function insert(pool: pg.Pool, batch: readonly Row[]): Promise<void> {
  const lists = COLUMN_NAMES.map((name, i) => `$${i + 1}::${COLUMNS[name][0]}[]`);
  const text = `insert into plain_calls select * from unnest(${lists.join(", ")}) on conflict do nothing`;
  const values = COLUMN_NAMES.map((name) => batch.map((row) => row[name]));
  await pool.query({ name: "insert-plain-calls", text, values });
}

/** The plain table, in UTC. */
export async function exportCsv(pool: pg.Pool, file: string): Promise<void> {
  const inUtc = COLUMN_NAMES.join(", ").replace("started_at", "started_at at time zone 'UTC' as started_at");
  const client = await pool.connect();
  try {
    const stream = client.query(copyTo(`copy (select ${inUtc} from plain_calls) to stdout (format csv, header)`));
    await pipeline(stream, createWriteStream(file));
  } finally {
    client.release();
  }
}
