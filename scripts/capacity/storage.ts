/** Bytes on disk after `historyDays` of the same traffic. */
import type { Calibration } from "./calibration.ts";
import type { Costs } from "./costs.ts";
import type { Scenario } from "./scenario.ts";

export interface Storage {
  traces: number;
  traceRows: number;
  rollups: number;
  rollupRows: number;
}

/** A call counts in its main group and in one of its user and of each of two tags, as the benchmark's calls do. */
const GROUPS_PER_TRACE = 4;

/** @returns bytes with their indexes, and rows */
export function storageOf(
  { tracesPerDay, historyDays, groups }: Scenario,
  costs: Costs,
  calibration: Calibration,
): Storage {
  const traceRows = tracesPerDay * historyDays;
  // Of `groups` equally likely ones, so many are hit at least once.
  const rows = (traces: number): number => groups * -Math.expm1((-traces * GROUPS_PER_TRACE) / groups);
  // Weeks are few beside them: a seventh of the days at most, and labels have none.
  const rollupRows = historyDays * (24 * rows(tracesPerDay / 24) + rows(tracesPerDay));
  return {
    traces: traceRows * costs.traceBytes,
    traceRows,
    rollups: rollupRows * calibration.rollupBytesPerRow,
    rollupRows,
  };
}

export const gigabytes = ({ traces, rollups }: Storage): number => (traces + rollups) / 1e9;
