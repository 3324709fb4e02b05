/** Latencies in little memory, by Node's own HDR histogram: a percentile is at most 0.8% too high, never too low. */
import { createHistogram } from "node:perf_hooks";

export interface Histogram {
  add(ms: number): void;
  percentiles(): Percentiles;
}

/** In ms, to the hundredth; 0 where nothing was added. */
export interface Percentiles {
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/** Ten minutes; longer ones count as this, but for the maximum. */
const MOST_US = 600_000_000;

export function createLatencies(): Histogram {
  // Two figures are 128 bins for each doubling: 20 kB. Three would be 150 kB, of which a run has two each second.
  const histogram = createHistogram({ lowest: 1, highest: MOST_US, figures: 2 });
  let maxMs = 0;
  return {
    add(ms) {
      histogram.record(Math.min(Math.max(1, Math.round(ms * 1_000)), MOST_US));
      maxMs = Math.max(maxMs, ms);
    },
    percentiles() {
      const round = (ms: number): number => Math.round(ms * 100) / 100;
      // Its bins end above the values in them, so above the maximum as well.
      const at = (percent: number): number => round(Math.min(histogram.percentile(percent) / 1_000, maxMs));
      return { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: round(maxMs) };
    },
  };
}
