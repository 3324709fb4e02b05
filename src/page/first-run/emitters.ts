/**
 * How each emitter is set up to send its calls here. One more emitter is one more row. Each row is whole: it works as
 * it is pasted, once the key is filled in.
 */
export interface Target {
  /** The ledger's address, without a slash at its end. */
  url: string;
  /** An API key of scope `ingest`. */
  key: string;
}

export interface Emitter {
  name: string;
  title: string;
  /** Where it goes: a shell, or a file of this kind. */
  place: string;
  /** What to know besides. */
  note: string;
  snippet: (to: Target) => string;
}

/** Stands where a key belongs, until there is one. */
export const NO_KEY = "YOUR_KEY";

export const EMITTERS: readonly Emitter[] = [
  {
    name: "curl",
    title: "curl",
    place: "shell",
    note: "One call in the ledger's own form. If you send it again with the same id and timestamp, it still counts once.",
    snippet: ({ url, key }) => `curl -s ${url}/v1/traces \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' -d '{
  "id": "first-call", "timestamp": "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'",
  "application": "assistant", "user_id": "ada", "provider": "openai", "model": "gpt-4o-mini",
  "input_tokens": 1000, "output_tokens": 200, "duration_ms": 812
}'`,
  },
  {
    name: "opentelemetry",
    title: "OpenTelemetry",
    place: "shell",
    note: "For any SDK of OpenTelemetry whose instrumentation follows the GenAI conventions. The code stays as it is.",
    snippet: ({ url, key }) => `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${url}/v1/traces
export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="authorization=Bearer ${key}"
export OTEL_SERVICE_NAME=assistant`,
  },
  {
    name: "ai-sdk",
    title: "AI SDK",
    place: "TypeScript",
    note:
      "npm install ai @ai-sdk/otel @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto. " +
      "Versions 5 and 6 need no registerTelemetry, but experimental_telemetry: { isEnabled: true } in each call.",
    snippet: ({ url, key }) => `import { OpenTelemetry } from "@ai-sdk/otel";
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
  {
    name: "langchain",
    title: "LangChain",
    place: "TypeScript",
    note: "npm install @langfuse/langchain @langfuse/otel @opentelemetry/sdk-node. The public key can be anything.",
    snippet: ({ url, key }) => `import { CallbackHandler } from "@langfuse/langchain";
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
  {
    name: "litellm",
    title: "LiteLLM",
    place: "config.yaml",
    note: "For LiteLLM's proxy. A call that it answers from its own cache is stored, but not billed.",
    snippet: ({ url, key }) => `litellm_settings:
  callbacks: ["llm_costs"]

callback_settings:
  llm_costs:
    callback_type: generic_api
    endpoint: ${url}/v1/litellm
    headers:
      Authorization: Bearer ${key}`,
  },
  {
    name: "claude-code",
    title: "Claude Code",
    place: "shell",
    note: "Its calls come as events, a few seconds after each answer.",
    snippet: ({ url, key }) => `export CLAUDE_CODE_ENABLE_TELEMETRY=1
export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=${url}/v1/logs
export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ${key}"
claude`,
  },
  {
    name: "langfuse",
    title: "Langfuse's SDK",
    place: "shell",
    note: "Where Langfuse's SDK is set up already. The public key can be anything.",
    snippet: ({ url, key }) => `export LANGFUSE_BASE_URL=${url}
export LANGFUSE_PUBLIC_KEY=any
export LANGFUSE_SECRET_KEY=${key}`,
  },
];
