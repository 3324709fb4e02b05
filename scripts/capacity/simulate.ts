/** A day, second by second, as amounts rather than events: what arrived, what was done, and how long it took. */
import type { Costs } from "./costs.ts";
import { type Served, startDatabase, type Wait } from "./database.ts";
import { collectLatencies, type Latencies, type Percentiles } from "./latencies.ts";
import { roundTripMs } from "./regions.ts";
import { type Second, secondOf } from "./requests.ts";
import type { Postgres, Scenario } from "./scenario.ts";
import type { Day } from "./traffic.ts";
import { spreadWaits } from "./waiting.ts";

/** A write that is not done by then is given up, and the caller answered 503. */
const STATEMENT_TIMEOUT_MS = 8_000;
/** Median of `send()`. https://blog.cloudflare.com/how-we-built-cloudflare-queues/ */
const QUEUE_SEND_MS = 60;
/** How old a consumer's batch gets. */
const QUEUE_BATCH_MS = 1_000;

export interface Outcome {
  /** Sums of the day. */
  arrived: number;
  written: number;
  requests: number;
  messages: number;
  statements: number;
  reads: number;
  workerUs: number;
  /** Traces whose callers were told 503, to send again. */
  unavailable: number;
  databaseUs: { ingest: number; merge: number; summary: number };
  queue: {
    /** Traces. */
    most: number;
    atEnd: number;
    longestSeconds: number;
  };
  /** Traces that are not merged at the end of the day. */
  unmerged: number;
  ingestMs: Percentiles;
  /** From the request until summaries show it. */
  visibleMs: Percentiles;
  summaryMs: Percentiles;
  /** The most in a second. */
  busiest: { traces: number; messages: number; statements: number; connections: number };
}

export function simulate(scenario: Scenario, postgres: Postgres, costs: Costs, day: Day): Outcome {
  const database = startDatabase(costs, postgres);
  const ingest = collectLatencies();
  const visible = collectLatencies();
  const summary = collectLatencies();
  const outcome = nothing();
  let queuedSince: number | undefined;

  for (let at = 0; at < day.traces[0]!.length; at++) {
    const second = secondOf(day, at, scenario);
    const served = database.serve(at, second, second.reads * (1 - scenario.cacheHits));
    addUp(outcome, second, served, scenario, costs);
    if (served.inLine > 0) queuedSince ??= at;
    else queuedSince = undefined;
    if (queuedSince !== undefined) {
      outcome.queue.longestSeconds = Math.max(outcome.queue.longestSeconds, at - queuedSince + 1);
    }
    for (const [region, { name }] of scenario.regions.entries()) {
      const awayMs = roundTripMs(name, scenario.regions[0]!.name);
      addIngest({ ingest, visible }, scenario, costs, served, day.traces[region]![at]!, awayMs);
      addSummaries(summary, scenario, costs, served, day.reads[region]![at]!, awayMs);
    }
  }
  return {
    ...outcome,
    unmerged: database.unmergedTraces(),
    ingestMs: ingest.percentiles(),
    visibleMs: visible.percentiles(),
    summaryMs: summary.percentiles(),
  };
}

type Sums = Omit<Outcome, "unmerged" | "ingestMs" | "visibleMs" | "summaryMs">;

function nothing(): Sums {
  return {
    arrived: 0,
    written: 0,
    requests: 0,
    messages: 0,
    statements: 0,
    reads: 0,
    workerUs: 0,
    unavailable: 0,
    databaseUs: { ingest: 0, merge: 0, summary: 0 },
    queue: { most: 0, atEnd: 0, longestSeconds: 0 },
    busiest: { traces: 0, messages: 0, statements: 0, connections: 0 },
  };
}

function addUp(sums: Sums, second: Second, served: Served, { mode }: Scenario, costs: Costs): void {
  sums.arrived += second.traces;
  sums.written += served.written;
  sums.requests += second.requests;
  sums.messages += second.messages;
  sums.statements += second.statements;
  sums.reads += second.reads;
  const ingestUs = second.requests * costs.workerUsPerRequest + second.traces * costs.workerUsPerTrace;
  // A consumer decodes and writes what a request checked and priced: taken to cost as much again.
  sums.workerUs += (mode === "queue" ? 2 : 1) * ingestUs + second.reads * costs.cachedWorkerUs;
  if (mode === "direct" && served.ingestWait.lineMs > STATEMENT_TIMEOUT_MS) sums.unavailable += second.traces;
  for (const work of ["ingest", "merge", "summary"] as const) sums.databaseUs[work] += served.usedUs[work];
  sums.queue.most = Math.max(sums.queue.most, served.inLine);
  sums.queue.atEnd = served.inLine;
  for (const name of ["traces", "messages", "statements"] as const) {
    sums.busiest[name] = Math.max(sums.busiest[name], second[name]);
  }
  sums.busiest.connections = Math.max(sums.busiest.connections, served.connections);
}

function addIngest(
  { ingest, visible }: { ingest: Latencies; visible: Latencies },
  { mode, batch }: Scenario,
  costs: Costs,
  { ingestWait, statementMs }: Served,
  traces: number,
  awayMs: number,
): void {
  if (traces === 0) return;
  const ofRequest = Math.min(batch, traces);
  const workerMs = (costs.workerUsPerRequest + ofRequest * costs.workerUsPerTrace) / 1_000;
  if (mode === "queue") ingest.add(workerMs + QUEUE_SEND_MS, traces);
  addWaiting(ingestWait, traces, (waitMs, weight) => {
    const storedMs = workerMs + awayMs + waitMs + statementMs;
    if (mode === "direct") ingest.add(storedMs, weight);
    visible.add(mode === "direct" ? storedMs : storedMs + workerMs + QUEUE_SEND_MS + QUEUE_BATCH_MS, weight);
  });
}

function addSummaries(
  summary: Latencies,
  { mode, cacheHits, replica }: Scenario,
  costs: Costs,
  { summaryWait, summaryMs, ingestWait }: Served,
  reads: number,
  awayMs: number,
): void {
  if (reads === 0) return;
  const hitMs = costs.cachedWorkerUs / 1_000 + awayMs;
  summary.add(hitMs, reads * cacheHits);
  // In direct mode the line is made of statements, among which a summary gets its share of the cores.
  const lineMs = mode === "direct" && !replica ? Math.max(summaryWait.lineMs, ingestWait.lineMs) : summaryWait.lineMs;
  addWaiting({ ...summaryWait, lineMs }, reads * (1 - cacheHits), (waitMs, weight) =>
    summary.add(hitMs + awayMs + waitMs + summaryMs, weight),
  );
}

function addWaiting(wait: Wait, weight: number, add: (waitMs: number, weight: number) => void): void {
  spreadWaits(wait, weight, (waitMs, part) => add(wait.lineMs + waitMs, part));
}
