/** OTLP requests that are written as JSON, as the same message in protobuf: the fields that the benchmark sends. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type Json = Record<string, unknown>;
type Kind = "text" | "hex" | "fixed64" | "double" | "enum" | "any" | "attributes" | Message;
type Message = { readonly [field: string]: readonly [number: number, kind: Kind] };

const POINT: Message = { startTimeUnixNano: [2, "fixed64"], timeUnixNano: [3, "fixed64"] };
const ITEMS = {
  resourceSpans: {
    traceId: [1, "hex"],
    spanId: [2, "hex"],
    parentSpanId: [4, "hex"],
    name: [5, "text"],
    startTimeUnixNano: [7, "fixed64"],
    endTimeUnixNano: [8, "fixed64"],
    attributes: [9, "attributes"],
  },
  resourceLogs: {
    timeUnixNano: [1, "fixed64"],
    body: [5, "any"],
    attributes: [6, "attributes"],
    traceId: [9, "hex"],
    spanId: [10, "hex"],
    observedTimeUnixNano: [11, "fixed64"],
  },
  resourceMetrics: {
    name: [1, "text"],
    sum: [
      7,
      {
        dataPoints: [1, { ...POINT, asInt: [6, "fixed64"], asDouble: [4, "double"], attributes: [7, "attributes"] }],
        aggregationTemporality: [2, "enum"],
      },
    ],
    histogram: [
      9,
      {
        dataPoints: [1, { ...POINT, count: [4, "fixed64"], sum: [5, "double"], attributes: [9, "attributes"] }],
        aggregationTemporality: [2, "enum"],
      },
    ],
  },
} as const satisfies Record<string, Message>;

export type Signal = keyof typeof ITEMS;
/** The names of a signal's scopes and items. */
export const BELOW: Readonly<Record<Signal, readonly [scopes: string, items: string]>> = {
  resourceSpans: ["scopeSpans", "spans"],
  resourceLogs: ["scopeLogs", "logRecords"],
  resourceMetrics: ["scopeMetrics", "metrics"],
};

export function protobufOf(signal: Signal, request: Json): Uint8Array {
  const [scopes, items] = BELOW[signal];
  const writer = new BinaryWriter();
  write(writer, request, {
    [signal]: [
      1,
      {
        resource: [1, { attributes: [1, "attributes"] }],
        [scopes]: [2, { scope: [1, { name: [1, "text"] }], [items]: [2, ITEMS[signal]] }],
      },
    ],
  });
  return writer.finish();
}

function write(writer: BinaryWriter, message: Json, fields: Message): void {
  for (const [name, value] of Object.entries(message)) {
    const field = fields[name];
    if (field === undefined) throw new Error(`the benchmark's encoding has no field ${name}`);
    const [number, kind] = field;
    if (kind === "attributes") for (const attribute of value as Json[]) nested(writer, number, attribute, ATTRIBUTE);
    else if (kind === "any") nested(writer, number, value as Json, ANY);
    else if (typeof kind === "object")
      for (const part of (Array.isArray(value) ? value : [value]) as Json[]) nested(writer, number, part, kind);
    else scalar(writer, number, kind, value);
  }
}

function nested(writer: BinaryWriter, number: number, message: Json, fields: Message): void {
  writer.tag(number, WireType.LengthDelimited).fork();
  if (fields === ANY) writeAny(writer, message);
  else write(writer, message, fields);
  writer.join();
}

const ANY: Message = {};
const ATTRIBUTE: Message = { key: [1, "text"], value: [2, "any"] };

function writeAny(writer: BinaryWriter, { stringValue, intValue, doubleValue, boolValue }: Json): void {
  if (stringValue !== undefined) scalar(writer, 1, "text", stringValue);
  if (boolValue !== undefined) writer.tag(2, WireType.Varint).bool(boolValue as boolean);
  if (intValue !== undefined) writer.tag(3, WireType.Varint).int64(String(intValue));
  if (doubleValue !== undefined) scalar(writer, 4, "double", doubleValue);
}

function scalar(writer: BinaryWriter, number: number, kind: Kind, value: unknown): void {
  if (kind === "text") writer.tag(number, WireType.LengthDelimited).string(String(value));
  else if (kind === "hex") writer.tag(number, WireType.LengthDelimited).bytes(Buffer.from(String(value), "hex"));
  else if (kind === "fixed64") writer.tag(number, WireType.Bit64).fixed64(String(value));
  else if (kind === "double") writer.tag(number, WireType.Bit64).double(value as number);
  else writer.tag(number, WireType.Varint).int32(value as number);
}
