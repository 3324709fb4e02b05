/** Choices from a seed. An input's choices depend on the seed and on its number alone. */
import { seeded } from "../../scripts/demo/random.ts";

export interface Draw {
  /** A whole number from 0 to n - 1. */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function drawFrom(seed: string, number: number): Draw {
  const random = seeded(`${seed}/${number}`);
  const below = (n: number): number => Math.floor(random.uniform() * n);
  return { below, chance: random.chance, pick: (list) => list[below(list.length)]! };
}
