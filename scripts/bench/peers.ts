/**
 * Other designs with the same calls, those of a tenth of the largest history: the plain table that this project
 * replaces, a materialized view of hours over it, and DuckDB. All must give the same answer.
 */
import type { Bench } from "./context.ts";
import { drain } from "./cron.ts";
import { measureDuckdb } from "./duckdb.ts";
import type { History } from "./history.ts";
import { byModel, createPlain, expectSame, insertOneByOne, newCalls } from "./plain.ts";
import { BY_MODEL, explained, inDatabase } from "./questions.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { p95, timed } from "./timing.ts";

const INSERTS = 10_000;
/** Of 14 million a day. */
const CALLS_OF_A_MINUTE = 10_000;
/** What takes seconds. */
const FEW_REPEATS = 5;

export async function benchPeers(bench: Bench): Promise<Measured[]> {
  const history = await bench.history(bench.traces / 10);
  bench.say("copying the calls into a plain table with three indexes");
  await createPlain(bench.pool, history);
  const ours = await measureOurs(bench, history);
  return [
    ...(await plain(bench, history, ours)),
    ...(await view(bench, history, ours)),
    ...(await duckdb(bench, history, ours)),
  ];
}

interface Ours {
  summaryMs: number;
  /** Of a minute's calls. */
  mergeMs: number;
  minute: number;
  /** Traces a second, 1 and 1,000 a request. */
  single: number;
  batched: number;
  answer: Record<string, unknown>[];
}

async function measureOurs(bench: Bench, history: History): Promise<Ours> {
  bench.say("our own figures");
  const sender = await startSender(bench, await bench.newProject());
  const rateOf = async (batch: number, requests: number, connections: number): Promise<number> => {
    await sender.post(batch, Math.ceil(requests / 10), connections);
    const { calls, seconds } = await sender.post(batch, requests, connections);
    return calls / seconds;
  };
  const single = await rateOf(1, bench.scaled(INSERTS), 32);
  const batched = await rateOf(1_000, bench.scaled(50), 4);
  await drain(bench);
  const minute = await sender.post(1_000, bench.scaled(CALLS_OF_A_MINUTE / 1_000), 4);
  const mergeMs = await timed(() => drain(bench));
  await sender.verify();
  const { rows } = await BY_MODEL.ask(bench.db, history);
  const summaryMs = await p95(() => inDatabase(bench.pool, BY_MODEL, history));
  return { summaryMs, mergeMs, minute: minute.calls, single, batched, answer: rows };
}

async function plain({ pool, scaled, say }: Bench, history: History, ours: Ours): Promise<Measured[]> {
  say("inserting calls one by one");
  const rows = newCalls(scaled(INSERTS));
  const inserts = rows.length / ((await timed(() => insertOneByOne(pool, rows))) / 1_000);
  say("grouping the plain table");
  const question = byModel("plain_calls", history);
  expectSame("the plain table", ours.answer, (await pool.query<Record<string, unknown>>(question)).rows);
  const groupMs = await p95(() => explained(pool, question, []), FEW_REPEATS);
  const rate = (id: string, name: string, value: number, to: string, base: number): Measured => ({
    id: `peers.${id}`,
    name,
    value,
    unit: "traces/s",
    ratio: value / base,
    to,
  });
  const one = "one INSERT a call";
  return [
    rate("insert", "plain table with three indexes: one INSERT a call", inserts, one, inserts),
    rate("post_1", "POST /v1/traces, 1 a request", ours.single, one, inserts),
    rate("post_1000", "POST /v1/traces, 1,000 a request", ours.batched, one, inserts),
    { id: "peers.summary", name: "our summary by model, in the database", value: ours.summaryMs, unit: "ms" },
    against("group_by", "plain table: the same by GROUP BY", groupMs, ours.summaryMs, "our summary"),
  ];
}

async function view({ pool, say }: Bench, history: History, ours: Ours): Promise<Measured[]> {
  say("a materialized view of hours");
  await pool.query(`
    create materialized view plain_hours as
    select date_bin('1 hour', started_at, 'epoch'::timestamptz) as started_at, application, environment, provider, model,
      operation, count(*) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cost_usd) as cost_usd
    from plain_calls group by 1, 2, 3, 4, 5, 6`);
  const question = byModel("plain_hours", history).replace("count(*)", "sum(requests)");
  expectSame("the view", ours.answer, (await pool.query<Record<string, unknown>>(question)).rows);
  const refreshMs = await p95(() => timed(() => pool.query("refresh materialized view plain_hours")), FEW_REPEATS);
  const minute = `merging ${ours.minute.toLocaleString("en-US")} new calls`;
  return [
    { id: "peers.merge", name: `our cron, ${minute}`, value: ours.mergeMs, unit: "ms" },
    against("refresh", "REFRESH MATERIALIZED VIEW of hours", refreshMs, ours.mergeMs, minute),
  ];
}

async function duckdb({ pool, say }: Bench, history: History, ours: Ours): Promise<Measured[]> {
  say("DuckDB");
  const { loaded, loadMs, questionMs, answer } = await measureDuckdb(pool, byModel("calls", history));
  expectSame("DuckDB", ours.answer, answer);
  const load = loaded / (loadMs / 1_000);
  return [
    {
      id: "peers.duckdb_load",
      name: "DuckDB: COPY from CSV",
      value: load,
      unit: "rows/s",
      ratio: load / ours.batched,
      to: "POST /v1/traces, 1,000 a request",
    },
    against("duckdb_group_by", "DuckDB: the same GROUP BY", questionMs, ours.summaryMs, "our summary"),
  ];
}

function against(id: string, name: string, value: number, base: number, to: string): Measured {
  return { id: `peers.${id}`, name, value, unit: "ms", ratio: value / base, to };
}
