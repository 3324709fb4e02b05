/** How long something takes. */

/** In ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The 95th percentile of what `measure` tells, after a tenth as many that do not count. */
export async function p95(measure: () => Promise<number>, repeats = 100): Promise<number> {
  const { only } = await p95Each({ only: measure }, repeats);
  return only;
}

/** The same of several, by turns: what else the machine does meanwhile is then no part of their ratios. */
export async function p95Each<Name extends string>(
  measures: Record<Name, () => Promise<number>>,
  repeats = 100,
): Promise<Record<Name, number>> {
  const all = (Object.entries(measures) as [Name, () => Promise<number>][]).map(([name, measure]) => ({
    name,
    measure,
    values: [] as number[],
  }));
  for (let i = -Math.ceil(repeats / 10); i < repeats; i++) {
    for (const { measure, values } of all) {
      const value = await measure();
      if (i >= 0) values.push(value);
    }
  }
  return Object.fromEntries(all.map(({ name, values }) => [name, percentile95(values)])) as Record<Name, number>;
}

export function percentile95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** By the clock, or by whatever else grows with the work: what one request takes, and what each of its calls adds. */
export function splitCost(
  small: { calls: number; cost: number },
  large: { calls: number; cost: number },
): { perRequest: number; perCall: number } {
  const perCall = (large.cost - small.cost) / (large.calls - small.calls);
  return { perRequest: small.cost - perCall * small.calls, perCall };
}
