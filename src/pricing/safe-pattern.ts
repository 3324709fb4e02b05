/**
 * Which regular expressions of a foreign catalogue may be run against model names. A backtracking engine tries each way
 * in which a pattern can match, so the ways are counted before it runs.
 */

const MAX_LENGTH = 200;
/** At most 2^20 ways, which take milliseconds. */
const MAX_WAYS_LOG2 = 20;
/** A name has up to 2^9 characters: so many ends has `.*`, and so many starts a pattern without `^`. */
const PER_REPETITION = 9;

const TOKEN = /\\[dDwWsSbB.^$*+?()[\]{}|/-]|\[\^?(?:\\.|[^\\\]])+\]|\(\?[:=!]|\{\d{1,3}(?:,\d{0,3})?\}|[\s\S]/gy;

/** Says why a pattern may not be run. Null if it may. */
export function problemOfPattern(pattern: string): string | null {
  if (pattern.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (!isRegExp(pattern)) return "is no regular expression";
  const waysLog2 = waysLog2Of(pattern);
  if (typeof waysLog2 === "string") return waysLog2;
  return waysLog2 > MAX_WAYS_LOG2 ? "could take too long" : null;
}

/** In how many ways a pattern that may be run can match one name, at most. */
export function waysOf(pattern: string): number {
  return 2 ** Number(waysLog2Of(pattern));
}

/** A text says why they cannot be counted. */
function waysLog2Of(pattern: string): number | string {
  let waysLog2 = pattern.startsWith("^") ? 0 : PER_REPETITION;
  let depth = 0;
  let previous = "";
  for (const [token] of pattern.matchAll(TOKEN)) {
    if (token.startsWith("(")) depth++;
    if (token === ")") depth--;
    if (token === "\\") return "has an escape that is not known here";
    if (token === "|") waysLog2 += depth === 0 ? PER_REPETITION : 1;
    const [least, most] = repetitionOf(token) ?? [1, 1];
    if (most > 1 && previous === ")") return "repeats a group";
    if (most !== least) waysLog2 += Math.min(PER_REPETITION, Math.ceil(Math.log2(most - least + 1)));
    previous = token;
  }
  return waysLog2;
}

/** How often a quantifier repeats what is before it. Null if the token is none. */
function repetitionOf(token: string): [least: number, most: number] | null {
  if (token === "*") return [0, Infinity];
  if (token === "+") return [1, Infinity];
  if (token === "?") return [0, 1];
  const [, least, comma, most] = /^\{(\d+)(,)?(\d*)\}$/.exec(token) ?? [];
  if (least === undefined) return null;
  return [Number(least), comma === undefined ? Number(least) : most === "" ? Infinity : Number(most)];
}

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}
