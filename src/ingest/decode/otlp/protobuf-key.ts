/**
 * Recognises attribute keys in UTF-8 without making a string. Most keys of a span are not read. The others come from a
 * fixed table, so they are interned.
 */
import { READ_NAMES } from "../span/attributes.ts";
import { TAG_PREFIXES } from "../span/context-attributes.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** A power of two, so that a mask cuts a hash to a slot. */
const SLOTS = 1024;

interface Interned {
  name: string;
  bytes: Uint8Array;
}

/** The key in `body[start, end)` if a rule reads it. Otherwise null. */
export type KeyReader = (body: Uint8Array, start: number, end: number) => string | null;

/** The keys of spans. */
export const readKey = keyReader(READ_NAMES, TAG_PREFIXES);

/** Recognises `names`, and every key that begins with one of `prefixes`. */
export function keyReader(names: ReadonlySet<string>, prefixes: readonly string[] = []): KeyReader {
  const table = internTable(names);
  const starts = prefixes.map((prefix) => encoder.encode(prefix));
  return (body, start, end) => {
    for (const interned of table[slotOf(body, start, end)]!) {
      if (interned.bytes.length === end - start && startsWith(body, start, interned.bytes)) return interned.name;
    }
    for (const prefix of starts) {
      if (prefix.length < end - start && startsWith(body, start, prefix))
        return decoder.decode(body.subarray(start, end));
    }
    return null;
  };
}

function internTable(names: ReadonlySet<string>): Interned[][] {
  const table: Interned[][] = Array.from({ length: SLOTS }, () => []);
  for (const name of names) {
    const bytes = encoder.encode(name);
    table[slotOf(bytes, 0, bytes.length)]!.push({ name, bytes });
  }
  return table;
}

/** FNV-1a of the length and of a few bytes: names are alike at their beginning, and differ behind it. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = Math.imul(0x811c9dc5 ^ length, 0x01000193);
  if (length > 0) {
    hash = Math.imul(hash ^ bytes[end - 1]!, 0x01000193);
    hash = Math.imul(hash ^ bytes[start + (length >> 1)]!, 0x01000193);
    hash = Math.imul(hash ^ bytes[start + ((length * 3) >> 2)]!, 0x01000193);
    hash = Math.imul(hash ^ bytes[start]!, 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

function startsWith(body: Uint8Array, start: number, prefix: Uint8Array): boolean {
  for (let at = 0; at < prefix.length; at++) if (body[start + at] !== prefix[at]) return false;
  return true;
}
