/** Builds OTLP logs requests for tests, in both encodings. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  attributeList,
  each,
  writeAttribute,
  writeValue,
  type Attributes,
  type JsonAttribute,
  type JsonValue,
} from "./request.ts";

export interface LogInput {
  timeUnixNano?: unknown;
  observedTimeUnixNano?: unknown;
  eventName?: string;
  traceId?: string;
  spanId?: string;
  body?: JsonValue;
  attributes?: Attributes;
}

type JsonRecord = Omit<LogInput, "attributes"> & { attributes: JsonAttribute[] };

export interface JsonLogs {
  resourceLogs: {
    resource: { attributes: JsonAttribute[] };
    scopeLogs: { scope: { name: string }; logRecords: JsonRecord[] }[];
  }[];
}

/** What a call of Claude Code's reports; `null` takes an attribute away. */
export function apiRequest(attributes: Attributes = {}, record: LogInput = {}): LogInput {
  const all = {
    "event.name": "api_request",
    "session.id": "session-1",
    "user.id": "ada",
    model: "claude-sonnet-4-5-20250929",
    input_tokens: 100,
    output_tokens: 20,
    cache_read_tokens: 300,
    cache_creation_tokens: 50,
    duration_ms: 1_500,
    ...attributes,
  };
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  return { body: { stringValue: "claude_code.api_request" }, ...record, attributes: kept };
}

export function logsRequest(
  records: LogInput[],
  { resource = { "service.name": "claude-code" } as Attributes, scope = "com.anthropic.claude_code.events" } = {},
): JsonLogs {
  const logRecords = records.map((record) => ({ ...record, attributes: attributeList(record.attributes ?? {}) }));
  const scopeLogs = [{ scope: { name: scope }, logRecords }];
  return { resourceLogs: [{ resource: { attributes: attributeList(resource) }, scopeLogs }] };
}

export function logsToProtobuf(request: JsonLogs): Uint8Array {
  const writer = new BinaryWriter();
  each(writer, 1, request.resourceLogs, (w, { resource, scopeLogs }) => {
    each(w, 1, [resource], (r, { attributes }) => each(r, 1, attributes, writeAttribute));
    each(w, 2, scopeLogs, (s, { scope, logRecords }) => {
      each(s, 1, [scope], (x, { name }) => x.tag(1, WireType.LengthDelimited).string(name));
      each(s, 2, logRecords, (x, record) => {
        if (record.timeUnixNano !== undefined) x.tag(1, WireType.Bit64).fixed64(String(record.timeUnixNano));
        x.tag(3, WireType.LengthDelimited).string("INFO");
        if (record.body) each(x, 5, [record.body], writeValue);
        each(x, 6, record.attributes, writeAttribute);
        x.tag(8, WireType.Bit32).fixed32(1);
        if (record.traceId !== undefined) x.tag(9, WireType.LengthDelimited).bytes(Buffer.from(record.traceId, "hex"));
        if (record.spanId !== undefined) x.tag(10, WireType.LengthDelimited).bytes(Buffer.from(record.spanId, "hex"));
        if (record.observedTimeUnixNano !== undefined)
          x.tag(11, WireType.Bit64).fixed64(String(record.observedTimeUnixNano));
        if (record.eventName !== undefined) x.tag(12, WireType.LengthDelimited).string(record.eventName);
      });
    });
  });
  return writer.finish();
}
