/**
 * The design that this project replaces: a plain table of calls with three indexes, added up anew for each question.
 */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { inParallel } from "./baselines.ts";
import { type Call, calls, take } from "./calls.ts";
import { DAY_MS } from "../../src/time.ts";
import { DAYS, type History } from "./history.ts";

/** Also of the view and of DuckDB's table. */
export const COLUMNS =
  "started_at, application, environment, provider, model, operation, duration_us, input_tokens, output_tokens, cost_usd";

/** By model, over the whole history; for any database and any table with these columns. */
export function byModel(table: string, { endMs }: History): string {
  const at = (ms: number): string => new Date(ms).toISOString();
  return `select model, count(*) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
  sum(cost_usd) as cost_usd
from ${table} where started_at >= '${at(endMs - DAYS * DAY_MS)}' and started_at < '${at(endMs)}' group by model`;
}

export async function createPlain(pool: pg.Pool, { projectId }: History): Promise<void> {
  await pool.query(`
    create table plain_calls as
    select started_at, application, environment, provider, model, operation, duration_us, input_tokens, output_tokens,
      cost_pico / 1e12 as cost_usd
    from traces where project_id = '${projectId}' and started_at > '2020-02-01'`);
  await pool.query("create index on plain_calls (started_at)");
  await pool.query("create index on plain_calls (application, started_at)");
  await pool.query("create index on plain_calls (model, started_at)");
  await pool.query("vacuum analyze plain_calls");
}

/** As an application would write them, one call a statement; they are later than the history. */
export async function insertOneByOne(pool: pg.Pool, rows: readonly Call[]): Promise<void> {
  const text = `insert into plain_calls (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;
  await inParallel(rows, (call) => pool.query({ name: "insert-plain-call", text, values: valuesOf(call) }));
}

function valuesOf(call: Call): unknown[] {
  const durationUs = Math.round(Number(call["duration_ms"]) * 1_000);
  const names = ["timestamp", "application", "environment", "provider", "model", "operation"];
  return [...names.map((name) => call[name]), durationUs, call["input_tokens"], call["output_tokens"], "0.001"];
}

export function newCalls(count: number): Call[] {
  return take(calls(Date.now(), randomUUID()), count);
}

interface Row {
  model?: unknown;
  requests?: unknown;
  input_tokens?: unknown;
  output_tokens?: unknown;
  cost_usd?: unknown;
}

/** @throws when two answers by model differ. */
export function expectSame(what: string, ours: readonly Row[], theirs: readonly Row[]): void {
  const told = (rows: readonly Row[]): string =>
    rows
      .map(({ model, requests, input_tokens, output_tokens, cost_usd }) =>
        [model, requests, input_tokens, output_tokens, Number(cost_usd).toFixed(6)].join(" "),
      )
      .sort()
      .join("\n");
  if (told(ours) !== told(theirs)) throw new Error(`${what} says\n${told(theirs)}\nthe summary\n${told(ours)}`);
}
