/** Reads the records of a binary `ExportLogsServiceRequest`. */
import type { ItemRefused } from "../item.ts";
import type { LogRecord } from "../log/record.ts";
import { readAttribute, readId, readValue, type Source } from "./protobuf-attribute.ts";
import { walkProtobuf } from "./protobuf-frame.ts";
import type { KeyReader } from "./protobuf-key.ts";
import { enter, leave, readFixed64, readString, skip } from "./protobuf-wire.ts";
import type { AttributeValue, SpanSource } from "../span/span.ts";

/**
 * @throws ApiError `invalid_body` if the body is not such a message.
 * @throws ApiError `body_too_large` if it has more than `maxItems` records.
 */
export function readProtobufLogs(body: Uint8Array, readKey: KeyReader, maxItems: number): (LogRecord | ItemRefused)[] {
  return walkProtobuf(body, { what: "logs", readKey, maxItems, readItem: readRecord });
}

function readRecord(walk: Source, end: number, source: SpanSource): LogRecord {
  const { reader } = walk;
  const attributes = new Map<string, AttributeValue>();
  const record: LogRecord = {
    source,
    timeNs: 0n,
    observedNs: 0n,
    traceId: "",
    spanId: "",
    eventName: "",
    body: "",
    attributes,
  };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        record.timeNs = readFixed64(reader, tag);
        break;
      case 5: {
        const body = readValue(walk, enter(reader, tag, end), "body", 1);
        record.body = typeof body === "string" ? body : "";
        break;
      }
      case 6:
        readAttribute(walk, enter(reader, tag, end), attributes);
        break;
      case 9:
        record.traceId = readId(walk, tag, end);
        break;
      case 10:
        record.spanId = readId(walk, tag, end);
        break;
      case 11:
        record.observedNs = readFixed64(reader, tag);
        break;
      case 12:
        record.eventName = readString(reader, tag, end);
        break;
      default:
        skip(reader, tag);
    }
  }
  leave(reader, end);
  return record;
}
