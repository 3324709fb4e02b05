/** How each emitter is set up. Each row is whole: it works as it is pasted, once the key is filled in. */
import { AGENTS, type Emitter, shell } from "./agents.ts";

/** Stands where a key belongs, until there is one. */
export const NO_KEY = "YOUR_KEY";

const PROGRAMS: readonly Emitter[] = [
  {
    name: "curl",
    title: "curl",
    note: "One call in the ledger's own form. If you send it again with the same id and timestamp, it still counts once.",
    steps: [
      shell(
        ({ url, key }) => `curl -s ${url}/v1/traces \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' -d '{
  "id": "first-call", "timestamp": "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'",
  "application": "assistant", "user_id": "ada", "provider": "openai", "model": "gpt-4o-mini",
  "input_tokens": 1000, "output_tokens": 200, "duration_ms": 812
}'`,
      ),
    ],
  },
  {
    name: "opentelemetry",
    title: "OpenTelemetry",
    note: "For any SDK of OpenTelemetry whose instrumentation follows the GenAI conventions. The code stays as it is.",
    steps: [
      shell(
        ({ url, key }) => `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${url}/v1/traces
export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="authorization=Bearer ${key}"
export OTEL_SERVICE_NAME=assistant`,
      ),
    ],
  },
  {
    name: "ai-sdk",
    title: "AI SDK",
    note:
      "npm install ai @ai-sdk/otel @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto. " +
      "Versions 5 and 6 need no registerTelemetry, but experimental_telemetry: { isEnabled: true } in each call.",
    steps: [
      {
        place: "TypeScript",
        language: "ts",
        text: ({ url, key }) => `import { OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { registerTelemetry } from "ai";

const traceExporter = new OTLPTraceExporter({
  url: "${url}/v1/traces",
  headers: { authorization: "Bearer ${key}" },
});
export const sdk = new NodeSDK({ serviceName: "assistant", traceExporter });
sdk.start();
registerTelemetry(new OpenTelemetry());
// A process that ends soon calls \`await sdk.shutdown()\` first.`,
      },
    ],
  },
  {
    name: "langchain",
    title: "LangChain",
    note: "npm install @langfuse/langchain @langfuse/otel @opentelemetry/sdk-node. The public key can be anything.",
    steps: [
      {
        place: "TypeScript",
        language: "ts",
        text: ({ url, key }) => `import { CallbackHandler } from "@langfuse/langchain";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { NodeSDK } from "@opentelemetry/sdk-node";

const spans = new LangfuseSpanProcessor({
  baseUrl: "${url}",
  publicKey: "any",
  secretKey: "${key}",
});
export const sdk = new NodeSDK({ serviceName: "assistant", spanProcessors: [spans] });
sdk.start();
export const callbacks = [new CallbackHandler()];
// Each call names them: \`await model.invoke(messages, { callbacks })\`.
// A process that ends soon calls \`await sdk.shutdown()\` first.`,
      },
    ],
  },
  {
    name: "litellm",
    title: "LiteLLM",
    note: "For LiteLLM's proxy. A call that it answers from its own cache is stored, but not billed.",
    steps: [
      {
        place: "config.yaml",
        language: "yaml",
        text: ({ url, key }) => `litellm_settings:
  callbacks: ["llm_costs"]

callback_settings:
  llm_costs:
    callback_type: generic_api
    endpoint: ${url}/v1/litellm
    headers:
      Authorization: Bearer ${key}`,
      },
    ],
  },
  {
    name: "langfuse",
    title: "Langfuse's SDK",
    note: "Where Langfuse's SDK is set up already. The public key can be anything.",
    steps: [
      shell(
        ({ url, key }) => `export LANGFUSE_BASE_URL=${url}
export LANGFUSE_PUBLIC_KEY=any
export LANGFUSE_SECRET_KEY=${key}`,
      ),
    ],
  },
];

export const EMITTERS = [...PROGRAMS, ...AGENTS];

/** As they are offered. */
export const KINDS: readonly (readonly [title: string, emitters: readonly Emitter[]])[] = [
  ["Your own programs", PROGRAMS],
  ["Coding agents", AGENTS],
];
