/**
 * The main job, end to end: an unmodified OpenTelemetry SDK exports GenAI spans to `npm run dev`, and the summary has
 * their exact cost at once.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/local/listen.ts";
import { type DevStack, startDevStack } from "./dev-stack.ts";

describe("the dev stack and an OpenTelemetry SDK", () => {
  let dataDir: string;
  let port: number;
  let dev: DevStack;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
    port = await freePort();
    dev = await startDevStack(dataDir, port);
  });
  afterAll(async () => {
    await dev?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const get = async (path: string): Promise<Record<string, never>> => {
    const response = await fetch(dev.url + path, { headers: { authorization: `Bearer ${dev.apiKey}` } });
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, never>;
  };

  it("prices the calls of an agent once, exactly, within a second", async () => {
    await exportAgentRun(dev, "agent-app");

    const summary = await get("/v1/summary?application=agent-app&group_by=provider,model");
    // claude-sonnet-4-5: 2,000 new input x $3 + 10,000 cache reads x $0.30 + 500 output x $15, all per MTok
    //   = $0.006 + $0.003 + $0.0075 = $0.0165
    // gpt-4o-mini: 1,000 x $0.15 + 200 x $0.60 per MTok = $0.00015 + $0.00012 = $0.00027
    expect(summary["rows"]).toMatchObject([
      {
        provider: "anthropic",
        model: "claude-sonnet-4-5-20250929",
        requests: 1,
        input_tokens: 12_000,
        cost_usd: "0.0165",
      },
      { provider: "openai", model: "gpt-4o-mini", requests: 2, errors: 1, input_tokens: 1_000, cost_usd: "0.00027" },
    ]);
    expect(summary["totals"]).toMatchObject({ requests: 3, errors: 1, cost_usd: "0.01677", unpriced_requests: 0 });
    expect(await get("/v1/audit")).toMatchObject({ ok: true });
  });

  it("stops in order on SIGTERM, and goes on with the same data and key", async () => {
    const before = await get("/v1/summary?application=agent-app");
    expect(await dev.stop()).toBe(0);
    await expect(fetch(dev.url)).rejects.toThrow();

    const { apiKey } = dev;
    dev = await startDevStack(dataDir, port);
    expect(dev.apiKey).toBe(apiKey);
    const after = await get("/v1/summary?application=agent-app");
    expect(after["totals"]).toEqual(before["totals"]);
  });

  it("says in one sentence that a port is in use", async () => {
    const other = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
    await expect(startDevStack(other, port)).rejects.toThrow(/ended with 1:\n.*port.*\n$/i);
    await rm(other, { recursive: true, force: true });
  });
});

/** An agent span that restates its children's usage, two calls under it, and one that failed. */
async function exportAgentRun({ url, apiKey }: DevStack, application: string): Promise<void> {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, headers: { authorization: `Bearer ${apiKey}` } });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": application }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("test");
  const usage = (input: number, output: number, cached?: number) => ({
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
    ...(cached === undefined ? {} : { "gen_ai.usage.cache_read.input_tokens": cached }),
  });
  const chat = (providerName: string, request: string, response: string) => ({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": providerName,
    "gen_ai.request.model": request,
    "gen_ai.response.model": response,
  });

  const agent = tracer.startSpan("invoke_agent helper", {
    attributes: { "gen_ai.operation.name": "invoke_agent", "user.id": "ada", ...usage(13_000, 700, 10_000) },
  });
  const inAgent = trace.setSpan(context.active(), agent);
  tracer
    .startSpan(
      "chat claude-sonnet-4-5",
      {
        attributes: {
          ...chat("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
          ...usage(12_000, 500, 10_000),
        },
      },
      inAgent,
    )
    .end();
  tracer
    .startSpan(
      "chat gpt-4o-mini",
      { attributes: { ...chat("openai", "gpt-4o-mini", "gpt-4o-mini"), ...usage(1_000, 200) } },
      inAgent,
    )
    .end();
  const failed = tracer.startSpan(
    "chat gpt-4o-mini",
    { attributes: { ...chat("openai", "gpt-4o-mini", "gpt-4o-mini"), "error.type": "429" } },
    inAgent,
  );
  failed.setStatus({ code: SpanStatusCode.ERROR });
  failed.end();
  agent.end();
  await provider.forceFlush();
  await provider.shutdown();
}
