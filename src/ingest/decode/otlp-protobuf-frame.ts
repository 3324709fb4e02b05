/**
 * The frame that binary OTLP requests of every signal share: resources, in them scopes, in them the
 * items. Every message must end exactly where its length says.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { MalformedBody, TooManyItems } from "./otlp-errors.ts";
import { readAttributes, type Source } from "./otlp-protobuf-attribute.ts";
import type { KeyReader } from "./otlp-protobuf-key.ts";
import { enter, leave, readString, skip } from "./otlp-protobuf-wire.ts";
import { NO_ATTRIBUTES, type Attributes, type SpanSource } from "./span.ts";

export interface Signal<T> {
  /** The signal's name in errors. */
  what: string;
  readKey: KeyReader;
  maxItems: number;
  /** Reads one item that stops at `end`. */
  readItem: (source: Source, end: number, from: SpanSource) => T;
}

interface Walk<T> extends Source {
  signal: Signal<T>;
  items: T[];
}

/**
 * @throws MalformedBody when the body is not such a message
 * @throws TooManyItems when it has more than `maxItems` items
 */
export function walkProtobuf<T>(body: Uint8Array, signal: Signal<T>): T[] {
  const walk: Walk<T> = { body, reader: new BinaryReader(body), readKey: signal.readKey, signal, items: [] };
  try {
    readRequest(walk, body.length);
  } catch (error) {
    if (error instanceof TooManyItems || error instanceof MalformedBody) throw error;
    throw new MalformedBody(`not an OTLP ${signal.what} request in protobuf`, { cause: error });
  }
  return walk.items;
}

function readRequest<T>(walk: Walk<T>, end: number): void {
  const { reader } = walk;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) readResourceItems(walk, enter(reader, tag, end));
    else skip(reader, tag);
  }
  leave(reader, end);
}

/** The resource may come after the scopes on the wire, so it is read first. */
function readResourceItems<T>(walk: Walk<T>, end: number): void {
  const { reader } = walk;
  const start = reader.pos;
  let resource = NO_ATTRIBUTES;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) resource = readAttributes(walk, enter(reader, tag, end), 1);
    else skip(reader, tag);
  }
  leave(reader, end);
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 2) readScopeItems(walk, enter(reader, tag, end), resource);
    else skip(reader, tag);
  }
}

function readScopeItems<T>(walk: Walk<T>, end: number, resource: Attributes): void {
  const { reader, items, signal } = walk;
  const from: SpanSource = { resource, scope: NO_ATTRIBUTES, scopeName: "" };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        readScope(walk, enter(reader, tag, end), from);
        break;
      case 2:
        if (items.length >= signal.maxItems) throw new TooManyItems(signal.maxItems);
        items.push(signal.readItem(walk, enter(reader, tag, end), from));
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
}

function readScope<T>(walk: Walk<T>, end: number, from: SpanSource): void {
  const { reader } = walk;
  const start = reader.pos;
  from.scope = readAttributes(walk, end, 3);
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) from.scopeName = readString(reader, tag, end);
    else skip(reader, tag);
  }
}
