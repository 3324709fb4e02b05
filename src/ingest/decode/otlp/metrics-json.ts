/** Reads the metrics of an `ExportMetricsServiceRequest` in OTLP's JSON. */
import { tooManyItems } from "../../../errors.ts";
import { ItemRefused, unlessRefused } from "../item.ts";
import { CUMULATIVE, type DataPoint, DELTA, type IsRead, type Metric } from "../metric/metric.ts";
import type { SpanSource } from "../span/span.ts";
import { objectOrNull } from "../usage-objects/paths.ts";
import { type JsonObject, list, readAttributes, readNanos, walkJson } from "./json.ts";

/** The kinds that count something. The others are gauges and summaries. */
const KINDS = ["sum", "histogram", "exponentialHistogram"];
const TEMPORALITIES = new Map<unknown, number>([
  [DELTA, DELTA],
  [CUMULATIVE, CUMULATIVE],
  ["AGGREGATION_TEMPORALITY_DELTA", DELTA],
  ["AGGREGATION_TEMPORALITY_CUMULATIVE", CUMULATIVE],
]);
const NO_VALUE = 1;

/**
 * @throws ApiError `invalid_body` if the value does not have the shape of such a request.
 * @throws ApiError `body_too_large` if it has more than `maxItems` metrics, or points that are read.
 */
export function readJsonMetrics(value: unknown, isRead: IsRead, maxItems: number): (Metric | ItemRefused)[] {
  let points = 0;
  return walkJson(value, {
    path: ["resourceMetrics", "scopeMetrics", "metrics"],
    isRead: () => true,
    maxItems,
    readItem: (item, source) => {
      const metric = readMetric(item, source, isRead);
      points += metric.points.length;
      if (points > maxItems) throw tooManyItems(maxItems);
      return metric;
    },
  });
}

function readMetric(item: JsonObject, source: SpanSource, isRead: IsRead): Metric {
  const name = typeof item["name"] === "string" ? item["name"] : "";
  const metric: Metric = { source, name, temporality: 0, points: [] };
  if (!isRead(name, source.scopeName)) return metric;
  for (const kind of [...KINDS, "gauge", "summary"]) {
    const data = objectOrNull(item[kind]);
    if (data === null) continue;
    if (KINDS.includes(kind)) metric.temporality = TEMPORALITIES.get(data["aggregationTemporality"]) ?? 0;
    metric.points = list(data, "dataPoints").map((point) => unlessRefused(() => readPoint(point)));
  }
  return metric;
}

function readPoint(point: JsonObject): DataPoint {
  return {
    attributes: readAttributes(point, () => true),
    startNs: readNanos(point["startTimeUnixNano"]),
    timeNs: readNanos(point["timeUnixNano"]),
    value: numberOf(point["asInt"]) ?? numberOf(point["asDouble"]) ?? numberOf(point["sum"]),
    empty: typeof point["flags"] === "number" && (point["flags"] & NO_VALUE) === NO_VALUE,
  };
}

/** 64-bit integers are strings or numbers. Other text is no number. */
function numberOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return /^-?\d{1,20}$/.test(value) ? Number(value) : Number.NaN;
  return typeof value === "number" ? value : Number.NaN;
}
