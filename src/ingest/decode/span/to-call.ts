/** One span that counts, as a `Call`. */
import { hasUnits } from "../../../ledger/buckets.ts";
import { type Reading } from "../item.ts";
import { sentProviderOf } from "./identity.ts";
import { keptIds, keptStart, ItemRefused, keptText } from "../item.ts";
import { callKey } from "../../../ledger/key.ts";
import { type Call, type Usage } from "../../../ledger/call.ts";
import type { Context } from "./context.ts";
import {
  applicationOf,
  environmentOf,
  modelOf,
  operationOf,
  providerOf,
  requestModelOf,
  responseIdOf,
  serviceTierOf,
} from "./identity.ts";
import { coverOf, otherIdsOf } from "./agents.ts";
import { statedCostOf } from "./cost.ts";
import { gapsOf } from "./gaps.ts";
import { outcomeOf } from "./outcome.ts";
import { reportOf, wrapperReportOf } from "./report.ts";
import type { Verdict } from "./rules.ts";
import { usageOf } from "./usage.ts";
import { type Span } from "./span.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_US = 1_000n;

/**
 * @param contextOf is asked only for spans that are stored.
 * @param clientIdOf what makes the call one of its own, if that is not its span.
 * @returns null for a wrapper that states no usage.
 * @throws ItemRefused if a value of the span cannot be true or cannot be stored.
 */
export function toCall(
  span: Span,
  verdict: Verdict,
  nowMs: number,
  contextOf: () => Context,
  clientIdOf = idOfSpan,
): Call | null {
  const { attributes } = span;
  const billable = verdict.kind === "call";
  const provider = providerOf(span);
  const report = billable ? reportOf(attributes, provider) : wrapperReportOf(attributes, provider);
  const outcome = outcomeOf(span);
  const stated = usageOf(span, provider, report);
  if (!billable && !states(stated.usage)) return null;
  const read = costsNothing(stated, outcome.status);

  const traceId = idOf(span.traceId, 32, "trace id");
  const spanId = idOf(span.spanId, 16, "span id");
  const startedAtMs = startOf(span, nowMs);
  const context = contextOf();
  const cost = statedCostOf(attributes);
  const model = modelOf(attributes, report);
  const operation = operationOf(attributes);
  const { usage, semantics } = read;
  const responseId = textOrNull(responseIdOf(attributes, report), "response id");
  const clientId = clientIdOf({ traceId, spanId, responseId, model, usage });
  const { costIs, why } = gapsOf({ span, usage, semantics, provider, model, operation });
  return {
    id: callKey(startedAtMs, clientId),
    clientId,
    traceId,
    spanId,
    parentId: isId(span.parentId, 16) ? span.parentId : null,
    responseId,
    otherIds: keptIds(otherIdsOf(span, read.usage, context.sessionId)),
    startedAtMs,
    durationUs: durationOf(span),
    application: keptText(applicationOf(span), "application"),
    environment: keptText(environmentOf(span), "environment"),
    provider: keptText(provider, "provider"),
    model: keptText(model, "model"),
    requestModel: textOrNull(requestModelOf(attributes), "request model"),
    requestProvider: textOrNull(sentProviderOf(attributes, provider), "provider"),
    operation: keptText(operation, "operation"),
    serviceTier: textOrNull(serviceTierOf(attributes, report, model), "service tier"),
    userId: textOrNull(context.userId, "user"),
    sessionId: textOrNull(context.sessionId, "session"),
    tags: Object.fromEntries(context.tags),
    status: outcome.status,
    errorType: outcome.errorType,
    reportedCostPico: cost.pico ?? report.reportedCostPico,
    billable,
    wrapper: !billable,
    rule: verdict.rule,
    doubt: read.doubt,
    unknownUsageMembers: cost.unread.length === 0 ? report.unknown : [...report.unknown, ...cost.unread],
    usageSemantics: why.length === 0 ? semantics : [semantics, ...why].join("; "),
    costIs,
    coveredBy: coverOf(span, provider),
    // An object that begins with a spread grows field by field.
    ...usage,
  };
}

/** What is known of a call when it is identified. */
export interface Read {
  traceId: string;
  spanId: string;
  responseId: string | null;
  model: string;
  usage: Usage;
}

function idOfSpan({ traceId, spanId }: Read): string {
  return `${traceId}:${spanId}`;
}

/** A failed call that states no usage was not billed; any other without usage is unknown. */
function costsNothing(read: Reading, status: Call["status"]): Reading {
  if (status === "ok" || states(read.usage)) return read;
  return { ...read, usage: { ...read.usage, inputTokens: 0, outputTokens: 0 }, semantics: "failed: nothing used" };
}

function states(usage: Usage): boolean {
  return usage.inputTokens !== null || usage.outputTokens !== null || hasUnits(usage);
}

function startOf(span: Span, nowMs: number): number {
  if (span.startNs === null) throw new ItemRefused("startTimeUnixNano is not a whole number");
  return keptStart(Number(span.startNs / NS_PER_MS), nowMs, "startTimeUnixNano");
}

function durationOf({ startNs, endNs }: Span): number | null {
  if (startNs === null || endNs === null || endNs < startNs) return null;
  const durationUs = Number((endNs - startNs) / NS_PER_US);
  return Number.isSafeInteger(durationUs) ? durationUs : null;
}

const [ZERO, NINE, A, F] = [..."09af"].map((digit) => digit.charCodeAt(0)) as [number, number, number, number];

/** True for so many lower-case hex digits that are not all zeros. Each span has three, so no pattern is used. */
export function isId(hex: string, length: number): boolean {
  if (hex.length !== length) return false;
  let isZero = true;
  for (let at = 0; at < length; at++) {
    const unit = hex.charCodeAt(at);
    if (!((unit >= ZERO && unit <= NINE) || (unit >= A && unit <= F))) return false;
    isZero &&= unit === ZERO;
  }
  return !isZero;
}

function idOf(hex: string, length: number, what: string): string {
  if (isId(hex, length)) return hex;
  throw new ItemRefused(`${what} must be ${length} hex digits that are not all zeros`);
}

function textOrNull(value: string | null, what: string): string | null {
  return value === null ? null : keptText(value, what);
}
