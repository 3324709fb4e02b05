import { expect, it } from "vitest";
import { FORMS, SPANS, bodies, told } from "../../scripts/bench/signals.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { decodeMetricsJson, decodeMetricsProtobuf } from "../../src/ingest/decode/otlp/metrics.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";

const NOW_MS = Date.UTC(2026, 0, 5, 12);
const DECODERS = {
  resourceSpans: [decodeOtlpJson, decodeOtlpProtobuf],
  resourceLogs: [decodeLogsJson, decodeLogsProtobuf],
  resourceMetrics: [decodeMetricsJson, decodeMetricsProtobuf],
} as const;

it.each([SPANS, ...FORMS])("decodes the benchmark's $name alike from both encodings, each record", (form) => {
  const { json, protobuf } = bodies(form, told(300, NOW_MS));
  const [ofJson, ofProtobuf] = DECODERS[form.signal];
  const decoded = ofJson(JSON.parse(json), NOW_MS);
  expect("calls" in decoded ? decoded.calls : decoded.points).toHaveLength(300);
  expect(decoded.errors).toEqual([]);
  expect(ofProtobuf(protobuf, NOW_MS)).toEqual(decoded);
});

it("gives every program's report of a call an id of its own", () => {
  for (const form of [SPANS, ...FORMS].filter(({ signal }) => signal !== "resourceMetrics")) {
    const [decode] = DECODERS[form.signal];
    const decoded = decode(JSON.parse(bodies(form, told(300, NOW_MS)).json), NOW_MS);
    expect(new Set("calls" in decoded ? decoded.calls.map(({ id }) => id) : []).size).toBe(300);
  }
});
