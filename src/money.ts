/**
 * Inside, money is a whole number of pico-USD (1e-12 USD) in a `bigint`. Outside, it is a decimal string of USD. USD
 * per million tokens, times 1e6, is pico-USD per token. So catalogue prices are exact here.
 */

const PICO_PER_USD = 1_000_000_000_000n;
/** The largest cost that one call may have, because Postgres stores it in a `bigint`. */
export const MAX_COST_PICO = 2n ** 63n - 1n;

/** `1920000000n` -> `"0.00192"`: a plain decimal, no exponent, no trailing zeros. */
export function picoToUsd(pico: bigint): string {
  return pico === 0n ? "0" : digitsToUsd(pico.toString());
}

const ZERO = 48;

/** The same of a whole number as Postgres writes it, without a `bigint` in between. */
export function digitsToUsd(pico: string): string {
  const sign = pico.startsWith("-") ? "-" : "";
  const digits = pico.slice(sign.length).padStart(13, "0");
  const point = digits.length - 12;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO) end--;
  const whole = sign + digits.slice(0, point);
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`;
}

/**
 * A caller's USD amount, exactly: a number or a decimal string.
 *
 * @returns null if it is not finite, negative, finer than a pico-USD or more than `MAX_COST_PICO`.
 */
export function usdToPico(usd: string | number): bigint | null {
  const match = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(usd));
  if (!match) return null;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const shift = 12 - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  if (shift >= 0) {
    const pico = shift > 40 && digits > 0n ? MAX_COST_PICO + 1n : digits * 10n ** BigInt(Math.min(shift, 40));
    return pico <= MAX_COST_PICO ? pico : null;
  }
  const divisor = 10n ** BigInt(-shift);
  const pico = digits / divisor;
  return digits % divisor === 0n && pico <= MAX_COST_PICO ? pico : null;
}

/**
 * A float USD price per `per` units, as whole pico-USD per unit, rounded half-even once. The float is read through its
 * shortest decimal form, which is the one in the price list.
 */
export function unitPricePico(usd: number, per: number): bigint {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(usd));
  if (!match) throw new RangeError(`not a price: ${usd}`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const shift = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction) * PICO_PER_USD * 10n ** BigInt(Math.max(shift, 0));
  const divisor = BigInt(per) * 10n ** BigInt(Math.max(-shift, 0));
  const quotient = digits / divisor;
  const twice = (digits % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** Emitters add up costs in floats: what is finer than a pico-USD there is noise, and rounded off. */
export function floatToPico(usd: number): bigint | null {
  return usdToPico(usd) ?? (usd > 0 && usd < 1e9 ? usdToPico(usd.toFixed(12)) : null);
}
