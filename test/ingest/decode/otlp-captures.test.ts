/**
 * Every body that real instrumentations sent, decoded and compared with what the provider really
 * counted. What only another body can tell (whose a call is, which of two spans counts) is left to
 * `test/ingest/captures.test.ts`; here each call of the truth has a span that says it right.
 */
import { describe, expect, it } from "vitest";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../../src/ingest/decode/otlp.ts";
import type { Decoded, Trace } from "../../../src/ingest/trace.ts";
import { type Body, bodiesOf, NOW, scenarios, type TrueCall, truthOf } from "../../captures.ts";

const TOKENS = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cache_read_tokens: "cacheReadTokens",
  cache_write_tokens: "cacheWriteTokens",
  cache_write_5m_tokens: "cacheWrite5mTokens",
  cache_write_1h_tokens: "cacheWrite1hTokens",
  reasoning_tokens: "reasoningTokens",
} as const satisfies Record<string, keyof Trace>;

/** Where the bodies cannot give the truth although parts of it are in them. */
const KNOWN_DIFFERENCES: Record<string, string[]> = {
  // Passing through another SDK, version 5's spans lose the cache reads and keep an input without them.
  "openllmetry-0.27.0/aisdk5-agent-anthropic": ["input_tokens: 10345, true 13460", "input_tokens: 10645, true 13860"],
  // The second call is streamed and states no tier; the first one's was found by its value.
  "openinference-4.2.7/agent-anthropic": ["service_tier: null, true standard"],
};

/** These send no spans, and have tests of their own. */
const OTHER_SIGNALS = /^(claude-code-logs|litellm-generic)-/;

describe("captured bodies", () => {
  it.each(scenarios().filter((scenario) => !OTHER_SIGNALS.test(scenario)))("%s", (scenario) => {
    const truth = truthOf(scenario);
    const traced = bodiesOf(scenario).filter(({ path }) => path.endsWith("/v1/traces"));
    // Joined: parents, which may know the user, often come in another body than their children.
    const decoded = traced.length === 0 ? [] : [decode(joined(traced))];
    expect(decoded.flatMap(({ errors }) => errors)).toEqual([]);
    expect(decoded.reduce((sum, { items }) => sum + items, 0)).toBe(truth.counts.spans);

    // The same span sent twice has the same id: one call.
    const traces = new Map(decoded.flatMap((body) => body.traces).map((trace) => [trace.id, trace]));
    const calls = [...traces.values()].filter(({ billable }) => billable).sort((a, b) => a.startedAtMs - b.startedAtMs);
    const sightings = sightingsOf(calls);
    const sent = truth.billable.filter((call) => hasSpan(call, truth.counts.bodies));
    expect(sightings.length).toBe(sent.length);
    const differences = sightings.flatMap((spans, index) => {
      const each = spans.map((span) => differencesOf(span, sent[index]!, scenario));
      return each.sort((a, b) => a.length - b.length)[0]!;
    });
    expect(differences).toEqual(KNOWN_DIFFERENCES[scenario] ?? []);
  });
});

function hasSpan(call: TrueCall, bodies: number): boolean {
  return bodies > 0 && !call.not_transmitted.includes("call (no span of its own)");
}

/** One call may show as several spans: inside each other, where the innermost is taken, or with one response. */
function sightingsOf(calls: readonly Trace[]): Trace[][] {
  const parents = new Set(calls.map(({ traceId, parentId }) => `${traceId} ${parentId}`));
  const innermost = calls.filter(({ traceId, spanId }) => !parents.has(`${traceId} ${spanId}`));
  return [...Map.groupBy(innermost, ({ responseId, id }) => responseId ?? id).values()];
}

function differencesOf(trace: Trace, truth: TrueCall, scenario: string): string[] {
  const differences: string[] = [];
  const compare = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!accepted.includes(was)) differences.push(`${what}: ${String(was)}, true ${accepted.map(String).join(" or ")}`);
  };
  const compareSent = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!truth.not_transmitted.includes(what)) compare(what, was, ...accepted);
  };
  // A count of zero and a count that is not stated are the same amount of tokens.
  for (const [what, field] of Object.entries(TOKENS)) {
    const count = truth[what as keyof typeof TOKENS];
    compareSent(what, trace[field], count, ...(count === 0 ? [null] : []));
  }
  // These do not say who answered: the catalogue finds it by the model. Langfuse has one field for both models.
  const langfuse = scenario.startsWith("langfuse-5");
  const nameless = langfuse || /^(google-adk|strands-agents|voltagent)-/.test(scenario);
  compare("provider", trace.provider, nameless ? "unknown" : truth.provider);
  // A call that was not answered has no answering model, only the one asked for.
  const modelSent = !truth.not_transmitted.includes("model") && !truth.error;
  compare("model", trace.model, modelSent ? truth.model : truth.request_model);
  compareSent("request_model", trace.requestModel, langfuse ? null : truth.request_model);
  compare("operation", trace.operation === "generate_content" ? "chat" : trace.operation, truth.operation);
  compareSent("service_tier", trace.serviceTier, truth.service_tier);
  compareSent("user_id", trace.userId, truth.user_id);
  compareSent("session_id", trace.sessionId, truth.session_id);
  compare("application", trace.application, truth.application);
  compareSent("environment", trace.environment, truth.environment ?? "unknown");
  compare("status", trace.status, truth.error ? "error" : "ok");
  for (const [key, value] of Object.entries(truth.tags)) compareSent(`tags.${key}`, trace.tags[key], value);
  return differences;
}

function decode({ json, bytes }: Pick<Body, "json" | "bytes">): Decoded {
  return json ? decodeOtlpJson(JSON.parse(new TextDecoder().decode(bytes)), NOW) : decodeOtlpProtobuf(bytes, NOW);
}

/** Protobuf messages put end to end are their union; JSON needs its one list joined. */
function joined(bodies: readonly Body[]): Pick<Body, "json" | "bytes"> {
  if (!bodies[0]!.json) return { json: false, bytes: Buffer.concat(bodies.map(({ bytes }) => bytes)) };
  const requests = bodies.map(
    ({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as { resourceSpans: unknown[] },
  );
  const resourceSpans = requests.flatMap((request) => request.resourceSpans);
  return { json: true, bytes: new TextEncoder().encode(JSON.stringify({ resourceSpans })) };
}
