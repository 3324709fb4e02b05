/** Latencies in little memory: counts in logarithmic buckets, so that a percentile is at most 2% too high. */

const SMALLEST_MS = 0.05;
const GROWTH = 1.02;
/** Up to about ten minutes; longer ones count in the last. */
const BUCKETS = 830;

export interface Histogram {
  readonly count: number;
  readonly maxMs: number;
  add(ms: number): void;
  /** The upper bound of the bucket in which the p-th (0 to 1) lies, never above the maximum; 0 when empty. */
  percentile(p: number): number;
}

export function createHistogram(): Histogram {
  const counts = new Uint32Array(BUCKETS);
  let count = 0;
  let maxMs = 0;
  return {
    get count() {
      return count;
    },
    get maxMs() {
      return maxMs;
    },
    add(ms) {
      const bucket = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH));
      counts[Math.min(bucket, BUCKETS - 1)]!++;
      count++;
      if (ms > maxMs) maxMs = ms;
    },
    percentile(p) {
      const rank = Math.max(1, Math.ceil(p * count));
      let seen = 0;
      for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
        seen += counts[bucket]!;
        if (seen >= rank) return Math.min(SMALLEST_MS * GROWTH ** bucket, maxMs);
      }
      return maxMs;
    },
  };
}

export interface Percentiles {
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/** In ms, to the hundredth. */
export function percentiles(histogram: Histogram): Percentiles {
  const round = (ms: number): number => Math.round(ms * 100) / 100;
  const at = (p: number): number => round(histogram.percentile(p));
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: round(histogram.maxMs) };
}
