/** Builds OTLP trace requests for tests, in both encodings. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect } from "vitest";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../../../src/ingest/decode/otlp/traces.ts";
import type { Decoded } from "../../../../src/ingest/decode/decoded.ts";
import type { Call } from "../../../../src/ledger/call.ts";

export const NOW = Date.UTC(2026, 10, 30);
export const START_NS = `${Date.UTC(2026, 10, 29)}000000`;
export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** `null` is an empty value, an object a map; whole numbers are integers. */
export type Attributes = Record<string, unknown>;

export interface SpanInput {
  spanId?: string;
  traceId?: string;
  parentSpanId?: string;
  startTimeUnixNano?: unknown;
  endTimeUnixNano?: unknown;
  status?: { code: number };
  attributes?: Attributes;
}

export interface RequestInput {
  resource?: Attributes;
  scope?: string;
  spans: SpanInput[];
}

export interface JsonValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values: JsonValue[] };
  kvlistValue?: { values: JsonAttribute[] };
}

export interface JsonAttribute {
  key: string;
  value: JsonValue;
}

type JsonSpan = Omit<Required<SpanInput>, "attributes" | "status" | "parentSpanId"> & {
  parentSpanId?: string;
  status?: { code: number };
  attributes: JsonAttribute[];
};

export interface JsonRequest {
  resourceSpans: {
    resource: { attributes: JsonAttribute[] };
    scopeSpans: { scope: { name: string }; spans: JsonSpan[] }[];
  }[];
}

/** A chat call of the current conventions, with some attributes changed. */
export function chat(attributes: Attributes = {}, span: SpanInput = {}): SpanInput {
  const defaults = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
  };
  return { ...span, attributes: { ...defaults, ...attributes } };
}

export function jsonRequest({ resource = {}, scope = "test", spans }: RequestInput): JsonRequest {
  const all = spans.map((span, index) => ({
    traceId: TRACE_ID,
    spanId: (index + 1).toString(16).padStart(16, "0"),
    startTimeUnixNano: START_NS,
    endTimeUnixNano: `${START_NS.slice(0, -9)}250000000`,
    ...span,
    attributes: attributeList(span.attributes ?? {}),
  }));
  const scopeSpans = [{ scope: { name: scope }, spans: all }];
  return { resourceSpans: [{ resource: { attributes: attributeList(resource) }, scopeSpans }] };
}

/** Both encodings of a request must say the same. */
export function decode(request: RequestInput): Decoded {
  const json = jsonRequest(request);
  const decoded = decodeOtlpJson(json, NOW);
  expect(decodeOtlpProtobuf(toProtobuf(json), NOW)).toEqual(decoded);
  return decoded;
}

/** The only trace of a request, which must have no errors. */
export function decodeOne(span: SpanInput, rest: Omit<RequestInput, "spans"> = {}): Call {
  const { calls, errors } = decode({ ...rest, spans: [span] });
  expect(errors).toEqual([]);
  expect(calls).toHaveLength(1);
  return calls[0]!;
}

export function attributeList(attributes: Attributes): JsonAttribute[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): JsonValue {
  if (value === null) return {};
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "bigint") return { intValue: String(value) };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: attributeList(value as Attributes) } };
}

type Write<T> = (writer: BinaryWriter, value: T) => unknown;

export function toProtobuf(request: JsonRequest): Uint8Array {
  const writer = new BinaryWriter();
  each(writer, 1, request.resourceSpans, (w, { resource, scopeSpans }) => {
    each(w, 1, [resource], (r, { attributes }) => each(r, 1, attributes, writeAttribute));
    each(w, 2, scopeSpans, (s, { scope, spans }) => {
      each(s, 1, [scope], (x, { name }) => x.tag(1, WireType.LengthDelimited).string(name));
      each(s, 2, spans, writeSpan);
    });
  });
  return writer.finish();
}

const writeSpan: Write<JsonSpan> = (writer, span) => {
  writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(span.traceId, "hex"));
  writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from(span.spanId, "hex"));
  if (span.parentSpanId) writer.tag(4, WireType.LengthDelimited).bytes(Buffer.from(span.parentSpanId, "hex"));
  writer.tag(5, WireType.LengthDelimited).string("name that is not read");
  writer.tag(7, WireType.Bit64).fixed64(String(span.startTimeUnixNano));
  writer.tag(8, WireType.Bit64).fixed64(String(span.endTimeUnixNano));
  each(writer, 9, span.attributes, writeAttribute);
  if (span.status) each(writer, 15, [span.status], (w, { code }) => w.tag(3, WireType.Varint).int32(code));
  writer.tag(16, WireType.Bit32).fixed32(257);
};

export const writeAttribute: Write<JsonAttribute> = (writer, { key, value }) => {
  writer.tag(1, WireType.LengthDelimited).string(key);
  each(writer, 2, [value], writeValue);
};

export const writeValue: Write<JsonValue> = (writer, value) => {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue } = value;
  if (stringValue !== undefined) writer.tag(1, WireType.LengthDelimited).string(stringValue);
  if (boolValue !== undefined) writer.tag(2, WireType.Varint).bool(boolValue);
  if (intValue !== undefined) writer.tag(3, WireType.Varint).int64(intValue);
  if (doubleValue !== undefined) writer.tag(4, WireType.Bit64).double(doubleValue);
  if (arrayValue) each(writer, 5, [arrayValue], (w, { values }) => each(w, 1, values, writeValue));
  if (kvlistValue) each(writer, 6, [kvlistValue], (w, { values }) => each(w, 1, values, writeAttribute));
};

export function each<T>(writer: BinaryWriter, field: number, values: readonly T[], write: Write<T>): void {
  for (const value of values) {
    writer.tag(field, WireType.LengthDelimited).fork();
    write(writer, value);
    writer.join();
  }
}
