/** From the body that an instrumentation sent to the receipt: what counts, whose it is, and what it costs. */
import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { decodeLitellm } from "../../src/ingest/decode/litellm.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { readJsonSpans } from "../../src/ingest/decode/otlp/json.ts";
import { readProtobufSpans } from "../../src/ingest/decode/otlp/protobuf.ts";
import { decodeSpans } from "../../src/ingest/decode/otlp/traces.ts";
import { readJsonLogs } from "../../src/ingest/decode/otlp/logs-json.ts";
import { readProtobufLogs } from "../../src/ingest/decode/otlp/logs-protobuf.ts";
import { decodeItems, type ItemRefused } from "../../src/ingest/decode/item.ts";
import { toLogCall } from "../../src/ingest/decode/log/emitters.ts";
import type { LogRecord } from "../../src/ingest/decode/log/record.ts";
import { DEFAULT_PERSONS } from "../../src/ingest/decode/span/context-attributes.ts";
import type { Span } from "../../src/ingest/decode/span/span.ts";
import type { Decoded } from "../../src/ingest/decode/decoded.ts";
import { usageBy } from "../../src/ledger/call.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { usdToPico } from "../../src/money.ts";
import { audit } from "../../src/rollup/audit.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces, readCall } from "../../src/traces/read.ts";
import { type Body, bodiesOf, FIRST_DAY, NOW, scenarios, type TrueCall, truthOf } from "../captures.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace as madeUp } from "../calls.ts";

const db = database();

/** Where the bodies cannot give the truth although parts of it are in them. */
const KNOWN_DIFFERENCES: Record<string, string[]> = {
  // Passing through another SDK, version 5's spans lose the cache reads and keep an input without them.
  "openllmetry-0.27.0/aisdk5-agent-anthropic": ["input_tokens: 10345, true 13460", "input_tokens: 10645, true 13860"],
  // The second call is streamed and states no tier; the first one's was found by its value.
  "openinference-4.2.7/agent-anthropic": ["service_tier: null, true standard"],
  // It sends the model that was asked for as the one that answered, unless the answer is streamed.
  "langtrace-6.3.7/anthropic": ["model: claude-haiku-4-5, true claude-haiku-4-5-20251001"],
  // These are in the document of a span around the call alone, which names no call.
  "langwatch-0.16.1/langchain": [
    "cache_read_tokens: null, true 3099",
    "reasoning_tokens: null, true 656",
    "model: gpt-5-mini, true gpt-5-mini-2025-08-07",
    "model: gpt-5-mini, true gpt-5-mini-2025-08-07",
  ],
};

/** The truth of these names the installation or nobody, and the ledger takes the person, the account, the installation. */
const PERSONS: readonly (readonly [scenarios: RegExp, user: string])[] = [
  [/^claude-code-logs-handmade/, "ada@example.com"],
  [/^gemini-cli/, "d2deb978-d8c3-4bcf-b33e-a2ca825dbabd"],
];

/** What pays for the calls of agents, by what they tell. Of all other scenarios it is an API. */
const COVERS: readonly (readonly [scenarios: RegExp, coveredBy: string])[] = [
  [/^claude-code-[^/]*\/vertex$/, "api"],
  [/^(?:claude-code|codex|opencode)/, "unknown"],
  // The span of a failed call does not say it, and shares no id with the record that does.
  [/^qwen-code-[^/]*\/error/, "unknown"],
];

/**
 * Seven recordings of coding agents have 360 to 1,214 spans, and all others 86 at most. What a body costs grows with what
 * is there of its trace, so these seven come as 100 bodies. `CAPTURE_BODIES=2000` sends each of their spans alone, too.
 */
const MOST_BODIES = Number(process.env["CAPTURE_BODIES"] ?? 100);

type Shown = NonNullable<Awaited<ReturnType<typeof readCall>>>;

/** How the spans of a scenario arrive; what the ledger makes of them may not depend on it. */
const ARRIVALS: Record<string, (bodies: Body[]) => Decoded[]> = {
  "as sent": (bodies) => bodies.map(decode),
  "with the last body first": (bodies) => bodies.toReversed().map(decode),
  "one span a body, the last first": (bodies) => [
    ...inParts(bodies.flatMap((body) => (isTraces(body) ? spansOf(body) : [])).toReversed()).map((spans) =>
      decodeSpans(spans, NOW),
    ),
    ...bodies.filter((body) => !isTraces(body)).map(decode),
  ],
  "one log record a body, shuffled among bodies of spans": (bodies) =>
    shuffled(
      bodies.flatMap((body) =>
        isLogs(body) ? recordsOf(body).map((record) => () => decodeRecord(record)) : [() => decode(body)],
      ),
    ).map((arrive) => arrive()),
};

/** Each alone, or if that were too many bodies, a few together. */
function inParts<T>(items: readonly T[]): T[][] {
  const size = Math.ceil(items.length / MOST_BODIES);
  const parts = Math.ceil(items.length / size) || 0;
  return Array.from({ length: parts }, (_, part) => items.slice(part * size, (part + 1) * size));
}

/** In an order that looks random, and is the same in each run. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item, index) => ({ item, at: (index * 7_919 + 104_729) % 1_009 }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

it.each(scenarios())("%s has neither the machine of who recorded it nor the prompts of the program", (scenario) => {
  for (const { bytes } of bodiesOf(scenario)) {
    const text = Buffer.from(bytes).toString("latin1");
    for (const [, id] of text.matchAll(/host\.id.{1,40}?([0-9a-f]{32})/gs)) expect(id).toMatch(/^0+1$/);
    for (const [path] of text.matchAll(/(?:\/[\w.-]+)+\/bin\/node\b/g)) expect(path).toMatch(/^\/usr\//);
    // A hundred words, one after the other.
    expect(text).not.toMatch(/(?:[A-Za-z,.;:'()`-]+ ){100}/);
  }
});

describe.each(Object.entries(ARRIVALS))("captured bodies, %s", (_, arrive) => {
  it.concurrent.each(scenarios())("%s", async (scenario) => {
    const truth = truthOf(scenario);
    const project = await newProject(db);
    for (const decoded of arrive(bodiesOf(scenario).filter(({ path }) => !path.endsWith("/v1/metrics")))) {
      expect(decoded.errors).toEqual([]);
      await writeBatch(db, project, decoded.calls.map(priced), { links: decoded.links ?? [] });
    }
    const counted = await countedCalls(project);
    const sent = truth.billable.filter((call) => !call.not_transmitted.includes("call (no span of its own)"));
    expect(counted.length).toBe(truth.counts.bodies > 0 ? sent.length : 0);
    const calls = counted.length === 0 ? [] : inOrderOf(sent, counted);
    const differences = calls.flatMap((call, index) => differencesOf(call, sent[index]!, scenario));
    expect(differences).toEqual(KNOWN_DIFFERENCES[scenario] ?? []);
    const covered = COVERS.find(([of]) => of.test(scenario))?.[1] ?? "api";
    expect(calls.map((call) => call["covered_by"])).toEqual(calls.map(() => covered));
    for (const [index, call] of calls.entries()) expectStated(call, sent[index]!);
    for (const [index, call] of calls.entries()) expectCost(call, sent[index]!);
    expect((await audit(db, project, FIRST_DAY, NOW)).mismatches).toEqual([]);
  });
});

/** The calls that count, each with its receipt, in order of their start. */
async function countedCalls(project: string): Promise<Shown[]> {
  const query = parseTracesQuery(new URLSearchParams({ from: String(FIRST_DAY), limit: "1000" }), NOW);
  const { traces } = await listTraces(db, project, query);
  const shown = await Promise.all(traces.map(({ id }) => readCall(db, project, id)));
  return (shown as Shown[]).sort((a, b) => startOf(a) - startOf(b));
}

/** Calls that were made at once may begin in another order: the response's id tells which is which, then the counts. */
function inOrderOf(sent: TrueCall[], calls: Shown[]): Shown[] {
  const left = [...calls];
  const paired: (Shown | undefined)[] = sent.map(() => undefined);
  const isOf: ((call: Shown, truth: TrueCall) => boolean)[] = [
    (call, truth) => typeof truth.response_id === "string" && call["response_id"] === truth.response_id,
    (call, truth) => call["input_tokens"] === truth.input_tokens && call["output_tokens"] === truth.output_tokens,
    () => true,
  ];
  for (const fits of isOf) {
    for (const [index, truth] of sent.entries()) {
      const at = paired[index] === undefined ? left.findIndex((call) => fits(call, truth)) : -1;
      if (at >= 0) [paired[index]] = left.splice(at, 1);
    }
  }
  return paired as Shown[];
}

function startOf(trace: Shown): number {
  return Date.parse(String(trace["timestamp"]));
}

const COUNTS = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
] as const;

function differencesOf(trace: Shown, truth: TrueCall, scenario: string): string[] {
  const differences: string[] = [];
  const compare = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!accepted.includes(was)) differences.push(`${what}: ${String(was)}, true ${accepted.map(String).join(" or ")}`);
  };
  const compareSent = (what: string, was: unknown, ...accepted: unknown[]) => {
    if (!truth.not_transmitted.includes(what)) compare(what, was, ...accepted);
  };
  // A count of zero and a count that is not stated are the same amount of tokens.
  for (const count of COUNTS) compareSent(count, trace[count], truth[count], ...(truth[count] === 0 ? [null] : []));
  // Langfuse has no field for the model that was asked for; the provider it leaves out is found by the model.
  const langfuse = scenario.startsWith("langfuse-5");
  compare("provider", trace["provider"], truth.provider, ...(langfuse ? ["unknown"] : []));
  // A call that was not answered has no answering model: most emitters then send the one asked for.
  const models = truth.not_transmitted.includes("model") ? [] : [truth.model];
  compare("model", trace["model"], ...(models.length === 0 || truth.error ? [truth.request_model] : []), ...models);
  compareSent("request_model", trace["request_model"], langfuse ? null : truth.request_model);
  compare("operation", trace["operation"] === "generate_content" ? "chat" : trace["operation"], truth.operation);
  for (const field of ["service_tier", "session_id"] as const) compareSent(field, trace[field], truth[field]);
  compareSent(
    "user_id",
    trace["user_id"],
    truth.user_id,
    ...PERSONS.filter(([of]) => of.test(scenario)).map(([, id]) => id),
  );
  compareSent("application", trace["application"], truth.application);
  compareSent("environment", trace["environment"], truth.environment ?? "unknown");
  compare("status", trace["status"], truth.error ? "error" : "ok");
  const tags = trace["tags"] as Record<string, string>;
  for (const [key, value] of Object.entries(truth.tags)) compareSent(`tags.${key}`, tags[key], value);
  return differences;
}

/** Where the true cost is another one, the call says so, and in which direction. */
function expectStated(trace: Shown, truth: TrueCall): void {
  const [own, other] = [trace["cost_usd"], costOf(trace, (name) => truth[name as "input_tokens"] ?? null)];
  if (own === null || other === null || usdToPico(String(own)) === other) return;
  const direction = usdToPico(String(own))! < other ? "lower_bound" : "upper_bound";
  expect([direction, "estimate"]).toContain(trace["cost_is"]);
}

/** What the call would cost with other counts. */
function costOf(trace: Shown, countOf: (name: string) => number | null): bigint | null {
  const durationUs = Number(trace["duration_ms"] ?? 0) * 1_000;
  const [provider, model, operation] = ["provider", "model", "operation"].map((name) => String(trace[name]));
  const serviceTier = trace["service_tier"] as string | null;
  const call = madeUp({ startedAtMs: startOf(trace), clientId: "", durationUs, ...usageBy(countOf) });
  return priced({ ...call, provider: provider!, model: model!, operation: operation!, serviceTier }).cost.costPico;
}

/** The receipt adds up, and its total is what the catalogue's own arithmetic makes of the true counts. */
function expectCost(trace: Shown, truth: TrueCall): void {
  const { receipt } = trace;
  expect(receipt.total_usd).toBe(trace["cost_usd"]);
  if (trace["unpriced_reason"] === "model_unknown") {
    // The catalogue has no price for the model at this provider.
    expect(calcPrice({ input_tokens: 1 }, truth.model, { providerId: truth.provider })).toBeNull();
    return;
  }
  if (receipt.total_usd === null) {
    expect(trace["cost_is"]).toBe(null);
    // What was not sent, or in another's place, has no cost, and nothing else.
    if (receipt.usage_semantics.includes("in each other's place")) return;
    expect(trace["unpriced_reason"]).toBe("usage_unknown");
    expect(trace["input_tokens"] === null || trace["output_tokens"] === null).toBe(true);
    return;
  }
  const lines = receipt.lines.map(({ cost_usd }) => usdToPico(cost_usd!)!);
  expect(lines.reduce((sum, line) => sum + line, 0n)).toBe(usdToPico(receipt.total_usd));

  const count = (name: (typeof COUNTS)[number]): number =>
    Number((truth.not_transmitted.includes(name) || isKnownDifference(trace) ? trace[name] : truth[name]) ?? 0);
  if (count("input_tokens") + count("output_tokens") === 0) return expect(receipt.total_usd).toBe("0");
  // The catalogue's own arithmetic does not know what the ledger corrects.
  if (receipt.price_correction !== null) {
    const stated = (name: string): number | null => (COUNTS.includes(name as never) ? count(name as never) : null);
    return expect(usdToPico(receipt.total_usd)).toBe(costOf(trace, stated));
  }
  const expected = calcPrice(
    {
      input_tokens: count("input_tokens"),
      cache_read_tokens: count("cache_read_tokens"),
      cache_write_tokens: count("cache_write_tokens"),
      cache_write_1h_tokens: count("cache_write_1h_tokens"),
      output_tokens: count("output_tokens"),
    },
    String(trace["model"]),
    // The catalogue has Claude's prices for writes of an hour under Anthropic alone. Google's are the same.
    {
      providerId:
        trace["provider"] === "google" && String(trace["model"]).startsWith("claude-")
          ? "anthropic"
          : String(trace["provider"]),
      timestamp: new Date(startOf(trace) + Number(trace["duration_ms"] ?? 0)),
    },
  );
  const multiplier = trace["service_tier"] === "flex" ? 0.5 : 1;
  expect(Number(receipt.total_usd)).toBeCloseTo(expected!.total_price * multiplier, 10);
}

function isKnownDifference(trace: Shown): boolean {
  return [10_345, 10_645].includes(Number(trace["input_tokens"])) || trace["rule"] === "langwatch.span.type";
}

function isLogs({ path }: Body): boolean {
  return path.endsWith("/v1/logs");
}

function recordsOf(body: Body): readonly (LogRecord | ItemRefused)[] {
  const isRead = (): boolean => true;
  const readKey = (bytes: Uint8Array, start: number, end: number): string =>
    new TextDecoder().decode(bytes.subarray(start, end));
  return body.json ? readJsonLogs(parsed(body), isRead, Infinity) : readProtobufLogs(body.bytes, readKey, Infinity);
}

function decodeRecord(record: LogRecord | ItemRefused): Decoded {
  return decodeItems([record], (one) => toLogCall(one, { nowMs: NOW, persons: DEFAULT_PERSONS }));
}

function isTraces({ path }: Body): boolean {
  return path.endsWith("/v1/traces");
}

function decode(body: Body): Decoded {
  if (isTraces(body)) return decodeSpans(spansOf(body), NOW);
  if (body.path.endsWith("/v1/logs")) {
    return body.json ? decodeLogsJson(parsed(body), NOW) : decodeLogsProtobuf(body.bytes, NOW);
  }
  // A path without a decoder must not be read as one of another emitter.
  if (!body.path.endsWith("/litellm")) throw new Error(`no decoder for ${body.path}`);
  const entries = parsed(body);
  return decodeLitellm(Array.isArray(entries) ? entries : [entries], NOW);
}

function spansOf(body: Body): readonly (Span | ItemRefused)[] {
  return body.json ? readJsonSpans(parsed(body), Infinity) : readProtobufSpans(body.bytes, Infinity);
}

function parsed({ bytes }: Body): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
