/**
 * The benchmarks' calls as OTLP: a binary `ExportTraceServiceRequest`, one span a call, one resource an application.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Call } from "./calls.ts";

type Attributes = [name: string, value: unknown][];

export function otlpBody(calls: readonly Call[]): Uint8Array {
  const byResource = Map.groupBy(
    calls,
    ({ application, environment }) => `${String(application)} ${String(environment)}`,
  );
  const writer = new BinaryWriter();
  for (const [, [first = {}, ...rest]] of byResource) {
    nested(writer, 1, (resourceSpans) => {
      nested(resourceSpans, 1, (resource) =>
        writeAttributes(resource, 1, [
          ["service.name", first["application"]],
          ["deployment.environment.name", first["environment"]],
        ]),
      );
      nested(resourceSpans, 2, (scopeSpans) => {
        nested(scopeSpans, 1, (scope) => text(scope, 1, "bench"));
        for (const call of [first, ...rest]) nested(scopeSpans, 2, (span) => writeSpan(span, call));
      });
    });
  }
  return writer.finish();
}

function writeSpan(span: BinaryWriter, call: Call): void {
  const traceId = Buffer.from(String(call["trace_id"]), "hex");
  const startNs = BigInt(Date.parse(String(call["timestamp"]))) * 1_000_000n;
  const durationNs = BigInt(Math.round(Number(call["duration_ms"]) * 1_000)) * 1_000n;
  span.tag(1, WireType.LengthDelimited).bytes(traceId);
  span.tag(2, WireType.LengthDelimited).bytes(traceId.subarray(8));
  text(span, 5, `${String(call["operation"])} ${String(call["model"])}`);
  span.tag(7, WireType.Bit64).fixed64(String(startNs));
  span.tag(8, WireType.Bit64).fixed64(String(startNs + durationNs));
  writeAttributes(span, 9, [
    ["gen_ai.operation.name", call["operation"]],
    ["gen_ai.provider.name", call["provider"]],
    ["gen_ai.request.model", call["model"]],
    ["gen_ai.response.model", call["model"]],
    ["gen_ai.usage.input_tokens", call["input_tokens"]],
    ["gen_ai.usage.output_tokens", call["output_tokens"]],
    ["gen_ai.usage.cache_read.input_tokens", call["cache_read_tokens"]],
    ["user.id", call["user_id"]],
    ["gen_ai.conversation.id", call["session_id"]],
    ...Object.entries(call["tags"] as Record<string, string>).map(([name, value]): Attributes[number] => [
      `traceloop.association.properties.${name}`,
      value,
    ]),
  ]);
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: Attributes): void {
  for (const [name, value] of attributes) {
    nested(writer, field, (attribute) => {
      text(attribute, 1, name);
      nested(attribute, 2, (any) => {
        if (typeof value === "number") any.tag(3, WireType.Varint).int64(value);
        else text(any, 1, String(value));
      });
    });
  }
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function nested(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
