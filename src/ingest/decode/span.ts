/**
 * A span as both OTLP encodings are read into: only the attributes that some rule reads
 * (`span-attributes.ts`) are here, so prompts and completions are never copied.
 */
import type { ItemError } from "../trace.ts";

/**
 * Integers past 2^53 are kept as digits. A `Uint8Array` is a JSON document still in UTF-8: most are
 * never needed, see `documentOf`.
 */
export type AttributeValue = string | number | boolean | readonly string[] | Uint8Array;
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** What all spans of one instrumentation scope share. */
export interface SpanSource {
  resource: Attributes;
  scope: Attributes;
  scopeName: string;
}

export interface Span {
  source: SpanSource;
  /** Lower-case hex of whatever length was sent; checked when the span is stored. */
  traceId: string;
  spanId: string;
  parentId: string;
  /** Epoch nanoseconds, or null where what was sent is not a whole number. */
  startNs: bigint | null;
  endNs: bigint | null;
  /** OTLP status code: 0 unset, 1 ok, 2 error. */
  statusCode: number;
  attributes: Attributes;
}

export const STATUS_ERROR = 2;
/** Nested attribute values deeper than this make a body malformed. */
export const MAX_VALUE_DEPTH = 32;
/** Elements of a list attribute beyond this many are not read. */
export const MAX_LIST = 64;
export const NO_ATTRIBUTES: Attributes = new Map();

/** One span cannot be stored; the rest of its body can. */
export class SpanRefused extends Error {
  readonly code: ItemError["code"];

  constructor(code: ItemError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The first of `names` that holds text, or a number as text; empty text counts as missing. */
export function textOf(attributes: Attributes, names: readonly string[]): string | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
  }
  return null;
}

/** A list attribute, or a string that holds a JSON list: the strings in it. */
export function listOf(attributes: Attributes, name: string): readonly string[] {
  const value = attributes.get(name);
  if (typeof value === "string") {
    const parsed = value.startsWith("[") ? parseJson(value) : [value];
    return Array.isArray(parsed) ? parsed.filter((item) => typeof item === "string").slice(0, MAX_LIST) : [];
  }
  return Array.isArray(value) ? value : [];
}

/** An attribute that holds a JSON object as text, or a list of one object; null where it holds anything else. */
export function documentOf(attributes: Attributes, name: string): Record<string, unknown> | null {
  const value = attributes.get(name);
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  const parsed = typeof text === "string" ? parseJson(text) : null;
  return objectOrNull(Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed);
}

export function objectOrNull(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
