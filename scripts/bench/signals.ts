/** The same calls as each program reports them: spans, log records, and the points of its own counters. */
import { randomUUID } from "node:crypto";
import { BELOW, protobufOf, type Signal } from "./otlp-encoding.ts";

type Value = string | number | boolean;

export interface Form {
  id: string;
  name: string;
  signal: Signal;
  /** How many ids of a call it names. Each is a row in the database, with an index entry. */
  ids: 0 | 1 | 2;
  request(calls: readonly Told[]): Record<string, unknown>;
}

/** What all programs tell of a call. */
export interface Told {
  endMs: number;
  input: number;
  output: number;
  cached: number;
  traceId: string;
  spanId: string;
  requestId: string;
  session: string;
}

/** Calls of the minutes before `nowMs`, 100 of a session, each unlike the others. */
export function told(count: number, nowMs: number): Told[] {
  const run = randomUUID().replaceAll("-", "").slice(0, 16);
  const sessions = Array.from({ length: Math.ceil(count / 100) }, () => randomUUID());
  return Array.from({ length: count }, (_, i) => {
    const number = (i + 1).toString(16).padStart(16, "0");
    return {
      endMs: nowMs - 200_000 + i * 30,
      input: 1_000 + i,
      output: 50 + (i % 400),
      cached: i % 900,
      traceId: run + number,
      spanId: run.slice(8) + number.slice(8),
      requestId: `req_${run}${number}`,
      session: sessions[Math.floor(i / 100)]!,
    };
  });
}

export function bodies(form: Form, calls: readonly Told[]): { json: string; protobuf: Uint8Array } {
  const request = form.request(calls);
  return { json: JSON.stringify(request), protobuf: protobufOf(form.signal, request) };
}

const PERSON = { "user.id": "f3b0c0ffee000000", "terminal.type": "xterm" };
const WHERE = { team: "search", "deployment.environment.name": "staging", "host.arch": "amd64", "os.type": "linux" };

const ns = (ms: number): string => `${Math.round(ms * 1_000)}000`;
const iso = (ms: number): string => new Date(ms).toISOString();

export const SPANS: Form = {
  id: "spans",
  name: "spans",
  signal: "resourceSpans",
  ids: 1,
  request: (calls) =>
    requestOf("resourceSpans", { ...WHERE, "service.name": "assistant" }, "bench", calls.map(standardSpan)),
};

export const FORMS: readonly Form[] = [
  {
    id: "claude_code_spans",
    name: "Claude Code's spans",
    signal: "resourceSpans",
    ids: 2,
    request: (calls) =>
      requestOf(
        "resourceSpans",
        { ...WHERE, "service.name": "claude-code" },
        "com.anthropic.claude_code.tracing",
        calls.map((call, i) => ({
          ...frameOf(call),
          name: "claude_code.llm_request",
          attributes: attributesOf({
            ...PERSON,
            "session.id": call.session,
            "span.type": "llm_request",
            "gen_ai.system": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5-20250929",
            "gen_ai.response.id": call.requestId,
            "gen_ai.usage.input_tokens": call.input + call.cached,
            "gen_ai.usage.output_tokens": call.output,
            "gen_ai.usage.cache_read.input_tokens": call.cached,
            input_tokens: call.input,
            output_tokens: call.output,
            cache_read_tokens: call.cached,
            request_id: call.requestId,
            client_request_id: `${call.session}-${i}`,
            speed: "normal",
            query_source: "sdk",
          }),
        })),
      ),
  },
  {
    // Its records are longer: 5,000 of them with all that it repeats of the resource are more than a body may have.
    id: "claude_code_logs",
    name: "Claude Code's logs",
    signal: "resourceLogs",
    ids: 2,
    request: (calls) =>
      requestOf(
        "resourceLogs",
        { ...WHERE, "service.name": "claude-code", "service.version": "2.1.332" },
        "com.anthropic.claude_code.events",
        calls.map((call, i) =>
          recordOf(call, "claude_code.api_request", {
            ...PERSON,
            "session.id": call.session,
            "anthropic.provider": "firstParty",
            "event.name": "api_request",
            "event.timestamp": iso(call.endMs),
            "prompt.id": call.session,
            model: "claude-sonnet-4-5-20250929",
            input_tokens: call.input,
            output_tokens: call.output,
            cache_read_tokens: call.cached,
            cache_creation_tokens: 5_000,
            cache_creation_5m_tokens: 2_000,
            cache_creation_1h_tokens: 3_000,
            cost_usd: 0.027918,
            cost_usd_micros: 27_918,
            duration_ms: 93,
            request_id: call.requestId,
            client_request_id: `${call.session}-${i}`,
            speed: "normal",
            query_source: "sdk",
            effort: "medium",
          }),
        ),
      ),
  },
  {
    id: "codex_logs",
    name: "Codex's logs",
    signal: "resourceLogs",
    ids: 2,
    request: (calls) =>
      requestOf(
        "resourceLogs",
        { "service.name": "codex_exec", env: "staging", "host.name": "workstation" },
        "",
        calls.map((call) => ({
          observedTimeUnixNano: ns(call.endMs),
          attributes: attributesOf({
            "event.name": "codex.sse_event",
            "event.kind": "response.completed",
            input_token_count: String(call.input + call.cached),
            output_token_count: String(call.output),
            cached_token_count: call.cached,
            cache_write_token_count: 0,
            reasoning_token_count: 0,
            tool_token_count: String(call.input + call.cached + call.output),
            ttft_ms: 0,
            model_reasoning_effort: "medium",
            "event.timestamp": iso(call.endMs),
            "conversation.id": call.session,
            "app.version": "0.171.0",
            originator: "codex_exec",
            "terminal.type": "xterm",
            model: "gpt-5.5",
            slug: "gpt-5.5",
          }),
        })),
      ),
  },
  {
    id: "gemini_logs",
    name: "Gemini CLI's logs",
    signal: "resourceLogs",
    ids: 2,
    request: (calls) =>
      requestOf(
        "resourceLogs",
        { "service.name": "gemini-cli", "session.id": calls[0]!.session },
        "gemini-cli",
        calls.map((call) =>
          recordOf(call, "API response from gemini-3.8-flash. Status: 200. Duration: 100ms.", {
            "session.id": call.session,
            "installation.id": "d2deb978-d8c3-4bcf-b33e-a2ca825dbabd",
            interactive: false,
            auth_type: "gemini-api-key",
            "event.name": "gemini_cli.api_response",
            "event.timestamp": iso(call.endMs),
            model: "gemini-3.8-flash",
            duration_ms: 100,
            input_token_count: call.input + call.cached,
            output_token_count: call.output,
            cached_content_token_count: call.cached,
            thoughts_token_count: 646,
            tool_token_count: 33,
            total_token_count: call.input + call.cached + call.output + 679,
            prompt_id: call.session,
            status_code: 200,
            finish_reasons: "stop",
            role: "main",
            "http.status_code": 200,
          }),
        ),
      ),
  },
  {
    id: "inference_events",
    name: "GenAI's events",
    signal: "resourceLogs",
    ids: 1,
    request: (calls) =>
      requestOf(
        "resourceLogs",
        { "service.name": "assistant", ...WHERE },
        "opentelemetry.instrumentation.openai",
        calls.map((call) =>
          recordOf(call, "", {
            "event.name": "gen_ai.client.inference.operation.details",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": `chatcmpl-${call.requestId}`,
            "gen_ai.request.temperature": 1,
            "gen_ai.request.max_tokens": 1_000,
            "gen_ai.conversation.id": call.session,
            "gen_ai.usage.input_tokens": call.input + call.cached,
            "gen_ai.usage.output_tokens": call.output,
            "gen_ai.usage.cache_read.input_tokens": call.cached,
            "server.address": "api.openai.com",
            "server.port": 443,
          }),
        ),
      ),
  },
  {
    id: "claude_code_metrics",
    name: "Claude Code's counters",
    signal: "resourceMetrics",
    ids: 0,
    request: (calls) =>
      counterOf("claude_code.token.usage", "sum", 1, { ...WHERE, "service.name": "claude-code" }, calls, (call, i) => ({
        ...WHERE,
        ...PERSON,
        "session.id": call.session,
        model: "claude-sonnet-4-5-20250929",
        query_source: "main",
        type: ["input", "output", "cacheRead", "cacheCreation"][i % 4]!,
      })),
  },
  {
    id: "gemini_metrics",
    name: "Gemini CLI's counters",
    signal: "resourceMetrics",
    ids: 0,
    request: (calls) =>
      counterOf("gemini_cli.token.usage", "sum", 2, { "service.name": "gemini-cli" }, calls, (call, i) => ({
        "session.id": call.session,
        "installation.id": "d2deb978-d8c3-4bcf-b33e-a2ca825dbabd",
        model: `gemini-3.${i % 100}-flash`,
        type: ["input", "output", "thought", "cache", "tool"][i % 5]!,
      })),
  },
  {
    id: "genai_metrics",
    name: "GenAI's token histograms",
    signal: "resourceMetrics",
    ids: 0,
    request: (calls) =>
      counterOf("gen_ai.client.token.usage", "histogram", 1, { "service.name": "assistant" }, calls, (_, i) => ({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": `gpt-${i % 50}`,
        "gen_ai.response.model": `gpt-${i % 50}`,
        "gen_ai.token.type": i % 2 === 0 ? "input" : "output",
        "server.address": "api.openai.com",
      })),
  },
];

function requestOf(signal: Signal, resource: Record<string, Value>, scope: string, items: unknown[]) {
  const [scopes, below] = BELOW[signal];
  const inScope = { scope: { name: scope }, [below]: items };
  return { [signal]: [{ resource: { attributes: attributesOf(resource) }, [scopes]: [inScope] }] };
}

function standardSpan(call: Told) {
  return {
    ...frameOf(call),
    name: "chat gpt-4o",
    attributes: attributesOf({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.model": "gpt-4o-2024-08-06",
      "gen_ai.response.id": `chatcmpl-${call.requestId}`,
      "gen_ai.request.temperature": 1,
      "gen_ai.request.max_tokens": 1_000,
      "gen_ai.usage.input_tokens": call.input + call.cached,
      "gen_ai.usage.output_tokens": call.output,
      "gen_ai.usage.cache_read.input_tokens": call.cached,
      "user.id": "user-1",
      "gen_ai.conversation.id": call.session,
      "server.address": "api.openai.com",
      "server.port": 443,
    }),
  };
}

function frameOf({ traceId, spanId, endMs }: Told) {
  return { traceId, spanId, startTimeUnixNano: ns(endMs - 93), endTimeUnixNano: ns(endMs) };
}

function recordOf({ traceId, spanId, endMs }: Told, body: string, attributes: Record<string, Value>) {
  return {
    timeUnixNano: ns(endMs),
    observedTimeUnixNano: ns(endMs),
    body: { stringValue: body },
    attributes: attributesOf(attributes),
    traceId,
    spanId,
  };
}

/** A counter with one point a call. */
function counterOf(
  name: string,
  kind: "sum" | "histogram",
  aggregationTemporality: number,
  resource: Record<string, Value>,
  calls: readonly Told[],
  attributes: (call: Told, i: number) => Record<string, Value>,
) {
  const dataPoints = calls.map((call, i) => ({
    startTimeUnixNano: ns(call.endMs - 60_000),
    timeUnixNano: ns(call.endMs),
    ...(kind === "sum" ? { asInt: String(call.input) } : { count: "1", sum: call.input }),
    attributes: attributesOf(attributes(call, i)),
  }));
  const metric = { name, [kind]: { dataPoints, aggregationTemporality } };
  return requestOf("resourceMetrics", resource, "bench", [metric]);
}

function attributesOf(values: Record<string, Value>) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === "string"
        ? { stringValue: value }
        : typeof value === "boolean"
          ? { boolValue: value }
          : Number.isInteger(value)
            ? { intValue: String(value) }
            : { doubleValue: value },
  }));
}
