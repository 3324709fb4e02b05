/** An unmodified OpenTelemetry SDK, set up by its variables alone: it sends one call. */
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { detectResources, envDetector } from "@opentelemetry/resources";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({
  resource: detectResources({ detectors: [envDetector] }),
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())],
});
const attributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o-mini",
  "gen_ai.usage.input_tokens": 1_000,
  "gen_ai.usage.output_tokens": 200,
};
provider.getTracer("test").startSpan("chat gpt-4o-mini", { attributes }).end();
await provider.forceFlush();
await provider.shutdown();
