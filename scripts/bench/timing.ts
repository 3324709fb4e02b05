/** How long something takes. */

/** In ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The 95th percentile of what `measure` tells, after a tenth as many that do not count. */
export async function p95(measure: () => Promise<number>, repeats = 100): Promise<number> {
  for (let i = 0; i < repeats / 10; i++) await measure();
  const values: number[] = [];
  for (let i = 0; i < repeats; i++) values.push(await measure());
  return percentile95(values);
}

export function percentile95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!;
}

/** By the clock, or by whatever else grows with the work: what one request takes, and what each of its calls adds. */
export function splitCost(
  small: { calls: number; cost: number },
  large: { calls: number; cost: number },
): { perRequest: number; perCall: number } {
  const perCall = (large.cost - small.cost) / (large.calls - small.calls);
  return { perRequest: small.cost - perCall * small.calls, perCall };
}
