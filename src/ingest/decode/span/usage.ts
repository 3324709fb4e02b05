/**
 * The inclusive token counts of a span: those of the provider's report, then those of the attributes. Emitters disagree
 * on whether the input includes cached tokens and the output includes reasoning. The tables name the emitters that
 * leave them out. For others, counts that could not be true otherwise show it.
 */
import { ItemRefused, type Reading, readingOf } from "../item.ts";
import { MAX_TOKENS, type Usage, COUNT_FIELDS, NO_USAGE } from "../../../ledger/call.ts";
import type { CountField } from "../../../ledger/counts.ts";
import {
  ADK_THOUGHTS,
  AI_NO_CACHE,
  AI_OPERATION,
  AI_USER_AGENT,
  COUNTS,
  GOOGLE_THOUGHTS,
  LANGTRACE_SERVICE,
  LANGTRACE_VERSION,
  OPERATION,
  REQUEST_MODEL,
  REQUEST_TYPE,
  STRANDS_START,
  STREAMED,
  TANSTACK,
  TOTAL,
} from "./attributes.ts";
import { takeLargerTotals } from "../larger-totals.ts";
import type { Report } from "./report.ts";
import { textOf, type Attributes, type Span, type SpanSource } from "./span.ts";

interface Dialect {
  scope: RegExp;
  provider: RegExp;
  /** A further condition, if scope and provider do not suffice to recognise the dialect. */
  when?: (attributes: Attributes) => boolean;
  semantics: string;
}

export const PARTLY_SENT = "exclusive: cache added, as far as it was sent";
export const ESTIMATED = "an estimate where the call was streamed";

/** Emitters whose input does not include cache reads and writes. */
export const INPUT_WITHOUT_CACHE: readonly Dialect[] = [
  { scope: /^@traceloop\/instrumentation-anthropic$/, provider: /^anthropic$/, semantics: "exclusive: cache added" },
  { scope: /^@openlit\//, provider: /anthropic|aws/, semantics: "exclusive: cache added" },
  // These send no cache writes, or no cache counts at all. The input is a lower bound then.
  { scope: /^@traceloop\/instrumentation-(langchain|bedrock)$/, provider: /anthropic|aws/, semantics: PARTLY_SENT },
  { scope: /^@mastra\/otel$/, provider: /anthropic|aws/, semantics: PARTLY_SENT },
  { scope: /^ai$/, provider: /anthropic|aws/, when: isAiSdk5, semantics: PARTLY_SENT },
  {
    scope: /^@arizeai\/openinference-instrumentation-bedrock$/,
    provider: /^/,
    semantics: PARTLY_SENT,
  },
  { scope: /^@opentelemetry\/instrumentation-aws-sdk$/, provider: /^/, semantics: PARTLY_SENT },
  {
    scope: /^/,
    provider: /anthropic|aws/,
    when: (attributes) => TANSTACK.some((name) => attributes.has(name)),
    semantics: "exclusive: cache added",
  },
  { scope: /^/, provider: /^/, when: isStrandsOnAnthropic, semantics: "exclusive: cache added" },
];

/** Emitters whose output does not include reasoning. */
export const OUTPUT_WITHOUT_REASONING: readonly Dialect[] = [
  { scope: /^/, provider: /^perplexity$/, semantics: "reasoning added to output" },
  { scope: /^ai$/, provider: /^google$/, when: isAiSdk5, semantics: "reasoning added to output" },
  {
    scope: /^gcp\.vertex\.agent$/,
    provider: /^/,
    when: (attributes) => attributes.has(ADK_THOUGHTS),
    semantics: "reasoning added to output",
  },
  {
    scope: /^opentelemetry\.instrumentation\.google_genai$/,
    provider: /^/,
    when: (attributes) => attributes.has(GOOGLE_THOUGHTS),
    semantics: "reasoning added to output",
  },
];

/** Emitters that may send an estimate without saying so. */
export const MAYBE_ESTIMATES: readonly Dialect[] = [
  {
    scope: /^@traceloop\/instrumentation-openai$/,
    provider: /^/,
    when: (attributes) => /^(chat|completion)$/.test(textOf(attributes, [...OPERATION, REQUEST_TYPE]) ?? ""),
    semantics: `inclusive; ${ESTIMATED}`,
  },
];

/** Emitters that write the output into the input and the other way round, and leave out other counts. */
export const SWAPPED: readonly Dialect[] = [
  {
    scope: /^@langtrase\/typescript-sdk$/,
    provider: /^/,
    when: (attributes) => swapsCounts(attributes) && /^(anthropic|cohere|ollama)$/i.test(langtraced(attributes)),
    semantics: "it sends input and output in each other's place, and nothing of a cache",
  },
  {
    scope: /^@langtrase\/typescript-sdk$/,
    provider: /^/,
    when: (attributes) =>
      swapsCounts(attributes) &&
      attributes.get(STREAMED[0]!) === true &&
      !/^(groq|vercel)$/i.test(langtraced(attributes)),
    semantics: "it sends estimates of input and output in each other's place",
  },
];

function langtraced(attributes: Attributes): string {
  return textOf(attributes, [LANGTRACE_SERVICE]) ?? "";
}

/** Langtrace, up to its last known version. */
function swapsCounts(attributes: Attributes): boolean {
  return /^(?:[0-5]\.|6\.[0-2]\.|6\.3\.[0-7]$)/.test(textOf(attributes, [LANGTRACE_VERSION]) ?? "");
}

/**
 * The AI SDK's spans carry no version. Version 5 names itself in the user agent, but not on streams. From version 6 on,
 * text calls say how much of the input was not cached.
 */
function isAiSdk5(attributes: Attributes): boolean {
  const agent = textOf(attributes, [AI_USER_AGENT]);
  if (agent !== null) return agent.startsWith("ai/5.");
  const operation = textOf(attributes, [AI_OPERATION]) ?? "";
  return /^ai\.(generate|stream)Text\b/.test(operation) && !attributes.has(AI_NO_CACHE);
}

/**
 * Strands names itself as provider and the service as scope. On Bedrock, whose models have longer names, it adds the
 * cache.
 */
function isStrandsOnAnthropic(attributes: Attributes): boolean {
  return attributes.has(STRANDS_START) && (textOf(attributes, REQUEST_MODEL) ?? "").startsWith("claude-");
}

/** @throws ItemRefused where an attribute that should be a count is none. */
export function usageOf(span: Span, provider: string, report: Report): Reading {
  const { attributes } = span;
  const stated = statedCounts(attributes);
  const dialects = dialectsOf(span.source, provider);
  const swapped = find(dialects.swapped, attributes);
  if (swapped) [stated.inputTokens, stated.outputTokens] = [stated.outputTokens, stated.inputTokens];
  const usage: Usage = { ...stated };
  if (report.usage !== NO_USAGE) {
    // A document that has 0 may not know.
    for (const field of COUNT_FIELDS) usage[field] = report.usage[field] || (stated[field] ?? report.usage[field]);
  }
  const writes = (usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0);
  if (usage.cacheWriteTokens === null && writes > 0) usage.cacheWriteTokens = writes;

  const cached = (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  const reasoning = usage.reasoningTokens ?? 0;
  const beside = besideInTotal(attributes, usage, cached, reasoning);
  const semantics: string[] = [];
  if (report.semantics !== "") semantics.push(report.semantics);
  if (report.usage.inputTokens === null && usage.inputTokens !== null) {
    const dialect = find(dialects.inputWithoutCache, attributes);
    const exceeds = cached > usage.inputTokens;
    if (dialect) semantics.push(dialect.semantics);
    else if (exceeds) semantics.push("exclusive: cache added, as it exceeded the input");
    else if (beside.cache) semantics.push("exclusive: cache added, as the total has it beside the input");
    else semantics.push(find(dialects.maybeEstimates, attributes)?.semantics ?? "inclusive");
    if (dialect || exceeds || beside.cache) usage.inputTokens += cached;
  }
  if (report.usage.outputTokens === null && usage.outputTokens !== null) {
    const dialect = find(dialects.outputWithoutReasoning, attributes);
    if (reasoning > 0 && (dialect || beside.reasoning || reasoning > usage.outputTokens)) {
      usage.outputTokens += reasoning;
      semantics.push("reasoning added to output");
    } else if (semantics.length === 0) semantics.push("inclusive");
  }
  if (report.semantics !== "") {
    const told = { ...report.usage };
    semantics.push(...takeLargerTotals(told, stated, "the attributes"));
    if (report.usage.inputTokens !== null) usage.inputTokens = told.inputTokens;
    if (report.usage.outputTokens !== null) usage.outputTokens = told.outputTokens;
  }
  return readingOf(
    usage,
    semantics.join("; "),
    report.ambiguous ?? overlapOf(usage, report) ?? swapped?.semantics ?? null,
  );
}

/** Emitters count cached audio among both. Without a count of it the two cannot be told apart. */
function overlapOf(usage: Usage, report: Report): string | null {
  const { inputAudioTokens, cacheReadTokens, cacheReadAudioTokens } = usage;
  if (report.usage.inputAudioTokens !== null || (inputAudioTokens ?? 0) === 0 || (cacheReadTokens ?? 0) === 0)
    return null;
  usage.inputAudioTokens = cacheReadAudioTokens === null ? null : inputAudioTokens! - cacheReadAudioTokens;
  return cacheReadAudioTokens === null ? "it does not say which cached tokens are audio" : null;
}

/** Finds the counts that are part of the stated total, but neither of the input nor of the output. */
function besideInTotal(
  attributes: Attributes,
  { inputTokens, outputTokens }: Usage,
  cached: number,
  reasoning: number,
) {
  const beside = Number(textOf(attributes, TOTAL) ?? NaN) - (inputTokens ?? NaN) - (outputTokens ?? NaN);
  const both = beside === cached + reasoning;
  const one = cached !== reasoning;
  return {
    cache: cached > 0 && (both || (one && beside === cached)),
    reasoning: reasoning > 0 && (both || (one && beside === reasoning)),
  };
}

/** By name, because a span has few counts of the many that there are. */
const FIELDS_BY_NAME = new Map(
  COUNT_FIELDS.flatMap((field) => (COUNTS[field] ?? []).map((name): [string, CountField] => [name, field])),
);

function statedCounts(attributes: Attributes): Usage {
  const stated: Usage = { ...NO_USAGE };
  const found = new Set<CountField>();
  for (const name of attributes.keys()) {
    const field = FIELDS_BY_NAME.get(name);
    if (field !== undefined) found.add(field);
  }
  for (const field of COUNT_FIELDS) if (found.has(field)) stated[field] = readCount(attributes, COUNTS[field]!);
  return stated;
}

/** The first of `names` that is set. Digits in a text are a count too, because some emitters send only texts. */
function readCount(attributes: Attributes, names: readonly string[]): number | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (value === undefined) continue;
    const count = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS) return count;
    throw new ItemRefused(`${name} is not a whole number from 0 to ${MAX_TOKENS}`);
  }
  return null;
}

function find(dialects: readonly Dialect[], attributes: Attributes): Dialect | undefined {
  for (const dialect of dialects) if (dialect.when?.(attributes) ?? true) return dialect;
  return undefined;
}

type Table = "inputWithoutCache" | "outputWithoutReasoning" | "maybeEstimates" | "swapped";
type Dialects = Readonly<Record<Table, readonly Dialect[]>>;

/** By source and provider, because many spans share both. */
const dialectsBySource = new WeakMap<SpanSource, Map<string, Dialects>>();

/** The rows of the tables that fit the scope and the provider. */
function dialectsOf(source: SpanSource, provider: string): Dialects {
  let byProvider = dialectsBySource.get(source);
  if (byProvider === undefined) dialectsBySource.set(source, (byProvider = new Map<string, Dialects>()));
  let dialects = byProvider.get(provider);
  if (dialects === undefined) {
    const fitting = (table: readonly Dialect[]): readonly Dialect[] =>
      table.filter((dialect) => dialect.scope.test(source.scopeName) && dialect.provider.test(provider));
    dialects = {
      inputWithoutCache: fitting(INPUT_WITHOUT_CACHE),
      outputWithoutReasoning: fitting(OUTPUT_WITHOUT_REASONING),
      maybeEstimates: fitting(MAYBE_ESTIMATES),
      swapped: fitting(SWAPPED),
    };
    byProvider.set(provider, dialects);
  }
  return dialects;
}
