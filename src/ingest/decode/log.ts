/** A log record as both OTLP encodings are read into: of its attributes, only those that some rule reads. */
import type { Attributes, SpanSource } from "./span.ts";

export interface LogRecord {
  source: SpanSource;
  /** Epoch nanoseconds, 0 where not said, or null where what was sent is not a whole number. */
  timeNs: bigint | null;
  observedNs: bigint | null;
  /** The field of that name, newer than the attribute `event.name`. */
  eventName: string;
  /** The body where it is text. */
  body: string;
  attributes: Attributes;
}
