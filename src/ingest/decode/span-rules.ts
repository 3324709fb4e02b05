/**
 * Which spans are calls that somebody is billed for. Counting a call and the span around it is the
 * classic error, so what a tool says outright comes before what its numbers suggest, and the first
 * rule that fits decides.
 */
import {
  AI_OPERATION,
  COUNTS,
  GENKIT_SUBTYPE,
  GENKIT_TYPE,
  LANGFUSE_TYPE,
  OPENINFERENCE_KIND,
  OPERATION,
  REQUEST_MODEL,
  RESPONSE_MODEL,
  TRACELOOP_KIND,
  USAGE_DETAILS,
} from "./span-attributes.ts";
import { textOf, type Attributes, type Span } from "./span.ts";

export interface Verdict {
  /** `call`: billable. `wrapper`: restates what its children cost. `other`: has nothing to do with cost. */
  kind: "call" | "wrapper" | "other";
  rule: string;
}

interface Rule {
  name: string;
  /** The attribute that decides. */
  attribute: string;
  calls: ReadonlySet<string> | RegExp;
  /** What other values of the attribute mean; `next` leaves them to the rules below. */
  otherwise: "wrapper" | "next";
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
    calls: new Set(["chat", "text_completion", "generate_content", "embeddings", "rerank", "image_generation"]),
    otherwise: "next",
  },
];

/** Operations that only ever contain calls; an unknown one is judged by its model and usage. */
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

/** What a span looks like by itself; calls within calls are found once they are stored. */
export function verdictOf({ attributes }: Span): Verdict {
  for (const rule of RULES) {
    const value = attributes.get(rule.attribute);
    if (typeof value !== "string" || value === "") continue;
    const isCall = rule.calls instanceof RegExp ? rule.calls.test(value) : rule.calls.has(value);
    if (isCall) return { kind: "call", rule: rule.name };
    if (rule.otherwise === "wrapper") return { kind: "wrapper", rule: rule.name };
  }
  if (WRAPPER_OPERATIONS.has(textOf(attributes, OPERATION) ?? "")) return { kind: "wrapper", rule: OPERATION[0]! };
  if (!hasUsage(attributes)) return { kind: "other", rule: "" };
  const model = textOf(attributes, RESPONSE_MODEL) ?? textOf(attributes, REQUEST_MODEL);
  return model === null ? { kind: "wrapper", rule: "usage without model" } : { kind: "call", rule: "model and usage" };
}

/** Does the span state tokens itself, rather than in a document of its provider? */
export function hasUsage(attributes: Attributes): boolean {
  return (
    attributes.has(USAGE_DETAILS) ||
    COUNTS.inputTokens.some((name) => attributes.has(name)) ||
    COUNTS.outputTokens.some((name) => attributes.has(name))
  );
}
