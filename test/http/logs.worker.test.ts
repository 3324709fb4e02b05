/** `POST /v1/logs`: Claude Code's exporter against the route, each answer in OTLP's own form. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import body from "../fixtures/captures/claude-code-logs-handmade/logs-json/01.body?raw";
import truth from "../fixtures/captures/claude-code-logs-handmade/logs-json/truth.json";
import {
  apiRequest,
  logsRequest,
  logsToProtobuf,
  type JsonLogs,
  type LogInput,
} from "../ingest/decode/otlp/logs-request.ts";
import { appWith, iso, json, ledgerOf, MONDAY, newKey, openLedger, problem, WEEK, type Ledger } from "./ledger.ts";

const PATH = "/v1/logs";
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
/** The captures are from 2026-09-21, which may lie ahead of this machine's clock. */
const fetch = appWith({ now: () => Date.UTC(2026, 10, 30) });
const CAPTURED = "from=2026-09-20&to=2026-09-27";
const TIME = `${MONDAY + 60_000}000000`;

function encode(encoding: string, request: JsonLogs): string | Uint8Array {
  return encoding === PROTOBUF ? logsToProtobuf(request) : JSON.stringify(request);
}

const bodyOf = (encoding: string, records: LogInput[]): string | Uint8Array =>
  encode(encoding, logsRequest(records.map((record) => ({ timeUnixNano: TIME, ...record }))));

/** The fields of a message: numbers, and bytes of whatever else. */
function readFields(bytes: Uint8Array): { numbers: Record<number, number>; bytes: Record<number, Uint8Array> } {
  const reader = new BinaryReader(bytes);
  const fields: ReturnType<typeof readFields> = { numbers: {}, bytes: {} };
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (wire === 0) fields.numbers[field] = Number(reader.int64());
    else fields.bytes[field] = reader.bytes();
  }
  return fields;
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

/** Code and message of a google.rpc.Status. */
async function statusOf(response: Response, encoding: string): Promise<{ code: number; message: string }> {
  expect(response.headers.get("content-type")).toBe(encoding);
  if (encoding === JSON_TYPE) return await response.json();
  const { numbers, bytes } = readFields(await bytesOf(response));
  return { code: numbers[1]!, message: new TextDecoder().decode(bytes[2]) };
}

describe.each([PROTOBUF, JSON_TYPE])("as %s", (encoding) => {
  const type = { "content-type": encoding };
  const post = (ledger: Ledger, value: unknown, headers = {}): Promise<Response> =>
    ledger.post(value, { ...type, ...headers }, PATH);

  it("counts the captured calls as they were, once, and answers with nothing", async () => {
    const ledger = await openLedger(fetch);
    const request = encode(encoding, JSON.parse(body) as JsonLogs);
    for (let i = 0; i < 3; i++) {
      const response = await post(ledger, request);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(encoding);
      expect(new TextDecoder().decode(await bytesOf(response))).toBe(encoding === PROTOBUF ? "" : "{}");
    }
    const { calls, errors, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = truth.totals;
    const { totals, rows } = await ledger.summary(`${CAPTURED}&group_by=application,provider,model,user`);
    expect(totals).toMatchObject({
      requests: calls,
      errors,
      input_tokens,
      output_tokens,
      cache_read_tokens,
      cache_write_tokens,
      unpriced_requests: 0,
    });
    // sonnet: 1,147 x $3 + 3,147 x $0.30 + 9,294 x $3.75 + 254 x $15 a million; the failed call adds nothing
    // haiku: 1,247 x $1 + 3,247 x $0.10 + 9,494 x $1.25 + 261 x $5
    expect(rows).toMatchObject([
      { model: "claude-sonnet-4-5-20250929", requests: 2, errors: 1, cost_usd: "0.0430476" },
      { model: "claude-haiku-4-5-20251001", requests: 1, errors: 0, cost_usd: "0.0147442" },
    ]);
    expect(rows[0]).toMatchObject({ application: "claude-code", provider: "anthropic", user: "ada@example.com" });
    expect(await json(await ledger.fetch(`/v1/audit?${CAPTURED}`))).toMatchObject({ ok: true });
  });

  it("takes the start from before the call, so that a call belongs to the hour in which it began", async () => {
    const ledger = await openLedger();
    await post(ledger, bodyOf(encoding, [apiRequest({ duration_ms: 60_001 })]));
    const before = await ledger.summary(`from=${iso(MONDAY - 3_600_000)}&to=${iso(MONDAY)}`);
    expect(before.totals.requests).toBe(1);
  });

  it("takes gzip", async () => {
    const ledger = await openLedger();
    const plain = new Response(bodyOf(encoding, [apiRequest()]) as string).body!;
    const bytes = await new Response(plain.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    expect((await post(ledger, new Uint8Array(bytes), { "content-encoding": "gzip" })).status).toBe(200);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
  });

  it("keeps the good records beside bad ones, and says how many were refused", async () => {
    const ledger = await openLedger();
    const records = [
      apiRequest({ request_id: "a" }),
      apiRequest({ input_tokens: -1 }),
      apiRequest({}, { timeUnixNano: "1" }),
      apiRequest({ input_tokens: 2, cache_read_tokens: 2 ** 31 - 1 }),
      { body: { stringValue: "another log" } },
      apiRequest({ request_id: "b" }),
    ];
    const response = await post(ledger, bodyOf(encoding, records));
    expect(response.status).toBe(200);
    const message = expect.stringContaining("log record 1: input_tokens");
    if (encoding === PROTOBUF) {
      const partial = readFields(readFields(await bytesOf(response)).bytes[1]!);
      expect([partial.numbers[1], new TextDecoder().decode(partial.bytes[2])]).toEqual([3, message]);
    } else {
      expect(await response.json()).toEqual({ partialSuccess: { rejectedLogRecords: "3", errorMessage: message } });
    }
    expect((await ledger.summary(WEEK)).totals.requests).toBe(2);
  });

  it("accepts logs that are none of ours, and stores nothing", async () => {
    const ledger = await openLedger();
    const details = { body: {}, eventName: "gen_ai.evaluation.result" };
    const usage = { "gen_ai.usage.input_tokens": 5, "gen_ai.request.model": "gpt-4o", "session.id": "s", model: "m" };
    const response = await post(ledger, bodyOf(encoding, [{ ...details, attributes: usage }, {}]));
    expect(response.status).toBe(200);
    expect(new TextDecoder().decode(await bytesOf(response))).toBe(encoding === PROTOBUF ? "" : "{}");
    expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
  });

  it("refuses malformed, large, br and unknown callers with a Status", async () => {
    const ledger = await openLedger();
    const one = bodyOf(encoding, [apiRequest()]);
    const many = bodyOf(
      encoding,
      Array.from({ length: 5_001 }, () => ({})),
    );
    const reader = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["read"]));
    const answers: [Response, number, number][] = [
      [await post(ledger, new Uint8Array([0x0a, 0xff, 0x01])), 400, 3],
      [await post(ledger, many), 413, 3],
      [await post(ledger, new Uint8Array(8 * 2 ** 20 + 1).fill(0x20)), 413, 3],
      [await post(ledger, one, { "content-encoding": "br" }), 415, 3],
      [await post(ledgerOf(ledger.projectId, "lct_nonsense"), one), 401, 16],
      [await post(reader, one), 403, 7],
    ];
    for (const [response, status, code] of answers) {
      expect(response.status).toBe(status);
      expect(await statusOf(response, encoding)).toMatchObject({ code, message: expect.any(String) });
    }
  });
});

it("says 415 to other content types", async () => {
  const ledger = await openLedger();
  await problem(await ledger.post("x", { "content-type": "text/plain" }, PATH), 415, "unsupported_media_type");
});

it("takes an empty request", async () => {
  const ledger = await openLedger();
  expect((await ledger.post(new Uint8Array(), { "content-type": PROTOBUF }, PATH)).status).toBe(200);
  expect(await json(await ledger.post({ resourceLogs: [] }, {}, PATH))).toEqual({});
});

it("takes records and metrics at the address of spans, where some agents send all signals", async () => {
  const ledger = await openLedger(fetch);
  const records = bodyOf(JSON_TYPE, [apiRequest()]);
  const type = { "content-type": JSON_TYPE };
  expect(await json(await ledger.post(records, type, "/v1/traces"))).toEqual({});
  expect(await json(await ledger.post({ resourceMetrics: [] }, type, "/v1/traces"))).toEqual({});
  const { totals } = await json<{ totals: { requests: number } }>(await ledger.fetch(`/v1/summary?${WEEK}`));
  expect(totals.requests).toBe(1);
});
