/**
 * Decodes OTLP metrics, protobuf or JSON. Some programs count themselves what they used (`metric/emitters.ts`). These
 * counts are compared with the ledger, and never become calls. All other metrics are accepted and ignored.
 */
import type { Point } from "../../../coverage/point.ts";
import type { ItemError } from "../decoded.ts";
import { ItemRefused } from "../item.ts";
import { isCounter } from "../metric/emitters.ts";
import type { Metric } from "../metric/metric.ts";
import { toPoints } from "../metric/to-points.ts";
import { readJsonMetrics } from "./metrics-json.ts";
import { readProtobufMetrics } from "./metrics-protobuf.ts";

/** Items are the points that are read, and the metrics that are not. */
export interface DecodedMetrics {
  items: number;
  points: Point[];
  errors: ItemError[];
}

/**
 * @param body a decompressed `ExportMetricsServiceRequest`.
 * @throws ApiError `invalid_body` if it is not one.
 * @throws ApiError `body_too_large` if it has more than `maxItems` metrics, or points that are read.
 */
export function decodeMetricsProtobuf(body: Uint8Array, nowMs: number, maxItems = Infinity): DecodedMetrics {
  return decode(readProtobufMetrics(body, isCounter, maxItems), nowMs);
}

/**
 * @param value the parsed JSON of an `ExportMetricsServiceRequest`.
 * @throws ApiError `invalid_body` if it does not have that shape.
 * @throws ApiError `body_too_large` if it has more than `maxItems` metrics, or points that are read.
 */
export function decodeMetricsJson(value: unknown, nowMs: number, maxItems = Infinity): DecodedMetrics {
  return decode(readJsonMetrics(value, isCounter, maxItems), nowMs);
}

function decode(metrics: readonly (Metric | ItemRefused)[], nowMs: number): DecodedMetrics {
  const decoded: DecodedMetrics = { items: 0, points: [], errors: [] };
  for (const metric of metrics) {
    const found = metric instanceof ItemRefused ? [metric] : toPoints(metric, nowMs);
    for (const [i, point] of found.entries()) {
      if (point instanceof ItemRefused)
        decoded.errors.push({ index: decoded.items + i, code: point.code, message: point.message });
      else decoded.points.push(point);
    }
    decoded.items += Math.max(found.length, 1);
  }
  return decoded;
}
