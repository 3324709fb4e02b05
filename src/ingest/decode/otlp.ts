/**
 * OTLP traces, protobuf or JSON, to the canonical form. Spans that are not LLM calls are items like
 * any other: accepted, and not stored.
 */
import type { Decoded, ItemError, Trace } from "../trace.ts";
import { readJsonSpans } from "./otlp-json.ts";
import { readProtobufSpans } from "./otlp-protobuf.ts";
import { Contexts } from "./span-context.ts";
import { linksOf } from "./span-link.ts";
import { verdictOf } from "./span-rules.ts";
import { toTrace } from "./span-to-trace.ts";
import { SpanRefused, type Span } from "./span.ts";

export { MalformedBody, TooManyItems } from "./otlp-errors.ts";

/**
 * @param body a decompressed `ExportTraceServiceRequest`
 * @throws MalformedBody when it is not one
 * @throws TooManyItems when it has more than `maxItems` spans
 */
export function decodeOtlpProtobuf(body: Uint8Array, nowMs: number, maxItems = Infinity): Decoded {
  return decodeSpans(readProtobufSpans(body, maxItems), nowMs);
}

/**
 * @param value the parsed JSON of an `ExportTraceServiceRequest`
 * @throws MalformedBody when it has not that shape
 * @throws TooManyItems when it has more than `maxItems` spans
 */
export function decodeOtlpJson(value: unknown, nowMs: number, maxItems = Infinity): Decoded {
  return decodeSpans(readJsonSpans(value, maxItems), nowMs);
}

export function decodeSpans(spans: readonly Span[], nowMs: number): Decoded {
  const contexts = new Contexts(spans);
  const traces: Trace[] = [];
  const indexes: number[] = [];
  const errors: ItemError[] = [];
  const rest: { span: Span; wrapper: boolean }[] = [];
  const tracesWithCalls = new Set<string>();
  for (const [index, span] of spans.entries()) {
    const verdict = verdictOf(span);
    if (verdict.kind === "other") {
      rest.push({ span, wrapper: false });
      continue;
    }
    tracesWithCalls.add(span.traceId);
    try {
      const trace = toTrace(span, verdict, nowMs, () => contexts.of(span));
      if (trace === null) {
        rest.push({ span, wrapper: true });
        continue;
      }
      traces.push(trace);
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof SpanRefused)) throw error;
      errors.push({ index, code: error.code, message: error.message });
    }
  }
  const links = linksOf(rest, contexts, tracesWithCalls);
  return { items: spans.length, traces, indexes, errors, links };
}
