/** OTLP over HTTP: every answer in the exporter's own form, so that it retries what can be retried and nothing else. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { chat, jsonRequest, toProtobuf, type SpanInput } from "../ingest/decode/otlp/request.ts";
import { call, json, MONDAY, openLedger, problem, newKey, ledgerOf, WEEK } from "./ledger.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const ALIAS = "/api/public/otel/v1/traces";
const times = { startTimeUnixNano: `${MONDAY}000000`, endTimeUnixNano: `${MONDAY + 250}000000` };

function bodyOf(encoding: string, spans: SpanInput[]): string | Uint8Array {
  const request = jsonRequest({ resource: { "service.name": "shop" }, spans: spans.map((s) => ({ ...times, ...s })) });
  return encoding === PROTOBUF ? toProtobuf(request) : JSON.stringify(request);
}

/** Reads a message whose fields are numbers, or bytes: text or one such message. */
function fieldsOf(message: Uint8Array): Record<number, number | Uint8Array> {
  const reader = new BinaryReader(message);
  const fields: Record<number, number | Uint8Array> = {};
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    fields[field] = wire === 0 ? Number(reader.int64()) : reader.bytes();
  }
  return fields;
}

const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

const textOf = (field: number | Uint8Array | undefined): string => new TextDecoder().decode(field as Uint8Array);

async function statusOf(response: Response, encoding: string): Promise<{ code: number; message: string }> {
  expect(response.headers.get("content-type")).toBe(encoding);
  if (encoding === JSON_TYPE) return await response.json();
  const { 1: code = 0, 2: message } = fieldsOf(await bytesOf(response));
  return { code: code as number, message: textOf(message) };
}

describe.each([PROTOBUF, JSON_TYPE])("as %s", (encoding) => {
  const type = { "content-type": encoding };

  it.each(["/v1/traces", ALIAS])("answers success with nothing, in the request's content type, at %s", async (path) => {
    const ledger = await openLedger();
    const response = await ledger.post(bodyOf(encoding, [chat()]), type, path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(encoding);
    expect((await response.arrayBuffer()).byteLength).toBe(encoding === PROTOBUF ? 0 : "{}".length);
    const { rows } = await ledger.summary(`${WEEK}&group_by=application,provider,model&include=latency`);
    expect(rows).toMatchObject([
      // 100 x $0.25 + 20 x $2 per million
      { application: "shop", provider: "openai", model: "gpt-5-mini", requests: 1, cost_usd: "0.000065" },
    ]);
    expect(rows[0]!.latency_ms!.mean).toBe(250);
  });

  it("takes gzip", async () => {
    const ledger = await openLedger();
    const plain = new Response(bodyOf(encoding, [chat()]) as string).body!;
    const bytes = await new Response(plain.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const response = await ledger.post(new Uint8Array(bytes), { ...type, "content-encoding": "gzip" });
    expect(response.status).toBe(200);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
  });

  it("counts a resend once", async () => {
    const ledger = await openLedger();
    const body = bodyOf(encoding, [chat(), chat()]);
    for (let i = 0; i < 3; i++) expect((await ledger.post(body, type)).status).toBe(200);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(2);
  });

  it("does not bill a wrapper for the tokens of its calls, nor spans that are no calls", async () => {
    const ledger = await openLedger();
    const usage = { "gen_ai.usage.input_tokens": 200, "gen_ai.usage.output_tokens": 40 };
    const agent = { attributes: { "gen_ai.operation.name": "invoke_agent", ...usage }, spanId: "00000000000000aa" };
    const below = { parentSpanId: "00000000000000aa" };
    const spans = [agent, chat({}, below), chat({}, below), { attributes: { "http.method": "GET" } }];
    const response = await ledger.post(bodyOf(encoding, spans), type);
    expect((await response.arrayBuffer()).byteLength).toBe(encoding === PROTOBUF ? 0 : "{}".length);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 2, input_tokens: 200, output_tokens: 40 });
  });

  it("answers 200 with a partial success for spans that can never be accepted, and stores the others", async () => {
    const ledger = await openLedger();
    const spans = [chat({}, { spanId: "0".repeat(16) }), chat(), chat({}, { startTimeUnixNano: "1000000000" })];
    const response = await ledger.post(bodyOf(encoding, spans), type);
    expect(response.status).toBe(200);
    if (encoding === PROTOBUF) {
      const { 1: partial } = fieldsOf(await bytesOf(response));
      const { 1: rejected, 2: message } = fieldsOf(partial as Uint8Array);
      expect([rejected, textOf(message)]).toEqual([2, expect.stringContaining("span 0")]);
    } else {
      expect(await response.json()).toEqual({
        partialSuccess: { rejectedSpans: "2", errorMessage: expect.stringContaining("span 0") },
      });
    }
    expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
  });

  it("refuses a body of 8 MiB, or of more than 5,000 spans, with 413 and a Status", async () => {
    const ledger = await openLedger();
    const many = Array.from({ length: 5_001 }, () => ({}));
    const large = [bodyOf(encoding, many), new Uint8Array(8 * 2 ** 20 + 1).fill(0x20)];
    for (const body of large) {
      const response = await ledger.post(body, type, ALIAS);
      expect(response.status).toBe(413);
      expect(await statusOf(response, encoding)).toEqual({
        code: 3,
        message: expect.stringMatching(/at most|larger/),
      });
    }
  });

  it("refuses a malformed body with 400, a bad encoding with 415, as a Status", async () => {
    const ledger = await openLedger();
    const malformed = await ledger.post(new Uint8Array([0x0a, 0xff, 0x01]), type, ALIAS);
    expect(malformed.status).toBe(400);
    expect(await statusOf(malformed, encoding)).toMatchObject({ code: 3 });
    const br = await ledger.post(bodyOf(encoding, [chat()]), { ...type, "content-encoding": "br" }, ALIAS);
    expect(br.status).toBe(415);
    expect(await statusOf(br, encoding)).toMatchObject({ code: 3 });
  });

  it("refuses no key with 401, a key without ingest with 403, as a Status", async () => {
    const { projectId } = await openLedger();
    for (const [key, status, code] of [
      ["lct_nonsense", 401, 16],
      [await newKey(projectId, ["read"]), 403, 7],
    ] as const) {
      const response = await ledgerOf(projectId, key).post(bodyOf(encoding, [chat()]), type, ALIAS);
      expect(response.status).toBe(status);
      expect(response.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
      expect(await statusOf(response, encoding)).toMatchObject({ code, message: expect.any(String) });
    }
  });

  it.each([
    [
      "cache counts",
      { "gen_ai.usage.cache_read.input_tokens": 2 ** 31 - 1, "gen_ai.usage.cache_write.input_tokens": 2 ** 31 - 1 },
    ],
    ["counts past 2^31-1", { "gen_ai.usage.input_tokens": 2 ** 31 }],
    ["an integer past 2^63", { "gen_ai.usage.input_tokens": 2 ** 62 }],
    ["negative counts", { "gen_ai.usage.input_tokens": -1 }],
    ["NaN", { "gen_ai.usage.cost": Number.NaN }],
    ["NUL in the model", { "gen_ai.request.model": "a\0b" }],
    ["an over-long user", { "user.id": "u".repeat(600) }],
    ["NUL in the user", { "user.id": "u\0" }],
    ["NUL in a tag", { "langfuse.trace.metadata.team": "a\0b" }],
  ])("never answers 500, and keeps the good spans beside %s", async (_, attributes) => {
    const ledger = await openLedger();
    const bare = { "gen_ai.usage.input_tokens": null, "gen_ai.usage.output_tokens": null };
    const response = await ledger.post(bodyOf(encoding, [chat(), chat({ ...bare, ...attributes }), chat()]), type);
    expect(response.status).toBe(200);
    expect((await ledger.summary(WEEK)).totals.input_tokens).toBeGreaterThanOrEqual(200);
  });
});

describe("what Langfuse's SDK does with its own environment variables", () => {
  it("takes the key as the password of Basic, at the alias alone", async () => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key);
    for (const [path, status] of [
      [ALIAS, 200],
      ["/v1/traces", 401],
    ] as const) {
      const span = chat({}, { spanId: "0000000000000001" });
      const headers = { "content-type": PROTOBUF, authorization: `Basic ${btoa(`pk-lf-anything:${key}`)}` };
      expect((await ledger.post(bodyOf(PROTOBUF, [span]), headers, path)).status).toBe(status);
    }
    expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
  });

  it("refuses a wrong password with 401", async () => {
    const ledger = await openLedger();
    for (const basic of [btoa("pk:wrong"), btoa(ledger.key), "%%%"]) {
      const headers = { "content-type": PROTOBUF, authorization: `Basic ${basic}` };
      const response = await ledger.post(bodyOf(PROTOBUF, [chat()]), headers, ALIAS);
      // A key alone, without the colon, is still the key: there is nothing else it could be.
      expect(response.status).toBe(basic === btoa(ledger.key) ? 200 : 401);
    }
  });
});

it("takes an empty request", async () => {
  const ledger = await openLedger();
  expect((await ledger.post(new BinaryWriter().finish(), { "content-type": PROTOBUF })).status).toBe(200);
  expect(await json(await ledger.post('{"resourceSpans":[]}'))).toEqual({});
  expect(await json(await ledger.post("{}", {}, ALIAS))).toEqual({});
});

it.each(["text/plain", "application/x-ndjson"])("says 415 to %s at the alias", async (type) => {
  const ledger = await openLedger();
  const answer = await ledger.post(call(), { "content-type": type }, ALIAS);
  expect((await problem(answer, 415, "unsupported_media_type")).detail).not.toContain("ndjson");
});

it("reads ids as hex in any case: protobuf and JSON of one span are one call", async () => {
  const ledger = await openLedger();
  const span = chat({}, { spanId: "00000000000000ab" });
  await ledger.post(bodyOf(PROTOBUF, [span]), { "content-type": PROTOBUF });
  const upper = (bodyOf(JSON_TYPE, [span]) as string).replace("00000000000000ab", "00000000000000AB");
  expect((await ledger.post(upper)).status).toBe(200);
  expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
});
