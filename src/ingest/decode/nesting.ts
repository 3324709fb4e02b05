/**
 * What JSON text would become, found without parsing it: 8 MB of brackets compress to 8 kB, and as values they would
 * take the isolate a second and most of its memory. A scan takes a third of the time of `JSON.parse`.
 */

/** The number of levels to which arrays and objects of an item may nest, and those around the items. */
export const MAX_DEPTH = 32;
/** Text that nests deeper is not parsed. */
export const MAX_PARSED_DEPTH = 512;
/** More than 8 MB of OTLP have. Objects whose keys all differ take the most: half a second and 50 MB for so many. */
export const MAX_CONTAINERS = 300_000;
export const MAX_MEMBERS = 600_000;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** `[` and `{`, `]` and `}` differ in this bit. */
const CURLY = 0x20;

/** How much a text holds. Of text that nests deeper than `MAX_PARSED_DEPTH` it is known only that it does. */
export interface Scanned {
  depth: number;
  /** Arrays and objects. */
  containers: number;
  /** Members of objects. */
  members: number;
}

/** Reads JSON text as far as it is valid. What follows a mistake is not parsed either. */
export function scanJson(text: string): Scanned {
  let level = 0;
  let depth = 0;
  let containers = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COLON) members++;
    else if ((code | CURLY) === 0x7b) {
      containers++;
      if (++level > depth && (depth = level) > MAX_PARSED_DEPTH) break;
    } else if ((code | CURLY) === 0x7d) level--;
  }
  return { depth, containers, members };
}

/** The position of the closing quote. `indexOf` skips long texts faster than a loop does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

/** Tells whether a parsed value nests more than `levels` arrays or objects. It recurses no further than that. */
export function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  // `for in` takes five times as long, and most members are no objects.
  for (const member of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if (typeof member === "object" && nestsDeeper(member, levels - 1)) return true;
  }
  return false;
}
