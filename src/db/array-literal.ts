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
  const first = firstKnown(items, of);
  if (first === items.length) return null;
  const elements = Array<Plain>(items.length).fill("NULL", 0, first);
  for (let i = first; i < items.length; i++) elements[i] = of(items[i]!) ?? "NULL";
  return `{${elements.join(",")}}`;
}

/** `textArray` of one value for each of the items. */
export function textColumn<T>(items: readonly T[], of: (item: T) => string | null): string | null {
  return quotedColumn(items, of, element);
}

/** `textColumn` of texts that are JSON. JSON quotes such a text as an array does, because no newline is in it. */
export function jsonColumn<T>(items: readonly T[], of: (item: T) => string | null): string | null {
  return quotedColumn(items, of, JSON.stringify);
}

function quotedColumn<T>(
  items: readonly T[],
  of: (item: T) => string | null,
  quoted: (text: string) => string,
): string | null {
  const first = firstKnown(items, of);
  if (first === items.length) return null;
  const elements = Array<string>(items.length).fill("NULL", 0, first);
  // In most columns neighbours are alike.
  let last: string | null = null;
  let lastElement = "NULL";
  for (let i = first; i < items.length; i++) {
    const text = of(items[i]!);
    if (text !== last) {
      last = text;
      lastElement = text === null ? "NULL" : quoted(text);
    }
    elements[i] = lastElement;
  }
  return `{${elements.join(",")}}`;
}

/** Most columns of a batch have no value at all. */
function firstKnown<T>(items: readonly T[], of: (item: T) => Plain): number {
  let at = 0;
  while (at < items.length && of(items[at]!) === null) at++;
  return at;
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
