/** Values out of files that anyone may have written: absent where they are not what is expected. */
import { MAX_TOKENS } from "../../../src/ledger/call.ts";
import type { Values } from "../row-to-trace.ts";

export function objectAt(value: unknown, ...path: readonly string[]): Values | undefined {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Values)[name];
  }
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Values) : undefined;
}

const MAX_TEXT = 256;

/** Text that can be an id or a name. */
export function textAt(owner: Values | undefined, name: string): string | undefined {
  const value = owner?.[name];
  const isName = typeof value === "string" && value !== "" && value.length <= MAX_TEXT;
  return isName && value.isWellFormed() && !/\p{Cc}/u.test(value) ? value : undefined;
}

/** An id, which is never a path or a sentence. */
export function idAt(owner: Values | undefined, name: string): string | undefined {
  const value = textAt(owner, name);
  return value !== undefined && /^[\w.:@+=~-]+$/.test(value) ? value : undefined;
}

/** An RFC 3339 time, or epoch milliseconds. */
export function timeAt(owner: Values | undefined, name: string): number | undefined {
  const value = owner?.[name];
  const ms = typeof value === "string" ? Date.parse(value) : typeof value === "number" ? Math.floor(value) : Number.NaN;
  return Number.isFinite(ms) && ms > 0 && ms < MAX_MS ? ms : undefined;
}

const MAX_MS = 8.64e15;

/** A count is told apart from one that is not told (undefined) and from one that cannot be true (NaN). */
export function countAt(owner: Values | undefined, name: string): number | undefined {
  const value = owner?.[name];
  if (value === undefined || value === null) return undefined;
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS ? value : Number.NaN;
}

/** Dollars as text, because a float may have more decimals than the ledger keeps. */
export function usdAt(owner: Values | undefined, name: string): string | undefined {
  const value = owner?.[name];
  return typeof value === "number" && value >= 0 && value < 1e6 ? value.toFixed(12) : undefined;
}

export function sumOf(...counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

/** The last part of a folder or of a repository's address: never the path to it. */
export function lastPart(path: string | undefined): string | undefined {
  const part = path
    ?.replace(/[/\\]+$/, "")
    .split(/[/\\:]/)
    .at(-1)
    ?.replace(/\.git$/, "");
  return part === "" ? undefined : part;
}
