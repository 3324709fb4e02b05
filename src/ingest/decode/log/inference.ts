/**
 * OpenTelemetry's event of a call, `gen_ai.client.inference.operation.details`. It has the names of spans, so it is read
 * by the same rules, as the span that it would be. It may come alone, and it may repeat a span: that of its trace and
 * span id, or one of the same response.
 */
import { asStandard } from "../span/agents.ts";
import { ERROR_TYPE, HTTP_STATUS, READ_NAMES, RESPONSE_ID } from "../span/attributes.ts";
import { Contexts } from "../span/context.ts";
import { SESSION, TAG_PREFIXES } from "../span/context-attributes.ts";
import { hasUsage, verdictOf } from "../span/rules.ts";
import { isId, type Read, toCall } from "../span/to-call.ts";
import { STATUS_ERROR, textOf, type Span, type SpanSource } from "../span/span.ts";
import { countOf, endOf, eventTimeOf, placeOf, userOf } from "./fields.ts";
import { idsOf } from "./gemini-cli.ts";
import type { LogEmitter, LogRecord } from "./record.ts";

const EVENT = "gen_ai.client.inference.operation.details";
const INPUT = "gen_ai.usage.input_tokens";
const OUTPUT = "gen_ai.usage.output_tokens";
/** Stand for those that were not sent, which a span must have. */
const [NO_TRACE, NO_SPAN] = ["f".repeat(32), "f".repeat(16)];

export const INFERENCE: LogEmitter = {
  agent: null,
  prefix: "gen_ai.",
  events: new Set([EVENT.slice("gen_ai.".length)]),
  attributes: [...READ_NAMES],
  attributePrefixes: TAG_PREFIXES,
  toCall(record, _, { nowMs, persons }) {
    const endUs = endOf(record);
    const span = asStandard(spanOf(record, endUs), () => undefined, persons);
    const { attributes, source } = span;
    const verdict = verdictOf(span);
    // Some write it before the request, too.
    if (verdict.kind !== "call" || !isAnswered(span)) return null;
    const call = toCall(
      span,
      verdict,
      nowMs,
      () => contextsOf(source).of(span),
      (read) => identityOf(record, endUs, read),
    );
    if (call === null) return null;
    const isGemini = source.scopeName === "gemini-cli";
    const failed = call.status === "error";
    return Object.assign(call, placeOf(record), {
      rule: EVENT,
      userId: call.userId ?? userOf(record, persons),
      otherIds: isGemini
        ? idsOf(record, textOf(attributes, SESSION), failed, [countOf(attributes, INPUT), countOf(attributes, OUTPUT)])
        : [],
      usageSemantics:
        isGemini && !failed ? `${call.usageSemantics}; without thoughts, cache and tools` : call.usageSemantics,
    });
  },
};

/** A record has no spans around it. Those of one source share what its resource says. */
const contexts = new WeakMap<SpanSource, Contexts>();

function contextsOf(source: SpanSource): Contexts {
  let known = contexts.get(source);
  if (known === undefined) contexts.set(source, (known = new Contexts([])));
  return known;
}

/** All that is known of the time is when it was written, which is when the call had ended. */
function spanOf(record: LogRecord, endUs: number): Span {
  const { source, attributes, traceId, spanId } = record;
  const ns = BigInt(endUs) * 1_000n;
  return {
    source,
    traceId: isId(traceId, 32) ? traceId : NO_TRACE,
    spanId: isId(spanId, 16) ? spanId : NO_SPAN,
    parentId: "",
    startNs: ns,
    endNs: ns,
    statusCode: isFailed(attributes) ? STATUS_ERROR : 0,
    attributes,
  };
}

const ERRORS = [...ERROR_TYPE, "error.message"];

function isFailed(attributes: Span["attributes"]): boolean {
  return textOf(attributes, ERRORS) !== null || Number(attributes.get(HTTP_STATUS)) >= 400;
}

function isAnswered({ attributes, statusCode }: Span): boolean {
  return statusCode === STATUS_ERROR || hasUsage(attributes) || textOf(attributes, RESPONSE_ID) !== null;
}

function identityOf(record: LogRecord, endUs: number, { responseId, model, usage }: Read): string {
  const { traceId, spanId, attributes } = record;
  const written = eventTimeOf(record) ?? endUs;
  const counts = `${usage.inputTokens ?? ""}:${usage.outputTokens ?? ""}`;
  const session = textOf(attributes, SESSION) ?? "";
  return `${EVENT}:${traceId}:${spanId}:${responseId ?? ""}:${written}:${model}:${counts}:${session}`;
}
