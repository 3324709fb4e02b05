/** A log record, read from either OTLP encoding, and what an emitter of calls in logs declares. */
import type { Call } from "../../../ledger/call.ts";
import type { Persons } from "../span/context-attributes.ts";
import type { Attributes, SpanSource } from "../span/span.ts";

/** It has only the attributes that an emitter reads. */
export interface LogRecord {
  source: SpanSource;
  /** Epoch nanoseconds. 0 if it was not sent, null if it is not a whole number. */
  timeNs: bigint | null;
  observedNs: bigint | null;
  /** The span in which it was written, lower-case hex. Empty if none was sent. */
  traceId: string;
  spanId: string;
  /** The field `eventName`, which is newer than the attribute `event.name`. */
  eventName: string;
  /** The body, if it is text. Otherwise empty. */
  body: string;
  attributes: Attributes;
}

/** What a decoder of records is told beside the record. */
export interface LogContext {
  nowMs: number;
  /** The attributes that name the user of a coding agent. */
  persons: Persons;
}

/** A program that reports calls in logs. A new one is a file with this, and a row in `emitters.ts`. */
export interface LogEmitter {
  /** Its name, which is the tag `agent`, and the application of a record that names no service. */
  agent: string | null;
  /** Its events begin with it. */
  prefix: string;
  /** The events that may be calls, without the prefix. */
  events: ReadonlySet<string>;
  /** The names of attributes that it reads beside those of `fields.ts`. */
  attributes: readonly string[];
  /** It reads every attribute whose name begins with one of these, too. */
  attributePrefixes?: readonly string[];
  /** True if a record whose event has no prefix is its own. Left out: none is. */
  owns?: (record: LogRecord) => boolean;
  /**
   * @returns null for a record that is not a call.
   * @throws ItemRefused if a value of the record cannot be true or cannot be stored.
   */
  toCall: (record: LogRecord, event: string, context: LogContext) => Call | null;
}
