/** Requests a second against "hello world" in the same workerd: ingest one by one, and summaries from the cache. */
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import { DAY_MS, DAYS } from "./history.ts";
import { runLoad } from "./load.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";

const CONNECTIONS = 32;
const GETS = 10_000;
const POSTS = 10_000;

export async function benchHttp(bench: Bench): Promise<Measured[]> {
  const { url, say } = bench;
  const { key, endMs } = await bench.history(bench.traces / 100);
  const summaryUrl = `${url}/v1/summary?from=${endMs - DAYS * DAY_MS}&to=${endMs}&group_by=model`;
  const headers = { authorization: `Bearer ${key}` };
  say("hello world");
  const hello = await getRate(bench, `${url}/bench/hello`);
  say("one question to Redis");
  const mget = await getRate(bench, `${url}/bench/mget`);
  say("a summary from the cache");
  await expectCached(summaryUrl, headers);
  const cached = await getRate(bench, summaryUrl, headers);
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
    { id: "http.ingest", name: "POST /v1/traces, 1 a request", ...toHello(ingest), p95Ms: posted.p95Ms },
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

async function getRate(
  bench: Bench,
  url: string,
  headers: Record<string, string> = {},
): Promise<{ rate: number; cpuUs: number | undefined }> {
  const gets = (requests: number) =>
    runLoad({
      url,
      headers,
      bodies: Array.from({ length: requests }, () => undefined).values(),
      connections: CONNECTIONS,
    });
  await gets(bench.scaled(GETS / 10));
  const { value, cpu } = await cpuOf(() => gets(bench.scaled(GETS)));
  const cpuUs = cpu.worker === undefined ? undefined : (cpu.worker / value.requests) * 1e6;
  return { rate: value.requests / value.seconds, cpuUs };
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
