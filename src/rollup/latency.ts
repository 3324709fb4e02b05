/**
 * Latency as a histogram with logarithmic bins, which are those of DDSketch. Bin `k` holds durations in (g^(k-1), g^k]
 * microseconds. It stands for 2 g^k / (g + 1), which is at most 1% off each of them. Histograms are summed bin by bin,
 * so order and grouping make no difference.
 */
import { sql } from "drizzle-orm";

const RELATIVE_ERROR = 0.01;
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LN_GAMMA = Math.log(GAMMA);

/** The bin of call `t`. Null without a duration. A duration below a microsecond counts as one microsecond. */
export const latencyBinOf =
  sql`ceil(ln(greatest(t.duration_us, 1)::float8) / ${LN_GAMMA}::float8)::smallint`.inlineParams();

/** The bin of a duration. */
export function latencyBin(durationUs: number): number {
  return Math.ceil(Math.log(durationUs) / LN_GAMMA - 1e-9);
}

const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, max: 1 } as const;

export type Latency = Record<"mean" | keyof typeof QUANTILES, number>;
export const LATENCY_NAMES = ["mean", ...Object.keys(QUANTILES)] as (keyof Latency)[];

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
  const quantiles = Object.entries(QUANTILES).map(([name, quantile]) => [name, at(quantile)] as const);
  return { mean: roundMs(Number(sumUs) / total / 1_000), ...Object.fromEntries(quantiles) } as Latency;
}

function binMs(bin: number): number {
  return roundMs((2 * GAMMA ** bin) / (GAMMA + 1) / 1_000);
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
