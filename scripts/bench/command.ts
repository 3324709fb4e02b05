/** `npm run bench`, from its flags to its tables. */
import { writeFile } from "node:fs/promises";
import type { Lifetime } from "../command.ts";
import { type Bench, startBench } from "./context.ts";
import { benchDecode } from "./decode.ts";
import { benchGrowth } from "./growth.ts";
import { benchExport } from "./heap.ts";
import { benchHttp } from "./http.ts";
import { benchIngest } from "./ingest.ts";
import { benchLabels } from "./labels.ts";
import { benchMerge } from "./merge.ts";
import { parseBenchArgs } from "./options.ts";
import { benchPage } from "./page.ts";
import { isMissed } from "./page/figures.ts";
import { benchPeers } from "./peers.ts";
import { machine, type Measured, table } from "./report.ts";
import { benchRetention } from "./retention.ts";
import { benchSummary } from "./summary.ts";

/** In the order in which they run: those before the first history find an empty ledger, and the last takes calls away. */
const PARTS = {
  ingest: benchIngest,
  decode: benchDecode,
  merge: benchMerge,
  growth: benchGrowth,
  summary: benchSummary,
  labels: benchLabels,
  http: benchHttp,
  export: benchExport,
  peers: benchPeers,
  page: benchPage,
  retention: benchRetention,
} satisfies Record<string, (bench: Bench) => Promise<Measured[]>>;

export async function main(args: readonly string[], { ends }: Lifetime): Promise<number> {
  const all = Object.keys(PARTS) as (keyof typeof PARTS)[];
  const { parts, traces, minutes, labels, json } = parseBenchArgs(args, all, process.env);
  const date = new Date().toISOString();
  const results: Record<string, Measured[]> = {};
  const bench = await startBench({ traces, minutes, labels }, ends, (line) => console.error(`… ${line}`));
  for (const part of parts) {
    await bench.settle();
    results[part] = await PARTS[part](bench);
    console.log(`${table(part, results[part])}\n`);
    const figures = { date, machine: machine(), traces, results };
    if (json !== undefined) await writeFile(json, JSON.stringify(figures, null, 2));
  }
  console.log(`Measured at ${date} on ${machine()}, with ${traces.toLocaleString("en-US")} calls at most.`);
  return Object.values(results).flat().some(isMissed) ? 1 : 0;
}
