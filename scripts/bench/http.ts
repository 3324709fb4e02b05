/** Requests a second against "hello world" in the same workerd: ingest one by one, and summaries from the cache. */
import { connect, type Ledger } from "../client/ledger.ts";
import { closedLoop } from "./closed-loop.ts";
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import { DAY_MS } from "../../src/time.ts";
import { DAYS } from "./history.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { percentile95 } from "./timing.ts";

const CONNECTIONS = 32;
const GETS = 10_000;
const TURNS = 5;
const POSTS = 10_000;

export async function benchHttp(bench: Bench): Promise<Measured[]> {
  const { url, say } = bench;
  const { key, endMs } = await bench.history(bench.traces / 100);
  const summary = `/v1/summary?from=${endMs - DAYS * DAY_MS}&to=${endMs}&group_by=model`;
  using ledger = connect({ url, key });
  say("hello world, one question to Redis, a summary from the cache, by turns");
  await expectCached(ledger, summary);
  const [hello, mget, cached] = await getByTurns(bench, ledger, ["/bench/hello", "/bench/mget", summary]);
  await expectCached(ledger, summary);
  say("POST /v1/traces, 1 a request");
  const sender = await startSender(bench, await bench.newProject());
  await sender.post(1, bench.scaled(POSTS / 10), CONNECTIONS);
  const posted = await sender.post(1, bench.scaled(POSTS), CONNECTIONS);
  await sender.verify();
  const ingest = posted.requests / posted.seconds;

  const toHello = (value: number) => ({ value, unit: "requests/s", ratio: value / hello.rate, to: "hello world" });
  const results: Measured[] = [
    { id: "http.hello", name: "hello world in the same workerd", ...toHello(hello.rate) },
    { id: "http.mget", name: "a route that asks Redis once", ...toHello(mget.rate) },
    { id: "http.cached", name: "a summary from the cache", ...toHello(cached.rate) },
    {
      id: "http.ingest",
      name: "POST /v1/traces, 1 a request",
      ...toHello(ingest),
      p95Ms: percentile95(posted.latenciesMs),
    },
    {
      id: "http.cached_to_mget",
      name: "a summary from the cache",
      value: cached.rate,
      unit: "requests/s",
      ratio: cached.rate / mget.rate,
      to: "the route that asks Redis once",
    },
  ];
  if (cached.cpuUs !== undefined && hello.cpuUs !== undefined) {
    results.push({
      id: "cached.worker_cpu_us_per_request",
      name: "worker CPU of a summary from the cache",
      value: cached.cpuUs,
      unit: "us",
      ratio: cached.cpuUs / hello.cpuUs,
      to: "hello world",
    });
  }
  return results;
}

interface Rate {
  rate: number;
  cpuUs: number | undefined;
}

/** By turns, so that what else the machine does meanwhile is no part of their ratios. */
async function getByTurns<const T extends readonly string[]>(
  bench: Bench,
  ledger: Ledger,
  paths: T,
): Promise<{ [K in keyof T]: Rate }> {
  const requests = Math.ceil(bench.scaled(GETS) / TURNS);
  const get = (path: string) => {
    const bodies = Array.from({ length: requests }, () => undefined).values();
    return closedLoop(ledger, { path, bodies, connections: CONNECTIONS });
  };
  for (const path of paths) await get(path);
  const sums = paths.map(() => ({ seconds: 0, worker: 0 }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, path] of paths.entries()) {
      const { value, cpu } = await cpuOf(() => get(path));
      sums[i]!.seconds += value.seconds;
      sums[i]!.worker += cpu.worker ?? Number.NaN;
    }
  }
  const total = requests * TURNS;
  return sums.map(({ seconds, worker }) => ({
    rate: total / seconds,
    cpuUs: Number.isNaN(worker) ? undefined : (worker / total) * 1e6,
  })) as { [K in keyof T]: Rate };
}

/** The first answers are computed: there was no epoch, then no value. */
async function expectCached(ledger: Ledger, path: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const { status, headers } = await ledger.send({ path });
    if (status === 200 && headers["x-cache"] === "hit") return;
  }
  throw new Error(`${path} is not answered from the cache`);
}
