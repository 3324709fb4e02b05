/**
 * Every body that real instrumentations sent, decoded and compared with what the provider really
 * counted. A scenario's `truth.json` lists per call what was true, and which of it is nowhere in
 * the bodies (`not_transmitted`); everything else has to come out exactly.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../../src/ingest/decode/otlp.ts";
import type { Decoded, Trace } from "../../../src/ingest/trace.ts";

const CAPTURES = join(import.meta.dirname, "../../fixtures/captures");
/** A few days after the recordings. */
const NOW = Date.UTC(2026, 10, 30);

interface TrueCall {
  provider: string;
  model: string;
  request_model: string;
  operation: string;
  service_tier: string | null;
  user_id: string | null;
  session_id: string | null;
  application: string;
  environment: string | null;
  error: boolean;
  tags: Record<string, string>;
  not_transmitted: string[];
}

interface Truth {
  counts: { bodies: number; spans: number };
  billable: (TrueCall & Record<string, unknown>)[];
}

const TOKENS: Record<string, keyof Trace> = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cache_read_tokens: "cacheReadTokens",
  cache_write_tokens: "cacheWriteTokens",
  cache_write_5m_tokens: "cacheWrite5mTokens",
  cache_write_1h_tokens: "cacheWrite1hTokens",
  reasoning_tokens: "reasoningTokens",
};

/** User, session and tags come only on a span above the call, in a later body: joined here to one. */
const CONTEXT_IN_LATER_BODY = new Set([
  "ai-sdk-7.0.173/full-agent-anthropic-stream",
  "ai-sdk-7.0.173/full-agent-openai",
]);

/** Where the bodies cannot give the truth although parts of it are in them. */
const KNOWN_DIFFERENCES: Record<string, string[]> = {
  // Passing through another SDK, version 5's spans lose the cache reads and keep an input without them.
  "openllmetry-0.27.0/aisdk5-agent-anthropic": ["input_tokens: 10345, true 13460", "input_tokens: 10645, true 13860"],
  // The second call is streamed and states no tier; the first one's was found by its value.
  "openinference-4.2.7/agent-anthropic": ["service_tier: null, true standard"],
};

/** These send no spans, and have tests of their own. */
const OTHER_SIGNALS = new Set(["claude-code-logs-handmade", "litellm-generic-handmade"]);

const scenarios = readdirSync(CAPTURES)
  .filter((emitter) => !OTHER_SIGNALS.has(emitter))
  .flatMap((emitter) => readdirSync(join(CAPTURES, emitter)).map((scenario) => `${emitter}/${scenario}`))
  .sort();

describe("captured bodies", () => {
  it.each(scenarios)("%s", (scenario) => {
    const truth = JSON.parse(readFileSync(join(CAPTURES, scenario, "truth.json"), "utf8")) as Truth;
    const bodies = bodiesOf(scenario);
    const decoded = (CONTEXT_IN_LATER_BODY.has(scenario) ? [joined(bodies)] : bodies).map(decode);
    expect(decoded.flatMap(({ errors }) => errors)).toEqual([]);
    expect(decoded.reduce((sum, { items }) => sum + items, 0)).toBe(truth.counts.spans);

    // The same span sent twice has the same id: one call.
    const traces = new Map(decoded.flatMap((body) => body.traces).map((trace) => [trace.id, trace]));
    const calls = [...traces.values()].filter(({ billable }) => billable).sort((a, b) => a.startedAtMs - b.startedAtMs);
    const sent = truth.billable.filter((call) => hasSpan(call, truth));
    expect(calls.length).toBe(sent.length);
    const differences = calls.flatMap((call, index) => differencesOf(call, sent[index]!, scenario));
    expect(differences).toEqual(KNOWN_DIFFERENCES[scenario] ?? []);
  });
});

function hasSpan(call: TrueCall, truth: Truth): boolean {
  return truth.counts.bodies > 0 && !call.not_transmitted.includes("call (no span of its own)");
}

function differencesOf(trace: Trace, truth: Truth["billable"][number], scenario: string): string[] {
  const differences: string[] = [];
  const compare = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!accepted.includes(was)) differences.push(`${what}: ${String(was)}, true ${accepted.map(String).join(" or ")}`);
  };
  const compareSent = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!truth.not_transmitted.includes(what)) compare(what, was, ...accepted);
  };
  // A count of zero and a count that is not stated are the same amount of tokens.
  for (const [what, field] of Object.entries(TOKENS)) {
    compareSent(what, trace[field], truth[what], ...(truth[what] === 0 ? [null] : []));
  }
  // Langfuse has no field for the provider (the catalogue finds it by the model), and one for both models.
  const langfuse = scenario.startsWith("langfuse-5");
  compare("provider", trace.provider, langfuse ? "unknown" : truth.provider);
  // A call that was not answered has no answering model, only the one asked for.
  const modelSent = !truth.not_transmitted.includes("model") && !truth.error;
  compare("model", trace.model, modelSent ? truth.model : truth.request_model);
  compareSent("request_model", trace.requestModel, langfuse ? null : truth.request_model);
  compare("operation", trace.operation === "generate_content" ? "chat" : trace.operation, truth.operation);
  compareSent("service_tier", trace.serviceTier, truth.service_tier);
  compareSent("user_id", trace.userId, truth.user_id);
  compareSent("session_id", trace.sessionId, truth.session_id);
  compare("application", trace.application, truth.application);
  compare("environment", trace.environment, truth.environment ?? "unknown");
  compare("status", trace.status, truth.error ? "error" : "ok");
  for (const [key, value] of Object.entries(truth.tags)) compareSent(`tags.${key}`, trace.tags[key], value);
  return differences;
}

interface Body {
  json: boolean;
  bytes: Uint8Array;
}

/** The trace bodies of a scenario, in order of arrival; some emitters send logs beside them. */
function bodiesOf(scenario: string): Body[] {
  const folder = join(CAPTURES, scenario);
  const names = readdirSync(folder).filter((name) => name.endsWith(".body"));
  return names.sort().flatMap((name) => {
    const request = JSON.parse(readFileSync(join(folder, name.replace(".body", ".json")), "utf8")) as Record<
      string,
      string
    >;
    const bytes = readFileSync(join(folder, name));
    if (!request["path"]!.endsWith("/v1/traces")) return [];
    const json = request["content-type"] === "application/json";
    return [{ json, bytes: request["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes }];
  });
}

function decode({ json, bytes }: Body): Decoded {
  return json ? decodeOtlpJson(JSON.parse(new TextDecoder().decode(bytes)), NOW) : decodeOtlpProtobuf(bytes, NOW);
}

/** Protobuf messages put end to end are their union; JSON needs its one list joined. */
function joined(bodies: Body[]): Body {
  if (!bodies[0]!.json) return { json: false, bytes: Buffer.concat(bodies.map(({ bytes }) => bytes)) };
  const requests = bodies.map(
    ({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as { resourceSpans: unknown[] },
  );
  const resourceSpans = requests.flatMap((request) => request.resourceSpans);
  return { json: true, bytes: new TextEncoder().encode(JSON.stringify({ resourceSpans })) };
}
