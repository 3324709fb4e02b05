/** The plain table's calls in DuckDB: loaded from CSV into a file, and added up by the same statement. */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { COLUMNS } from "./plain.ts";
import { p95, timed } from "./timing.ts";

export interface DuckdbFigures {
  /** Rows. */
  loaded: number;
  loadMs: number;
  questionMs: number;
  answer: Record<string, unknown>[];
}

/** @param question of the table `calls` */
export async function measureDuckdb(pool: pg.Pool, question: string): Promise<DuckdbFigures> {
  // There is none for some machines, where the other parts run all the same.
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-duckdb-"));
  try {
    const csv = join(folder, "calls.csv");
    await exportCsv(pool, csv);
    const instance = await DuckDBInstance.create(join(folder, "calls.duckdb"));
    const connection = await instance.connect();
    try {
      await connection.run(`create table calls (started_at timestamp, application varchar, environment varchar,
        provider varchar, model varchar, operation varchar, duration_us bigint, input_tokens bigint,
        output_tokens bigint, cost_usd decimal(18, 12))`);
      const loadMs = await timed(() => connection.run(`copy calls from '${csv}' (format csv, header true)`));
      const loaded = Number((await connection.runAndReadAll("select count(*) from calls")).getRows()[0]![0]);
      const ask = async (): Promise<Record<string, unknown>[]> =>
        (await connection.runAndReadAll(question)).getRowObjectsJson();
      return { loaded, loadMs, questionMs: await p95(() => timed(ask)), answer: await ask() };
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In UTC, which DuckDB's timestamps without a zone are taken for. */
async function exportCsv(pool: pg.Pool, file: string): Promise<void> {
  const inUtc = COLUMNS.replace("started_at", "started_at at time zone 'UTC' as started_at");
  const client = await pool.connect();
  try {
    const stream = client.query(copyTo(`copy (select ${inUtc} from plain_calls) to stdout (format csv, header)`));
    await pipeline(stream, createWriteStream(file));
  } finally {
    client.release();
  }
}
