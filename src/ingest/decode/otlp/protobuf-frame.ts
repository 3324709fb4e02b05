/**
 * The frame that binary OTLP requests of every signal share: resources contain scopes, and scopes contain items. Every
 * message must end exactly where its length says.
 */
import { ApiError, malformedBody, tooManyItems } from "../../../errors.ts";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ItemRefused, unlessRefused } from "../item.ts";
import { noneKnown, readAttributes, type Source } from "./protobuf-attribute.ts";
import type { KeyReader } from "./protobuf-key.ts";
import { enter, leave, readString, skip } from "./protobuf-wire.ts";
import { NO_ATTRIBUTES, type Attributes, type SpanSource } from "../span/span.ts";

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
  items: (T | ItemRefused)[];
}

/**
 * Reads the items of a request. An item that is wrong becomes its refusal.
 *
 * @throws ApiError `invalid_body` if the body is not such a message.
 * @throws ApiError `body_too_large` if it has more than `maxItems` items.
 */
export function walkProtobuf<T>(body: Uint8Array, signal: Signal<T>): (T | ItemRefused)[] {
  const { readKey } = signal;
  const walk: Walk<T> = { body, reader: new BinaryReader(body), readKey, known: noneKnown(), signal, items: [] };
  try {
    readRequest(walk, body.length);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (error instanceof ItemRefused) throw malformedBody(error.message);
    throw malformedBody(`the body is not an OTLP ${signal.what} request in protobuf`);
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

/** The resource may come after the scopes in the body, so it is read in a pass of its own. */
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
      case 2: {
        if (items.length >= signal.maxItems) throw tooManyItems(signal.maxItems);
        const itemEnd = enter(reader, tag, end);
        items.push(unlessRefused(() => readItem(walk, itemEnd, from)));
        reader.pos = itemEnd;
        break;
      }
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
}

/** @throws ItemRefused for bytes that are no protobuf, too: the reader's own errors have no type. */
function readItem<T>(walk: Walk<T>, end: number, from: SpanSource): T {
  try {
    return walk.signal.readItem(walk, end, from);
  } catch (error) {
    if (error instanceof ItemRefused || error instanceof ApiError) throw error;
    throw new ItemRefused("the item is not valid protobuf");
  }
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
