/** `npm run bench -- [part …] [--json FILE]`: figures from one run on this machine, as a table and as JSON. */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { benchIngest } from "./bench/ingest.ts";
import { benchSummary } from "./bench/summary.ts";
import { machine, type Measured, table } from "./bench/report.ts";

const PARTS: Record<string, (say: (line: string) => void) => Promise<Measured[]>> = {
  ingest: benchIngest,
  summary: benchSummary,
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
const parts = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = parts.filter((part) => !PARTS[part]);
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(", ")}; parts are ${Object.keys(PARTS).join(", ")}.`);
  process.exit(1);
}

const results: Record<string, Measured[]> = {};
for (const part of parts) results[part] = await PARTS[part]!((line) => console.error(`… ${line}`));
console.log(`Measured on ${machine()}\n`);
for (const [part, rows] of Object.entries(results)) console.log(`${table(`${part} (ratio to the first row)`, rows)}\n`);
if (values.json !== undefined) await writeFile(values.json, JSON.stringify({ machine: machine(), results }, null, 2));
