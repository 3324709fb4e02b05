/**
 * OTLP logs, protobuf or JSON, to the canonical form. Only Claude Code reports calls as logs; all other
 * records are accepted and not stored, also those that repeat a span (`gen_ai.client.inference.operation.details`).
 */
import type { Decoded } from "../trace.ts";
import { LOG_ATTRIBUTES, toClaudeCodeTrace } from "./claude-code.ts";
import { decodeItems } from "./item.ts";
import { keyReader } from "./otlp-protobuf-key.ts";
import { readJsonLogs } from "./otlp-logs-json.ts";
import { readProtobufLogs } from "./otlp-logs-protobuf.ts";

const readKey = keyReader(LOG_ATTRIBUTES);

/**
 * @param body a decompressed `ExportLogsServiceRequest`
 * @throws MalformedBody when it is not one
 * @throws TooManyItems when it has more than `maxItems` records
 */
export function decodeLogsProtobuf(body: Uint8Array, nowMs: number, maxItems = Infinity): Decoded {
  return decodeItems(readProtobufLogs(body, readKey, maxItems), (record) => toClaudeCodeTrace(record, nowMs));
}

/**
 * @param value the parsed JSON of an `ExportLogsServiceRequest`
 * @throws MalformedBody when it has not that shape
 * @throws TooManyItems when it has more than `maxItems` records
 */
export function decodeLogsJson(value: unknown, nowMs: number, maxItems = Infinity): Decoded {
  return decodeItems(readJsonLogs(value, LOG_ATTRIBUTES, maxItems), (record) => toClaudeCodeTrace(record, nowMs));
}
