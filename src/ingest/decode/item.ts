/** What decoders share: items taken one by one, and values held to what the ledger can keep. */
import { contradiction } from "../../pricing/buckets.ts";
import { MAX_TEXT, withinLedgerTime, type Decoded, type ItemError, type Trace, type Usage } from "../trace.ts";
import { SpanRefused } from "./span.ts";

/** @param decode makes null of an item that is no call, and throws `SpanRefused` for one that is wrong. */
export function decodeItems<T>(items: readonly T[], decode: (item: T) => Trace | null): Decoded {
  const traces: Trace[] = [];
  const indexes: number[] = [];
  const errors: ItemError[] = [];
  for (const [index, item] of items.entries()) {
    try {
      const trace = decode(item);
      if (trace === null) continue;
      traces.push(trace);
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof SpanRefused)) throw error;
      errors.push({ index, code: error.code, message: error.message });
    }
  }
  return { items: items.length, traces, indexes, errors };
}

/** @throws SpanRefused for text that is too long, or that Postgres does not keep. */
export function keptText(value: string, what: string): string {
  if (value.length > MAX_TEXT) throw new SpanRefused("invalid", `${what} is longer than ${MAX_TEXT} characters`);
  if (value.includes("\0") || !value.isWellFormed()) {
    throw new SpanRefused("invalid", `${what} holds a NUL or half a surrogate pair`);
  }
  return value;
}

/** @throws SpanRefused where counts contradict each other, or a sum has left their range. */
export function keptUsage(usage: Usage): Usage {
  const wrong = contradiction(usage);
  if (wrong !== null) throw new SpanRefused("invalid", wrong);
  return usage;
}

/** @throws SpanRefused for a start that the ledger does not keep. */
export function keptStart(startedAtMs: number, nowMs: number, what: string): number {
  if (withinLedgerTime(startedAtMs, nowMs)) return startedAtMs;
  throw new SpanRefused("timestamp_range", `${what} is before 2020 or more than 5 minutes ahead`);
}

/** Text for people: what cannot be kept as it is, is cut or replaced. */
export function cleanText(value: string, maxLength = MAX_TEXT): string {
  return value.slice(0, maxLength).toWellFormed().replaceAll("\0", "\ufffd");
}
