import fc from "fast-check";
import { expect, it } from "vitest";
import { latencyOf } from "../../src/rollup/latency.ts";

/** As the database computes it. */
const GAMMA = 1.01 / 0.99;
const bucketOf = (us: number): number => Math.ceil(Math.log(Math.max(us, 1)) / Math.log(GAMMA));

it("answers every quantile within 1% of the exact one, for any durations", () => {
  const durations = fc.array(fc.integer({ min: 1_000, max: 600_000_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, (us) => {
      const counts = new Map<number, number>();
      for (const bucket of us.map(bucketOf)) counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
      const latency = latencyOf(counts, BigInt(us.reduce((sum, n) => sum + n, 0)))!;
      const sorted = us.toSorted((a, b) => a - b);
      for (const [shown, quantile] of [
        [latency.p50, 0.5],
        [latency.p90, 0.9],
        [latency.p95, 0.95],
        [latency.p99, 0.99],
        [latency.max, 1],
      ] as const) {
        const exactMs = sorted[Math.floor(quantile * (sorted.length - 1))]! / 1_000;
        // Half a microsecond more for rounding what is shown.
        expect(Math.abs(shown - exactMs)).toBeLessThanOrEqual(exactMs * 0.01 + 0.0006);
      }
      expect(latency.mean).toBeCloseTo(us.reduce((sum, n) => sum + n, 0) / us.length / 1_000, 2);
    }),
  );
});

it("is null without durations", () => {
  expect(latencyOf(new Map(), 0n)).toBeNull();
});
