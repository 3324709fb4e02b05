/**
 * Decodes OTLP logs, protobuf or JSON. Coding agents report calls as logs (`log/emitters.ts`). All other records are
 * accepted and not stored.
 */
import type { Decoded } from "../decoded.ts";
import { decodeItems } from "../item.ts";
import { remembered } from "../remembered.ts";
import { LOG_ATTRIBUTES, LOG_PREFIXES, toLogCall } from "../log/emitters.ts";
import { DEFAULT_PERSONS } from "../span/context-attributes.ts";
import { keyReader } from "./protobuf-key.ts";
import { readJsonLogs } from "./logs-json.ts";
import { readProtobufLogs } from "./logs-protobuf.ts";

const readKey = keyReader(LOG_ATTRIBUTES, LOG_PREFIXES);
const isRead = remembered((name) => LOG_ATTRIBUTES.has(name) || LOG_PREFIXES.some((prefix) => name.startsWith(prefix)));

/**
 * @param body a decompressed `ExportLogsServiceRequest`.
 * @throws ApiError `invalid_body` if it is not one.
 * @throws ApiError `body_too_large` if it has more than `maxItems` records.
 */
export function decodeLogsProtobuf(
  body: Uint8Array,
  nowMs: number,
  maxItems = Infinity,
  persons = DEFAULT_PERSONS,
): Decoded {
  return decodeItems(readProtobufLogs(body, readKey, maxItems), (record) => toLogCall(record, { nowMs, persons }));
}

/**
 * @param value the parsed JSON of an `ExportLogsServiceRequest`.
 * @throws ApiError `invalid_body` if it does not have that shape.
 * @throws ApiError `body_too_large` if it has more than `maxItems` records.
 */
export function decodeLogsJson(value: unknown, nowMs: number, maxItems = Infinity, persons = DEFAULT_PERSONS): Decoded {
  return decodeItems(readJsonLogs(value, isRead, maxItems), (record) => toLogCall(record, { nowMs, persons }));
}
