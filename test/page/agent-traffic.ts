/** Calls of coding agents for the page's tests: a session with sub-agents, calls reported twice, costs not exact. */
import { HOSTILE } from "./page-stack.ts";

export const SESSION = "session-of-agents";
/** A session whose tags are hostile names. */
export const ODD_SESSION = "session-of-odd-names";

/** A minute before the tests, so that no range begins in between. */
export function agentCalls(nowMs: number): object[] {
  const call = (id: string, more: object) => ({
    id,
    timestamp: new Date(nowMs - 60_000).toISOString(),
    provider: "openai",
    model: "gpt-4o",
    application: "coding",
    output_tokens: 100,
    ...more,
  });
  const work = (id: string, input: number, tags: object) =>
    call(id, {
      session_id: SESSION,
      user_id: "ada",
      input_tokens: input,
      tags: { agent: "claude-code", repository: "acme/shop", branch: "main", team: "search", ...tags },
    });
  return [
    work("lead-1", 1_000, { skill: "review" }),
    work("lead-2", 2_000, { branch: "fix/prices" }),
    work("explorer", 4_000, { subagent: "explorer", query_source: "agent" }),
    work("tester-1", 8_000, { subagent: "tester", query_source: "agent" }),
    work("tester-2", 16_000, { subagent: "tester", query_source: "agent", agent: "codex" }),
    { ...work("unpriced", 500, { subagent: "unpriced" }), provider: "nobody", model: "nobody-knows" },
    call("told", {
      response_id: "one-response",
      request_id: "one-request",
      session_id: "reported",
      input_tokens: 3_000,
      cache_read_tokens: 1_000,
    }),
    call("told-again", {
      application: "gateway",
      response_id: "one-response",
      input_tokens: 3_000,
      user_id: "ada",
      tags: { team: "search" },
    }),
    ...HOSTILE.flatMap((name, i) => [
      call(`odd-${i}`, { response_id: `odd ${name}`, input_tokens: 3_000, cache_read_tokens: 10, application: name }),
      call(`odd-again-${i}`, {
        application: `${name} again`.slice(-128),
        response_id: `odd ${name}`,
        input_tokens: 3_000,
        user_id: name,
        tags: { [name.slice(0, 60)]: name },
      }),
      call(`named-${i}`, {
        session_id: ODD_SESSION,
        input_tokens: 1_000 + i,
        tags: { agent: name, repository: name, branch: name, [name.slice(0, 60)]: `${i}` },
      }),
    ]),
  ];
}

const CLAUDE = { "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-haiku-4-5" };
const GPT = { "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o" };

/** Spans of emitters that leave something out. By their trace ids, as the ledger calls their costs. */
export const INEXACT = {
  lower_bound: { trace: "a".repeat(32), scope: "gen_ai", model: CLAUDE },
  upper_bound: { trace: "b".repeat(32), scope: "@opentelemetry/instrumentation-openai", model: GPT },
  estimate: { trace: "c".repeat(32), scope: "@traceloop/instrumentation-openai", model: CLAUDE },
} as const;

export function inexactSpans(nowMs: number): object {
  const nanos = `${nowMs - 60_000}000000`;
  const attributesOf = (attributes: Readonly<Record<string, string | number>>) =>
    Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
    }));
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ "service.name": "bounds" }) },
        scopeSpans: Object.values(INEXACT).map(({ trace, scope, model }) => ({
          scope: { name: scope },
          spans: [
            {
              traceId: trace,
              spanId: trace.slice(16),
              name: "chat",
              kind: 3,
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              attributes: attributesOf({
                "gen_ai.operation.name": "chat",
                ...model,
                "gen_ai.usage.input_tokens": 4_000,
                "gen_ai.usage.output_tokens": 100,
                "gen_ai.conversation.id": "bounds",
              }),
            },
          ],
        })),
      },
    ],
  };
}
