import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { encodeExportResponse, encodeStatus } from "../../../../src/ingest/decode/otlp/response.ts";

describe("export response", () => {
  it("is empty when everything was taken", () => {
    expect(encodeExportResponse("protobuf", 0, "")).toEqual(new Uint8Array());
    expect(encodeExportResponse("json", 0, "")).toBe("{}");
  });

  it("counts what was rejected, as text in JSON", () => {
    expect(JSON.parse(encodeExportResponse("json", 2, "bad") as string)).toEqual({
      partialSuccess: { rejectedSpans: "2", errorMessage: "bad" },
    });
    expect(JSON.parse(encodeExportResponse("json", 2, "bad", "logs") as string)).toEqual({
      partialSuccess: { rejectedLogRecords: "2", errorMessage: "bad" },
    });
    // field 1: 7 bytes { field 1: 2, field 2: "bad" }
    const expected = Uint8Array.of(0x0a, 7, 0x08, 2, 0x12, 3, ...new TextEncoder().encode("bad"));
    expect(encodeExportResponse("protobuf", 2, "bad")).toEqual(expected);
  });
});

describe("status", () => {
  it("is a google.rpc.Status", () => {
    expect(JSON.parse(encodeStatus("json", 3, "no") as string)).toEqual({ code: 3, message: "no" });
    const reader = new BinaryReader(encodeStatus("protobuf", 3, "nö") as Uint8Array);
    expect([reader.tag(), reader.int32(), reader.tag(), reader.string()]).toEqual([[1, 0], 3, [2, 2], "nö"]);
    expect(reader.pos).toBe(reader.len);
  });
});
