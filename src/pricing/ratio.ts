/** Exact fractions, never negative. A unit price is one until it is rounded, which happens once. */

export interface Ratio {
  numerator: bigint;
  denominator: bigint;
}

export const ONE: Ratio = { numerator: 1n, denominator: 1n };

/**
 * The exact value of a decimal such as `"0.075"`, or of a number's shortest form such as `"5e-7"`.
 *
 * @throws RangeError if the text is neither.
 */
export function ratio(decimal: string): Ratio {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(decimal);
  if (!match) throw new RangeError(`not a decimal: ${decimal}`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const shift = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  return shift >= 0
    ? { numerator: digits * 10n ** BigInt(shift), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-shift) };
}

export function times(a: Ratio, b: Ratio): Ratio {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

/** Half-even: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2. */
export function rounded({ numerator, denominator }: Ratio): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** USD per `per` units -> pico-USD per unit, exactly. An hour has 3,600 seconds, which do not divide a USD's 10^12. */
export function picoPerUnit(usd: string, per: number): Ratio {
  return times(ratio(usd), { numerator: 1_000_000_000_000n, denominator: BigInt(per) });
}
