/**
 * What a longer history costs: ingest into the project that has it, merging what was ingested, a summary in the
 * database, the audit of a day, and what the tables weigh, with histories each ten times as long as the one before. A
 * history is generated just before it is measured.
 */
import { audit } from "../../src/rollup/audit.ts";
import { DAY_MS } from "../../src/time.ts";
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
  auditSeconds: number;
  /** Of all histories so far, with indexes. */
  bytes: Weights;
}

interface Weights {
  traces: number;
  /** Of the traces, in them. */
  indexes: number;
  rollup: number;
}

async function measure(bench: Bench, history: History): Promise<Figures> {
  await bench.settle();
  const bytes = await weights(bench);
  const auditSeconds = await auditOfDay(bench, history);
  const summaryMs = await p95(() => inDatabase(bench.pool, BY_MODEL, history));
  const sender = await startSender(bench, { id: history.projectId, key: history.key });
  await sender.post(BATCH, bench.scaled(REQUESTS / 10), CONNECTIONS);
  const { calls, seconds } = await sender.post(BATCH, bench.scaled(REQUESTS), CONNECTIONS);
  const mergeSeconds = (await timed(() => drain(bench))) / 1_000;
  await sender.verify();
  return { ingest: calls / seconds, mergeSeconds, summaryMs, auditSeconds, bytes };
}

/** The last day of the history, which is audited in one go. */
async function auditOfDay({ patientDb }: Bench, { projectId, endMs }: History): Promise<number> {
  const ms = await timed(async () => {
    const { ok, mismatches } = await audit(patientDb, projectId, endMs - DAY_MS, endMs);
    if (!ok) throw new Error(`generated wrongly: ${JSON.stringify(mismatches[0])}`);
  });
  return ms / 1_000;
}

async function weights({ pool }: Bench): Promise<Weights> {
  const { rows } = await pool.query<Record<keyof Weights, string>>(`
select sum(pg_total_relation_size(relid)) as traces, sum(pg_indexes_size(relid)) as indexes,
  pg_total_relation_size('rollup') as rollup
from pg_partition_tree('traces')`);
  const { traces, indexes, rollup } = rows[0]!;
  return { traces: Number(traces), indexes: Number(indexes), rollup: Number(rollup) };
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
    row("audit", "audit of its last day", "s", figures.auditSeconds, first.auditSeconds),
    row("traces", "all traces on disk", "MB", figures.bytes.traces / 1e6, first.bytes.traces / 1e6),
    row("indexes", "  of these, indexes", "MB", figures.bytes.indexes / 1e6, first.bytes.indexes / 1e6),
    row("rollup", "the rollup", "MB", figures.bytes.rollup / 1e6, first.bytes.rollup / 1e6),
  ];
}
