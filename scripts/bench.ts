/** `npm run bench -- [part …] [--json FILE]`: figures from one run on this machine, as tables and as JSON. */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Bench, startBench } from "./bench/context.ts";
import { benchGrowth } from "./bench/growth.ts";
import { benchExport } from "./bench/heap.ts";
import { benchHttp } from "./bench/http.ts";
import { benchIngest } from "./bench/ingest.ts";
import { benchMerge } from "./bench/merge.ts";
import { benchPeers } from "./bench/peers.ts";
import { benchSummary } from "./bench/summary.ts";
import { machine, type Measured, table } from "./bench/report.ts";
import { CommandError, runCommand } from "./command.ts";

/** In the order in which they run: those before the first history find an empty ledger. */
const PARTS: Record<string, (bench: Bench) => Promise<Measured[]>> = {
  ingest: benchIngest,
  merge: benchMerge,
  growth: benchGrowth,
  summary: benchSummary,
  http: benchHttp,
  export: benchExport,
  peers: benchPeers,
};

const HELP = `Usage: npm run bench -- [PART …] [--json FILE]

Measures on this machine, with backends of its own, and shows ratios to baselines from the same run.

  PART            ${Object.keys(PARTS).join(", ")}; default all
  --json FILE     writes the figures there, too
  BENCH_TRACES    environment: calls of the largest history; default 10,000,000`;

interface Options {
  parts: string[];
  traces: number;
  json: string | undefined;
}

/** @returns undefined when help is asked for. @throws CommandError */
function readOptions(): Options | undefined {
  const { values, positionals } = parsed();
  if (values.help) return undefined;
  const unknown = positionals.filter((part) => !PARTS[part]);
  if (unknown.length > 0)
    throw new CommandError(`There is no part ${unknown.join(", ")}; parts are ${Object.keys(PARTS).join(", ")}.`);
  // It empties tables, and tells bytes and CPU of the whole server.
  if (process.env["DATABASE_URL"] !== undefined)
    throw new CommandError("The benchmark has a Postgres of its own: unset DATABASE_URL.");
  const traces = Number(process.env["BENCH_TRACES"] ?? 10_000_000);
  if (!Number.isInteger(traces / 100) || traces < 10_000)
    throw new CommandError("BENCH_TRACES must be a multiple of 100, 10000 or more.");
  const parts = Object.keys(PARTS).filter((part) => positionals.length === 0 || positionals.includes(part));
  return { parts, traces, json: values.json };
}

function parsed() {
  const options = { json: { type: "string" }, help: { type: "boolean" } } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n\n${HELP}`);
  }
}

runCommand(async () => {
  const asked = readOptions();
  if (!asked) return console.log(HELP);
  const { parts, traces, json } = asked;
  const date = new Date().toISOString();
  const results: Record<string, Measured[]> = {};
  const bench = await startBench(traces, (line) => console.error(`… ${line}`));
  try {
    for (const part of parts) {
      await bench.settle();
      results[part] = await PARTS[part]!(bench);
      console.log(`${table(part, results[part])}\n`);
      const figures = { date, machine: machine(), traces, results };
      if (json !== undefined) await writeFile(json, JSON.stringify(figures, null, 2));
    }
  } finally {
    await bench.stop();
  }
  console.log(`Measured at ${date} on ${machine()}, with ${traces.toLocaleString("en-US")} calls at most.`);
});
