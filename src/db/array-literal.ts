/** Whole columns travel as one Postgres array literal each: one parameter, no per-row binding. */

/** Values that need no quoting: numbers, bigints, booleans, uuids; null is NULL. */
export function plainArray(values: readonly (number | bigint | boolean | string | null)[]): string {
  let literal = "{";
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ",";
    const value = values[i];
    literal += value === null || value === undefined ? "NULL" : value;
  }
  return `${literal}}`;
}

/** Any text; null is NULL. */
export function textArray(values: readonly (string | null)[]): string {
  let literal = "{";
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ",";
    const value = values[i];
    literal +=
      value === null || value === undefined
        ? "NULL"
        : `"${NEEDS_ESCAPE.test(value) ? value.replace(ESCAPED, "\\$&") : value}"`;
  }
  return `${literal}}`;
}

const NEEDS_ESCAPE = /["\\]/;
const ESCAPED = /["\\]/g;
