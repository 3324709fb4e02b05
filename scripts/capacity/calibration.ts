/** What the model knows of the software: figures of `npm run bench -- --json FILE`, found by their ids. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { CommandError } from "../command.ts";
import { calls, take } from "../bench/calls.ts";

/** Every figure that the model reads, by the id of its row. */
const IDS = {
  workerUsPerTrace: "ingest.worker_cpu_us_per_trace",
  workerUsPerRequest: "ingest.worker_cpu_us_per_request",
  databaseUsPerTrace: "ingest.database_cpu_us_per_trace",
  databaseUsPerStatement: "ingest.database_cpu_us_per_statement",
  mergeUsPerTrace: "merge.database_cpu_us_per_trace",
  summaryMs: "summary.database_ms",
  cachedWorkerUs: "cached.worker_cpu_us_per_request",
  traceBytes: "storage.trace_bytes",
  rollupBytesPerRow: "storage.rollup_bytes_per_row",
} as const;

type Figure = keyof typeof IDS;

/** CPU and database times are of one core of `machine`. */
export interface Calibration extends Record<Figure, number> {
  machine: string;
}

const calibrationSchema = z
  .object({
    machine: z.string(),
    results: z.record(z.string(), z.array(z.object({ id: z.string().optional(), value: z.number() }))),
  })
  .transform(({ machine, results }, ctx): Calibration => {
    const rows = Object.values(results).flat();
    const figures: Partial<Record<Figure, number>> = {};
    for (const [figure, id] of Object.entries(IDS) as [Figure, string][]) {
      const value = rows.find((row) => row.id === id)?.value;
      if (value === undefined) ctx.addIssue(`there is no row with the id ${id}`);
      else if (!(value > 0)) ctx.addIssue(`${id} must be above 0, not ${value}`);
      else figures[figure] = value;
    }
    return { machine, ...(figures as Record<Figure, number>) };
  });

export const SHIPPED_CALIBRATION = join(import.meta.dirname, "calibration.json");

/** @throws CommandError that names each missing id. */
export function parseCalibration(content: unknown): Calibration {
  const parsed = calibrationSchema.safeParse(content);
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(({ path, message }) => [...path, message].join(" "));
    throw new CommandError(`--calibration: the file cannot be used: ${sentences.join("; ")}.`);
  }
  return parsed.data;
}

/** @throws CommandError */
export async function readCalibration(file = SHIPPED_CALIBRATION): Promise<Calibration> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new CommandError(`--calibration: ${file} cannot be read: ${(error as Error).message}.`);
  }
  return parseCalibration(content);
}

/** Mean JSON bytes of a trace of the benchmark, which all figures are for. */
export function benchPayloadBytes(): number {
  const sample = take(calls(0, "sample"), 1_000);
  return Math.round(Buffer.byteLength(JSON.stringify(sample)) / sample.length);
}
