/**
 * Other designs with the same calls, all of the largest history, in the same run: a plain table in Postgres, which this
 * project replaces, a materialized view of hours over it, DuckDB, and ClickHouse with and without a materialized view.
 * All must answer the ten questions as we do.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOUR_MS } from "../../src/time.ts";
import { connect } from "../client/ledger.ts";
import type { Call } from "./calls.ts";
import type { Bench } from "./context.ts";
import { drain } from "./cron.ts";
import type { History } from "./history.ts";
import { expectSame, ourLines, theirLines } from "./peers/answers.ts";
import { openClickhouse } from "./peers/clickhouse.ts";
import { openDuckdb } from "./peers/duckdb.ts";
import { type Peer, rowsOf, type Write } from "./peers/peer.ts";
import { exportCsv, openPostgres } from "./peers/postgres.ts";
import { statementOf } from "./peers/statement.ts";
import { AGAIN, inBatches, newCalls, rateOf, sentAgain } from "./peers/writing.ts";
import { inDatabase, type Question, QUESTIONS } from "./questions.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { readStored } from "./stored.ts";
import { mediansEach, timed } from "./timing.ts";

/** Of a question that may take seconds. */
const TURNS = 7;
const REFRESHES = 3;
const SINGLE = 10_000;
const BATCHED = 50_000;
/** Of 14 million a day. */
const CALLS_OF_A_MINUTE = 10_000;

export async function benchPeers(bench: Bench): Promise<Measured[]> {
  await using ends = new AsyncDisposableStack();
  const history = await bench.history(bench.traces);
  ends.defer(async () => void (await bench.pool.query("drop table if exists plain_calls cascade")));
  const peers = await openPeers(bench, history, ends);
  const results: Measured[] = [];
  for (const question of QUESTIONS) results.push(...(await asked(bench, history, question, peers)));
  const ours = await measureOurs(bench);
  results.push(...ours.results, ...(await refreshed(bench, ours)));
  for (const peer of peers) results.push(...(await written(bench, history, peer, ours)));
  return results;
}

async function openPeers(bench: Bench, history: History, ends: AsyncDisposableStack): Promise<Peer[]> {
  const { pool, say } = bench;
  const { table, view } = await openPostgres(bench, history);
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-peers-"));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const csv = join(folder, "calls.csv");
  await exportCsv(pool, csv);
  const duckdb = await openDuckdb(folder, csv, ends, say);
  const clickhouse = await openClickhouse(folder, csv, ends, say);
  await rm(csv);
  return [table, view, duckdb, ...clickhouse];
}

/** Checks what all of them answer, and then measures them by turns. */
async function asked(bench: Bench, history: History, question: Question, peers: readonly Peer[]): Promise<Measured[]> {
  const { db, pool, say } = bench;
  const { id, name } = question;
  say(name);
  const query = question.query(history);
  const ours = ourLines(await question.ask(db, history), query);
  const measures: Record<string, () => Promise<number>> = { ours: () => inDatabase(pool, question, history) };
  for (const peer of peers) {
    const statement = statementOf(peer.source, query);
    if (statement === null) {
      say(`${peer.name} cannot answer`);
      continue;
    }
    expectSame(`${name}: ${peer.name}`, ours, theirLines(await peer.rows(statement), query), peer.error);
    measures[peer.id] = () => peer.ms(statement);
  }
  const { ours: own, ...others } = await mediansEach(measures, TURNS);
  const shown = { unit: "ms" };
  return [
    { id: `peers.${id}`, name: `${name}: ours`, ...shown, value: own!.median, spread: own!.spread },
    ...Object.entries(others).map(([peer, { median, spread }]) => ({
      id: `peers.${id}_${peer}`,
      name: `  ${peers.find((one) => one.id === peer)!.name}`,
      ...shown,
      value: median,
      ratio: median / own!.median,
      to: "ours",
      spread,
    })),
  ];
}

interface Ours {
  results: Measured[];
  /** Of a minute's calls. */
  mergeMs: number;
  minute: number;
  /** Traces a second, 1 and 1,000 a request. */
  single: number;
  batched: number;
}

async function measureOurs(bench: Bench): Promise<Ours> {
  const { pool, say, scaled } = bench;
  say("our own ingest");
  const project = await bench.newProject();
  const sender = await startSender(bench, project);
  const rate = async (batch: number, requests: number, connections: number): Promise<number> => {
    await sender.post(batch, Math.ceil(requests / 10), connections);
    const { calls, seconds } = await sender.post(batch, requests, connections);
    return calls / seconds;
  };
  const single = await rate(1, scaled(SINGLE), 32);
  const batched = await rate(1_000, scaled(BATCHED / 1_000), 4);
  await drain(bench);
  const minute = await sender.post(1_000, scaled(CALLS_OF_A_MINUTE / 1_000), 4);
  const mergeMs = await timed(() => drain(bench));
  await sender.verify();

  using ledger = connect({ url: bench.url, key: project.key });
  const nowMs = Date.now();
  const post: Write<Call> = async (batch) => {
    const answer = await ledger.send({ path: "/v1/traces", body: JSON.stringify(batch) });
    if (answer.status !== 200) throw new Error(`POST /v1/traces: ${answer.status}`);
  };
  const counted = async (): Promise<number> => (await readStored(pool, project.id, nowMs - HOUR_MS)).calls;
  const again = await sentAgain(post, counted, newCalls(nowMs, 2 * AGAIN));
  const results = [
    { id: "peers.post_1", name: "POST /v1/traces, 1 a request", value: single, unit: "traces/s" },
    { id: "peers.post_1000", name: "POST /v1/traces, 1,000 a request", value: batched, unit: "traces/s" },
    ...countedTwice("post", "POST /v1/traces", again),
    { id: "peers.merge", name: `our cron, ${merging(minute)}`, value: mergeMs, unit: "ms" },
  ];
  return { results, mergeMs, minute: minute.calls, single, batched };
}

function merging({ calls }: { calls: number }): string {
  return `merging ${calls.toLocaleString("en-US")} new calls`;
}

async function refreshed({ pool, say }: Bench, { mergeMs, minute }: Ours): Promise<Measured[]> {
  say("refreshing the materialized view");
  const refresh = (): Promise<unknown> => pool.query("refresh materialized view plain_hours");
  const { only } = await mediansEach({ only: () => timed(refresh) }, REFRESHES);
  const { median: value, spread } = only;
  const name = "REFRESH MATERIALIZED VIEW of hours";
  return [
    { id: "peers.refresh", name, value, unit: "ms", ratio: value / mergeMs, to: merging({ calls: minute }), spread },
  ];
}

/** New calls start after the history, so that its answers stay as they are. */
async function written({ say, scaled }: Bench, history: History, peer: Peer, ours: Ours): Promise<Measured[]> {
  const { id, name, write, source, loaded } = peer;
  if (write === undefined) return [];
  say(`${name}: new calls`);
  const startMs = history.endMs;
  const fresh = (count: number) => rowsOf(newCalls(startMs + HOUR_MS, count), startMs + HOUR_MS);
  const single = await rateOf(write, inBatches(fresh(scaled(SINGLE)), 1));
  const batched = await rateOf(write, inBatches(fresh(scaled(BATCHED)), 1_000));
  const counted = async (): Promise<number> => {
    const range = source.between(startMs, startMs + 2 * HOUR_MS);
    return Number((await peer.rows(`select ${source.requests} from ${range}`))[0]![0]);
  };
  const again = await sentAgain(write, counted, fresh(2 * AGAIN));
  const rate = (of: string, what: string, value: number, to: string, base: number): Measured => ({
    id: `peers.${id}_${of}`,
    name: `${name}: ${what}`,
    value,
    unit: "traces/s",
    ratio: value / base,
    to,
  });
  const to = "POST /v1/traces";
  return [
    rate("insert_1", "INSERT of 1", single, `${to}, 1 a request`, ours.single),
    rate("insert_1000", "INSERT of 1,000", batched, `${to}, 1,000 a request`, ours.batched),
    ...countedTwice(id, name, again),
    ...(loaded === undefined ? [] : [rate("load", "loading CSV", loaded, `${to}, 1,000 a request`, ours.batched)]),
  ];
}

function countedTwice(id: string, name: string, again: Awaited<ReturnType<typeof sentAgain>>): Measured[] {
  const of = (which: keyof typeof again, what: string): Measured => ({
    id: `peers.${id}_again_${which}`,
    name: `${name}: ${what}, counted twice`,
    value: again[which],
    unit: "calls",
  });
  return [of("same", "of 1,000 sent again"), of("overlapping", "of 500 sent again among new ones")];
}
