/** Reads the metrics of a binary `ExportMetricsServiceRequest`. */
import { tooManyItems } from "../../../errors.ts";
import { ItemRefused, unlessRefused } from "../item.ts";
import type { DataPoint, IsRead, Metric } from "../metric/metric.ts";
import type { AttributeValue, SpanSource } from "../span/span.ts";
import { readAttribute, type Source } from "./protobuf-attribute.ts";
import { walkProtobuf } from "./protobuf-frame.ts";
import { BIT64, enter, expectWire, leave, readFixed64, readString, skip, VARINT } from "./protobuf-wire.ts";

/** The fields of a metric with data, and where their points have what. 0 where they have nothing of the kind. */
const KINDS: Readonly<Record<number, PointFields>> = {
  5: { counts: false, attributes: 7, double: 4, int: 6, flags: 8 },
  7: { counts: true, attributes: 7, double: 4, int: 6, flags: 8 },
  9: { counts: true, attributes: 9, double: 5, int: 0, flags: 10 },
  10: { counts: true, attributes: 1, double: 5, int: 0, flags: 10 },
  11: { counts: false, attributes: 7, double: 5, int: 0, flags: 8 },
};

interface PointFields {
  /** False for a gauge and a summary. */
  counts: boolean;
  attributes: number;
  double: number;
  int: number;
  flags: number;
}

const NAME = 1;
const START = 2;
const TIME = 3;
const NO_VALUE = 1;
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * @throws ApiError `invalid_body` if the body is not such a message.
 * @throws ApiError `body_too_large` if it has more than `maxItems` metrics, or points that are read.
 */
export function readProtobufMetrics(body: Uint8Array, isRead: IsRead, maxItems: number): (Metric | ItemRefused)[] {
  let points = 0;
  return walkProtobuf(body, {
    what: "metrics",
    // Any attribute may tell two series apart.
    readKey: (bytes, start, end) => decoder.decode(bytes.subarray(start, end)),
    maxItems,
    readItem: (walk, end, source) => {
      const metric = readMetric(walk, end, source, isRead);
      points += metric.points.length;
      if (points > maxItems) throw tooManyItems(maxItems);
      return metric;
    },
  });
}

/** The name may come after the data, so it is read in a pass of its own. */
function readMetric(walk: Source, end: number, source: SpanSource, isRead: IsRead): Metric {
  const { reader } = walk;
  const start = reader.pos;
  const metric: Metric = { source, name: "", temporality: 0, points: [] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === NAME) metric.name = readString(reader, tag, end);
    else skip(reader, tag);
  }
  leave(reader, end);
  if (!isRead(metric.name, source.scopeName)) return metric;
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const fields = KINDS[tag >>> 3];
    if (fields) readData(walk, enter(reader, tag, end), fields, metric);
    else skip(reader, tag);
  }
  return metric;
}

function readData(walk: Source, end: number, fields: PointFields, metric: Metric): void {
  const { reader } = walk;
  const points: (DataPoint | ItemRefused)[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) {
      const pointEnd = enter(reader, tag, end);
      points.push(unlessRefused(() => readPoint(walk, pointEnd, fields)));
      reader.pos = pointEnd;
    } else if (tag >>> 3 === 2 && fields.counts) {
      expectWire(tag, VARINT);
      metric.temporality = reader.int32();
    } else skip(reader, tag);
  }
  leave(reader, end);
  metric.points = points;
}

function readPoint(walk: Source, end: number, fields: PointFields): DataPoint {
  const { reader } = walk;
  const attributes = new Map<string, AttributeValue>();
  const point: DataPoint = { attributes, startNs: 0n, timeNs: 0n, value: null, empty: false };
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === fields.attributes) readAttribute(walk, enter(reader, tag, end), attributes);
    else if (field === START) point.startNs = readFixed64(reader, tag);
    else if (field === TIME) point.timeNs = readFixed64(reader, tag);
    else if (field === fields.double) {
      expectWire(tag, BIT64);
      point.value = reader.double();
    } else if (field === fields.int) {
      expectWire(tag, BIT64);
      point.value = Number(reader.sfixed64());
    } else if (field === fields.flags) {
      expectWire(tag, VARINT);
      point.empty = (reader.uint32() & NO_VALUE) === NO_VALUE;
    } else skip(reader, tag);
  }
  leave(reader, end);
  return point;
}
