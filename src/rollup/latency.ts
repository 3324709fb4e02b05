/**
 * Latency as a histogram with logarithmic bins, which are those of DDSketch. Bin `k` holds durations in
 * (g^(k-1), g^k] microseconds. It stands for 2 g^k / (g + 1), which is at most 1% off each of them. Histograms are summed
 * bin by bin, so order and grouping make no difference.
 */
import { sql } from "drizzle-orm";

const RELATIVE_ERROR = 0.01;
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LN_GAMMA = Math.log(GAMMA);

/** The bin of call `t`. Null without a duration. A duration below a microsecond counts as one microsecond. */
export const latencyBinOf =
  sql`ceil(ln(greatest(t.duration_us, 1)::float8) / ${LN_GAMMA}::float8)::smallint`.inlineParams();

export interface Latency {
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/**
 * Mean and percentiles of a histogram.
 *
 * @param counts the number of calls by bin.
 * @returns milliseconds, or null if no call had a duration.
 */
export function latencyOf(counts: ReadonlyMap<number, number>, sumUs: bigint): Latency | null {
  const sorted = [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const at = (quantile: number): number => {
    let rank = Math.floor(quantile * (total - 1));
    for (const [bin, count] of sorted) {
      if (rank < count) return binMs(bin);
      rank -= count;
    }
    return binMs(sorted.at(-1)![0]);
  };
  return {
    mean: roundMs(Number(sumUs) / total / 1_000),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  };
}

function binMs(bin: number): number {
  return roundMs((2 * GAMMA ** bin) / (GAMMA + 1) / 1_000);
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
