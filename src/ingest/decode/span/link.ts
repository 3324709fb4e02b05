/** Links: spans that are not calls. A link has a place in its trace, and may have a user, a session and tags. */
import type { Link } from "../../../ledger/call.ts";
import { type Context, type Contexts, NO_CONTEXT } from "./context.ts";
import { isId } from "./to-call.ts";
import type { Span } from "./span.ts";

const NS_PER_MS = 1_000_000n;

/** @param tracesWithCalls the ids of the traces in which the body has a call or a wrapper. */
export function linksOf(
  spans: readonly { span: Span; wrapper: boolean }[],
  contexts: Contexts,
  tracesWithCalls: ReadonlySet<string>,
): Link[] {
  const known = spans
    .filter(({ span }) => isId(span.traceId, 32) && isId(span.spanId, 16) && span.startNs !== null)
    .map(({ span, wrapper }) => ({ span, wrapper, context: contexts.inherited(span) }));
  const ofInterest = new Set(tracesWithCalls);
  for (const { span, context } of known) if (says(context)) ofInterest.add(span.traceId);
  return known.map(({ span: { traceId, spanId, parentId, startNs }, wrapper, context }) => ({
    wrapper,
    startedAtMs: Number(startNs! / NS_PER_MS),
    traceId,
    spanId,
    parentId: isId(parentId, 16) ? parentId : null,
    userId: context.userId,
    sessionId: context.sessionId,
    tags: Object.fromEntries(context.tags),
    ofInterest: ofInterest.has(traceId),
  }));
}

function says(context: Context): boolean {
  return context !== NO_CONTEXT && (context.userId !== null || context.sessionId !== null || context.tags.size > 0);
}
