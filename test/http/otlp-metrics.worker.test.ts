/** `POST /v1/metrics` in OTLP's own forms, and what `GET /v1/coverage` makes of it. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import {
  type JsonMetrics,
  type MetricInput,
  metricsRequest,
  metricsToProtobuf,
} from "../ingest/decode/otlp/metrics-request.ts";
import { apiRequest, logsRequest } from "../ingest/decode/otlp/logs-request.ts";
import { appWith, json, ledgerOf, newKey, openLedger, problem, type Ledger } from "./ledger.ts";

const PATH = "/v1/metrics";
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const NOW = Date.UTC(2026, 10, 30);
const fetch = appWith({ now: () => NOW });
const TOKENS = "claude_code.token.usage";
const RANGE = "from=2026-11-29&to=2026-11-30";

const tokens = (type: string, asInt: number): MetricInput["points"][number] => ({
  asInt,
  timeMs: NOW - 60_000,
  attributes: { type, "session.id": "session-1" },
});
/** What `apiRequest` says of its call: 100 uncached, 300 read, 50 written, 20 out. */
const ALL = [tokens("input", 100), tokens("cacheRead", 300), tokens("cacheCreation", 50), tokens("output", 20)];

interface Answer {
  rows: { day: string }[];
  silent: unknown[];
  totals: { emitter: string; application: string | null; share_percent: number | null; notes: string[] }[];
}

const coverage = async (ledger: Ledger): Promise<Answer> =>
  await json<Answer>(await ledger.fetch(`/v1/coverage?${RANGE}`));

/** The answer as JSON says it. */
async function said(response: Response, encoding: string): Promise<unknown> {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(encoding);
  if (encoding === JSON_TYPE) return await response.json();
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length === 0) return {};
  const outer = new BinaryReader(bytes);
  outer.tag();
  const reader = new BinaryReader(outer.bytes());
  let [rejected, message] = [0, ""];
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) rejected = Number(reader.int64());
    else message = reader.string();
  }
  return { partialSuccess: { rejectedDataPoints: String(rejected), errorMessage: message } };
}

describe.each([PROTOBUF, JSON_TYPE])("as %s", (encoding) => {
  const encode = (request: JsonMetrics): string | Uint8Array =>
    encoding === PROTOBUF ? metricsToProtobuf(request) : JSON.stringify(request);
  const post = (ledger: Ledger, request: JsonMetrics, headers = {}, path = PATH): Promise<Response> =>
    ledger.post(encode(request), { "content-type": encoding, ...headers }, path);

  it("takes counters once, and compares them with the calls that the logs made", async () => {
    const ledger = await openLedger(fetch);
    for (let i = 0; i < 3; i++)
      expect(await said(await post(ledger, metricsRequest([{ name: TOKENS, points: ALL }])), encoding)).toEqual({});
    expect((await coverage(ledger)).totals).toMatchObject([
      { share_percent: 0, ledger: { requests: 0 }, missing: { total_tokens: 470, sessions: 1 } },
    ]);
    const record = apiRequest({}, { timeUnixNano: `${NOW - 120_000}000000` });
    await ledger.post(JSON.stringify(logsRequest([record])), { "content-type": JSON_TYPE }, "/v1/logs");
    const { rows, totals, silent } = await coverage(ledger);
    expect(rows.map(({ day }) => day)).toEqual(["2026-11-29"]);
    expect(totals).toMatchObject([
      {
        emitter: "claude-code",
        application: null,
        claimed: { input_tokens: 450, total_tokens: 470, sessions: 1 },
        ledger: { requests: 1, input_tokens: 450, total_tokens: 470 },
        missing: { input_tokens: 0, total_tokens: 0, sessions: 0 },
        share_percent: 100,
        notes: [],
      },
    ]);
    expect(silent).toEqual([]);
    // It is no call.
    expect((await ledger.summary(RANGE)).totals).toMatchObject({ requests: 1, input_tokens: 450 });
  });

  it("accepts what it does not know, also empty", async () => {
    const ledger = await openLedger(fetch);
    const unknown = { name: "http.server.request.duration", points: [{ sum: -1 }], kind: "histogram" as const };
    expect(await said(await post(ledger, metricsRequest([unknown])), encoding)).toEqual({});
    expect(await said(await post(ledger, metricsRequest([])), encoding)).toEqual({});
    expect((await coverage(ledger)).totals).toEqual([]);
  });

  it("keeps the good points beside bad ones, and says how many were refused", async () => {
    const ledger = await openLedger(fetch);
    const bad = { ...tokens("input", 0), asDouble: 0.5 };
    delete bad.asInt;
    const points = [tokens("input", 7), bad, { ...tokens("input", 1), timeMs: 1 }];
    const answer = await said(await post(ledger, metricsRequest([{ name: TOKENS, points }])), encoding);
    const message = expect.stringContaining("data point 1: claude_code.token.usage is not a whole number");
    expect(answer).toEqual({ partialSuccess: { rejectedDataPoints: "2", errorMessage: message } });
    expect((await coverage(ledger)).totals).toMatchObject([{ claimed: { input_tokens: 7 } }]);
  });

  it("takes gzip, and bodies below Langfuse's path", async () => {
    const ledger = await openLedger(fetch);
    const plain = new Response(encode(metricsRequest([{ name: TOKENS, points: ALL }])) as string).body!;
    const bytes = await new Response(plain.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const headers = { "content-type": encoding, "content-encoding": "gzip" };
    expect((await ledger.post(new Uint8Array(bytes), headers, PATH)).status).toBe(200);
    expect((await post(ledger, metricsRequest([]), {}, "/api/public/otel/v1/metrics")).status).toBe(200);
    expect((await coverage(ledger)).totals).toMatchObject([{ claimed: { input_tokens: 450 } }]);
  });

  it("refuses malformed, large and br bodies, and other callers, with a Status", async () => {
    const ledger = await openLedger(fetch);
    const many = Array.from({ length: 5_001 }, () => tokens("input", 1));
    const refused = async (response: Promise<Response>): Promise<number> => {
      const { status, headers } = await response;
      expect(headers.get("content-type")).toBe(encoding);
      return status;
    };
    const headers = { "content-type": encoding };
    expect(await refused(ledger.post("\u0001{", headers, PATH))).toBe(400);
    expect(await refused(post(ledger, metricsRequest([{ name: TOKENS, points: many }])))).toBe(413);
    expect(await refused(ledger.post(new Uint8Array(8_388_609), headers, PATH))).toBe(413);
    expect(await refused(post(ledger, metricsRequest([]), { "content-encoding": "br" }))).toBe(415);
    const reader = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["read"]), fetch);
    expect(await refused(post(reader, metricsRequest([])))).toBe(403);
    expect((await coverage(ledger)).totals).toEqual([]);
  });
});

it("compares other programs by their name", async () => {
  const ledger = await openLedger(fetch);
  const metric = { name: "gen_ai.client.inference.usage.input_tokens", points: [{ asInt: 40, timeMs: NOW - 1 }] };
  const request = metricsRequest([metric], { resource: { "service.name": "shop" }, scope: "x" });
  await ledger.post(JSON.stringify(request), { "content-type": JSON_TYPE }, PATH);
  const of = (application: string, id: string) => ({
    id,
    timestamp: NOW - 60_000,
    model: "gpt-4o",
    provider: "openai",
    application,
    input_tokens: 30,
  });
  await ledger.write([of("shop", "a"), of("other", "b")]);
  // 30 of 40.
  expect((await coverage(ledger)).totals).toMatchObject([
    {
      emitter: "otel",
      application: "shop",
      claimed: { input_tokens: 40, output_tokens: null },
      ledger: { requests: 1, input_tokens: 30 },
      missing: { input_tokens: 10, output_tokens: null },
      share_percent: 75,
    },
  ]);
});

it("refuses a range that is too long, and other parameters", async () => {
  const ledger = await openLedger(fetch);
  await problem(await ledger.fetch("/v1/coverage?from=2026-01-01&to=2026-11-01"), 400, "invalid_parameter");
  await problem(await ledger.fetch("/v1/coverage?tz=Europe/Berlin"), 400, "invalid_parameter");
});

it("takes counters at the address of spans, where some agents send all signals", async () => {
  const ledger = await openLedger(fetch);
  const points = [...ALL, { ...tokens("input", 1), timeMs: 1 }];
  const body = JSON.stringify(metricsRequest([{ name: TOKENS, points }]));
  const answer = await ledger.post(body, { "content-type": JSON_TYPE }, "/v1/traces");
  expect(await said(answer, JSON_TYPE)).toMatchObject({ partialSuccess: { rejectedDataPoints: "1" } });
  expect((await coverage(ledger)).totals).toMatchObject([{ claimed: { input_tokens: 450, total_tokens: 470 } }]);
});
