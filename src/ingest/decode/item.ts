/** The parts that all decoders share: the loop over items, and the checks that the ledger can store a value. */
import { contradiction } from "../../ledger/buckets.ts";
import { type Call, type Doubt, MAX_TEXT, NO_USAGE, type Usage, withinLedgerTime } from "../../ledger/call.ts";
import type { Decoded, ItemError } from "./decoded.ts";
import { TOO_DEEP } from "./json.ts";
import { MAX_DEPTH } from "./nesting.ts";

/** One item cannot be stored. The other items of its body can. */
export class ItemRefused extends Error {
  override name = "ItemRefused";
  readonly code: ItemError["code"];

  constructor(message: string, code: ItemError["code"] = "invalid") {
    super(message);
    this.code = code;
  }
}

/**
 * Decodes items one by one. An item that is refused becomes an error, and the others go on.
 *
 * @param items an `ItemRefused` stands for an item that was already found to be wrong.
 * @param decode returns null for an item that is not a call, and throws `ItemRefused` for an item that is wrong.
 */
export function decodeItems<T>(items: readonly (T | ItemRefused)[], decode: (item: T) => Call | null): Decoded {
  const calls: Call[] = [];
  const indexes: number[] = [];
  const errors: ItemError[] = [];
  for (let index = 0; index < items.length; index++) {
    try {
      const item = items[index]!;
      if (item instanceof ItemRefused) throw item;
      const call = decode(item);
      if (call === null) continue;
      calls.push(call);
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof ItemRefused)) throw error;
      errors.push({ index, code: error.code, message: error.message });
    }
  }
  return { items: items.length, calls, indexes, errors };
}

/** Returns what `read` returns. If it refuses the item, returns that instead of throwing it. */
export function unlessRefused<T>(read: () => T): T | ItemRefused {
  try {
    return read();
  } catch (error) {
    if (error instanceof ItemRefused) return error;
    throw error;
  }
}

/**
 * Takes an item that is a JSON object.
 *
 * @param value from `itemsOf` or `parseLines`, which find deep nesting.
 * @throws ItemRefused for any other value, and for field names that JavaScript treats specially.
 */
export function objectItem(value: unknown, what: string): Record<string, unknown> {
  if (value === TOO_DEEP) throw new ItemRefused(`the item is nested deeper than ${MAX_DEPTH} levels`, "too_deep");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ItemRefused(`${what} must be a JSON object`);
  if (Object.hasOwn(value, "__proto__") || Object.hasOwn(value, "constructor"))
    throw new ItemRefused("__proto__ and constructor are not allowed as field names");
  return value as Record<string, unknown>;
}

/**
 * Reads a text field. Null if it is left out or empty.
 *
 * @throws ItemRefused for any other value, and for text that cannot be stored.
 */
export function textField(owner: Record<string, unknown>, field: string): string | null {
  const value = owner[field];
  if (value === undefined || value === null || value === "") return null;
  if (typeof value !== "string") throw new ItemRefused(`${field} must be a string`);
  return keptText(value, field);
}

/**
 * Reads a text field that must be there.
 *
 * @throws ItemRefused as `textField` does, and if the field is left out or empty.
 */
export function requiredField(owner: Record<string, unknown>, field: string): string {
  const value = textField(owner, field);
  if (value === null) throw new ItemRefused(`${field} is required`);
  return value;
}

/** @throws ItemRefused if the text is too long, or if Postgres cannot store it. */
export function keptText(value: string, what: string): string {
  if (value.length > MAX_TEXT) throw new ItemRefused(`${what} is longer than ${MAX_TEXT} characters`);
  if (value.includes("\0") || !value.isWellFormed())
    throw new ItemRefused(`${what} must not contain a NUL or half a surrogate pair`);
  return value;
}

/** Emitters' ids as they are stored, one a line. One that cannot be stored is left out, and its call is kept. */
export function keptIds(ids: readonly string[]): readonly string[] {
  return ids.every(isStorableId) ? ids : ids.filter(isStorableId);
}

function isStorableId(id: string): boolean {
  return id !== "" && id.length <= MAX_TEXT && !id.includes("\0") && !id.includes("\n") && id.isWellFormed();
}

/** A request id of any other form may be an application's own. That names many calls, so it joins none. */
export function isProvidersRequest(id: string): boolean {
  return /^req_[A-Za-z0-9]{16,}$/.test(id);
}

/** How a usage was read, and what makes it doubtful. */
export interface Reading {
  usage: Usage;
  semantics: string;
  doubt: Doubt | null;
}

/**
 * A provider's, gateway's or span's usage. If its parts contradict each other, only the totals are certain; the call is
 * kept with these, and has no cost.
 *
 * @throws ItemRefused if a total is out of range.
 */
export function readingOf(usage: Usage, semantics: string, ambiguous: string | null = null): Reading {
  const wrong = contradiction(usage);
  if (wrong === null) {
    if (ambiguous === null) return { usage, semantics, doubt: null };
    return { usage, semantics: `${semantics}; ambiguous: ${ambiguous}`, doubt: "usage_ambiguous" };
  }
  const { inputTokens, outputTokens } = usage;
  const totals = keptUsage({ ...NO_USAGE, inputTokens, outputTokens });
  return { usage: totals, semantics: `${semantics}; contradictory: ${wrong}`, doubt: "usage_contradictory" };
}

/** @throws ItemRefused where counts contradict each other, or a sum has left their range. */
export function keptUsage(usage: Usage): Usage {
  const wrong = contradiction(usage);
  if (wrong !== null) throw new ItemRefused(wrong);
  return usage;
}

/** @throws ItemRefused if the ledger does not accept this start. */
export function keptStart(startedAtMs: number, nowMs: number, what: string): number {
  if (withinLedgerTime(startedAtMs, nowMs)) return startedAtMs;
  throw new ItemRefused(`${what} is before 2020 or more than 5 minutes in the future`, "timestamp_range");
}

/** Makes a text storable that only people read: cuts it, and replaces characters that cannot be stored. */
export function cleanText(value: string, maxLength = MAX_TEXT): string {
  if (value.length <= maxLength && !value.includes("\0") && value.isWellFormed()) return value;
  return value.slice(0, maxLength).toWellFormed().replaceAll("\0", "\ufffd");
}
