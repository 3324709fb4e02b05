/** Ingest through the Worker: in requests of three sizes, in the native form and in OTLP, and what CPU it takes. */
import type { Bench } from "./context.ts";
import type { Body } from "./load.ts";
import type { Measured } from "./report.ts";
import { NATIVE, OTLP, type Posted, startSender } from "./sender.ts";
import { splitCost } from "./timing.ts";

const LARGE = 1_000;
const SIZES = [
  { batch: 1, requests: 10_000, connections: 32 },
  { batch: 100, requests: 1_000, connections: 8 },
  { batch: LARGE, requests: 200, connections: 4 },
];

/** @param copy rows that `COPY` takes a second */
export async function benchPosts(bench: Bench, copy: number): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const { batch, requests, connections } of SIZES) {
    bench.say(`POST /v1/traces, ${batch} a request, ${connections} connections`);
    const size = [batch, bench.scaled(requests), connections] as const;
    const native = await post(bench, NATIVE, size);
    results.push({
      id: `ingest.post_${batch}`,
      name: `POST /v1/traces, ${batch.toLocaleString("en-US")} a request`,
      value: native.rate,
      unit: "traces/s",
      ratio: native.rate / copy,
      to: "COPY",
      p95Ms: native.p95Ms,
    });
    if (batch === 1) continue;
    const otlp = await post(bench, OTLP, size);
    if (otlp.costPico !== native.costPico)
      throw new Error(`the same calls cost ${otlp.costPico} pico-USD in OTLP, ${native.costPico} in the native form`);
    results.push({
      id: `ingest.otlp_${batch}`,
      name: `  the same calls in OTLP protobuf`,
      value: otlp.rate,
      unit: "traces/s",
      ratio: otlp.rate / native.rate,
      to: "the native form",
      p95Ms: otlp.p95Ms,
    });
    if (batch === LARGE) results.push(...memory(native), ...(await workerCpu(bench, native)));
  }
  return results;
}

interface Run extends Posted {
  rate: number;
  costPico: bigint;
  /** Of workerd, before and after; undefined where the system does not tell. */
  memoryMib: [number | undefined, number | undefined];
}

/** Into a project of its own, after a tenth as many requests that do not count. */
async function post(bench: Bench, form: typeof NATIVE, size: readonly [number, number, number]): Promise<Run> {
  const [batch, requests, connections] = size;
  const sender = await startSender(bench, await bench.newProject(), form);
  await sender.post(batch, Math.ceil(requests / 10), connections);
  const before = await bench.memoryMib();
  const posted = await sender.post(batch, requests, connections);
  const memoryMib: Run["memoryMib"] = [before, await bench.memoryMib()];
  const { costPico } = await sender.verify();
  return { ...posted, rate: posted.calls / posted.seconds, costPico, memoryMib };
}

function memory({ memoryMib: [before, after] }: Run): Measured[] {
  if (before === undefined || after === undefined) return [];
  const name = `workerd's memory after ${LARGE.toLocaleString("en-US")} a request in the native form`;
  return [{ id: "ingest.memory", name, value: after, unit: "MiB", ratio: after / before, to: "before" }];
}

/** One request after the other, so that none is written together with others: what one takes that carries one call. */
async function workerCpu(bench: Bench, large: Run): Promise<Measured[]> {
  bench.say("POST /v1/traces, 1 a request, 1 connection");
  const small = await post(bench, NATIVE, [1, bench.scaled(2_000), 1]);
  if (small.cpu.worker === undefined || large.cpu.worker === undefined) return [];
  const ofSmall = (small.cpu.worker / small.requests) * 1e6;
  const ofLarge = (large.cpu.worker / large.requests) * 1e6;
  const { perRequest, perCall } = splitCost({ calls: 1, cost: ofSmall }, { calls: LARGE, cost: ofLarge });
  const value = ofLarge / LARGE;
  const parse = parseCpuUs(large.bodies) / LARGE;
  return [
    {
      id: "ingest.json_parse_us_per_trace",
      name: "CPU of JSON.parse of the same bodies in Node, a trace",
      value: parse,
      unit: "us",
    },
    {
      id: "ingest.worker_cpu_us_per_trace_in_1000",
      name: "worker CPU a trace, 1,000 a request, all in all",
      value,
      unit: "us",
      ratio: value / parse,
      to: "JSON.parse",
    },
    {
      id: "ingest.worker_cpu_us_per_trace",
      name: "worker CPU that a trace adds to a request",
      value: perCall,
      unit: "us",
      ratio: perCall / parse,
      to: "JSON.parse",
    },
    {
      id: "ingest.worker_cpu_us_per_request",
      name: "worker CPU of a request without its traces",
      value: perRequest,
      unit: "us",
    },
  ];
}

/** A body's. */
function parseCpuUs(bodies: readonly Body[]): number {
  const before = process.cpuUsage();
  for (const body of bodies) JSON.parse(body as string);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / bodies.length;
}
