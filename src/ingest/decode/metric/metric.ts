/** A metric, read from either OTLP encoding. Of one that no rule reads only the name is read. */
import type { ItemRefused } from "../item.ts";
import type { Attributes, SpanSource } from "../span/span.ts";

export const DELTA = 1;
export const CUMULATIVE = 2;

export interface DataPoint {
  attributes: Attributes;
  /** Epoch nanoseconds. 0 if it was not sent, null if it is not a whole number. */
  startNs: bigint | null;
  timeNs: bigint | null;
  /** The value of a number, or the sum of a histogram. Null if there is none. */
  value: number | null;
  /** True if the exporter says that there is no value. */
  empty: boolean;
}

export interface Metric {
  source: SpanSource;
  name: string;
  /** `DELTA`, `CUMULATIVE`, or 0 if it is neither. */
  temporality: number;
  points: readonly (DataPoint | ItemRefused)[];
}

/** Decides by its name and scope whether the points of a metric are read. */
export type IsRead = (name: string, scopeName: string) => boolean;
