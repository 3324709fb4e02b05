/**
 * Decides which spans are billed calls. The classic error is to count a call and the span around it. So the explicit
 * statement of a tool comes before the meaning that its numbers suggest. The first rule that fits decides.
 */
import {
  AI_OPERATION,
  COUNTS,
  GENKIT_SUBTYPE,
  GENKIT_TYPE,
  LANGFUSE_TYPE,
  LANGSMITH_KIND,
  LANGWATCH_TYPE,
  OPENINFERENCE_KIND,
  OPERATION,
  REQUEST_MODEL,
  RESPONSE_MODEL,
  TRACELOOP_KIND,
  USAGE_DETAILS,
} from "./attributes.ts";
import { textOf, type Attributes, type Span } from "./span.ts";

export interface Verdict {
  /** `call` is billable. `wrapper` repeats the usage of the calls below it. `other` has nothing to do with cost. */
  kind: "call" | "wrapper" | "other";
  rule: string;
}

interface Rule {
  name: string;
  /** The attribute whose value decides. */
  attribute: string;
  calls: ReadonlySet<string> | RegExp;
  /** The verdict for other values of the attribute. `next` leaves them to the following rules. */
  otherwise: "wrapper" | "next";
  /** Values that tell nothing, and leave it to the following rules. */
  vague?: ReadonlySet<string>;
}

const NEVER: ReadonlySet<string> = new Set();

export const RULES: readonly Rule[] = [
  {
    name: "ai.operationId",
    attribute: AI_OPERATION,
    calls: /\.(doGenerate|doStream|doEmbed|doRerank)$/,
    otherwise: "wrapper",
  },
  {
    name: "langfuse.observation.type",
    attribute: LANGFUSE_TYPE,
    calls: new Set(["generation", "embedding"]),
    otherwise: "wrapper",
  },
  {
    name: "langsmith.span.kind",
    attribute: LANGSMITH_KIND,
    calls: new Set(["llm", "embedding"]),
    otherwise: "wrapper",
  },
  {
    name: "langwatch.span.type",
    attribute: LANGWATCH_TYPE,
    calls: new Set(["llm"]),
    otherwise: "wrapper",
    vague: new Set(["span", "client", "server", "producer", "consumer", "unknown"]),
  },
  {
    name: "openinference.span.kind",
    attribute: OPENINFERENCE_KIND,
    calls: new Set(["LLM", "EMBEDDING", "RERANKER"]),
    otherwise: "wrapper",
  },
  {
    name: "genkit:metadata:subtype",
    attribute: GENKIT_SUBTYPE,
    calls: new Set(["model", "embedder"]),
    otherwise: "wrapper",
  },
  { name: "genkit:type", attribute: GENKIT_TYPE, calls: NEVER, otherwise: "wrapper" },
  { name: "traceloop.span.kind", attribute: TRACELOOP_KIND, calls: NEVER, otherwise: "wrapper" },
  {
    name: "gen_ai.operation.name",
    attribute: OPERATION[0]!,
    calls: new Set(
      `chat text_completion generate_content embeddings rerank moderation image image_generation image_edit
      audio speech speech_generation text_to_speech transcription speech_to_text translation
      video video_generation ocr`.split(/\s+/),
    ),
    otherwise: "next",
  },
];

/** Operations that only contain calls. An operation that is not known is judged by its model and usage. */
const WRAPPER_OPERATIONS: ReadonlySet<string> = new Set([
  "invoke_agent",
  "invoke_workflow",
  "create_agent",
  "plan",
  "execute_tool",
  "retrieval",
  "agent_step",
  "model_generation",
  "model_chunk",
]);

/** The verdict on a span by itself. Calls within calls are found when they are stored. */
export function verdictOf({ attributes }: Span): Verdict {
  for (const rule of RULES) {
    const value = attributes.get(rule.attribute);
    if (typeof value !== "string" || value === "") continue;
    const isCall = rule.calls instanceof RegExp ? rule.calls.test(value) : rule.calls.has(value);
    if (isCall) return { kind: "call", rule: rule.name };
    if (rule.otherwise === "wrapper" && rule.vague?.has(value) !== true) return { kind: "wrapper", rule: rule.name };
  }
  if (WRAPPER_OPERATIONS.has(textOf(attributes, OPERATION) ?? "")) return { kind: "wrapper", rule: OPERATION[0]! };
  if (!hasUsage(attributes)) return { kind: "other", rule: "" };
  const model = textOf(attributes, RESPONSE_MODEL) ?? textOf(attributes, REQUEST_MODEL);
  return model === null ? { kind: "wrapper", rule: "usage without model" } : { kind: "call", rule: "model and usage" };
}

/** Tells whether the span itself states tokens, not only a document of its provider. */
export function hasUsage(attributes: Attributes): boolean {
  return (
    attributes.has(USAGE_DETAILS) ||
    COUNTS.inputTokens.some((name) => attributes.has(name)) ||
    COUNTS.outputTokens.some((name) => attributes.has(name))
  );
}
