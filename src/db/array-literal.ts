/**
 * Whole columns travel as one Postgres array literal each: one parameter, no per-row binding. A column without any
 * value is null, which `unnest` fills up to the length of the others.
 */

/** Values that need no quoting: numbers, bigints, booleans, uuids; null is NULL. */
export function plainArray(values: readonly (number | bigint | boolean | string | null)[]): string | null {
  let literal = "{";
  let empty = true;
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ",";
    const value = values[i]!;
    if (value === null) literal += "NULL";
    else {
      literal += value;
      empty = false;
    }
  }
  return empty ? null : `${literal}}`;
}

/** Any text; null is NULL. */
export function textArray(values: readonly (string | null)[]): string | null {
  let literal = "{";
  let empty = true;
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ",";
    const value = values[i]!;
    if (value === null) literal += "NULL";
    else {
      literal += NEEDS_ESCAPE.test(value) ? `"${value.replace(ESCAPED, "\\$&")}"` : `"${value}"`;
      empty = false;
    }
  }
  return empty ? null : `${literal}}`;
}

const NEEDS_ESCAPE = /["\\]/;
const ESCAPED = /["\\]/g;
