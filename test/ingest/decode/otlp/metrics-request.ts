/** Builds OTLP metrics requests for tests, in both encodings. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect } from "vitest";
import {
  decodeMetricsJson,
  decodeMetricsProtobuf,
  type DecodedMetrics,
} from "../../../../src/ingest/decode/otlp/metrics.ts";
import { attributeList, each, writeAttribute, type Attributes, type JsonAttribute } from "./request.ts";

export const NOW = Date.UTC(2026, 10, 30);
export const DELTA = 1;
export const CUMULATIVE = 2;

export interface PointInput {
  /** Epoch ms. */
  startMs?: number;
  timeMs?: number;
  asInt?: number;
  asDouble?: number;
  sum?: number;
  flags?: number;
  attributes?: Attributes;
}

export interface MetricInput {
  name: string;
  kind?: "sum" | "gauge" | "histogram" | "exponentialHistogram";
  temporality?: number;
  points: PointInput[];
}

type JsonPoint = Omit<PointInput, "attributes" | "startMs" | "timeMs"> & {
  startTimeUnixNano: string;
  timeUnixNano: string;
  attributes: JsonAttribute[];
};

interface JsonData {
  aggregationTemporality?: number;
  dataPoints: JsonPoint[];
}

type JsonMetric = { name: string } & Partial<Record<NonNullable<MetricInput["kind"]>, JsonData>>;

export interface JsonMetrics {
  resourceMetrics: {
    resource: { attributes: JsonAttribute[] };
    scopeMetrics: { scope: { name: string }; metrics: JsonMetric[] }[];
  }[];
}

export function metricsRequest(
  metrics: MetricInput[],
  { resource = { "service.name": "claude-code" } as Attributes, scope = "com.anthropic.claude_code" } = {},
): JsonMetrics {
  const all = metrics.map(({ name, kind = "sum", temporality = DELTA, points }): JsonMetric => {
    const dataPoints = points.map(({ startMs = NOW - 120_000, timeMs = NOW - 60_000, attributes = {}, ...rest }) => ({
      ...rest,
      startTimeUnixNano: `${startMs}000000`,
      timeUnixNano: `${timeMs}000000`,
      attributes: attributeList(attributes),
    }));
    return { name, [kind]: { ...(kind !== "gauge" && { aggregationTemporality: temporality }), dataPoints } };
  });
  const scopeMetrics = [{ scope: { name: scope }, metrics: all }];
  return { resourceMetrics: [{ resource: { attributes: attributeList(resource) }, scopeMetrics }] };
}

/** Both encodings of a request must say the same. */
export function decodeBoth(request: JsonMetrics, maxItems = Infinity): DecodedMetrics {
  const decoded = decodeMetricsJson(request, NOW, maxItems);
  expect(decodeMetricsProtobuf(metricsToProtobuf(request), NOW, maxItems)).toEqual(decoded);
  return decoded;
}

const FIELDS = { gauge: 5, sum: 7, histogram: 9, exponentialHistogram: 10 } as const;
const ATTRIBUTES = { gauge: 7, sum: 7, histogram: 9, exponentialHistogram: 1 } as const;

export function metricsToProtobuf(request: JsonMetrics): Uint8Array {
  const writer = new BinaryWriter();
  each(writer, 1, request.resourceMetrics, (w, { resource, scopeMetrics }) => {
    each(w, 1, [resource], (r, { attributes }) => each(r, 1, attributes, writeAttribute));
    each(w, 2, scopeMetrics, (s, { scope, metrics }) => {
      each(s, 1, [scope], (x, { name }) => x.tag(1, WireType.LengthDelimited).string(name));
      each(s, 2, metrics, (x, metric) => {
        // The data before the name: any order is allowed.
        for (const kind of ["gauge", "sum", "histogram", "exponentialHistogram"] as const) {
          const data = metric[kind];
          if (data) each(x, FIELDS[kind], [data], (y, one) => writeData(y, one, kind));
        }
        x.tag(1, WireType.LengthDelimited).string(metric.name);
      });
    });
  });
  return writer.finish();
}

function writeData(writer: BinaryWriter, data: JsonData, kind: keyof typeof FIELDS): void {
  each(writer, 1, data.dataPoints, (w, point) => {
    const isNumber = kind === "sum" || kind === "gauge";
    w.tag(2, WireType.Bit64).fixed64(point.startTimeUnixNano);
    w.tag(3, WireType.Bit64).fixed64(point.timeUnixNano);
    if (point.asDouble !== undefined) w.tag(4, WireType.Bit64).double(point.asDouble);
    if (point.asInt !== undefined) w.tag(6, WireType.Bit64).sfixed64(String(point.asInt));
    if (!isNumber) w.tag(4, WireType.Bit64).fixed64("3");
    if (point.sum !== undefined) w.tag(5, WireType.Bit64).double(point.sum);
    each(w, ATTRIBUTES[kind], point.attributes, writeAttribute);
    if (point.flags !== undefined) w.tag(isNumber ? 8 : 10, WireType.Varint).uint32(point.flags);
  });
  if (data.aggregationTemporality !== undefined) writer.tag(2, WireType.Varint).int32(data.aggregationTemporality);
}
