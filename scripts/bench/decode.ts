/**
 * Bodies of 5,000 records: what it takes to decode them, and to answer the request with all that the database does,
 * against 5,000 spans of the same calls, in CPU time. A whole request is compared with spans that name as many ids.
 * All forms take turns, and each figure is the median.
 */
import type { Decoded } from "../../src/ingest/decode/decoded.ts";
import { parseJson } from "../../src/ingest/decode/json.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { type DecodedMetrics, decodeMetricsJson, decodeMetricsProtobuf } from "../../src/ingest/decode/otlp/metrics.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";
import { connect, type Ledger } from "../client/ledger.ts";
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import type { Signal } from "./otlp-encoding.ts";
import type { Measured } from "./report.ts";
import { bodies, type Form, FORMS, SPANS, told } from "./signals.ts";

const RECORDS = 5_000;
const TURNS = 9;
const REQUESTS = 3;
const MOST_TRIES = 5;
const ENCODINGS = ["protobuf", "json"] as const;
type Encoding = (typeof ENCODINGS)[number];
type Body = string | Uint8Array;

const DECODE: Record<Signal, Record<Encoding, (body: Body, nowMs: number) => Decoded | DecodedMetrics>> = {
  resourceSpans: {
    protobuf: (body, nowMs) => decodeOtlpProtobuf(body as Uint8Array, nowMs),
    json: (body, nowMs) => decodeOtlpJson(parseJson(body as string).value, nowMs),
  },
  resourceLogs: {
    protobuf: (body, nowMs) => decodeLogsProtobuf(body as Uint8Array, nowMs),
    json: (body, nowMs) => decodeLogsJson(parseJson(body as string).value, nowMs),
  },
  resourceMetrics: {
    protobuf: (body, nowMs) => decodeMetricsProtobuf(body as Uint8Array, nowMs),
    json: (body, nowMs) => decodeMetricsJson(parseJson(body as string).value, nowMs),
  },
};
const ROUTES: Record<Signal, string> = {
  resourceSpans: "/v1/traces",
  resourceLogs: "/v1/logs",
  resourceMetrics: "/v1/metrics",
};
const ALL = [SPANS, ...FORMS];
const SPANS_OF_TWO_IDS = FORMS.find(({ signal, ids }) => signal === SPANS.signal && ids === 2)!;

export async function benchDecode(bench: Bench): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const encoding of ENCODINGS) {
    bench.say(`decoding ${RECORDS} records, ${encoding}`);
    const cpuMs = decodeTimes(encoding);
    results.push(...ALL.map((form) => row("decode", form, encoding, cpuMs, `${form.name}, decoded`)));
  }
  for (const encoding of ENCODINGS) {
    bench.say(`requests of ${RECORDS} records, ${encoding}`);
    const ms = await requestTimes(bench, encoding);
    results.push(...ALL.map((form) => row("request", form, encoding, ms, `${form.name}, the whole request`)));
  }
  return results;
}

function row(what: string, form: Form, encoding: Encoding, times: Map<Form, number[]>, name: string): Measured {
  const spans = what === "request" && form.ids === SPANS_OF_TWO_IDS.ids ? SPANS_OF_TWO_IDS : SPANS;
  const [own, ofSpans] = [times.get(form)!.toSorted(ascending), times.get(spans)!.toSorted(ascending)];
  return {
    id: `decode.${form.id}_${encoding}_${what}`,
    name: `${name}, ${encoding}`,
    value: median(own),
    unit: "ms",
    ratio: median(own) / median(ofSpans),
    to: spans.name,
    spread: [own[0]!, own.at(-1)!],
  };
}

const ascending = (a: number, b: number): number => a - b;
const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)]!;

/** CPU time of this process, so that others on the machine are no part of it. */
function decodeTimes(encoding: Encoding): Map<Form, number[]> {
  const nowMs = Date.now();
  const calls = told(RECORDS, nowMs);
  const sent = new Map(ALL.map((form) => [form, bodies(form, calls)[encoding]]));
  const times = new Map<Form, number[]>(ALL.map((form) => [form, []]));
  for (let turn = -5; turn < TURNS; turn++) {
    for (const [form, body] of sent) {
      const before = process.cpuUsage();
      const decoded = DECODE[form.signal][encoding](body, nowMs);
      const { user, system } = process.cpuUsage(before);
      const found = "calls" in decoded ? decoded.calls.length : decoded.points.length;
      if (found !== RECORDS) throw new Error(`${form.name}: ${found} of ${RECORDS} were found`);
      if (turn >= 0) times.get(form)!.push((user + system) / 1_000);
    }
  }
  return times;
}

async function requestTimes(bench: Bench, encoding: Encoding): Promise<Map<Form, number[]>> {
  const times = new Map<Form, number[]>(ALL.map((form) => [form, []]));
  const contentType = encoding === "json" ? "application/json" : "application/x-protobuf";
  const ledgers = await Promise.all(
    ALL.map(async (form) => ({ form, ledger: connect({ url: bench.url, key: (await bench.newProject()).key }) })),
  );
  for (let turn = -1; turn < REQUESTS; turn++) {
    for (const { form, ledger } of ledgers) {
      const ms = await requestTime(ledger, form, encoding, contentType);
      if (turn >= 0) times.get(form)!.push(ms);
    }
  }
  for (const { ledger } of ledgers) ledger[Symbol.dispose]();
  return times;
}

/**
 * CPU time of Worker, endpoint and Postgres; where the system does not tell, what the clock says. On a busy machine a
 * request may take longer than the Worker waits for Postgres. Then other calls are sent.
 */
async function requestTime(ledger: Ledger, form: Form, encoding: Encoding, contentType: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const body = bodies(form, told(RECORDS, Date.now()))[encoding];
    const request = { path: ROUTES[form.signal], headers: { "content-type": contentType }, body };
    const beganMs = performance.now();
    const { value: answer, cpu } = await cpuOf(() => ledger.send(request));
    const ms = performance.now() - beganMs;
    if (answer.status === 503 && tries < MOST_TRIES) continue;
    if (answer.status !== 200) throw new Error(`${form.name}: ${answer.status} ${String(answer.body).slice(0, 300)}`);
    const { worker, endpoint = 0, postgres = 0 } = cpu;
    return worker === undefined ? ms : (worker + endpoint + postgres) * 1_000;
  }
}
