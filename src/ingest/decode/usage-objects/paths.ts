/** Members of usage objects by path, and those that no rule reads. */
import { MAX_TOKENS } from "../../../ledger/call.ts";
import type { Form, Paths } from "./form.ts";

export type Json = Record<string, unknown>;
/** A path, split into its keys. */
export type Keys = readonly string[];

export function objectOrNull(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

export function keysOf(paths: Paths = []): readonly Keys[] {
  return paths.map((path) => path.split("."));
}

export function valueAt(object: Json, keys: Keys): unknown {
  let value: unknown = object;
  for (const key of keys) {
    if (Array.isArray(value)) value = sumOf(value, key);
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) value = (value as Json)[key];
    else return undefined;
  }
  return value;
}

/** The sum of the entries of a list that are of one modality or time to live; undefined where none is. */
function sumOf(entries: readonly unknown[], key: string): number | undefined {
  let sum: number | undefined;
  for (const entry of entries) {
    const owner = objectOrNull(entry);
    if (owner === null || (memberOf(owner["modality"]) !== key && owner["ttl"] !== key)) continue;
    const held = owner["tokenCount"] ?? owner["token_count"] ?? owner["inputTokens"] ?? owner["input_tokens"];
    sum = (sum ?? 0) + (countOf(held) ?? 0);
  }
  return sum;
}

/** `MediaModality.AUDIO`, as Python prints it, and `audio` are `AUDIO`. */
function memberOf(modality: unknown): string | null {
  return typeof modality === "string" ? modality.slice(modality.lastIndexOf(".") + 1).toUpperCase() : null;
}

/** Null where there is no value, NaN where it is no count. */
export function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS ? (value as number) : NaN;
}

/** The count of one member: null where there is none, NaN where there is something else. */
export function countAt(object: Json, key: string): number | null {
  return Object.hasOwn(object, key) ? countOf(object[key]) : null;
}

const MOST_UNKNOWN = 20;
const LONGEST_NAME = 100;
const DEEPEST = 4;

export interface ReadPaths {
  leaves: ReadonlySet<string>;
  branches: readonly string[];
}

/** Every path that a form names, and `others`. Of a list that is read by its entries, the list itself. */
export function readPaths(form: Form, others: Paths): ReadPaths {
  const { marks, counts, add = {}, takeOff = {}, tiers = [], ambiguous = [], known = [] } = form;
  const { cachedParts = [], outputParts = [], turns, tools, searchContext, original, writeParts } = form;
  const tables = [counts, add, takeOff].flatMap((table) => Object.values(table).flat());
  const whole = [...marks, ...tables, ...tiers, ...ambiguous, ...known, ...others];
  const single = [turns?.path, tools?.used, searchContext, original];
  const named = [...whole, ...single.filter((path) => path !== undefined)].filter((path) => !path.endsWith("."));
  const lists = named.flatMap((path) => /^(.*)\.(?:[A-Z]+|\d+[mh])$/.exec(path)?.[1] ?? []);
  // An object that marks a form or a split is read by its members.
  const objects = new Set([...cachedParts, ...outputParts, ...(tools?.details ?? []), writeParts]);
  const read = new Set([...tables, ...lists, ...known]);
  return {
    leaves: new Set([...named, ...lists].filter((path) => !objects.has(path) || read.has(path))),
    branches: known.filter((path) => path.endsWith(".")),
  };
}

/** Names only: their values may be anything. Members that hold nothing have no effect, so they are not listed. */
export function unknownMembers(read: ReadPaths, object: Json): string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: string, depth: number): void => {
    if (value === null || value === undefined || found.length >= MOST_UNKNOWN || read.leaves.has(path)) return;
    if (read.branches.some((branch) => path.length + 1 >= branch.length && `${path}.`.startsWith(branch))) return;
    const inner = objectOrNull(value);
    if (inner !== null && depth < DEEPEST) {
      for (const key of Object.keys(inner)) walk(inner[key], path === "" ? key : `${path}.${key}`, depth + 1);
    } else if (path !== "" && path.length <= LONGEST_NAME && !/[\0\n]/.test(path) && path.isWellFormed()) {
      found.push(path);
    }
  };
  walk(object, "", 0);
  return found;
}
