/** One span that counts, as a `Trace`. */
import { contradiction } from "../../pricing/buckets.ts";
import { usdToPico } from "../../money.ts";
import { traceKey } from "../key.ts";
import { MAX_TEXT, withinLedgerTime, type Trace, type Usage } from "../trace.ts";
import { COST_DETAILS, REPORTED_COST } from "./span-attributes.ts";
import type { Context } from "./span-context.ts";
import {
  applicationOf,
  environmentOf,
  modelOf,
  operationOf,
  providerOf,
  requestModelOf,
  responseIdOf,
  serviceTierOf,
} from "./span-identity.ts";
import { floatToPico, readLangfuseCost } from "./span-langfuse.ts";
import { outcomeOf } from "./span-outcome.ts";
import { reportOf, wrapperReportOf } from "./span-report.ts";
import type { Verdict } from "./span-rules.ts";
import { usageOf, type ReadUsage } from "./span-usage.ts";
import { documentOf, SpanRefused, type Attributes, type Span } from "./span.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_US = 1_000n;

/**
 * @param contextOf asked only for spans that are stored
 * @returns null for a wrapper that states no usage
 * @throws SpanRefused where the span says something that cannot be true or kept
 */
export function toTrace(span: Span, verdict: Verdict, nowMs: number, contextOf: () => Context): Trace | null {
  const { attributes } = span;
  const billable = verdict.kind === "call";
  const provider = providerOf(span);
  const report = billable ? reportOf(attributes, provider) : wrapperReportOf(attributes);
  const outcome = outcomeOf(span);
  const stated = usageOf(span, provider, report);
  if (!billable && !states(stated.usage)) return null;
  const read = costsNothing(stated, outcome.status);
  const wrong = contradiction(read.usage);
  if (wrong !== null) throw new SpanRefused("invalid", wrong);

  const traceId = idOf(span.traceId, 32, "trace id");
  const spanId = idOf(span.spanId, 16, "span id");
  const startedAtMs = startOf(span, nowMs);
  const clientId = `${traceId}:${spanId}`;
  const context = contextOf();
  return {
    ...read.usage,
    id: traceKey(startedAtMs, clientId),
    clientId,
    traceId,
    spanId,
    parentId: isId(span.parentId, 16) ? span.parentId : null,
    responseId: textOrNull(responseIdOf(attributes, report), "response id"),
    startedAtMs,
    durationUs: durationOf(span),
    application: text(applicationOf(span), "application"),
    environment: text(environmentOf(span), "environment"),
    provider: text(provider, "provider"),
    model: text(modelOf(attributes, report), "model"),
    requestModel: textOrNull(requestModelOf(attributes), "request model"),
    operation: text(operationOf(attributes), "operation"),
    serviceTier: textOrNull(serviceTierOf(attributes, report), "service tier"),
    userId: textOrNull(context.userId, "user"),
    sessionId: textOrNull(context.sessionId, "session"),
    tags: Object.fromEntries(context.tags),
    status: outcome.status,
    errorType: outcome.errorType,
    reportedCostPico: reportedCostOf(attributes),
    billable,
    wrapper: !billable,
    rule: verdict.rule,
    usageSemantics: read.semantics,
  };
}

/** A failed call that states no usage was not billed; any other without usage is unknown. */
function costsNothing(read: ReadUsage, status: Trace["status"]): ReadUsage {
  if (status === "ok" || states(read.usage)) return read;
  return { usage: { ...read.usage, inputTokens: 0, outputTokens: 0 }, semantics: "failed: nothing used" };
}

function states(usage: Usage): boolean {
  return usage.inputTokens !== null || usage.outputTokens !== null;
}

/** For comparison only: what cannot be read as money is left out, and costs no call its place. */
function reportedCostOf(attributes: Attributes): bigint | null {
  const details = attributes.has(COST_DETAILS) ? documentOf(attributes, COST_DETAILS) : null;
  if (details !== null) return readLangfuseCost(details);
  for (const name of REPORTED_COST) {
    const value = attributes.get(name);
    if (typeof value === "number") return floatToPico(value);
    if (typeof value === "string") return usdToPico(value);
  }
  return null;
}

function startOf(span: Span, nowMs: number): number {
  if (span.startNs === null) throw new SpanRefused("invalid", "startTimeUnixNano is not a whole number");
  const startedAtMs = Number(span.startNs / NS_PER_MS);
  if (withinLedgerTime(startedAtMs, nowMs)) return startedAtMs;
  throw new SpanRefused("timestamp_range", "startTimeUnixNano is before 2020 or ahead of the clock");
}

function durationOf({ startNs, endNs }: Span): number | null {
  if (startNs === null || endNs === null || endNs < startNs) return null;
  const durationUs = Number((endNs - startNs) / NS_PER_US);
  return Number.isSafeInteger(durationUs) ? durationUs : null;
}

export function isId(hex: string, length: number): boolean {
  return hex.length === length && /^[0-9a-f]+$/.test(hex) && !/^0+$/.test(hex);
}

function idOf(hex: string, length: number, what: string): string {
  if (isId(hex, length)) return hex;
  throw new SpanRefused("invalid", `${what} is not ${length} hex digits other than zeros`);
}

function text(value: string, what: string): string {
  if (value.length > MAX_TEXT) throw new SpanRefused("invalid", `${what} is longer than ${MAX_TEXT} characters`);
  if (value.includes("\0") || !value.isWellFormed()) {
    throw new SpanRefused("invalid", `${what} contains NUL or half a surrogate pair`);
  }
  return value;
}

function textOrNull(value: string | null, what: string): string | null {
  return value === null ? null : text(value, what);
}
