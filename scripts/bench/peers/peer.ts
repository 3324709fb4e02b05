/** What another design is asked to do: to hold the same calls, to answer the same questions, and to take new calls. */
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import { picoToUsd } from "../../../src/money.ts";
import { createPricer } from "../../../src/pricing/cost.ts";
import type { Call } from "../calls.ts";
import type { Source } from "./statement.ts";

export interface Peer {
  id: string;
  name: string;
  source: Source;
  /** How far its percentiles may be off. */
  error: number;
  /** Of the statement, as rows of cells. */
  rows(statement: string): Promise<unknown[][]>;
  /** What the statement takes in the database, in ms. */
  ms(statement: string): Promise<number>;
  /** Stores a batch with the strongest guarantees that the design has. None if another peer's calls are its own. */
  write?: Write<Row>;
  /** Rows a second, from CSV. */
  loaded?: number;
}

export type Write<Item> = (batch: readonly Item[]) => Promise<unknown>;

/** The columns of the plain table, with their types in Postgres, DuckDB and ClickHouse. */
export const COLUMNS = {
  id: ["uuid", "uuid", "UUID"],
  started_at: ["timestamptz", "timestamptz", "DateTime64(3, 'UTC')"],
  application: ["text", "varchar", "LowCardinality(String)"],
  environment: ["text", "varchar", "LowCardinality(String)"],
  provider: ["text", "varchar", "LowCardinality(String)"],
  model: ["text", "varchar", "LowCardinality(String)"],
  operation: ["text", "varchar", "LowCardinality(String)"],
  duration_us: ["bigint", "bigint", "Int64"],
  input_tokens: ["integer", "integer", "Int32"],
  output_tokens: ["integer", "integer", "Int32"],
  cache_read_tokens: ["integer", "integer", "Int32"],
  cost_usd: ["numeric(18, 12)", "decimal(18, 12)", "Decimal(18, 12)"],
} satisfies Record<string, readonly [postgres: string, duckdb: string, clickhouse: string]>;

export type Column = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as Column[];

/** `id uuid, started_at timestamptz, …` */
export function typedColumns(engine: 0 | 1 | 2): string {
  return COLUMN_NAMES.map((name) => `${name} ${COLUMNS[name][engine]}`).join(", ");
}

export type Row = Record<Column, string | number | null>;

const pricer = createPricer();

/** Calls as a peer stores them. The ledger's key and price are given to it: making them is no part of its time. */
export function rowsOf(batch: readonly Call[], nowMs: number): Row[] {
  return decodeNative(batch, nowMs).calls.map((call) => ({
    id: call.id,
    started_at: new Date(call.startedAtMs).toISOString(),
    application: call.application,
    environment: call.environment,
    provider: call.provider,
    model: call.model,
    operation: call.operation,
    duration_us: call.durationUs,
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
    cache_read_tokens: call.cacheReadTokens,
    cost_usd: picoToUsd(pricer.costOf(call).costPico ?? 0n),
  }));
}
