/**
 * What a longer history costs: ingest into the project that has it, merging what was ingested, and a summary in the
 * database, with histories each ten times as long as the one before. A history is generated just before it is measured.
 */
import type { Bench } from "./context.ts";
import { drain } from "./cron.ts";
import type { History } from "./history.ts";
import { BY_MODEL, inDatabase } from "./questions.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { p95, timed } from "./timing.ts";

const BATCH = 1_000;
const REQUESTS = 50;
const CONNECTIONS = 4;

export async function benchGrowth(bench: Bench): Promise<Measured[]> {
  const results: Measured[] = [];
  let first: Figures | undefined;
  for (const size of [bench.traces / 100, bench.traces / 10, bench.traces]) {
    const history = await bench.history(size);
    bench.say(`ingest, merge and summary with ${size.toLocaleString("en-US")} calls of history`);
    const figures = await measure(bench, history);
    first ??= figures;
    results.push(...rowsOf(size, figures, first));
  }
  return results;
}

interface Figures {
  /** Traces a second. */
  ingest: number;
  mergeSeconds: number;
  summaryMs: number;
}

async function measure(bench: Bench, history: History): Promise<Figures> {
  await bench.settle();
  const summaryMs = await p95(() => inDatabase(bench.pool, BY_MODEL, history));
  const sender = await startSender(bench, { id: history.projectId, key: history.key });
  await sender.post(BATCH, bench.scaled(REQUESTS / 10), CONNECTIONS);
  const { calls, seconds } = await sender.post(BATCH, bench.scaled(REQUESTS), CONNECTIONS);
  const mergeSeconds = (await timed(() => drain(bench))) / 1_000;
  await sender.verify();
  return { ingest: calls / seconds, mergeSeconds, summaryMs };
}

function rowsOf(size: number, figures: Figures, first: Figures): Measured[] {
  const of = `${size.toLocaleString("en-US")} calls`;
  const row = (id: string, name: string, unit: string, value: number, base: number): Measured => ({
    id: `growth.${id}_${size}`,
    name: `${of}: ${name}`,
    value,
    unit,
    ratio: value / base,
    to: "the shortest history",
  });
  return [
    row("ingest", "ingest, 1,000 a request", "traces/s", figures.ingest, first.ingest),
    row("merge", "merging what was ingested", "s", figures.mergeSeconds, first.mergeSeconds),
    row("summary", "by model, p95 in the database", "ms", figures.summaryMs, first.summaryMs),
  ];
}
