/**
 * How far a summary's export has come, as a text that callers hand back. It carries the range too, so that a download
 * without `from` and `to` goes on in the range that it began with.
 */
import { sha256Hex } from "../digest.ts";
import type { Period } from "../summary/query.ts";

/** The last line that is had already. */
export interface Position {
  /** Start of the interval's bucket; 0 without an interval. */
  bucketMs: number;
  /** The values grouped by, in the order asked; null for the calls without the label. */
  keys: (string | null)[];
  /** Of the lines of this group, from 0. */
  line: number;
}

export interface Cursor extends Period {
  position: Position;
}

/** @param question what the export was asked, in one canonical form: the cursor of another is none. */
export function cursorsFor(question: string, { fromMs, toMs }: Period): (position: Position) => string {
  const asked = sha256Hex(question);
  return ({ bucketMs, keys, line }) => {
    const payload = JSON.stringify([fromMs, toMs, bucketMs, line, keys]);
    return `${toBase64(payload)}.${digest(asked, payload)}`;
  };
}

/** What a cursor says, whatever the question; null when it is none. */
export function readCursor(text: string): Cursor | null {
  const [fromMs, toMs, bucketMs, line, keys] = fieldsOf(text.split(".")[0]!);
  const numbers = [fromMs, toMs, bucketMs, line];
  if (!numbers.every((n) => Number.isSafeInteger(n) && Math.abs(n as number) < 8.64e15)) return null;
  if (!Array.isArray(keys) || !keys.every(isKey)) return null;
  const position = { bucketMs, keys, line } as Position;
  return { fromMs: fromMs as number, toMs: toMs as number, position };
}

/** Postgres has no text with a NUL in it. */
function isKey(key: unknown): boolean {
  return key === null || (typeof key === "string" && !key.includes("\0"));
}

function fieldsOf(base64: string): unknown[] {
  try {
    const fields: unknown = JSON.parse(fromBase64(base64));
    return Array.isArray(fields) ? fields : [];
  } catch {
    return [];
  }
}

function digest(asked: string, payload: string): string {
  return sha256Hex(`${asked} ${payload}`).slice(0, 16);
}

function toBase64(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @throws when it is no base64url of UTF-8. */
function fromBase64(text: string): string {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
