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
  const values = await byTurns(measures, repeats);
  return mapped(values, percentile95);
}

export interface Middle {
  median: number;
  /** Least and most. */
  spread: readonly [number, number];
}

/** Medians by turns, of what takes too long for a percentile. */
export async function mediansEach<Name extends string>(
  measures: Record<Name, () => Promise<number>>,
  repeats: number,
): Promise<Record<Name, Middle>> {
  return mapped(await byTurns(measures, repeats), (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    return { median: sorted[Math.floor(sorted.length / 2)]!, spread: [sorted[0]!, sorted.at(-1)!] };
  });
}

/** A tenth as many turns come before those that count. */
async function byTurns<Name extends string>(
  measures: Record<Name, () => Promise<number>>,
  repeats: number,
): Promise<Record<Name, number[]>> {
  const all = Object.entries(measures) as [Name, () => Promise<number>][];
  const values = mapped(measures, (): number[] => []);
  for (let i = -Math.ceil(repeats / 10); i < repeats; i++) {
    for (const [name, measure] of all) {
      const value = await measure();
      if (i >= 0) values[name].push(value);
    }
  }
  return values;
}

function mapped<Name extends string, A, B>(record: Record<Name, A>, map: (value: A) => B): Record<Name, B> {
  const entries = Object.entries(record) as [Name, A][];
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value)])) as Record<Name, B>;
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
