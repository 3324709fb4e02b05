/**
 * How long work waits for a free core by chance, while there are enough of them: M/M/c, by Sakasegawa's approximation.
 */

export interface RandomWait {
  /** That there is no free core. */
  chance: number;
  /** Exponential, of those who wait. */
  meanMs: number;
}

/** Where the line is all but full, chance is no longer what makes it long. */
const MOST_LOAD = 0.99;

/** @param load share of `cores` that is busy, 0 to 1. */
export function randomWait(load: number, cores: number, serviceMs: number): RandomWait {
  const servers = Math.max(1, cores);
  const busy = Math.min(load, MOST_LOAD);
  return { chance: busy ** (Math.sqrt(2 * (servers + 1)) - 1), meanMs: serviceMs / (servers * (1 - busy)) };
}

const POINTS = 8;
/** Of the unit exponential, in the middles of `POINTS` equal shares. */
const EXPONENTIAL = Array.from({ length: POINTS }, (_, i) => -Math.log(1 - (i + 0.5) / POINTS));

/** Calls `each` with waits in ms and the part of `weight` that waits so long. */
export function spreadWaits(
  { chance, meanMs }: RandomWait,
  weight: number,
  each: (waitMs: number, weight: number) => void,
): void {
  each(0, weight * (1 - chance));
  for (const point of EXPONENTIAL) each(point * meanMs, (weight * chance) / POINTS);
}
