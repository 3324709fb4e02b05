/**
 * What requests take beside "hello world" in the same workerd: requests a second, and CPU of the Worker. Each is asked by
 * turns with all others.
 */
import { connect, type Ledger } from "../client/ledger.ts";
import { DAY_MS } from "../../src/time.ts";
import { closedLoop } from "./closed-loop.ts";
import type { Bench } from "./context.ts";
import { type CpuSeconds, cpuOf } from "./cpu.ts";
import { DAYS } from "./history.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { median, percentile95 } from "./timing.ts";

const CONNECTIONS = 32;
/** With many connections one wake-up of the Worker serves many requests, which makes hello world three times as cheap. */
const ALONE = 1;
const REQUESTS = 2_000;
const TURNS = 5;
const RECEIPTS = 200;

export async function benchHttp(bench: Bench): Promise<Measured[]> {
  const { url, say } = bench;
  const { key, endMs } = await bench.history(bench.traces / 100);
  const range = `from=${endMs - DAYS * DAY_MS}&to=${endMs}`;
  const summary = `/v1/summary?${range}&group_by=model`;
  using ledger = connect({ url, key });
  const receipts = await receiptPaths(ledger, range);
  const sender = await startSender(bench, await bench.newProject());
  const latenciesMs: number[] = [];
  let turn = 0;
  const get = (
    path: string | (() => string),
    connections = CONNECTIONS,
    headers: Record<string, string> = {},
  ): Work => {
    return async (requests) => {
      const bodies = Array.from({ length: requests }, () => undefined).values();
      const { value, cpu } = await cpuOf(() => closedLoop(ledger, { path, headers, bodies, connections }));
      return { seconds: value.seconds, cpu };
    };
  };

  say("hello world, questions and POST /v1/traces with one call, by turns");
  await expectCached(ledger, summary);
  const post = (connections: number): Work => {
    return async (requests) => {
      const posted = await sender.post(1, requests, connections);
      if (connections === CONNECTIONS) latenciesMs.push(...posted.latenciesMs);
      return posted;
    };
  };
  const { hello, mget, keyed, cached, write, ...alone } = await byTurns(bench.scaled(REQUESTS), {
    hello: get("/bench/hello"),
    mget: get("/bench/mget"),
    keyed: get("/bench/keyed"),
    cached: get(summary),
    write: post(CONNECTIONS),
    aloneHello: get("/bench/hello", ALONE),
    aloneKeyed: get("/bench/keyed", ALONE),
    aloneFetch: get("/bench/fetch?sent=100&answered=100", ALONE),
    aloneLongFetch: get("/bench/fetch?sent=3600&answered=64000", ALONE),
    aloneCached: get(summary, ALONE),
    aloneUncached: get(summary, ALONE, { "cache-control": "no-cache" }),
    aloneList: get(`/v1/traces?${range}&limit=50`, ALONE),
    aloneReceipt: get(() => receipts[turn++ % receipts.length]!, ALONE),
    aloneWrite: post(ALONE),
  });
  await expectCached(ledger, summary);
  await sender.verify();

  const rate = (id: string, name: string, one: Turns, to = hello, toName = "hello world"): Measured => ({
    id,
    name,
    value: median(one.rates),
    unit: "requests/s",
    ...ratioOf(one.rates, to.rates),
    to: toName,
  });
  const cpu = (id: string, what: string, one: Turns, to = hello, toName = "hello world"): Measured[] => {
    if (one.cpuUs.some(Number.isNaN)) return [];
    const name = `worker CPU of ${what}`;
    return [{ id, name, value: median(one.cpuUs), unit: "us", ...ratioOf(one.cpuUs, to.cpuUs), to: toName }];
  };
  const cpuAlone = (id: string, what: string, one: Turns, to = alone.aloneHello, toName = "hello world"): Measured[] =>
    cpu(`alone.${id}`, `${what}, one at a time`, one, to, toName);
  return [
    rate("http.hello", "hello world in the same workerd", hello),
    rate("http.mget", "a route that asks Redis once", mget),
    rate("http.keyed", "the same in the app, with a key", keyed),
    rate("http.cached", "a summary from the cache", cached),
    { ...rate("http.ingest", "POST /v1/traces, 1 a request", write), p95Ms: percentile95(latenciesMs) },
    rate("http.cached_to_mget", "a summary from the cache", cached, mget, "the route that asks Redis once"),
    ...cpu("cached.worker_cpu_us_per_request", "a summary from the cache", cached),
    ...cpu("cached.worker_cpu_to_keyed", "a summary from the cache", cached, keyed, "the route with a key"),
    ...cpuAlone("fetch", "a Worker that only asks the database once", alone.aloneFetch),
    ...cpuAlone("long_fetch", "the same with the size of 50 calls", alone.aloneLongFetch),
    ...cpuAlone("keyed", "a route with a key that asks Redis", alone.aloneKeyed),
    ...cpuAlone("cached", "a summary from the cache", alone.aloneCached),
    ...cpuAlone("cached_to_keyed", "the same", alone.aloneCached, alone.aloneKeyed, "the route with a key"),
    ...cpuAlone("uncached", "a summary from the database", alone.aloneUncached),
    ...cpuAlone("list", "a list of 50 calls", alone.aloneList),
    ...cpuAlone("receipt", "a call with its receipt", alone.aloneReceipt),
    ...cpuAlone("write", "POST /v1/traces with one call", alone.aloneWrite),
  ];
}

/** @returns the seconds that so many requests took, and the CPU. */
type Work = (requests: number) => Promise<{ seconds: number; cpu: CpuSeconds }>;

/** One value of each turn. */
interface Turns {
  rates: number[];
  /** NaN where the system does not tell. */
  cpuUs: number[];
}

/** By turns, so that what else the machine does meanwhile is no part of their ratios. */
async function byTurns<N extends string>(requests: number, works: Record<N, Work>): Promise<Record<N, Turns>> {
  const all = Object.entries(works) as [N, Work][];
  for (const [, work] of all) await work(requests);
  const turns = Object.fromEntries(all.map(([name]) => [name, { rates: [], cpuUs: [] }])) as unknown as Record<
    N,
    Turns
  >;
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, work] of all) {
      const { seconds, cpu } = await work(requests);
      turns[name].rates.push(requests / seconds);
      turns[name].cpuUs.push(((cpu.worker ?? Number.NaN) / requests) * 1e6);
    }
  }
  return turns;
}

/** The median of what the turns give. */
function ratioOf(values: readonly number[], to: readonly number[]): { ratio: number } {
  return { ratio: median(values.map((value, turn) => value / to[turn]!)) };
}

async function receiptPaths(ledger: Ledger, range: string): Promise<string[]> {
  const { body } = await ledger.send({ path: `/v1/traces?${range}&limit=${RECEIPTS}` });
  const { traces } = JSON.parse(String(body)) as { traces: { id: string }[] };
  if (traces.length === 0) throw new Error("there are no calls");
  return traces.map(({ id }) => `/v1/traces/${id}`);
}

/** The first answers are computed: there was no epoch, then no value. */
async function expectCached(ledger: Ledger, path: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const { status, headers } = await ledger.send({ path });
    if (status === 200 && headers["x-cache"] === "hit") return;
  }
  throw new Error(`${path} is not answered from the cache`);
}
