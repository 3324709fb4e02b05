/** A calibration with round figures, a scenario, and days without noise, for the tests of the capacity model. */
import { type Calibration, benchPayloadBytes } from "../../scripts/capacity/calibration.ts";
import type { Postgres, Scenario } from "../../scripts/capacity/scenario.ts";
import type { Day } from "../../scripts/capacity/traffic.ts";

export const CALIBRATION: Calibration = {
  machine: "a machine of round figures",
  workerUsPerTrace: 20,
  workerUsPerRequest: 200,
  databaseUsPerTrace: 38,
  databaseUsPerStatement: 2_000,
  mergeUsPerTrace: 2,
  summaryMs: 7,
  cachedWorkerUs: 200,
  traceBytes: 500,
  rollupBytesPerRow: 300,
};

export function scenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    tracesPerDay: 1_000_000,
    regions: [{ name: "us-east", share: 1 }],
    readsPerSecond: 1,
    cacheHits: 0.8,
    payloadBytes: benchPayloadBytes(),
    batch: 100,
    historyDays: 90,
    groups: 50_000,
    mode: "direct",
    replica: false,
    citusWorkers: 0,
    seed: "1",
    ...changes,
  };
}

export const postgres = (coresPerShard: number): Postgres => ({
  shards: 1,
  coresPerShard,
  replicaCores: 0,
  coordinatorCores: 0,
});

/** One region whose traces by second are given, without summaries. */
export function quietDay(traces: ArrayLike<number>): Day {
  return { traces: [Float64Array.from(traces)], reads: [new Float64Array(traces.length)] };
}
