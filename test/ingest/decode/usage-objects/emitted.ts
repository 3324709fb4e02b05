/** One usage in each form that emitters send it in, and what the ledger makes of it. */
import { decodeClaudeCode, type Event } from "./logs.ts";
import { decodeLitellm } from "../../../../src/ingest/decode/litellm.ts";
import { decodeNative } from "../../../../src/ingest/decode/native.ts";
import type { Decoded } from "../../../../src/ingest/decode/decoded.ts";
import type { Call } from "../../../../src/ledger/call.ts";
import { picoToUsd } from "../../../../src/money.ts";
import { createPricer } from "../../../../src/pricing/cost.ts";
import { type Attributes, decode } from "../otlp/request.ts";

export type Json = Record<string, unknown>;

/** A Friday, at noon. */
export const AT = Date.UTC(2026, 10, 20, 12);
const AT_NS = `${AT}000000`;
const NOW = Date.UTC(2026, 10, 30);

export interface Kind {
  provider: string;
  model: string;
  operation?: string;
  /** The provider's own object. */
  usage: Json;
  /** Other members of the provider's response. */
  response?: Json;
  /** LiteLLM's object, where that is not the provider's own. */
  litellm?: Json;
  /** The same in OTLP attributes, if they can say it. */
  attributes?: Attributes;
  /** The same in one of Claude Code's events. */
  event?: Event;
}

const pricer = createPricer();

/** The cost in USD, or why there is none. */
export function priceOf(call: Call): string {
  const { costPico, unpricedReason } = pricer.costOf(call);
  return costPico === null ? unpricedReason! : picoToUsd(costPico);
}

export function onlyCall({ calls, errors }: Decoded): Call | string {
  return errors.length > 0 ? errors[0]!.message : calls[0]!;
}

export type Send = (kind: Kind) => Decoded | null;

/** By form: null where a form cannot say it. */
export const FORMS: Readonly<Record<string, Send>> = {
  "native usage": ({ provider, model, operation, usage, response }) =>
    response === undefined
      ? decodeNative([{ id: "a", timestamp: AT, provider, model, usage, ...(operation && { operation }) }], NOW)
      : null,
  "raw response in OpenInference": (kind) =>
    span({
      ...inference(kind),
      "output.value": JSON.stringify(responseOf(kind)),
      "output.mime_type": "application/json",
    }),
  "AI SDK's metadata": (kind) =>
    kind.response?.["output"] === undefined
      ? span({
          ...attributesOf(kind),
          "ai.operationId": "ai.generateText.doGenerate",
          "ai.response.providerMetadata": JSON.stringify({
            [kind.provider]: { ...kind.response, [metadataKey(kind)]: kind.usage },
          }),
        })
      : null,
  "raw response in Genkit": (kind) =>
    span({
      ...attributesOf(kind),
      "genkit:metadata:subtype": "model",
      "genkit:output": JSON.stringify({ raw: responseOf(kind) }),
    }),
  "usage in LangChain": (kind) =>
    kind.response === undefined
      ? span({
          ...inference(kind),
          "output.value": JSON.stringify({
            generations: [[{ message: { kwargs: { response_metadata: { usage: kind.usage } } } }]],
          }),
          "output.mime_type": "application/json",
        })
      : null,
  "usage in Langfuse": (kind) =>
    kind.response === undefined
      ? span({
          ...attributesOf(kind),
          "langfuse.observation.type": "generation",
          "langfuse.observation.usage_details": JSON.stringify(kind.usage),
        })
      : null,
  "response in Google's ADK": (kind) =>
    isGoogle(kind)
      ? span({ ...attributesOf(kind), "gcp.vertex.agent.llm_response": JSON.stringify(responseOf(kind)) })
      : null,
  "OTLP attributes": (kind) =>
    kind.attributes === undefined ? null : span({ ...attributesOf(kind), ...kind.attributes }),
  LiteLLM: ({ provider, model, usage, response, litellm = usage, operation }) =>
    decodeLitellm(
      [
        {
          id: "a",
          call_type: operation ?? "completion",
          startTime: AT / 1_000,
          endTime: AT / 1_000,
          custom_llm_provider: provider,
          model,
          response,
          metadata: { usage_object: litellm },
        },
      ],
      NOW,
    ),
  "Claude Code's event": ({ model, event }) =>
    event === undefined ? null : decodeClaudeCode({ model, ...event }, NOW),
};

function isGoogle({ usage }: Kind): boolean {
  return "promptTokenCount" in usage || ("prompt_token_count" in usage && !("generation_token_count" in usage));
}

function metadataKey(kind: Kind): string {
  return isGoogle(kind) ? "usageMetadata" : "usage";
}

/** A response of the provider's, by which readers know it. */
export function responseOf(kind: Kind): Json {
  const { usage, response } = kind;
  if ("promptTokenCount" in usage) return { candidates: [], usageMetadata: usage, ...response };
  if (isGoogle(kind)) {
    return { candidates: [], usage_metadata: usage, ...response };
  }
  if ("inputTokens" in usage) return { stopReason: "end_turn", output: { message: {} }, usage, ...response };
  if (response?.["output"] !== undefined) return { object: "response", usage, ...response };
  if ("input_tokens" in usage) return { type: "message", usage, ...response };
  return { object: "chat.completion", usage, ...response };
}

function attributesOf({ provider, model, operation }: Kind): Attributes {
  return {
    "gen_ai.operation.name": operation ?? "chat",
    "gen_ai.provider.name": provider,
    "gen_ai.request.model": model,
  };
}

function inference(kind: Kind): Attributes {
  const operation = kind.operation === "embeddings" ? "EMBEDDING" : "LLM";
  return { ...attributesOf(kind), "openinference.span.kind": operation };
}

export function span(attributes: Attributes): Decoded {
  return decode({ spans: [{ startTimeUnixNano: AT_NS, endTimeUnixNano: AT_NS, attributes }] });
}
