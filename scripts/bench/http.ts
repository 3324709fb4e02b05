/** Requests a second against "hello world" in the same workerd: ingest one by one, and summaries from the cache. */
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import { DAY_MS, DAYS } from "./history.ts";
import { type Load, runLoad } from "./load.ts";
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
  const summaryUrl = `${url}/v1/summary?from=${endMs - DAYS * DAY_MS}&to=${endMs}&group_by=model`;
  const headers = { authorization: `Bearer ${key}` };
  say("hello world, one question to Redis, a summary from the cache, by turns");
  await expectCached(summaryUrl, headers);
  const [hello, mget, cached] = await getByTurns(bench, [
    { url: `${url}/bench/hello`, headers: {} },
    { url: `${url}/bench/mget`, headers: {} },
    { url: summaryUrl, headers },
  ]);
  await expectCached(summaryUrl, headers);
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
async function getByTurns<T extends readonly Pick<Load, "url" | "headers">[]>(
  bench: Bench,
  targets: readonly [...T],
): Promise<{ [K in keyof T]: Rate }> {
  const requests = Math.ceil(bench.scaled(GETS) / TURNS);
  const get = ({ url, headers }: T[number]) => {
    const bodies = Array.from({ length: requests }, () => undefined).values();
    return runLoad({ url, headers, bodies, connections: CONNECTIONS });
  };
  for (const target of targets) await get(target);
  const sums = targets.map(() => ({ seconds: 0, worker: 0 }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, target] of targets.entries()) {
      const { value, cpu } = await cpuOf(() => get(target));
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
async function expectCached(url: string, headers: Record<string, string>): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const response = await fetch(url, { headers });
    await response.text();
    if (response.ok && response.headers.get("x-cache") === "hit") return;
  }
  throw new Error(`${url} is not answered from the cache`);
}
