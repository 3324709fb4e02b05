/**
 * A whole column is sent as one Postgres array literal: one parameter, no binding per row. A column without any value
 * is sent as null, which `unnest` fills up to the length of the other columns.
 */

type Plain = number | bigint | boolean | string | null;

/** An array of values that need no quotes: numbers, bigints, booleans, uuids. Null becomes NULL. */
export function plainArray(values: readonly Plain[]): string | null {
  return plainColumn(values, itself);
}

/** An array of any texts. Null becomes NULL. */
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
  // In most columns neighbours are alike.
  let last: string | null = null;
  let lastElement = ",NULL";
  for (let i = 0; i < items.length; i++) {
    const value = of(items[i]!);
    if (value !== last) {
      last = value;
      lastElement = value === null ? ",NULL" : `,${element(value)}`;
      empty = false;
    }
    literal += lastElement;
  }
  return empty ? null : `{${literal.slice(1)}}`;
}

/** Quotes are left out if possible, because a JSON body would escape each of them. */
function element(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replace(ESCAPED, "\\$&")}"` : text;
}

function itself<T>(value: T): T {
  return value;
}

const NEEDS_QUOTES = /[^\w.:/@+-]|^(?:null)?$/i;
const ESCAPED = /["\\]/g;
