/**
 * Reads the spans of an `ExportTraceServiceRequest` in OTLP's JSON. Ids are hex in any case. 64-bit integers are
 * strings or numbers. Null counts as left out. Unknown fields are ignored.
 */
import { malformedBody, tooManyItems } from "../../../errors.ts";
import { ItemRefused, unlessRefused } from "../item.ts";
import { isRead } from "../span/attributes.ts";
import {
  MAX_LIST,
  MAX_VALUE_DEPTH,
  STATUS_ERROR,
  type Attributes,
  type AttributeValue,
  type Span,
  type SpanSource,
} from "../span/span.ts";
import { objectOrNull } from "../usage-objects/paths.ts";

export type JsonObject = Record<string, unknown>;

/** The place of the items in a signal's request, and the function that reads one. */
export interface JsonSignal<T> {
  path: readonly [resources: string, scopes: string, items: string];
  isRead: (name: string) => boolean;
  maxItems: number;
  readItem: (item: JsonObject, from: SpanSource) => T;
}

/**
 * @throws ApiError `invalid_body` if the value does not have the shape of such a request.
 * @throws ApiError `body_too_large` if it has more than `maxItems` spans.
 */
export function readJsonSpans(value: unknown, maxItems: number): (Span | ItemRefused)[] {
  return walkJson(value, {
    path: ["resourceSpans", "scopeSpans", "spans"],
    isRead,
    maxItems,
    readItem: readSpan,
  });
}

/**
 * Walks the frame that requests of every signal share. It throws as `readJsonSpans` does. An item that is wrong becomes
 * its refusal.
 */
export function walkJson<T>(value: unknown, signal: JsonSignal<T>): (T | ItemRefused)[] {
  try {
    return walk(value, signal);
  } catch (error) {
    throw error instanceof ItemRefused ? malformedBody(error.message) : error;
  }
}

function walk<T>(value: unknown, { path, isRead, maxItems, readItem }: JsonSignal<T>): (T | ItemRefused)[] {
  const items: (T | ItemRefused)[] = [];
  for (const ofResource of list(object(value, "the body"), path[0])) {
    const resource = readAttributes(part(ofResource, "resource"), isRead);
    for (const ofScope of list(ofResource, path[1])) {
      const scope = part(ofScope, "scope");
      const scopeName = typeof scope["name"] === "string" ? scope["name"] : "";
      const from: SpanSource = { resource, scope: readAttributes(scope, isRead), scopeName };
      for (const item of array(ofScope, path[2])) {
        if (items.length >= maxItems) throw tooManyItems(maxItems);
        items.push(unlessRefused(() => readItem(object(item, `an element of ${path[2]}`), from)));
      }
    }
  }
  return items;
}

function readSpan(span: JsonObject, source: SpanSource): Span {
  return {
    source,
    traceId: readId(span["traceId"]),
    spanId: readId(span["spanId"]),
    parentId: readId(span["parentSpanId"]),
    startNs: readNanos(span["startTimeUnixNano"]),
    endNs: readNanos(span["endTimeUnixNano"]),
    statusCode: readStatus(part(span, "status")["code"]),
    attributes: readAttributes(span, isRead),
  };
}

export function readAttributes(owner: JsonObject, isRead: (name: string) => boolean): Attributes {
  const attributes = new Map<string, AttributeValue>();
  for (const sent of array(owner, "attributes")) {
    const { key, value: any } = object(sent, "an element of attributes");
    const value = readValue(any, typeof key === "string" && isRead(key), 1);
    if (typeof key === "string" && value !== null) attributes.set(key, value);
  }
  return attributes;
}

/** Reads an `AnyValue`. One that is not wanted is only checked for its depth. */
export function readValue(any: unknown, wanted: boolean, depth: number): AttributeValue | null {
  if (depth > MAX_VALUE_DEPTH)
    throw new ItemRefused(`an attribute value is nested deeper than ${MAX_VALUE_DEPTH} levels`, "too_deep");
  const value = objectOrNull(any);
  if (value === null) return null;
  const { stringValue, intValue, doubleValue, boolValue } = value;
  if (typeof stringValue === "string") return wanted ? stringValue : null;
  if (intValue !== undefined && intValue !== null) return wanted ? readInteger(intValue) : null;
  if (doubleValue !== undefined && doubleValue !== null) return wanted ? readDouble(doubleValue) : null;
  if (typeof boolValue === "boolean") return wanted ? boolValue : null;
  if (value["arrayValue"]) {
    const items: string[] = [];
    const { values } = part(value, "arrayValue");
    for (const item of Array.isArray(values) ? values : []) {
      const kept = readValue(item, wanted && items.length < MAX_LIST, depth + 1);
      if (typeof kept === "string") items.push(kept);
    }
    return wanted ? items : null;
  }
  if (value["kvlistValue"]) {
    for (const entry of list(part(value, "kvlistValue"), "values")) readValue(entry["value"], false, depth + 1);
  }
  return null;
}

/** Digits become a number if it holds them exactly. Any other value is left to the rule that reads it. */
function readInteger(value: unknown): AttributeValue {
  if (typeof value === "string") {
    const number = digitsOf(value) ?? (/^-?\d+$/.test(value) ? Number(value) : NaN);
    return Number.isSafeInteger(number) ? number : value;
  }
  return typeof value === "number" || typeof value === "boolean" ? value : "";
}

/** Most integers are counts of a few digits. Null for any other text. */
function digitsOf(text: string): number | null {
  if (text.length === 0 || text.length > 9) return null;
  let number = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return null;
    number = number * 10 + digit;
  }
  return number;
}

/** Protobuf writes doubles that JSON lacks as strings. */
function readDouble(value: unknown): AttributeValue {
  return typeof value === "number" ? value : Number.NaN;
}

export function readId(value: unknown): string {
  return typeof value === "string" && value.length <= 64 ? value.toLowerCase() : "";
}

export function readNanos(value: unknown): bigint | null {
  if (value === undefined || value === null) return 0n;
  if (typeof value === "string") return /^\d{1,20}$/.test(value) ? BigInt(value) : null;
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 64 ? BigInt(value) : null;
}

function readStatus(code: unknown): number {
  return code === STATUS_ERROR || code === "STATUS_CODE_ERROR" ? STATUS_ERROR : 0;
}

function object(value: unknown, what: string): JsonObject {
  const found = objectOrNull(value);
  if (found === null) throw new ItemRefused(`${what} must be an object`);
  return found;
}

function part(owner: JsonObject, name: string): JsonObject {
  const value = owner[name];
  return value === undefined || value === null ? {} : object(value, name);
}

export function list(owner: JsonObject, name: string): JsonObject[] {
  return array(owner, name).map((item) => object(item, `an element of ${name}`));
}

function array(owner: JsonObject, name: string): unknown[] {
  const value = owner[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ItemRefused(`${name} must be a list`);
  return value;
}
