/** Arithmetic of exact fractions: sums, differences and quotients. Products come from pricing. */
import type { Ratio } from "../pricing/ratio.ts";

export { rounded, times, type Ratio } from "../pricing/ratio.ts";

export const ZERO: Ratio = { numerator: 0n, denominator: 1n };

/** @param denominator more than 0. */
export function fraction(numerator: bigint, denominator = 1n): Ratio {
  return numerator === 0n ? ZERO : { numerator, denominator };
}

export function plus(a: Ratio, b: Ratio): Ratio {
  if (a.denominator === b.denominator) return fraction(a.numerator + b.numerator, a.denominator);
  return fraction(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

export function minus(a: Ratio, b: Ratio): Ratio {
  return plus(a, fraction(-b.numerator, b.denominator));
}

/** @param divisor more than 0. */
export function over(a: Ratio, divisor: Ratio): Ratio {
  return fraction(a.numerator * divisor.denominator, a.denominator * divisor.numerator);
}

export function isZero({ numerator }: Ratio): boolean {
  return numerator === 0n;
}
