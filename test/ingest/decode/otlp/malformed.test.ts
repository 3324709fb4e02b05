import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../../../src/ingest/decode/otlp/traces.ts";
import { chat, decode, jsonRequest, NOW, toProtobuf } from "./request.ts";

const malformed = expect.objectContaining({ name: "ApiError", code: "invalid_body" });
const tooMany = expect.objectContaining({ name: "ApiError", code: "body_too_large" });

const valid = toProtobuf(jsonRequest({ resource: { "service.name": "bot" }, spans: [chat({ "user.id": "ada" })] }));

const TOO_DEEP = { index: 0, code: "too_deep", message: "an attribute value is nested deeper than 32 levels" };

function field(number: number, value: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(value).finish();
}

/** The spans of a request that has one scope, as its fields. */
function spansOf(request: Uint8Array): Uint8Array {
  const at = Buffer.from(request).indexOf(field(1, Buffer.from("test"))) + 6;
  return request.subarray(at);
}

/** A value in `depth` lists. */
function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { inner: value };
  return value;
}

describe("protobuf bodies", () => {
  it("refuses a body cut off anywhere", () => {
    for (let length = 1; length < valid.length; length++) {
      expect(() => decodeOtlpProtobuf(valid.subarray(0, length), NOW), `${length} bytes`).toThrow(malformed);
    }
  });

  it("takes an empty body for a request without spans", () => {
    expect(decodeOtlpProtobuf(new Uint8Array(), NOW)).toMatchObject({ items: 0, calls: [], errors: [] });
  });

  it("fails on damaged bodies in one way only, or reads them", () => {
    const damage = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, (changes) => {
        const body = valid.slice();
        for (const [at, byte] of changes) body[at] = byte;
        try {
          expect(decodeOtlpProtobuf(body, NOW).items).toBeLessThanOrEqual(valid.length);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_body" });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses a known field with another wire type", () => {
    const body = new BinaryWriter().tag(1, WireType.Varint).uint32(7).finish();
    expect(() => decodeOtlpProtobuf(body, NOW)).toThrow(malformed);
  });

  it("refuses a message that runs past the one around it, though not past the body", () => {
    // ResourceSpans of 2 bytes, in which ScopeSpans claim 4; 4 more bytes follow.
    expect(() => decodeOtlpProtobuf(Uint8Array.of(0x0a, 2, 0x12, 4, 0x0a, 2, 0x0a, 0), NOW)).toThrow(malformed);
  });

  it("refuses a span with text that is not UTF-8", () => {
    const at = Buffer.from(valid).indexOf("ada");
    const body = valid.slice();
    body[at] = 0xff;
    const errors = [{ index: 0, code: "invalid", message: "the item is not valid protobuf" }];
    expect(decodeOtlpProtobuf(body, NOW)).toMatchObject({ items: 1, calls: [], errors });
  });

  const among = (bad: Uint8Array): Uint8Array => {
    const good = spansOf(toProtobuf(jsonRequest({ spans: [chat()] })));
    const spans = [good, field(2, bad), good];
    return field(1, field(2, Buffer.concat(spans)));
  };

  it.each([
    ["another wire type", Uint8Array.of(0x4d, 1, 2, 3, 4), "field 9 has wire type 5, not 2"],
    ["field number 0", Uint8Array.of(0x02, 0), "field number 0 is not allowed"],
    ["a field that runs past the span", Uint8Array.of(0x4a, 100), "a field runs past its message"],
    ["a number that runs past the span", Uint8Array.of(0x39, 1), "a field runs past its message"],
    ["a varint without an end", new Uint8Array(11).fill(0xff), "the item is not valid protobuf"],
    ["a group, closed or not", Uint8Array.of(0x9b, 6, 0x9c, 6), "field 99 is a group, which OTLP does not have"],
  ])("goes on behind a span with %s", (_, bad, message) => {
    const { items, calls, errors } = decodeOtlpProtobuf(among(bad), NOW);
    expect([items, calls.length, errors]).toEqual([3, 2, [{ index: 1, code: "invalid", message }]]);
  });

  it("reads no further than a span goes, however far its fields claim to", () => {
    // 5,000 spans, each with a text of 4 MiB that begins in it and ends behind all of them: UTF-8, as is its length.
    const text = Uint8Array.of(0x0a, 0xe1, 0x80, 0x80, 2);
    const span = field(2, field(9, Buffer.concat([field(1, Buffer.from("user.id")), field(2, text)])));
    const spans = Array.from({ length: 5_000 }, () => span);
    const body = field(1, field(2, Buffer.concat([...spans, field(3, new Uint8Array(4_194_401).fill(0x61))])));
    const began = performance.now();
    expect(decodeOtlpProtobuf(body, NOW).errors).toHaveLength(5_000);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("steps over unknown fields", () => {
    const unknown = new BinaryWriter()
      .tag(99, WireType.LengthDelimited)
      .string("new")
      .tag(98, WireType.Varint)
      .uint32(1);
    const body = Buffer.concat([unknown.finish(), valid]);
    expect(decodeOtlpProtobuf(body, NOW)).toEqual(decodeOtlpProtobuf(valid, NOW));
  });

  it("finds a value that comes before its key, and a resource after its spans", () => {
    const key = new BinaryWriter().tag(1, WireType.LengthDelimited).string("service.name").finish();
    const value = new BinaryWriter().tag(2, WireType.LengthDelimited).fork();
    value.tag(1, WireType.LengthDelimited).string("late").join();
    const resource = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
    resource
      .tag(1, WireType.LengthDelimited)
      .bytes(Buffer.concat([value.finish(), key]))
      .join();
    const spans = toProtobuf(jsonRequest({ spans: [chat()] })).subarray(1);
    const scopeSpans = spans.subarray(spans.indexOf(0x12));
    const body = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .bytes(Buffer.concat([scopeSpans, resource.finish()]));
    expect(decodeOtlpProtobuf(body.finish(), NOW).calls[0]!.application).toBe("late");
  });

  it("refuses attribute values nested deeper than 32, read or not", () => {
    for (const name of ["gen_ai.response.finish_reasons", "prompt"]) {
      const request = (depth: number) => toProtobuf(jsonRequest({ spans: [chat({ [name]: nested(depth) })] }));
      expect(decodeOtlpProtobuf(request(31), NOW).calls).toHaveLength(1);
      expect(decodeOtlpProtobuf(request(32), NOW)).toMatchObject({ items: 1, calls: [], errors: [TOO_DEEP] });
    }
  });
});

describe("JSON bodies", () => {
  it.each([
    ["null", null],
    ["a list", []],
    ["text", "resourceSpans"],
    ["resourceSpans that are no list", { resourceSpans: {} }],
  ])("refuses %s", (_, value) => {
    expect(() => decodeOtlpJson(value, NOW)).toThrow(malformed);
  });

  it("refuses attribute values nested deeper than 32", () => {
    const request = (depth: number) => jsonRequest({ spans: [chat({ prompt: nested(depth) })] });
    expect(decodeOtlpJson(request(31), NOW).calls).toHaveLength(1);
    expect(decodeOtlpJson(request(32), NOW)).toMatchObject({ items: 1, calls: [], errors: [TOO_DEEP] });
  });

  it("reads any JSON or refuses it in one way", () => {
    const keys = [
      "resourceSpans",
      "scopeSpans",
      "spans",
      "attributes",
      "key",
      "value",
      "intValue",
      "arrayValue",
      "traceId",
    ];
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom(null, 1, -1.5, true, "", "chat", "gen_ai.usage.input_tokens"),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie("json"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => {
        try {
          decodeOtlpJson(value, NOW);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_body" });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes ids in any case, integers as numbers or text, null for absent, and ignores unknown fields", () => {
    const request = jsonRequest({
      spans: [chat({}, { traceId: "0AF7651916CD43DD8448EB211C80319C", spanId: "00F067AA0BA902B7" })],
    });
    const span = request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
    Object.assign(span, {
      flags: 257,
      parentSpanId: null,
      status: null,
      links: [{}],
      startTimeUnixNano: Number(span.startTimeUnixNano),
    });
    span.attributes.find(({ key }) => key === "gen_ai.usage.input_tokens")!.value = { intValue: 100 };
    const { calls, errors } = decodeOtlpJson(request, NOW);
    expect(errors).toEqual([]);
    expect(calls[0]).toMatchObject({
      clientId: "0af7651916cd43dd8448eb211c80319c:00f067aa0ba902b7",
      parentId: null,
      inputTokens: 100,
    });
  });
});

describe("both", () => {
  it("goes on behind a span that nests too deep, but not behind such a resource", () => {
    const { calls, errors } = decode({ spans: [chat(), chat({ prompt: nested(40) }), chat()] });
    expect([calls.length, errors]).toEqual([2, [{ ...TOO_DEEP, index: 1 }]]);
    const request = jsonRequest({ resource: { deep: nested(40) }, spans: [chat()] });
    expect(() => decodeOtlpJson(request, NOW)).toThrow(malformed);
    expect(() => decodeOtlpProtobuf(toProtobuf(request), NOW)).toThrow(malformed);
  });

  it.each([
    ["null", null, "an element of spans must be an object"],
    ["an array", [], "an element of spans must be an object"],
    ["text for attributes", { attributes: "x" }, "attributes must be a list"],
    ["null among attributes", { attributes: [null] }, "an element of attributes must be an object"],
    ["text for a status", { status: "x" }, "status must be an object"],
    ["text for a list", { attributes: [{ value: { arrayValue: "x" } }] }, "arrayValue must be an object"],
    ["text for a map", { attributes: [{ value: { kvlistValue: { values: "x" } } }] }, "values must be a list"],
  ])("in JSON goes on behind %s", (_, bad, message) => {
    const request = jsonRequest({ spans: [chat(), {}, chat()] });
    (request.resourceSpans[0]!.scopeSpans[0]!.spans as unknown[])[1] = bad;
    const { items, calls, errors } = decodeOtlpJson(request, NOW);
    expect([items, calls.length, errors]).toEqual([3, 2, [{ index: 1, code: "invalid", message }]]);
  });

  it("reads empty values, maps and bytes without minding them", () => {
    const attributes = { "user.id": null, "session.id": { a: 1 }, "gen_ai.response.finish_reasons": [null, "stop", 1] };
    const { calls, errors } = decode({ spans: [chat(attributes)] });
    expect(errors).toEqual([]);
    expect(calls[0]).toMatchObject({ userId: null, sessionId: null, status: "ok" });
  });

  it("refuses more spans than allowed", () => {
    const request = jsonRequest({ spans: [chat(), {}, chat()] });
    expect(() => decodeOtlpJson(request, NOW, 2)).toThrow(tooMany);
    expect(() => decodeOtlpProtobuf(toProtobuf(request), NOW, 2)).toThrow(tooMany);
    expect(decodeOtlpJson(request, NOW, 3).items).toBe(3);
  });

  it("leaves prototypes alone", () => {
    const metadata = JSON.stringify({ constructor: "x", team: "search" }).replace("constructor", "__proto__");
    const attributes = { "metadata.__proto__": "x", "metadata.constructor": "y", __proto__hidden: "z", metadata };
    const { calls } = decode({ spans: [chat({ ...attributes, "openinference.span.kind": "LLM" })] });
    expect(Object.entries(calls[0]!.tags)).toEqual([["team", "search"]]);
    expect(Object.getPrototypeOf(calls[0]!.tags)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["team"]).toBeUndefined();
  });
});
