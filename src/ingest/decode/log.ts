/** A log record, read from either OTLP encoding. It has only the attributes that a rule reads. */
import type { Attributes, SpanSource } from "./span/span.ts";

export interface LogRecord {
  source: SpanSource;
  /** Epoch nanoseconds. 0 if it was not sent, null if it is not a whole number. */
  timeNs: bigint | null;
  observedNs: bigint | null;
  /** The field `eventName`, which is newer than the attribute `event.name`. */
  eventName: string;
  /** The body, if it is text. Otherwise empty. */
  body: string;
  attributes: Attributes;
}
