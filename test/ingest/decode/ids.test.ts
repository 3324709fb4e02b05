/** The ids by which reports of one call are known: which fields and attributes give one, and which never do. */
import { describe, expect, it } from "vitest";
import { evidenceOf } from "../../../src/ingest/decode/evidence.ts";
import { decodeLitellm } from "../../../src/ingest/decode/litellm.ts";
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import { readJsonSpans } from "../../../src/ingest/decode/otlp/json.ts";
import { decodeSpans } from "../../../src/ingest/decode/otlp/traces.ts";

const NOW = Date.UTC(2026, 2, 10);
const AT = Date.UTC(2026, 2, 9);
const REQUEST = "req_011CQ5h6tWzLhCXyzAbCdEfG";

describe("native", () => {
  const read = (fields: object) => decodeNative([{ id: "a", timestamp: AT, model: "gpt-4o", ...fields }], NOW);
  const ids = (fields: object) => read(fields).calls[0]?.otherIds;
  const refusal = (fields: object) => read(fields).errors[0]?.message;

  it("takes a provider's request id, and other ids", () => {
    expect(ids({ request_id: REQUEST, other_ids: ["a", "", "b"] })).toEqual([REQUEST, "a", "b"]);
    expect(ids({ request_id: null, other_ids: null })).toEqual([]);
  });

  it.each(["42", "req-1", "req_1", "6f1c2a9e-8f9b-4f5e-9d34-2f0d4c1b7a11", `${REQUEST}/2`])(
    "joins nothing by the request id %s, which may be an application's own",
    (request_id) => expect(ids({ request_id })).toEqual([]),
  );

  it("refuses what is no list of at most four texts", () => {
    const not = "other_ids must be a list of at most 4 texts";
    for (const other_ids of ["a", 1, {}, [1], [null], ["a", "b", "c", "d", "e"]])
      expect(refusal({ other_ids })).toBe(not);
    expect(refusal({ other_ids: ["a\nb"] })).toBe("other_ids must not contain a line break");
    expect(refusal({ other_ids: ["x".repeat(513)] })).toBe("other_ids is longer than 512 characters");
    expect(refusal({ request_id: 7 })).toBe("request_id must be a string");
  });
});

describe("LiteLLM", () => {
  const ids = (headers: unknown, more: object = {}) =>
    decodeLitellm(
      [
        {
          id: "chatcmpl-abcdef",
          startTime: AT / 1_000,
          model: "gpt-4o",
          hidden_params: { additional_headers: headers },
          ...more,
        },
      ],
      NOW,
    ).calls[0]!.otherIds;

  it("takes the provider's request id from the headers of its answer", () => {
    expect(ids({ "llm_provider-request-id": REQUEST })).toEqual([REQUEST]);
    expect(ids({ "llm_provider-x-request-id": REQUEST })).toEqual([REQUEST]);
    expect(ids({ "llm_provider-x-amzn-requestid": "0b7e" })).toEqual(["0b7e"]);
  });

  it("takes no id that an application may have given, and none that is no text", () => {
    expect(ids({ "llm_provider-x-request-id": "my-page-view-7" })).toEqual([]);
    expect(ids({ "llm_provider-request-id": 7 }, { request_id: REQUEST })).toEqual([]);
    expect(ids({ "llm_provider-request-id": "x".repeat(513) })).toEqual([]);
    expect(ids(null)).toEqual([]);
  });
});

describe("spans", () => {
  const value = (of: string | string[]) =>
    typeof of === "string"
      ? { stringValue: of }
      : { arrayValue: { values: of.map((text) => ({ stringValue: text })) } };
  const ids = (attributes: Record<string, string | string[]>) => {
    const all = { "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-haiku-4-5", ...attributes };
    const span = {
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      spanId: "00f067aa0ba902b7",
      name: "chat",
      startTimeUnixNano: `${AT}000000`,
      endTimeUnixNano: `${AT + 1_000}000000`,
      attributes: Object.entries(all).map(([key, of]) => ({ key, value: value(of) })),
    };
    const body = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
    return decodeSpans(readJsonSpans(body, Infinity), NOW).calls[0]!.otherIds;
  };

  it.each([
    "anthropic.request.id",
    "aws.request.id",
    "aws.request_id",
    "http.request.header.x-client-request-id",
    "http.request.header.x_client_request_id",
  ])("take %s, as text or as a header's list", (name) => {
    expect(ids({ [name]: REQUEST })).toEqual([REQUEST]);
    expect(ids({ [name]: [REQUEST] })).toEqual([REQUEST]);
  });

  it.each(["request_id", "request.id", "http.request.header.x-request-id", "client_request_id"])(
    "take no %s, which may be an application's own",
    (name) => expect(ids({ [name]: REQUEST })).toEqual([]),
  );

  it("leave out an id that cannot be stored, and keep the call", () => {
    expect(ids({ "aws.request.id": "x".repeat(513) })).toEqual([]);
    expect(ids({ "aws.request.id": "a\nb" })).toEqual([]);
    expect(ids({ "aws.request.id": "a\u0000b" })).toEqual([]);
  });
});

describe("evidence", () => {
  const share = (a: string[], b: string[]) => a.some((id) => b.includes(id));
  const at = (endedAtMs: number, conversation = "c", counts: (number | null)[] = [1, 2]) =>
    evidenceOf("codex", conversation, counts, endedAtMs);

  it("joins ends within five seconds, and none ten seconds apart", () => {
    for (let ms = 0; ms < 20_000; ms += 250) {
      expect(share(at(AT + ms), at(AT + ms + 5_000))).toBe(true);
      expect(share(at(AT + ms), at(AT + ms + 10_000))).toBe(false);
    }
  });

  it("joins neither conversations nor counts, and does not name the conversation", () => {
    expect(share(at(AT, "conversation-of-ada"), at(AT, "conversation-of-bob"))).toBe(false);
    expect(share(at(AT, "c", [1, 2]), at(AT, "c", [1, 3]))).toBe(false);
    expect(at(AT, "conversation-of-ada").join()).not.toContain("ada");
    expect(at(AT, "")).toEqual([]);
    expect(at(AT, "c", [null, null])).toEqual([]);
  });
});
