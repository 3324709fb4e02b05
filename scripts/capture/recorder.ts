/**
 * A server for whatever an exporter sends: the bytes go to a folder unchanged, in order of arrival, and a line says
 * what the decoder makes of them. Nothing that could go wrong with a body keeps it from being written.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { encodeExportResponse, encodeStatus, type OtlpEncoding } from "../../src/ingest/decode/otlp/response.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";
import { type Call, COUNT_FIELDS } from "../../src/ledger/call.ts";
import { picoToUsd } from "../../src/money.ts";
import type { Decoded } from "../../src/ingest/decode/decoded.ts";
import type { Answer, Ledger } from "../client/ledger.ts";
import { CommandError } from "../command.ts";
import { type Bill, startBill } from "./bill.ts";
import { listenHttp, readBody, type HttpEndpoint } from "../local/http-server.ts";
import { StartError } from "../local/start-error.ts";

export interface Recorder extends HttpEndpoint {
  /** How many bodies were written. */
  written(): number;
  /** What a ledger would bill, a line for each program. */
  bill(): string[];
}

export interface RecorderOptions {
  out: string;
  port: number;
  forwardTo?: Ledger | undefined;
  now: () => number;
  log: (line: string) => void;
}

const MAX_BYTES = 64 * 1024 * 1024;
const SECRET = /auth|cookie|key|token|secret|signature|password/i;
/** These say more about this machine than about the emitter. */
const LEFT_OUT: ReadonlySet<string> = new Set(["host", "connection", "x-forwarded-for"]);
const UNAVAILABLE = 14;
const INVALID = 3;

/** @throws CommandError when `out` has bodies already, or the port is taken */
export async function startRecorder({ out, port, forwardTo, now, log }: RecorderOptions): Promise<Recorder> {
  mkdirSync(out, { recursive: true });
  if (readdirSync(out).some((name) => name.endsWith(".body"))) {
    throw new CommandError(`--out: ${out} has bodies already. Choose another folder, or empty it.`);
  }
  let written = 0;
  const bill = startBill();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname: path } = new URL(request.url ?? "/", "http://localhost");
    const encoding: OtlpEncoding = request.headers["content-type"]?.startsWith("application/x-protobuf")
      ? "protobuf"
      : "json";
    const body = await readBody(request, MAX_BYTES);
    if (request.method !== "POST") return void response.writeHead(404).end();
    if (body === undefined) {
      log(`${path}: larger than ${MAX_BYTES / 1024 / 1024} MB, not written`);
      return answer(response, encoding, 413, encodeStatus(encoding, INVALID, "body too large"));
    }
    written += 1;
    const name = String(written).padStart(2, "0");
    writeFileSync(join(out, `${name}.body`), body, { flag: "wx" });
    writeFileSync(join(out, `${name}.json`), JSON.stringify(describeRequest(request, path), null, 1), { flag: "wx" });
    for (const line of describeBody(request, path, encoding, body, now(), bill))
      log(`${line.indent}${name} ${line.text}`);

    if (forwardTo === undefined) return answer(response, encoding, 200, encodeExportResponse(encoding, 0, ""));
    const answered = await forward(forwardTo, request, body).catch((error: Error) => error);
    if (answered instanceof Error) {
      log(`${name} not forwarded: ${answered.message}`);
      return answer(response, encoding, 503, encodeStatus(encoding, UNAVAILABLE, "the ledger did not answer"));
    }
    if (answered.status >= 400) log(`${name} the ledger answered ${answered.status}`);
    const { "content-type": type, "retry-after": retryAfter } = answered.headers;
    const headers = { ...(type && { "content-type": type }), ...(retryAfter && { "retry-after": retryAfter }) };
    response.writeHead(answered.status, headers).end(answered.body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: Error) => {
      log(`${request.url}: ${error.message}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const endpoint = await listenHttp(listener, port).catch((error: Error) => {
    if (!(error instanceof StartError)) throw error;
    throw new CommandError(`--port: ${port} cannot be used. Another program may use it: choose another one.`);
  });
  return { ...endpoint, written: () => written, bill: bill.lines };
}

function answer(response: ServerResponse, encoding: OtlpEncoding, status: number, body: Uint8Array | string): void {
  const type = encoding === "protobuf" ? "application/x-protobuf" : "application/json";
  response.writeHead(status, { "content-type": type }).end(body);
}

function forward(ledger: Ledger, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { "content-type": type, "content-encoding": encoding } = request.headers;
  const headers = {
    ...(type && { "content-type": type }),
    ...(encoding && { "content-encoding": encoding }),
    // Exporters come seconds apart: a connection that was kept may just be closed by the ledger.
    connection: "close",
  };
  return ledger.send({ path: request.url ?? "/", body, headers });
}

function describeRequest({ method, headers }: IncomingMessage, path: string): object {
  return {
    method,
    path,
    "content-type": headers["content-type"]?.split(";", 1)[0]!.trim() ?? null,
    "content-encoding": headers["content-encoding"] ?? null,
    headers: withoutSecrets(headers),
  };
}

function withoutSecrets(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !LEFT_OUT.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, SECRET.test(name) ? "redacted" : value]));
}

interface Line {
  indent: string;
  text: string;
}

/** A line for the request, then one for each call or wrapper and each span that was refused. */
function describeBody(
  request: IncomingMessage,
  path: string,
  encoding: OtlpEncoding,
  body: Uint8Array,
  nowMs: number,
  bill: Bill,
): Line[] {
  const size = `${path} ${encoding}, ${body.length.toLocaleString("en-US")} bytes`;
  if (path.endsWith("/metrics")) return [{ indent: "", text: `${size}: metrics hold no calls` }];
  try {
    const decoded = decode(path, encoding, decompress(body, request.headers["content-encoding"]), nowMs);
    const calls = decoded.calls.filter(({ billable }) => billable).length;
    return [
      { indent: "", text: `${size}: ${decoded.items} items, ${calls} calls` },
      ...decoded.calls.map((trace) => ({ indent: "  ", text: describeTrace(trace, bill) })),
      ...decoded.errors.map(({ index, message }) => ({ indent: "  ", text: `refused: item ${index}: ${message}` })),
    ];
  } catch (error) {
    return [{ indent: "", text: `${size}: written, but not read: ${(error as Error).message}` }];
  }
}

function describeTrace(trace: Call, bill: Bill): string {
  const tokens = COUNT_FIELDS.flatMap((field) => (trace[field] === null ? [] : [`${field} ${trace[field]}`]));
  return [
    trace.billable ? "call" : "not billed",
    `${trace.operation} ${trace.provider}/${trace.model}${trace.status === "error" ? " failed" : ""}`,
    tokens.join(" ") || "no tokens",
    `by ${trace.rule}`,
    trace.tags["agent"] === undefined ? "" : `agent ${trace.tags["agent"]}`,
    trace.reportedCostPico === null ? "" : `reports $${picoToUsd(trace.reportedCostPico)}`,
    trace.usageSemantics,
    bill.add(trace),
  ]
    .filter((part) => part !== "")
    .join(" | ");
}

function decode(path: string, encoding: OtlpEncoding, bytes: Uint8Array, nowMs: number): Decoded {
  const logs = path.endsWith("/logs");
  if (encoding === "protobuf") return (logs ? decodeLogsProtobuf : decodeOtlpProtobuf)(bytes, nowMs);
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  // Some agents send all signals to the one address that they are given.
  const has = (list: string): boolean => typeof value === "object" && value !== null && Object.hasOwn(value, list);
  if (has("resourceMetrics")) return { items: 0, calls: [], indexes: [], errors: [] };
  return (logs || has("resourceLogs") ? decodeLogsJson : decodeOtlpJson)(value, nowMs);
}

function decompress(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  const limits = { maxOutputLength: MAX_BYTES };
  if (encoding === "gzip") return gunzipSync(bytes, limits);
  if (encoding === "deflate") return inflateSync(bytes, limits);
  if (encoding === "br") return brotliDecompressSync(bytes, limits);
  return bytes;
}
