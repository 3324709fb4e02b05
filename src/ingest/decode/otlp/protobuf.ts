/**
 * Reads the spans of a binary `ExportTraceServiceRequest`. Only the fields that the ledger needs are decoded. All
 * others are skipped by their length.
 */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { readAttribute, readId, type Source } from "./protobuf-attribute.ts";
import { walkProtobuf } from "./protobuf-frame.ts";
import { readKey } from "./protobuf-key.ts";
import { enter, expectWire, leave, readFixed64, skip, VARINT } from "./protobuf-wire.ts";
import type { ItemRefused } from "../item.ts";
import type { AttributeValue, Span, SpanSource } from "../span/span.ts";

/**
 * @throws ApiError `invalid_body` if the body is not such a message.
 * @throws ApiError `body_too_large` if it has more than `maxItems` spans.
 */
export function readProtobufSpans(body: Uint8Array, maxItems: number): (Span | ItemRefused)[] {
  return walkProtobuf(body, { what: "trace", readKey, maxItems, readItem: readSpan });
}

function readSpan(walk: Source, end: number, source: SpanSource): Span {
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
