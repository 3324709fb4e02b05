/** Figures of the page with their bounds: the median of several windows, how far they spread, and what was missed. */
import type { Measured } from "../report.ts";

/** At most so much. */
export const BOUNDS = {
  firstPaint: 300,
  interactive: 600,
  cached: 100,
  uncached: 300,
  /** A task that is no longer is not observed, and counts as 0. */
  task: 50,
  shift: 0.02,
  /** KiB a minute: what 10 minutes add is then under a tenth of the heap. */
  heapSlope: 50,
  /** Bytes, gzip. */
  weight: 120_000,
} as const;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of several values against its bound. */
export function bounded(id: string, name: string, values: readonly number[], unit: string, bound: number): Measured {
  const value = median(values);
  const spread: [number, number] = [Math.min(...values), Math.max(...values)];
  return {
    id: `page.${id}`,
    name,
    value,
    unit,
    ratio: value / bound,
    to: `the bound, ${bound} ${unit}`,
    bound,
    spread,
  };
}

export function isMissed({ value, bound }: Measured): boolean {
  return bound !== undefined && !(value <= bound);
}
