/** Seeded randomness: the same seed gives the same numbers everywhere. Not for secrets. */

export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** exp of a normal with mean ln(median): most near the median, a long tail upwards. */
  logNormal(median: number, sigma: number): number;
  chance(probability: number): boolean;
  between(low: number, high: number): number;
  /** 0 to n - 1, rank r about as often as 1/(r + 1): a few do most of it. */
  powerLaw(n: number): number;
  /** An index, as often as its weight says. */
  weighted(weights: readonly number[]): number;
}

/** @param seed any text. */
export function seeded(seed: string): Random {
  const next = sfc32(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    uniform: next,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    chance: (probability) => next() < probability,
    between: (low, high) => low + (high - low) * next(),
    powerLaw: (n) => Math.min(n - 1, Math.floor((n + 1) ** next()) - 1),
    weighted(weights) {
      let sum = 0;
      for (const weight of weights) sum += weight;
      let left = next() * sum;
      for (let i = 0; i < weights.length - 1; i++) {
        left -= weights[i]!;
        if (left < 0) return i;
      }
      return weights.length - 1;
    },
  };
}

/** Chris Doty-Humphrey's small fast counter generator, started from an FNV-1a hash of the seed. */
function sfc32(seed: string): () => number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  let a = hash;
  let b = Math.imul(hash, 0x9e3779b9);
  let c = Math.imul(hash, 0x85ebca6b);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}
