/**
 * Money as people read it, from the exact decimal strings of the API and never through floats. Small costs keep three
 * significant digits, so no cost is shown as $0.00, and what is unknown is never 0.
 */
const SCALE = 12;
const ONE_USD = 10n ** BigInt(SCALE);
const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,12}))?$/;
const MINUS = "\u2212";

export const UNKNOWN = "unknown";

/** In pico-USD. @throws Error if the text is no decimal of the API. */
export function picoOf(usd: string): bigint {
  const [, sign, whole, fraction = ""] = DECIMAL.exec(usd) ?? [];
  if (whole === undefined) throw new Error(`not a decimal: ${usd}`);
  const pico = BigInt(whole) * ONE_USD + BigInt(fraction.padEnd(SCALE, "0"));
  return sign === "-" ? -pico : pico;
}

/** The API's form: no zeros at the end. */
export function usdOf(pico: bigint): string {
  const [sign, size] = pico < 0n ? ["-", -pico] : ["", pico];
  const fraction = String(size % ONE_USD)
    .padStart(SCALE, "0")
    .replace(/0+$/, "");
  return `${sign}${size / ONE_USD}${fraction && `.${fraction}`}`;
}

/** `"1234.567"` -> `$1,234.57`; `"0.00001677"` -> `$0.0000168`; null -> `unknown`. */
export function formatUsd(usd: string | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN;
  const pico = picoOf(usd);
  return pico < 0n ? MINUS + formatSize(-pico) : formatSize(pico);
}

/** With its sign: `+$60.50`, `−$165.00`, `±$0`. */
export function formatDifference(usd: string | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN;
  const pico = picoOf(usd);
  if (pico === 0n) return "\u00b1$0";
  return (pico > 0n ? "+" : MINUS) + formatSize(pico > 0n ? pico : -pico);
}

/** The whole value: `$0.000016770001`. */
export function formatExactly(usd: string | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN;
  const [whole = "", fraction] = usd.replace("-", MINUS).split(".");
  const sign = whole.startsWith(MINUS) ? MINUS : "";
  return `${sign}$${grouped(whole.replace(MINUS, ""))}${fraction ? `.${fraction}` : ""}`;
}

/** For a place where there is room for few digits, such as an axis: `$1.2M`, `$35`, `$0.004`. */
export function formatBriefly(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size === 0) return "$0";
  if (size < 1_000) return `${sign}$${Number(size.toPrecision(3))}`;
  const brief = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
  return `${sign}$${brief.format(size)}`;
}

/** For what is drawn only. A pixel is less exact than a float. */
export function drawnUsd(usd: string | null | undefined): number {
  return usd === null || usd === undefined ? 0 : Number(usd);
}

/** The share of a whole in percent: `12.3%`; `<0.1%`; null if there is no whole. */
export function shareOf(part: string | null, whole: string | null): string | null {
  if (part === null || whole === null) return null;
  const [of, all] = [picoOf(part), picoOf(whole)];
  if (all <= 0n || of < 0n) return null;
  const perMille = (of * 1_000n + all / 2n) / all;
  if (perMille === 0n && of > 0n) return "<0.1%";
  return `${perMille / 10n}.${perMille % 10n}%`;
}

/** How much more or less than before, in percent: `+12.3%`; null if there was nothing before. */
export function changeOf(now: string | null, before: string | null): string | null {
  if (now === null || before === null) return null;
  const [is, was] = [picoOf(now), picoOf(before)];
  if (was <= 0n) return null;
  const difference = is - was;
  const size = difference < 0n ? -difference : difference;
  const perMille = (size * 1_000n + was / 2n) / was;
  const sign = perMille === 0n ? "\u00b1" : difference < 0n ? MINUS : "+";
  return `${sign}${grouped(String(perMille / 10n))}.${perMille % 10n}%`;
}

/** Two decimals from 1 on; below, at least two and as many as three significant digits need. */
function formatSize(pico: bigint): string {
  if (pico === 0n) return "$0";
  const decimals = pico >= ONE_USD ? 2 : Math.min(SCALE, SCALE - String(pico).length + 3);
  const unit = 10n ** BigInt(SCALE - decimals);
  const rounded = ((pico + unit / 2n) / unit) * unit;
  const fraction = String(rounded % ONE_USD)
    .padStart(SCALE, "0")
    .replace(/0+$/, "")
    .padEnd(2, "0");
  return `$${grouped(String(rounded / ONE_USD))}.${fraction}`;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
