/** The answers of OTLP/HTTP: an export response with 200, a `google.rpc.Status` with every other status. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export type OtlpEncoding = "protobuf" | "json";

/** The name of the count of refused items in JSON. In protobuf all have the same field number. */
const REJECTED = { traces: "rejectedSpans", logs: "rejectedLogRecords", metrics: "rejectedDataPoints" } as const;

/**
 * The answer to an export. It is empty if no item was refused. Clients never retry the items that a partial success
 * rejects, so it counts only items that would be refused again.
 */
export function encodeExportResponse(
  encoding: OtlpEncoding,
  rejected: number,
  message: string,
  signal: keyof typeof REJECTED = "traces",
): Uint8Array | string {
  const partial = rejected > 0 || message !== "";
  if (encoding === "json") {
    const partialSuccess = { [REJECTED[signal]]: String(rejected), errorMessage: message };
    return JSON.stringify(partial ? { partialSuccess } : {});
  }
  const writer = new BinaryWriter();
  if (!partial) return writer.finish();
  writer.tag(1, WireType.LengthDelimited).fork();
  if (rejected > 0) writer.tag(1, WireType.Varint).int64(rejected);
  if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
  return writer.join().finish();
}

/** @param code a gRPC status code, e.g. 3 for an invalid argument. */
export function encodeStatus(encoding: OtlpEncoding, code: number, message: string): Uint8Array | string {
  if (encoding === "json") return JSON.stringify({ code, message });
  const writer = new BinaryWriter();
  if (code !== 0) writer.tag(1, WireType.Varint).int32(code);
  if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
  return writer.finish();
}
