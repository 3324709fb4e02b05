/** Ingest through the Worker: in requests of three sizes, in the native form and in OTLP, and what CPU it takes. */
import { randomUUID } from "node:crypto";
import { copied } from "./baselines.ts";
import type { Body } from "./closed-loop.ts";
import type { Bench } from "./context.ts";
import type { Measured } from "./report.ts";
import { type Form, NATIVE, OTLP, type Posted, startSender } from "./sender.ts";
import { percentile95, splitCost, timed } from "./timing.ts";

const LARGE = 1_000;
const SIZES = [
  { batch: 1, requests: 10_000, connections: 32, forms: [NATIVE] },
  { batch: 100, requests: 1_000, connections: 8, forms: [NATIVE, OTLP] },
  { batch: LARGE, requests: 200, connections: 4, forms: [NATIVE, OTLP] },
];
/** In so many parts, by turns: what else the machine does meanwhile is then no part of their ratios. */
const TURNS = 5;

/** @param lines what `COPY` copies */
export async function benchPosts(bench: Bench, lines: readonly string[]): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const { batch, requests, connections, forms } of SIZES) {
    bench.say(`COPY and POST /v1/traces, ${batch} a request, ${connections} connections, by turns`);
    const size = { batch, requests: Math.ceil(bench.scaled(requests) / TURNS), connections };
    const { copy, native, otlp, memoryMib } = await byTurns(bench, lines, size, forms);
    results.push({
      id: `ingest.post_${batch}`,
      name: `POST /v1/traces, ${batch.toLocaleString("en-US")} a request`,
      value: rateOf(native),
      unit: "traces/s",
      ratio: rateOf(native) / copy,
      to: "COPY",
      p95Ms: percentile95(native.latenciesMs),
    });
    if (otlp) {
      results.push({
        id: `ingest.otlp_${batch}`,
        name: `  the same calls in OTLP protobuf`,
        value: rateOf(otlp),
        unit: "traces/s",
        ratio: rateOf(otlp) / rateOf(native),
        to: "the native form",
        p95Ms: percentile95(otlp.latenciesMs),
      });
    }
    if (batch === LARGE) results.push(...memory(memoryMib), ...(await workerCpu(bench, native)));
  }
  return results;
}

interface Size {
  batch: number;
  /** Of a turn. */
  requests: number;
  connections: number;
}

interface Turns {
  /** Rows a second. */
  copy: number;
  native: Posted;
  otlp: Posted | undefined;
  /** Of workerd, before and after; undefined where the system does not tell. */
  memoryMib: [number | undefined, number | undefined];
}

/** Each form into a project of its own, after one turn that does not count. */
async function byTurns(bench: Bench, lines: readonly string[], size: Size, forms: readonly Form[]): Promise<Turns> {
  const runs = await Promise.all(
    forms.map(async (form) => {
      const project = await bench.newProject();
      return { sender: await startSender(bench, project, form), posted: [] as Posted[] };
    }),
  );
  const post = async ({ sender }: (typeof runs)[number]): Promise<Posted> =>
    sender.post(size.batch, size.requests, size.connections);
  for (const run of runs) await post(run);
  const before = await bench.memoryMib();
  const share = Math.ceil(lines.length / TURNS);
  let copyMs = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    const own = lines.slice(turn * share, (turn + 1) * share);
    copyMs += await timed(() => copied(bench.pool, own, randomUUID()));
    for (const run of runs) run.posted.push(await post(run));
  }
  const memoryMib: Turns["memoryMib"] = [before, await bench.memoryMib()];

  const costs = await Promise.all(runs.map(async ({ sender }) => (await sender.verify()).costPico));
  if (new Set(costs).size > 1) throw new Error(`the same calls cost ${costs.join(" and ")} pico-USD`);
  const [native, otlp] = runs.map(({ posted }) => together(posted));
  return { copy: lines.length / (copyMs / 1_000), native: native!, otlp, memoryMib };
}

function together(all: readonly Posted[]): Posted {
  const sum = (of: (posted: Posted) => number): number => all.reduce((total, posted) => total + of(posted), 0);
  const knowsCpu = all.every(({ cpu }) => cpu.worker !== undefined);
  return {
    calls: sum(({ calls }) => calls),
    requests: sum(({ requests }) => requests),
    seconds: sum(({ seconds }) => seconds),
    latenciesMs: all.flatMap(({ latenciesMs }) => latenciesMs),
    cpu: knowsCpu ? { worker: sum(({ cpu }) => cpu.worker!) } : {},
    bodies: all.flatMap(({ bodies }) => bodies),
  };
}

const rateOf = ({ calls, seconds }: Posted): number => calls / seconds;

function memory([before, after]: Turns["memoryMib"]): Measured[] {
  if (before === undefined || after === undefined) return [];
  return [
    {
      id: "ingest.memory",
      name: "workerd's memory after that",
      value: after,
      unit: "MiB",
      ratio: after / before,
      to: "before",
    },
  ];
}

/** One request after the other, so that none is written together with others: what one takes that carries one call. */
async function workerCpu(bench: Bench, large: Posted): Promise<Measured[]> {
  bench.say("POST /v1/traces, 1 a request, 1 connection");
  const sender = await startSender(bench, await bench.newProject());
  await sender.post(1, bench.scaled(200), 1);
  const small = await sender.post(1, bench.scaled(2_000), 1);
  await sender.verify();
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
