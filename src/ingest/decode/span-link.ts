/** Spans that are no calls, as far as they matter to calls: their place in the trace, and whose they are. */
import { MAX_TEXT, type Link } from "../trace.ts";
import { type Context, type Contexts, NO_CONTEXT } from "./span-context.ts";
import { isId } from "./span-to-trace.ts";
import type { Span } from "./span.ts";

const NS_PER_MS = 1_000_000n;

/** @param tracesWithCalls ids of the traces in which the body has a call or a wrapper. */
export function linksOf(spans: readonly Span[], contexts: Contexts, tracesWithCalls: ReadonlySet<string>): Link[] {
  const known = spans
    .filter((span) => isId(span.traceId, 32) && isId(span.spanId, 16) && span.startNs !== null)
    .map((span) => ({ span, context: contexts.inherited(span) }));
  const ofInterest = new Set(tracesWithCalls);
  for (const { span, context } of known) if (says(context)) ofInterest.add(span.traceId);
  return known.map(({ span: { traceId, spanId, parentId, startNs }, context }) => ({
    startedAtMs: Number(startNs! / NS_PER_MS),
    traceId,
    spanId,
    parentId: isId(parentId, 16) ? parentId : null,
    userId: kept(context.userId),
    sessionId: kept(context.sessionId),
    tags: Object.fromEntries(context.tags),
    ofInterest: ofInterest.has(traceId),
  }));
}

function says(context: Context): boolean {
  return context !== NO_CONTEXT && (context.userId !== null || context.sessionId !== null || context.tags.size > 0);
}

/** A call would be refused for what the ledger cannot keep; a span around it just does not say it. */
function kept(text: string | null): string | null {
  return text !== null && text.length <= MAX_TEXT && !text.includes("\0") && text.isWellFormed() ? text : null;
}
