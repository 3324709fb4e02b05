/**
 * A cursor names the last line of a summary's export that a caller has. Callers hand it back to get the lines after it.
 * It carries the range too, so a download that goes on without `from` and `to` keeps the range that it began with.
 */
import { sha256Hex } from "../digest.ts";
import type { Period } from "../summary/query.ts";

/** The place of the last line that the caller has. */
export interface Position {
  /** Start of the interval, epoch ms; 0 without an interval. */
  intervalMs: number;
  /** The values of `query.groupBy`, in its order. A null stands for the calls without the label. */
  keys: (string | null)[];
  /** The line's number among the lines of its group, from 0. */
  line: number;
}

export interface Cursor extends Period {
  position: Position;
}

/**
 * Makes the cursors of one export.
 *
 * @param question the export's parameters in one canonical form. The cursor of another question is refused.
 */
export function cursorsFor(question: string, { fromMs, toMs }: Period): (position: Position) => string {
  const asked = sha256Hex(question);
  return ({ intervalMs, keys, line }) => {
    const payload = JSON.stringify([fromMs, toMs, intervalMs, line, keys]);
    return `${toBase64(payload)}.${digest(asked, payload)}`;
  };
}

/** Reads a cursor without checking whether it belongs to the question; null if the text is no cursor. */
export function readCursor(text: string): Cursor | null {
  const [fromMs, toMs, intervalMs, line, keys] = fieldsOf(text.split(".")[0]!);
  const numbers = [fromMs, toMs, intervalMs, line];
  if (!numbers.every((n) => Number.isSafeInteger(n) && Math.abs(n as number) < 8.64e15)) return null;
  if (!Array.isArray(keys) || !keys.every(isKey)) return null;
  const position = { intervalMs, keys, line } as Position;
  return { fromMs: fromMs as number, toMs: toMs as number, position };
}

/** Postgres cannot store a NUL in a text, so no key contains one. */
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

/** @throws Error if the text is not UTF-8 in base64url. */
function fromBase64(text: string): string {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
