/**
 * Decodes OTLP traces, protobuf or JSON. Spans that are not calls are accepted as items, but not stored as calls. They
 * may be kept as links.
 */
import { decodeItems, ItemRefused } from "../item.ts";
import type { Decoded } from "../decoded.ts";
import { readJsonSpans } from "./json.ts";
import { readProtobufSpans } from "./protobuf.ts";
import { asStandard, isOfAgent, withConversation } from "../span/agents.ts";
import { Contexts } from "../span/context.ts";
import { DEFAULT_PERSONS, type Persons } from "../span/context-attributes.ts";
import { linksOf } from "../span/link.ts";
import { verdictOf } from "../span/rules.ts";
import { toCall } from "../span/to-call.ts";
import type { AttributeValue, Span } from "../span/span.ts";

/**
 * @param body a decompressed `ExportTraceServiceRequest`.
 * @throws ApiError `invalid_body` if it is not one.
 * @throws ApiError `body_too_large` if it has more than `maxItems` spans.
 */
export function decodeOtlpProtobuf(
  body: Uint8Array,
  nowMs: number,
  maxItems = Infinity,
  persons = DEFAULT_PERSONS,
): Decoded {
  return decodeSpans(readProtobufSpans(body, maxItems), nowMs, persons);
}

/**
 * @param value the parsed JSON of an `ExportTraceServiceRequest`.
 * @throws ApiError `invalid_body` if it does not have that shape.
 * @throws ApiError `body_too_large` if it has more than `maxItems` spans.
 */
export function decodeOtlpJson(value: unknown, nowMs: number, maxItems = Infinity, persons = DEFAULT_PERSONS): Decoded {
  return decodeSpans(readJsonSpans(value, maxItems), nowMs, persons);
}

export function decodeSpans(sent: readonly (Span | ItemRefused)[], nowMs: number, persons = DEFAULT_PERSONS): Decoded {
  const spans = standardSpans(sent, persons);
  const contexts = new Contexts(spans.filter(isSpan));
  const rest: { span: Span; wrapper: boolean }[] = [];
  const tracesWithCalls = new Set<string>();
  const decoded = decodeItems(spans, (span) => {
    const verdict = verdictOf(span);
    if (verdict.kind === "other") {
      rest.push({ span, wrapper: false });
      return null;
    }
    tracesWithCalls.add(span.traceId);
    const call = toCall(span, verdict, nowMs, () => contexts.of(span));
    if (call === null) rest.push({ span, wrapper: true });
    return call;
  });
  return { ...decoded, links: linksOf(rest, contexts, tracesWithCalls) };
}

/** Most bodies have no agent's span, and stay as they are. */
function standardSpans(sent: readonly (Span | ItemRefused)[], persons: Persons): readonly (Span | ItemRefused)[] {
  let contexts: Contexts | undefined;
  if (!sent.some((span) => isSpan(span) && isOfAgent(span.source))) return sent;
  const named = sent.map((span) => (isSpan(span) ? withConversation(span) : span));
  return named.map((span) => {
    if (!isSpan(span) || !isOfAgent(span.source)) return span;
    // The spans between may be in another body.
    const around = (name: string): AttributeValue | undefined => {
      contexts ??= new Contexts(named.filter(isSpan));
      return contexts.above(span, name) ?? contexts.inTrace(span.traceId, name);
    };
    return asStandard(span, around, persons);
  });
}

function isSpan(span: Span | ItemRefused): span is Span {
  return !(span instanceof ItemRefused);
}
