/** Reads the records of an `ExportLogsServiceRequest` in OTLP's JSON. */
import type { ItemRefused } from "../item.ts";
import type { LogRecord } from "../log/record.ts";
import { readAttributes, readId, readNanos, readValue, walkJson, type JsonObject } from "./json.ts";
import type { SpanSource } from "../span/span.ts";

/**
 * @throws ApiError `invalid_body` if the value does not have the shape of such a request.
 * @throws ApiError `body_too_large` if it has more than `maxItems` records.
 */
export function readJsonLogs(
  value: unknown,
  isRead: (name: string) => boolean,
  maxItems: number,
): (LogRecord | ItemRefused)[] {
  return walkJson(value, {
    path: ["resourceLogs", "scopeLogs", "logRecords"],
    isRead,
    maxItems,
    readItem: (record, source) => readRecord(record, source, isRead),
  });
}

function readRecord(record: JsonObject, source: SpanSource, isRead: (name: string) => boolean): LogRecord {
  const body = readValue(record["body"], true, 1);
  return {
    source,
    timeNs: readNanos(record["timeUnixNano"]),
    observedNs: readNanos(record["observedTimeUnixNano"]),
    traceId: readId(record["traceId"]),
    spanId: readId(record["spanId"]),
    eventName: typeof record["eventName"] === "string" ? record["eventName"] : "",
    body: typeof body === "string" ? body : "",
    attributes: readAttributes(record, isRead),
  };
}
