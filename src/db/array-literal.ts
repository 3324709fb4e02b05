/**
 * Whole columns travel as one Postgres array literal each: one parameter, no per-row binding. A column without any
 * value is null, which `unnest` fills up to the length of the others.
 */

type Plain = number | bigint | boolean | string | null;

/** Values that need no quoting: numbers, bigints, booleans, uuids; null is NULL. */
export function plainArray(values: readonly Plain[]): string | null {
  return plainColumn(values, itself);
}

/** Any text; null is NULL. */
export function textArray(values: readonly (string | null)[]): string | null {
  return textColumn(values, itself);
}

/** `plainArray` of one value for each of the items. */
export function plainColumn<T>(items: readonly T[], of: (item: T) => Plain): string | null {
  let literal = "";
  let empty = true;
  for (let i = 0; i < items.length; i++) {
    const value = of(items[i]!);
    if (value === null) literal += ",NULL";
    else {
      literal += `,${value}`;
      empty = false;
    }
  }
  return empty ? null : `{${literal.slice(1)}}`;
}

/** `textArray` of one value for each of the items. */
export function textColumn<T>(items: readonly T[], of: (item: T) => string | null): string | null {
  let literal = "";
  let empty = true;
  for (let i = 0; i < items.length; i++) {
    const value = of(items[i]!);
    if (value === null) literal += ",NULL";
    else {
      // Quotes would be escaped once more in a JSON body.
      literal += NEEDS_QUOTES.test(value) ? `,"${value.replace(ESCAPED, "\\$&")}"` : `,${value}`;
      empty = false;
    }
  }
  return empty ? null : `{${literal.slice(1)}}`;
}

function itself<T>(value: T): T {
  return value;
}

const NEEDS_QUOTES = /[^\w.:/@+-]|^(?:null)?$/i;
const ESCAPED = /["\\]/g;
