/**
 * Reads the spans of a binary `ExportTraceServiceRequest`. It decodes the fields that the ledger
 * needs and steps over the rest by length; every message must end exactly where its length says.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { MalformedBody, TooManyItems } from "./otlp-errors.ts";
import { readAttribute, readAttributes, type Source } from "./otlp-protobuf-attribute.ts";
import { BIT64, enter, expectWire, leave, readString, skip, VARINT } from "./otlp-protobuf-wire.ts";
import { NO_ATTRIBUTES, type Attributes, type AttributeValue, type Span, type SpanSource } from "./span.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

interface Walk extends Source {
  spans: Span[];
  maxItems: number;
}

/**
 * @throws MalformedBody when the body is not such a message
 * @throws TooManyItems when it has more than `maxItems` spans
 */
export function readProtobufSpans(body: Uint8Array, maxItems: number): Span[] {
  const walk: Walk = { body, reader: new BinaryReader(body), spans: [], maxItems };
  try {
    readRequest(walk, body.length);
  } catch (error) {
    if (error instanceof TooManyItems || error instanceof MalformedBody) throw error;
    throw new MalformedBody("not an OTLP trace request in protobuf", { cause: error });
  }
  return walk.spans;
}

function readRequest(walk: Walk, end: number): void {
  const { reader } = walk;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) readResourceSpans(walk, enter(reader, tag, end));
    else skip(reader, tag);
  }
  leave(reader, end);
}

/** The resource may come after the scopes on the wire, so it is read first. */
function readResourceSpans(walk: Walk, end: number): void {
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
    if (tag >>> 3 === 2) readScopeSpans(walk, enter(reader, tag, end), resource);
    else skip(reader, tag);
  }
}

function readScopeSpans(walk: Walk, end: number, resource: Attributes): void {
  const { reader, spans } = walk;
  const source: SpanSource = { resource, scope: NO_ATTRIBUTES, scopeName: "" };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        readScope(walk, enter(reader, tag, end), source);
        break;
      case 2:
        if (spans.length >= walk.maxItems) throw new TooManyItems(walk.maxItems);
        spans.push(readSpan(walk, enter(reader, tag, end), source));
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
}

function readScope(walk: Walk, end: number, source: SpanSource): void {
  const { reader } = walk;
  const start = reader.pos;
  source.scope = readAttributes(walk, end, 3);
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) source.scopeName = readString(reader, tag, end);
    else skip(reader, tag);
  }
}

function readSpan(walk: Walk, end: number, source: SpanSource): Span {
  const { reader } = walk;
  const attributes = new Map<string, AttributeValue>();
  const span: Span = {
    source,
    traceId: "",
    spanId: "",
    parentId: "",
    startNs: 0n,
    endNs: 0n,
    statusCode: 0,
    attributes,
  };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        span.traceId = readId(walk, tag, end);
        break;
      case 2:
        span.spanId = readId(walk, tag, end);
        break;
      case 4:
        span.parentId = readId(walk, tag, end);
        break;
      case 7:
        span.startNs = readFixed64(reader, tag);
        break;
      case 8:
        span.endNs = readFixed64(reader, tag);
        break;
      case 9:
        readAttribute(walk, enter(reader, tag, end), attributes);
        break;
      case 15:
        span.statusCode = readStatus(reader, enter(reader, tag, end));
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
  return span;
}

function readStatus(reader: BinaryReader, end: number): number {
  let code = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 3) {
      expectWire(tag, VARINT);
      code = reader.int32();
    } else skip(reader, tag);
  }
  leave(reader, end);
  return code;
}

function readId(walk: Walk, tag: number, end: number): string {
  const stop = enter(walk.reader, tag, end);
  let hex = "";
  // An id longer than any valid one is refused later: its length is all that matters.
  for (let at = walk.reader.pos; at < Math.min(stop, walk.reader.pos + 17); at++) hex += HEX[walk.body[at]!]!;
  walk.reader.pos = stop;
  return hex;
}

function readFixed64(reader: BinaryReader, tag: number): bigint {
  expectWire(tag, BIT64);
  return BigInt(reader.fixed64());
}
