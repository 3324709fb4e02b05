/** Weighted latencies in logarithmic buckets, for the percentiles of billions in little memory; within 1%. */

const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface Latencies {
  /** @param ms above 0 */
  add(ms: number, weight: number): void;
  /** 0 where nothing was added. */
  percentiles(): Percentiles;
}

export function collectLatencies(): Latencies {
  const weights = new Map<number, number>();
  let total = 0;
  return {
    add(ms, weight) {
      if (weight <= 0) return;
      const bucket = Math.ceil(Math.log(ms) / LOG_GROWTH);
      weights.set(bucket, (weights.get(bucket) ?? 0) + weight);
      total += weight;
    },
    percentiles() {
      const buckets = [...weights].sort(([a], [b]) => a - b);
      const at = (share: number): number => {
        let left = share * total;
        const found = buckets.find(([, weight]) => (left -= weight) <= 0);
        return found ? (2 * GROWTH ** found[0]) / (GROWTH + 1) : 0;
      };
      return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    },
  };
}
