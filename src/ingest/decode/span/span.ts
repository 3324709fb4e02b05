/**
 * A span, read from either OTLP encoding. It has only the attributes that a rule reads (`attributes.ts`), so prompts
 * and completions are never copied.
 */
import { MAX_DEPTH, scanJson } from "../nesting.ts";
import { objectOrNull } from "../usage-objects/paths.ts";

/**
 * Integers past 2^53 are kept as digits. A `Uint8Array` is a JSON document in UTF-8. Most documents are never needed,
 * so `documentOf` decodes them.
 */
export type AttributeValue = string | number | boolean | readonly string[] | Uint8Array;
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** The attributes that all spans of one instrumentation scope share. */
export interface SpanSource {
  resource: Attributes;
  scope: Attributes;
  scopeName: string;
}

export interface Span {
  source: SpanSource;
  /** Lower-case hex, in the length that was sent. The length is checked when the span becomes a call. */
  traceId: string;
  spanId: string;
  parentId: string;
  /** Epoch nanoseconds. Null if the value is not a whole number. */
  startNs: bigint | null;
  endNs: bigint | null;
  /** OTLP status code: 0 unset, 1 ok, 2 error. */
  statusCode: number;
  attributes: Attributes;
}

export const STATUS_ERROR = 2;
/** An item is refused if an attribute value is nested deeper than this. */
export const MAX_VALUE_DEPTH = 32;
/** The number of elements of a list attribute that are read. */
export const MAX_LIST = 64;
export const NO_ATTRIBUTES: Attributes = new Map();

/** The first of `names` that holds text, or a number as text. Empty text counts as missing. */
export function textOf(attributes: Attributes, names: readonly string[]): string | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
  }
  return null;
}

/** The user, as the first of the names tells it. Some programs that know none say `unknown`, such as opencode. */
export function personOf(attributes: Attributes, names: readonly string[]): string | null {
  const person = textOf(attributes, names);
  if (person !== NO_PERSON) return person;
  return textOf(
    attributes,
    names.filter((name) => attributes.get(name) !== NO_PERSON),
  );
}
const NO_PERSON = "unknown";

/** The strings in a list attribute, or in a text that holds a JSON list. */
export function listOf(attributes: Attributes, name: string): readonly string[] {
  const value = attributes.get(name);
  if (typeof value === "string") {
    const parsed = value.startsWith("[") ? parseJson(value) : [value];
    return Array.isArray(parsed) ? parsed.filter((item) => typeof item === "string").slice(0, MAX_LIST) : [];
  }
  return Array.isArray(value) ? value : [];
}

/** The JSON object that an attribute holds as text, alone or in a list of one. Null for any other value. */
export function documentOf(attributes: Attributes, name: string): Record<string, unknown> | null {
  const value = attributes.get(name);
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  const parsed = typeof text === "string" ? parseJson(text) : null;
  return objectOrNull(Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed);
}

function parseJson(text: string): unknown {
  try {
    return scanJson(text).depth > MAX_DEPTH ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
