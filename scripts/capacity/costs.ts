/** What each piece of work takes, from the calibration: CPU of the Worker and of the database. */
import { benchPayloadBytes, type Calibration } from "./calibration.ts";
import { onCitus } from "./citus.ts";
import type { Scenario } from "./scenario.ts";

export interface Costs {
  workerUsPerRequest: number;
  workerUsPerTrace: number;
  databaseUsPerStatement: number;
  databaseUsPerTrace: number;
  mergeUsPerTrace: number;
  summaryUs: number;
  cachedWorkerUs: number;
  traceBytes: number;
}

/**
 * The benchmark's figures are for its own payload. The Worker's time a trace goes with the bytes that it parses; bytes
 * above the benchmark's are stored as they are, and the write takes longer as the row gets longer.
 */
export function costsOf(
  calibration: Calibration,
  { payloadBytes, citusWorkers }: Pick<Scenario, "payloadBytes" | "citusWorkers">,
): Costs {
  const bench = benchPayloadBytes();
  const traceBytes = calibration.traceBytes + Math.max(0, payloadBytes - bench);
  const costs = {
    workerUsPerRequest: calibration.workerUsPerRequest,
    workerUsPerTrace: (calibration.workerUsPerTrace * payloadBytes) / bench,
    databaseUsPerStatement: calibration.databaseUsPerStatement,
    databaseUsPerTrace: (calibration.databaseUsPerTrace * traceBytes) / calibration.traceBytes,
    mergeUsPerTrace: calibration.mergeUsPerTrace,
    summaryUs: calibration.summaryMs * 1_000,
    cachedWorkerUs: calibration.cachedWorkerUs,
    traceBytes,
  };
  return citusWorkers > 0 ? onCitus(costs) : costs;
}
