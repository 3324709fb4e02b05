/**
 * Latency as a histogram with logarithmic buckets, the mapping of DDSketch: bucket `k` holds
 * durations in (g^(k-1), g^k] microseconds and answers 2 g^k / (g + 1), at most 1% off any of them.
 * Histograms are summed bucket by bucket: order and grouping make no difference.
 */
import { sql } from "drizzle-orm";

const RELATIVE_ERROR = 0.01;
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LN_GAMMA = Math.log(GAMMA);

/** The bucket of trace `t`, null without a duration; under a microsecond counts as one. */
export const latencyBucketOf =
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
 * @param counts number of calls by bucket.
 * @returns milliseconds; null when no call had a duration.
 */
export function latencyOf(counts: ReadonlyMap<number, number>, sumUs: bigint): Latency | null {
  const sorted = [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const at = (quantile: number): number => {
    let rank = Math.floor(quantile * (total - 1));
    for (const [bucket, count] of sorted) {
      if (rank < count) return bucketMs(bucket);
      rank -= count;
    }
    return bucketMs(sorted.at(-1)![0]);
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

function bucketMs(bucket: number): number {
  return roundMs((2 * GAMMA ** bucket) / (GAMMA + 1) / 1_000);
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
