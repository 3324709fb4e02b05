/**
 * What emitters are known to leave out of their counts although it is priced, and what that makes of the cost. What is
 * known is priced all the same, and the call says how its cost compares with the true one. A new emitter that leaves
 * something out is a row here. A service tier or a fee that is not sent is no gap: nearly no emitter sends them.
 */
import type { Call, CostIs, Usage } from "../../../ledger/call.ts";
import { ESTIMATED, PARTLY_SENT } from "./usage.ts";
import { QUERY_SOURCE, STREAMED } from "./attributes.ts";
import { textOf, type Span, type SpanSource } from "./span.ts";

/** What a gap is judged by. */
export interface Seen {
  span: Span;
  usage: Usage;
  semantics: string;
  provider: string;
  model: string;
  operation: string;
}

interface Gap {
  /** The scopes of the emitters that have it. */
  scope: RegExp;
  when: (seen: Seen) => boolean;
  costIs: CostIs;
  why: string;
}

const CLAUDE = /claude|anthropic/i;
/** On Bedrock these cache what they are told to. */
const CACHING_ON_BEDROCK = /claude|anthropic|nova/i;
/** Of these OpenAI bills what is written to the cache, so the direction is unknown if both are left out. */
const WRITES_BILLED = /^(?:openai\/)?gpt-(?:5\.[6-9]|[6-9])/;
/** OpenAI caches no shorter prompt. */
const SHORTEST_CACHED = 1_024;
/** The provider's own object. What it does not have, did not occur. */
const OWN_OBJECT = /^provider usage \((?!langchain|litellm|ai-sdk)/;

/** Emitters that send the input with the cached tokens in it, and not how many these are. */
const READS_LEFT_OUT =
  /^(?:ai|@traceloop\/instrumentation-.*|@opentelemetry\/instrumentation-openai|opentelemetry\.instrumentation\.openai_v2|langwatch\.instrumentation\.langchain|mistralai_sdk_tracer|@langtrase\/typescript-sdk)$/;

export const GAPS: readonly Gap[] = [
  {
    scope: /^/,
    when: ({ semantics }) => semantics.includes(ESTIMATED),
    costIs: "estimate",
    why: "the emitter estimates the tokens of streams",
  },
  {
    // Spans of Gemini CLI, without its logs.
    scope: /^gemini-cli$/,
    when: ({ usage }) => usage.cacheReadTokens === null && usage.reasoningTokens === null,
    costIs: "estimate",
    why: "cached tokens and thoughts are not sent",
  },
  {
    // The first message's output count is added to the last one's.
    scope: /^(?:@openlit\/|langfuse-sdk$)/,
    when: ({ span, model, semantics }) =>
      CLAUDE.test(model) && !OWN_OBJECT.test(semantics) && isStreamed(span) && !semantics.includes("inclusive"),
    costIs: "upper_bound",
    why: "the output of streams is a token too high",
  },
  {
    scope: READS_LEFT_OUT,
    when: (seen) => leavesReadsOut(seen) && !isUndirected(seen),
    costIs: "upper_bound",
    why: "it is not sent how much of the input was read from a cache",
  },
  {
    scope: READS_LEFT_OUT,
    when: (seen) => leavesReadsOut(seen) && isUndirected(seen),
    costIs: "estimate",
    why: "it is not sent how much of the input was read from a cache or written to it",
  },
  {
    scope: /^/,
    when: ({ usage, semantics, model }) =>
      semantics.includes(PARTLY_SENT) &&
      CACHING_ON_BEDROCK.test(model) &&
      (usage.cacheReadTokens === null || usage.cacheWriteTokens === null),
    costIs: "lower_bound",
    why: "cached tokens are left out of the input and not sent, or not all of them",
  },
  {
    // Objects of the AI SDK 7, and LangChain's chats.
    scope: /^(?:gen_ai|@arizeai\/openinference-instrumentation-langchain)$/,
    when: ({ usage, model, semantics }) =>
      CLAUDE.test(model) &&
      usage.cacheWriteTokens === null &&
      usage.inputTokens !== null &&
      !OWN_OBJECT.test(semantics),
    costIs: "lower_bound",
    why: "cache writes are not sent",
  },
  {
    scope: /^/,
    when: ({ usage, model, semantics }) =>
      (usage.cacheWriteTokens ?? 0) > 0 && isUnsplit(usage) && CLAUDE.test(model) && !OWN_OBJECT.test(semantics),
    costIs: "lower_bound",
    why: "cache writes for an hour are not told from those for five minutes",
  },
  {
    scope: /^com\.anthropic\.claude_code\b/,
    when: ({ span, usage }) =>
      textOf(span.attributes, [QUERY_SOURCE]) === "web_search_tool" && usage.webSearches === null,
    costIs: "lower_bound",
    why: "web searches are not sent",
  },
];

/** By source, because many spans share one. */
const gapsBySource = new WeakMap<SpanSource, readonly Gap[]>();

function gapsIn(source: SpanSource): readonly Gap[] {
  let gaps = gapsBySource.get(source);
  if (!gaps) gapsBySource.set(source, (gaps = GAPS.filter(({ scope }) => scope.test(source.scopeName))));
  return gaps;
}

/** How the cost compares with the true one, and why, for the receipt. */
export function gapsOf(seen: Seen): Pick<Call, "costIs"> & { why: readonly string[] } {
  let costIs: CostIs = "exact";
  const why: string[] = [];
  if ((seen.usage.inputTokens ?? 0) + (seen.usage.outputTokens ?? 0) === 0) return { costIs, why };
  for (const gap of gapsIn(seen.span.source)) {
    if (!gap.when(seen)) continue;
    costIs = costIs === "exact" || costIs === gap.costIs ? gap.costIs : "estimate";
    why.push(gap.why);
  }
  return { costIs, why };
}

function isUnsplit({ cacheWrite5mTokens, cacheWrite1hTokens }: Usage): boolean {
  return cacheWrite5mTokens === null && cacheWrite1hTokens === null;
}

function leavesReadsOut({ usage, semantics, provider, operation }: Seen): boolean {
  if (usage.cacheReadTokens !== null || OWN_OBJECT.test(semantics) || semantics.includes("exclusive")) return false;
  if (/^(embeddings|rerank|image|audio|moderation)/.test(operation)) return false;
  return (usage.inputTokens ?? 0) >= (/^(openai|azure)$/.test(provider) ? SHORTEST_CACHED : 1);
}

function isUndirected({ usage, model }: Seen): boolean {
  return usage.cacheWriteTokens === null && (WRITES_BILLED.test(model) || CLAUDE.test(model));
}

function isStreamed({ attributes }: Span): boolean {
  return STREAMED.some((name) => attributes.has(name) && attributes.get(name) !== false);
}
