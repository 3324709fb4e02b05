/** What OTLP/HTTP answers: export responses with 200, `google.rpc.Status` with everything else. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export type OtlpEncoding = "protobuf" | "json";

/** What JSON calls the count of what was refused; protobuf gives both the same number. */
const REJECTED = { traces: "rejectedSpans", logs: "rejectedLogRecords" } as const;

/**
 * The answer to an export: empty when all is well. Clients never retry what a partial success
 * rejects, so it counts only what will never be accepted.
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

/** @param code a gRPC status code, as 3 for an invalid argument */
export function encodeStatus(encoding: OtlpEncoding, code: number, message: string): Uint8Array | string {
  if (encoding === "json") return JSON.stringify({ code, message });
  const writer = new BinaryWriter();
  if (code !== 0) writer.tag(1, WireType.Varint).int32(code);
  if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
  return writer.finish();
}
