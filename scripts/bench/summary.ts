/**
 * Summaries over 90 days of many calls: by the database's own clock, against the same with a hundredth of the calls and
 * against the plain `GROUP BY` over the calls that rollups stand for; through the driver, against `SELECT 1`; and through
 * the Worker from the cache, against a route that asks Redis once. All from one run. `BENCH_TRACES` sets the calls
 * (10,000,000).
 */
import { Agent, get } from "node:http";
import { join } from "node:path";
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import pg from "pg";
import { connect, type Database } from "../../src/db/client.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { DAYS, fillHistory, type History } from "./history.ts";
import type { Measured } from "./report.ts";
import { startSubject, type Subject } from "./subject.ts";

const TRACES = Number(process.env["BENCH_TRACES"] ?? 10_000_000);
const FEW = TRACES / 100;
const REPEATS = 100;
/** A plain `GROUP BY` over millions of calls takes seconds. */
const RAW_REPEATS = 5;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Back from the end of the history, in days. */
const QUESTIONS: readonly [name: string, days: number, query: string][] = [
  ["totals", DAYS, ""],
  ["by application", DAYS, "group_by=application"],
  ["by model", DAYS, "group_by=provider,model"],
  ["by application, environment, model", DAYS, "group_by=application,environment,model"],
  ["by model and day", DAYS, "group_by=model&interval=day"],
  ["by model and hour, 7 days", 7, "group_by=model&interval=hour"],
  ["by model and hour, 30 days", 30, "group_by=model&interval=hour"],
  ["by model, with latency", DAYS, "group_by=model&include=latency"],
  ["by application, days of Berlin", DAYS, "group_by=application&interval=day&tz=Europe/Berlin"],
];
const RAGGED = "ragged edges, by application and model";

const dialect = new PgDialect();

export async function benchSummary(say: (line: string) => void): Promise<Measured[]> {
  const subject = await startSubject(join(import.meta.dirname, "mget-worker.ts"));
  const pool = new pg.Pool({ connectionString: subject.backends.databaseUrl, max: 2 });
  try {
    const { DATABASE_URL, NEON_FETCH_ENDPOINT } = subject.backends.bindings;
    const db = connect({ url: DATABASE_URL, fetchEndpoint: NEON_FETCH_ENDPOINT, timeoutMs: 600_000 });
    const [few, many] = [await subject.newProject(), await subject.newProject()];
    say(`generating ${FEW} calls of ${DAYS} days`);
    const short = await fillHistory(pool, db, few.id, FEW, say);
    say(`generating ${TRACES} calls of ${DAYS} days`);
    const long = await fillHistory(pool, db, many.id, TRACES, say);

    const results: Measured[] = [];
    const ping = await p95(() => timed(() => db.ping()));
    results.push({ name: "SELECT 1 through the driver", value: ping, unit: "ms", ratio: 1 });
    for (const [name, ask] of questions(long)) {
      say(name);
      const value = await p95(() => inDatabase(pool, (db) => ask(db, long)));
      const less = await p95(() => inDatabase(pool, (db) => ask(db, short)));
      const driven = await p95(() => timed(() => ask(db, long)));
      results.push({ name: `${name} (ratio: to a hundredth of the calls)`, value, unit: "ms", ratio: value / less });
      results.push({
        name: "  through the driver (ratio: to SELECT 1)",
        value: driven,
        unit: "ms",
        ratio: driven / ping,
      });
    }
    results.push(...(await againstRaw(pool, long, say)));
    say("from the cache");
    results.push(...(await fromCache(subject, many.key, long)));
    return results;
  } finally {
    await pool.end();
    await subject.stop();
  }
}

type Ask = (db: Database, history: History) => Promise<unknown>;

function questions({ endMs }: History): [string, Ask][] {
  const asking =
    (days: number, query: string, fromMs = endMs - days * DAY_MS, toMs = endMs): Ask =>
    (db, { projectId }) => {
      const params = new URLSearchParams(`from=${fromMs}&to=${toMs}&${query}`);
      return summarize(db, projectId, parseSummaryQuery(params, endMs), endMs);
    };
  return [
    ...QUESTIONS.map(([name, days, query]): [string, Ask] => [name, asking(days, query)]),
    [RAGGED, asking(DAYS, "group_by=application,model", endMs - DAYS * DAY_MS + 754_321, endMs - 1_234_567)],
  ];
}

/** The design that rollups replace: one table of calls with three indexes, added up anew for each question. */
async function againstRaw(pool: pg.Pool, history: History, say: (line: string) => void): Promise<Measured[]> {
  say("copying the calls into a plain table with three indexes");
  await pool.query(`
    create unlogged table plain_calls as
    select started_at, application, environment, provider, model, input_tokens, output_tokens, cost_pico / 1e12 as cost_usd
    from traces where project_id = '${history.projectId}' and started_at > '2020-02-01'`);
  await pool.query("create index on plain_calls (started_at)");
  await pool.query("create index on plain_calls (application, started_at)");
  await pool.query("create index on plain_calls (model, started_at)");
  await pool.query("vacuum analyze plain_calls");
  say("grouping them");
  const from = new Date(history.endMs - DAYS * DAY_MS).toISOString();
  const raw = await p95(
    () =>
      explained(
        pool,
        `select model, count(*), sum(input_tokens), sum(output_tokens), sum(cost_usd) from plain_calls
         where started_at >= $1 and started_at < $2 group by model`,
        [from, new Date(history.endMs).toISOString()],
      ),
    RAW_REPEATS,
  );
  const [, byModel] = questions(history).find(([name]) => name === "by model")!;
  const own = await p95(() => inDatabase(pool, (db) => byModel(db, history)));
  return [
    { name: "by model, plain GROUP BY over the calls (ratio: to ours)", value: raw, unit: "ms", ratio: raw / own },
  ];
}

async function fromCache(subject: Subject, key: string, { endMs }: History): Promise<Measured[]> {
  const headers = { authorization: `Bearer ${key}` };
  const url = `${subject.url}/v1/summary?from=${endMs - DAYS * DAY_MS}&to=${endMs}&group_by=model`;
  for (let i = 0; i < 3; i++) await (await fetch(url, { headers })).text();
  const mget = await rate(`${subject.url}/bench/mget`, {});
  const cached = await rate(url, headers);
  return [
    { name: "a route that asks Redis once", value: mget, unit: "1/s", ratio: 1 },
    { name: "a summary from the cache", value: cached, unit: "1/s", ratio: cached / mget },
  ];
}

/** Requests a second over 32 connections. */
async function rate(url: string, headers: Record<string, string>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      get(url, { agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
        response.resume().on("end", resolve);
      }).on("error", reject);
    });
  let left = 10_000;
  for (let i = 0; i < 500; i++) await one();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (left-- > 0) await one();
    }),
  );
  agent.destroy();
  return 10_000 / ((performance.now() - began) / 1_000);
}

/** What a summary's statement takes in the database: planning, execution and the answer's text, in ms. */
async function inDatabase(pool: pg.Pool, ask: (db: Database) => Promise<unknown>): Promise<number> {
  const unused = (): never => {
    throw new Error("a summary is one query");
  };
  let ms = 0;
  await ask({
    ping: unused,
    run: unused,
    // With ragged edges it asks afterwards, in the same transaction, whether the calls are kept.
    async batch([query]) {
      await this.query(query as SQL);
      return [[]];
    },
    async query(query: SQL) {
      const { sql: text, params } = dialect.sqlToQuery(query);
      ms = await explained(pool, text, params);
      return [];
    },
  });
  return ms;
}

/** The plan has no clock in each of its nodes: those would be counted too. */
async function explained(pool: pg.Pool, text: string, params: unknown[]): Promise<number> {
  const { rows } = await pool.query(`explain (analyze, timing off, serialize text, format json) ${text}`, params);
  const [plan] = rows[0]["QUERY PLAN"] as [{ "Planning Time": number; "Execution Time": number }];
  return plan["Planning Time"] + plan["Execution Time"];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function p95(measure: () => Promise<number>, repeats = REPEATS): Promise<number> {
  for (let i = 0; i < repeats / 10; i++) await measure();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[Math.floor(repeats * 0.95)]!;
}
