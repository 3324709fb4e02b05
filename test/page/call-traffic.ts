/** Calls for the tests of `/calls/{id}` and `/sessions/{id}`: plain ones, hostile names, and an agent's trace. */
import { expect } from "vitest";
import type { DevStack } from "../e2e/dev-stack.ts";
import { HOSTILE } from "./page-stack.ts";

/** Ids of sessions that a path cannot hold as they are. */
export const ODD_SESSIONS = ["a/b 50%", "..", "%2F?x=1#y", ...HOSTILE.slice(1, 4)];

export const TRACE = "7".repeat(32);

/** The same for both emitters: a minute before the tests, so that no range begins in between. */
export function callsAt(nowMs: number): object[] {
  const call = (id: string, more: object) => ({
    id,
    timestamp: new Date(nowMs - 60_000).toISOString(),
    provider: "openai",
    model: "gpt-4o",
    application: "assistant",
    input_tokens: 12_000,
    cache_read_tokens: 3_000,
    output_tokens: 2_345,
    reasoning_tokens: 1_000,
    duration_ms: 1_812,
    user_id: "ada",
    ...more,
  });
  return [
    call("plain", { tags: { team: "search" }, web_searches: 2, cost_usd: "0.05", session_id: "short" }),
    call("unpriced", { provider: "nobody", model: "nobody-knows" }),
    call("ambiguous", { input_tokens: undefined, cache_read_tokens: undefined }),
    call("custom", { provider: "acme", model: "acme-one" }),
    call("wrong", { application: "to-be-deleted" }),
    ...HOSTILE.map((name, i) =>
      call(`hostile-${i}`, {
        user_id: name,
        application: name,
        environment: name,
        operation: name,
        request_model: name,
        service_tier: "default",
        error_type: name,
        status: "error",
        trace_id: name,
        span_id: name,
        response_id: name,
        tags: { [name.slice(0, 60)]: name },
      }),
    ),
    ...ODD_SESSIONS.map((session_id, i) => call(`odd-${i}`, { session_id })),
    ...Array.from({ length: 60 }, (_, i) =>
      call(`long-${i}`, {
        session_id: "long",
        timestamp: new Date(nowMs - 3_600_000 + i * 50_000).toISOString(),
        input_tokens: 4_000 + 100 * i,
        trace_id: `trace-${i}`,
        span_id: `span-${i}`,
      }),
    ),
  ];
}

/** An agent that restates what its two calls used, a tool between, and the second call reported twice. */
export function agentTrace(nowMs: number): object {
  const startMs = nowMs - 30_000;
  const nanos = (ms: number): string => `${ms}000000`;
  const span = (id: number, parent: number | null, fromMs: number, lastsMs: number, attributes: object) => ({
    traceId: TRACE,
    spanId: String(id).padStart(16, "0"),
    parentSpanId: parent === null ? "" : String(parent).padStart(16, "0"),
    name: `span ${id}`,
    kind: 3,
    startTimeUnixNano: nanos(startMs + fromMs),
    endTimeUnixNano: nanos(startMs + fromMs + lastsMs),
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value as string },
    })),
    status: { code: 1 },
  });
  const llm = (operation: string, input: number, output: number, response: string) => ({
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o",
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
    ...(response !== "" && { "gen_ai.response.id": response }),
  });
  const spans = [
    span(1, null, 0, 9_000, llm("invoke_agent", 3_000, 500, "")),
    span(2, 1, 500, 2_000, llm("chat", 1_000, 200, "response-a")),
    span(3, 1, 2_600, 5_000, {}),
    span(4, 3, 4_000, 3_000, llm("chat", 2_000, 300, "response-b")),
    span(5, 1, 7_200, 1_500, llm("chat", 2_000, 300, "response-b")),
  ];
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "agent" } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "test" }, spans }] }] };
}

export async function post(
  { url }: DevStack,
  key: string,
  path: string,
  body: object,
): Promise<Record<string, string>> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, string>;
  expect(response.ok, JSON.stringify(answer)).toBe(true);
  return answer;
}
