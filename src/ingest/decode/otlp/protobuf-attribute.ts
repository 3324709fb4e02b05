/** Attributes in protobuf. Only the values that a rule reads are kept. All others are checked and skipped. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { ItemRefused } from "../item.ts";
import type { KeyReader } from "./protobuf-key.ts";
import { BIT64, enter, expectWire, leave, readString, skip, VARINT } from "./protobuf-wire.ts";
import { DOCUMENTS } from "../span/attributes.ts";
import { MAX_LIST, MAX_VALUE_DEPTH, type Attributes, type AttributeValue } from "../span/span.ts";

/** A body, the reader over it, and the reader of keys, which decides about the attributes to keep. */
export interface Source {
  body: Uint8Array;
  reader: BinaryReader;
  readKey: KeyReader;
  /** Attributes that were read, by `slotOf`. Most of a span's attributes are, to the byte, those of a span before it. */
  known: (KnownAttribute | undefined)[];
}

/** Where in the body an attribute is, and what it says. The key is null if no rule reads it. */
interface KnownAttribute {
  start: number;
  end: number;
  key: string | null;
  value: AttributeValue | null;
}

/** A power of two, so that a mask cuts a hash to a slot. */
const SLOTS = 256;
export const noneKnown = (): Source["known"] => Array<undefined>(SLOTS).fill(undefined);
/** Longer attributes are hardly repeated. */
const LONGEST_KNOWN = 128;

/** Reads the attributes of a message (a resource, a scope) that has them in `field`. */
export function readAttributes(source: Source, end: number, field: number): Attributes {
  const { reader } = source;
  const attributes = new Map<string, AttributeValue>();
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) readAttribute(source, enter(reader, tag, end), attributes);
    else skip(reader, tag);
  }
  leave(reader, end);
  return attributes;
}

export function readAttribute(source: Source, end: number, attributes: Map<string, AttributeValue>): void {
  const { body, reader, known } = source;
  const start = reader.pos;
  const slot = slotOf(body, start, end);
  const before = known[slot];
  if (before !== undefined && isRepeated(body, start, end, before)) {
    reader.pos = end;
    if (before.key !== null && before.value !== null) attributes.set(before.key, before.value);
    return;
  }
  const { key, value } = readPair(source, end);
  if (end - start <= LONGEST_KNOWN) known[slot] = { start, end, key, value };
  if (key !== null && value !== null) attributes.set(key, value);
}

/** A hash of the length and of the last bytes, in which attributes of one key differ. */
function slotOf(body: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = Math.max(start, end - 6); at < end; at++) hash = Math.imul(hash ^ body[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

function isRepeated(
  body: Uint8Array,
  start: number,
  end: number,
  { start: first, end: last }: KnownAttribute,
): boolean {
  if (last - first !== end - start) return false;
  // From the end, where they differ first.
  for (let i = end - start - 1; i >= 0; i--) if (body[start + i] !== body[first + i]) return false;
  return true;
}

function readPair(source: Source, end: number): Pick<KnownAttribute, "key" | "value"> {
  const { reader } = source;
  let key: string | null = null;
  let value: AttributeValue | null = null;
  let valueAt = -1;
  let valueEnd = -1;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1: {
        const keyEnd = enter(reader, tag, end);
        key = source.readKey(source.body, reader.pos, keyEnd);
        reader.pos = keyEnd;
        break;
      }
      case 2:
        valueEnd = enter(reader, tag, end);
        valueAt = key === null ? reader.pos : -1;
        value = readValue(source, valueEnd, key, 1);
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
  if (key !== null && valueAt >= 0) {
    // The value came before its key. This is rare, but protobuf allows any order.
    reader.pos = valueAt;
    value = readValue(source, valueEnd, key, 1);
    reader.pos = end;
  }
  return { key, value };
}

/** Reads an `AnyValue`. If the key is null, the value is only checked and skipped. */
export function readValue(source: Source, end: number, key: string | null, depth: number): AttributeValue | null {
  if (depth > MAX_VALUE_DEPTH)
    throw new ItemRefused(`an attribute value is nested deeper than ${MAX_VALUE_DEPTH} levels`, "too_deep");
  const { reader } = source;
  let value: AttributeValue | null = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        if (key === null) reader.pos = enter(reader, tag, end);
        else value = DOCUMENTS.has(key) ? readBytes(source, tag, end) : readString(reader, tag, end);
        break;
      case 2:
        expectWire(tag, VARINT);
        value = reader.bool();
        break;
      case 3:
        expectWire(tag, VARINT);
        value = integer(reader.int64());
        break;
      case 4:
        expectWire(tag, BIT64);
        value = reader.double();
        break;
      case 5:
        value = readList(source, enter(reader, tag, end), key, depth);
        break;
      case 6:
        skipMap(source, enter(reader, tag, end), depth);
        value = null;
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
  return value;
}

function readList(source: Source, end: number, key: string | null, depth: number): readonly string[] {
  const { reader } = source;
  const list: string[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) {
      const wanted = list.length < MAX_LIST ? key : null;
      const value = readValue(source, enter(reader, tag, end), wanted, depth + 1);
      if (wanted !== null && typeof value === "string") list.push(value);
    } else skip(reader, tag);
  }
  leave(reader, end);
  return list;
}

function skipMap(source: Source, end: number, depth: number): void {
  const { reader } = source;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 !== 1) {
      skip(reader, tag);
      continue;
    }
    const entryEnd = enter(reader, tag, end);
    while (reader.pos < entryEnd) {
      const entryTag = reader.uint32();
      if (entryTag >>> 3 === 2) readValue(source, enter(reader, entryTag, entryEnd), null, depth + 1);
      else skip(reader, entryTag);
    }
    leave(reader, entryEnd);
  }
  leave(reader, end);
}

function readBytes(source: Source, tag: number, end: number): Uint8Array {
  const stop = enter(source.reader, tag, end);
  const bytes = source.body.subarray(source.reader.pos, stop);
  source.reader.pos = stop;
  return bytes;
}

function integer(value: bigint | string): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

const HEX = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** A trace id or a span id, as lower-case hex. */
export function readId({ reader, body }: Source, tag: number, end: number): string {
  const stop = enter(reader, tag, end);
  // An id that is longer than any valid one is refused later by its length, so its other bytes are not needed.
  const length = Math.min(stop - reader.pos, 17);
  const codes = Array<number>(2 * length);
  for (let i = 0; i < length; i++) {
    const byte = body[reader.pos + i]!;
    codes[2 * i] = HEX[byte >> 4]!;
    codes[2 * i + 1] = HEX[byte & 15]!;
  }
  reader.pos = stop;
  return String.fromCharCode.apply(null, codes);
}
