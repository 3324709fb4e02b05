/**
 * Bodies of calls in every form that ingest takes: some items are good, some are spoiled. The good ones have users of
 * their own, by which they are found in the ledger.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { LOG_ATTRIBUTES, LOG_EVENTS } from "../../src/ingest/decode/log/emitters.ts";
import { READ_NAMES } from "../../src/ingest/decode/span/attributes.ts";
import { EXAMPLE_CALL, EXAMPLE_ENTRY } from "../../src/http/example.ts";
import { COUNTS } from "../../src/ledger/counts.ts";
import { bodiesOf, scenarios, type Body } from "../captures.ts";
import { attributeList, type JsonAttribute } from "../ingest/decode/otlp/request.ts";
import type { Draw } from "./draw.ts";
import { damaged, encodedWell, type Input, JSON_TYPE, NDJSON_TYPE, PROTOBUF_TYPE } from "./input.ts";
import { spoiled, TEXTS, TOO_DEEP_TO_PARSE, write } from "./json.ts";
import { attribute, bytes, encode, type Field, fixed64, message, spoiledFields, varint } from "./protobuf.ts";

const MONDAY = Date.UTC(2026, 8, 21);
const SPAN_SIGNAL = { path: "/v1/traces", names: ["resourceSpans", "scopeSpans", "spans"] } as const;
const LOG_SIGNAL = { path: "/v1/logs", names: ["resourceLogs", "scopeLogs", "logRecords"] } as const;
/** Its items never become calls. */
const METRIC_SIGNAL = { path: "/v1/metrics", names: ["resourceMetrics", "scopeMetrics", "metrics"] } as const;
type Signal = typeof SPAN_SIGNAL | typeof LOG_SIGNAL;
type Item = Record<string, unknown>;

/** @param name that no other input has. */
type Make = (draw: Draw, name: string) => Input;

export function createCalls(): Record<string, Make> {
  const captured = scenarios()
    .flatMap(bodiesOf)
    .filter(({ path }) => !path.endsWith("/v1/metrics"))
    // Some were sent below the address of another ledger.
    .map((body) => ({ ...body, path: body.path.replace(/^.*(?=\/v1\/)/, "") }));
  const others = captured.map(({ bytes }) => bytes);
  const kinds: Record<string, Make> = {
    "captured JSON": ofCapturedJson(captured.filter(({ json, path }) => json && path.startsWith("/v1/"))),
    "captured protobuf": ofCapturedProtobuf(captured.filter(({ json }) => !json)),
    native: ofItems("/v1/traces", nativeCall, "traces"),
    LiteLLM: ofItems("/v1/litellm", litellmEntry),
    "OTLP JSON": ofMadeJson,
    "OTLP protobuf": ofMadeProtobuf,
  };
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, make]) => [
      kind,
      (draw: Draw, name: string): Input => {
        const input = { ...make(draw, name), kind };
        return draw.chance(0.2) ? damaged(input, others, draw) : input;
      },
    ]),
  );
}

function post(path: string, type: string, body: string | Uint8Array, goods: string[], draw: Draw): Input {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const encoded = encodedWell(bytes, draw);
  const headers = {
    "content-type": type === JSON_TYPE && draw.chance(0.1) ? `${type}; charset=utf-8` : type,
    ...encoded.headers,
  };
  return { kind: "", method: "POST", path, headers, body: encoded.body, caller: "ingest", goods };
}

/** Some good ones among some bad ones, in any order. */
function mixed<T>(draw: Draw, name: string, good: (user: string, n: number) => T, bad: (n: number) => T) {
  const goods: string[] = [];
  const items: T[] = [];
  for (let n = 1 + draw.below(6); n > 0; n--) {
    if (draw.chance(0.4)) {
      goods.push(`${name}-${n}`);
      items.push(good(`${name}-${n}`, n));
    } else items.push(bad(n));
  }
  return { goods, items };
}

function ofItems(path: string, make: (user: string, draw: Draw | null) => Item, member?: string): Make {
  return (draw, name) => {
    const { goods, items } = mixed<unknown>(
      draw,
      name,
      (user) => make(user, draw.chance(0.5) ? draw : null),
      (n) => spoiled(make(`bad-${name}-${n}`, draw), draw),
    );
    const send = (type: string, body: unknown, goods: string[]): Input => post(path, type, write(body), goods, draw);
    if (draw.chance(0.02)) return send(JSON_TYPE, [...items, TOO_DEEP_TO_PARSE], []);
    if (draw.chance(0.002))
      return send(
        JSON_TYPE,
        Array.from({ length: 5_001 }, () => ({})),
        [],
      );
    if (draw.chance(0.1)) return send(JSON_TYPE, spoiled(items, draw), []);
    if (draw.chance(0.15)) return send(JSON_TYPE, make(`${name}-0`, draw), [`${name}-0`]);
    if (draw.chance(0.3))
      return post(path, NDJSON_TYPE, items.map(write).join(draw.pick(["\n", "\r\n", "\n\n"])), goods, draw);
    // Without an object among them, an item that nests is depth around items.
    if (goods.length === 0) return send(JSON_TYPE, items, []);
    if (member !== undefined && draw.chance(0.4)) return send(JSON_TYPE, { [member]: items }, goods);
    return send(JSON_TYPE, items, goods);
  };
}

const MODELS = [
  "gpt-4o-mini",
  "claude-sonnet-4-5-20250929",
  "gemini-2.5-pro",
  "nobody-knows-it",
  "text-embedding-3-small",
];
const PROVIDERS = ["openai", "anthropic", "google", "aws", "azure", "mistral", "cohere", "xai", "nobody", "vertex_ai"];
const USAGES: readonly Item[] = [
  { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, prompt_tokens_details: { cached_tokens: 50 } },
  { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 30, cache_creation_input_tokens: 4 },
  { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13, thoughtsTokenCount: 0 },
  { inputTokens: 10, outputTokens: 20, totalTokens: 30, cacheReadInputTokens: 0 },
  { meta: { billed_units: { input_tokens: 1, output_tokens: 2 }, tokens: { input_tokens: 1 } } },
];

/** @param draw makes more of it than what is needed. */
function nativeCall(user: string, draw: Draw | null): Item {
  const call: Item = { ...EXAMPLE_CALL, id: user, user_id: user, timestamp: MONDAY };
  if (draw === null) return call;
  call["timestamp"] = draw.chance(0.5)
    ? MONDAY + draw.below(86_400_000)
    : new Date(MONDAY + draw.below(1e9)).toISOString();
  call["model"] = draw.pick(MODELS);
  call["provider"] = draw.pick(PROVIDERS);
  if (draw.chance(0.3)) call["trace_id"] = draw.pick(["t-1", "t-2", user]);
  if (draw.chance(0.3)) Object.assign(call, { span_id: user, parent_id: draw.pick(["s-1", user, ""]) });
  if (draw.chance(0.2)) call["response_id"] = `response of ${user}`;
  if (draw.chance(0.2)) call["request_id"] = draw.pick([`req_0123456789abcdef${user.length}`, user]);
  if (draw.chance(0.2)) call["other_ids"] = draw.pick([[], [user], [`a ${user}`, `b ${user}`, "", user]]);
  if (draw.chance(0.3))
    Object.assign(call, { cost_usd: draw.pick([0, "0.25", 0.000001]), status: "error", error_type: "429" });
  if (draw.chance(0.3)) call["tags"] = { team: draw.pick(["a", "b", ""]), [draw.pick(["x", "é", "a.b"])]: "1" };
  if (draw.chance(0.3)) {
    delete call["input_tokens"];
    delete call["output_tokens"];
    call["usage"] = draw.pick(USAGES);
  } else for (const { name } of Object.values(COUNTS)) if (draw.chance(0.1)) call[name] = 0;
  if (draw.chance(0.2)) call["more"] = { a: [1, { b: null }] };
  return call;
}

function litellmEntry(user: string, draw: Draw | null): Item {
  const metadata: Item = { user_api_key_alias: "assistant", user_api_key_user_id: user };
  const entry: Item = { ...EXAMPLE_ENTRY, id: user, startTime: MONDAY / 1_000, endTime: MONDAY / 1_000 + 1, metadata };
  if (draw === null) return entry;
  entry["model"] = draw.pick(MODELS);
  entry["custom_llm_provider"] = draw.pick(PROVIDERS);
  entry["call_type"] = draw.pick([
    "acompletion",
    "embedding",
    "aresponses",
    "speech",
    "transcription",
    "video_remix",
    "?",
  ]);
  if (draw.chance(0.3)) metadata["usage_object"] = draw.pick(USAGES);
  if (draw.chance(0.3)) Object.assign(entry, { cache_hit: true, response_cost: 0 });
  if (draw.chance(0.3)) Object.assign(entry, { status: "failure", error_str: "x", response_cost: 0.25 });
  if (draw.chance(0.3))
    Object.assign(entry, { request_tags: ["team:a", "b"], hidden_params: { api_base: "https://api.openai.com" } });
  if (draw.chance(0.2)) entry["response"] = { usage: draw.pick(USAGES), id: "x" };
  return entry;
}

const NAMES = [...READ_NAMES];
const LOG_NAMES = [...LOG_ATTRIBUTES];

function someAttributes(names: readonly string[], draw: Draw): JsonAttribute[] {
  const value = (): unknown =>
    draw.pick<() => unknown>([
      () => draw.below(2_000),
      () => draw.pick([2 ** 31, -1, 0.5, 1e-300, Number.NaN]),
      () => draw.pick(MODELS),
      () => draw.pick(PROVIDERS),
      () => draw.pick(TEXTS).toWellFormed(),
      () => JSON.stringify(draw.pick(USAGES)),
      () => write(spoiled(draw.pick(USAGES), draw)),
      () => draw.chance(0.5),
      () => ["a", draw.below(9), ["b"]],
      () => ({ k: { v: "x" } }),
      () => null,
    ])();
  return attributeList(Object.fromEntries(Array.from({ length: draw.below(12) }, () => [draw.pick(names), value()])));
}

function goodAttributes(signal: Signal, user: string): JsonAttribute[] {
  return attributeList(
    signal === SPAN_SIGNAL
      ? {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "openai",
          "gen_ai.request.model": "gpt-4o-mini",
          "gen_ai.usage.input_tokens": 100,
          "gen_ai.usage.output_tokens": 20,
          "user.id": user,
        }
      : {
          "event.name": "api_request",
          "session.id": user,
          "user.id": user,
          request_id: user,
          model: "claude-sonnet-4-5-20250929",
          input_tokens: 100,
          output_tokens: 20,
          cache_read_tokens: 0,
        },
  );
}

interface OtlpItem {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  timeUnixNano: string;
  status: { code: number };
  attributes: JsonAttribute[];
}

/** A span or a log record: each has what the other one reads, too. */
function otlpItem(attributes: JsonAttribute[], id: string, more: Partial<OtlpItem> = {}): OtlpItem {
  const hex = Buffer.from(id).toString("hex").padStart(32, "0");
  const start = `${MONDAY}000000`;
  return {
    traceId: hex,
    spanId: hex.slice(-16),
    startTimeUnixNano: start,
    endTimeUnixNano: `${MONDAY + 250}000000`,
    timeUnixNano: start,
    status: { code: 0 },
    attributes,
    ...more,
  };
}

/** Ids that tell all inputs and items apart in their last 8 bytes. */
const shortId = (name: string): string => name.replace(/\D+/g, "/").slice(-8).padStart(8, "/");

function goodOtlp(signal: Signal, user: string): OtlpItem {
  return otlpItem(goodAttributes(signal, user), shortId(user));
}

function anyOtlp(signal: Signal, draw: Draw, name: string): OtlpItem {
  const attributes = someAttributes(signal === SPAN_SIGNAL ? NAMES : LOG_NAMES, draw);
  const base = draw.chance(0.6) ? goodAttributes(signal, `bad-${name}`) : [];
  const isNamed = signal === LOG_SIGNAL && draw.chance(0.6);
  const event = isNamed ? attributeList({ "event.name": draw.pick(LOG_EVENTS) }) : [];
  const traceId = draw.pick(["5b8efff798038103d269b633813fc60c", "0af7651916cd43dd8448eb211c80319c"]);
  const at = MONDAY + draw.below(10_000);
  return otlpItem([...base, ...attributes, ...event], `b${draw.below(50)}`, {
    ...(draw.chance(0.5) && { traceId }),
    ...(draw.chance(0.4) && {
      parentSpanId: Buffer.from(`b${draw.below(50)}`)
        .toString("hex")
        .padStart(16, "0"),
    }),
    startTimeUnixNano: `${at}000000`,
    endTimeUnixNano: `${at + draw.below(1_000)}000000`,
    status: { code: draw.below(3) },
  });
}

const signalFor = (draw: Draw): Signal => (draw.chance(0.7) ? SPAN_SIGNAL : LOG_SIGNAL);

function pathOf(signal: Signal, draw: Draw): string {
  return signal === SPAN_SIGNAL && draw.chance(0.2) ? "/api/public/otel/v1/traces" : signal.path;
}

const ofMadeJson: Make = (draw, name) => {
  const signal = signalFor(draw);
  const { goods, items } = mixed<unknown>(
    draw,
    name,
    (user) => goodOtlp(signal, user),
    (n) => asItem(spoiledOrNot(anyOtlp(signal, draw, `${name}-${n}`), draw)),
  );
  const body = {
    [signal.names[0]]: [{ resource: { attributes: [] }, [signal.names[1]]: [{ scope: {}, [signal.names[2]]: items }] }],
  };
  const whole = draw.chance(0.15) ? spoiled(body, draw) : body;
  return post(pathOf(signal, draw), JSON_TYPE, write(whole), whole === body ? goods : [], draw);
};

/** What is no object is no item, but a frame that is wrong. */
function asItem(value: unknown): unknown {
  const text = write(value);
  return text.startsWith("{") ? value : { attributes: value };
}

function spoiledOrNot(value: unknown, draw: Draw): unknown {
  return draw.chance(0.7) ? spoiled(value, draw) : value;
}

function itemFields(signal: Signal, item: OtlpItem): Field[] {
  const { traceId, spanId, parentSpanId, attributes, status } = item;
  if (signal === LOG_SIGNAL)
    return [fixed64(1, BigInt(item.timeUnixNano)), ...attributes.map((each) => attribute(6, each)), fixed64(11, 0n)];
  return [
    bytes(1, Buffer.from(traceId, "hex")),
    bytes(2, Buffer.from(spanId, "hex")),
    ...(parentSpanId === undefined ? [] : [bytes(4, Buffer.from(parentSpanId, "hex"))]),
    bytes(5, "chat"),
    fixed64(7, BigInt(item.startTimeUnixNano)),
    fixed64(8, BigInt(item.endTimeUnixNano)),
    ...attributes.map((each) => attribute(9, each)),
    message(15, [varint(3, BigInt(status.code))]),
  ];
}

const ofMadeProtobuf: Make = (draw, name) => {
  const signal = signalFor(draw);
  const { goods, items } = mixed(
    draw,
    name,
    (user) => message(2, itemFields(signal, goodOtlp(signal, user))),
    (n) => {
      const fields = itemFields(signal, anyOtlp(signal, draw, `${name}-${n}`));
      return message(2, draw.chance(0.7) ? spoiledFields(fields, draw) : fields);
    },
  );
  const service = attribute(1, { key: "service.name", value: { stringValue: "fuzz" } });
  const body = [message(1, [message(1, [service]), message(2, [message(1, [bytes(1, "fuzz")]), ...items])])];
  const isWhole = !draw.chance(0.15);
  const encoded = encode(isWhole ? body : spoiledFields(body, draw));
  return post(pathOf(signal, draw), PROTOBUF_TYPE, encoded, isWhole ? goods : [], draw);
};

const SIGNALS = [LOG_SIGNAL, METRIC_SIGNAL, SPAN_SIGNAL];
const signalOf = (sent: string) => SIGNALS.find(({ path }) => path === sent) ?? SPAN_SIGNAL;

/** One or more of the items of a captured body are spoiled, and good ones stand beside them. */
function ofCapturedJson(captured: readonly Body[]): Make {
  const parsed = captured.map(({ path, bytes }) => ({
    path,
    value: JSON.parse(Buffer.from(bytes).toString()) as Item,
  }));
  return (draw, name) => {
    const { path, value } = draw.pick(parsed);
    if (draw.chance(0.3)) return post(path, JSON_TYPE, write(spoiled(value, draw)), [], draw);
    const signal = signalOf(path);
    const [resources, scopes, list] = signal.names;
    const copy = structuredClone(value) as Record<string, Record<string, Record<string, unknown[]>[]>[]>;
    const scope = draw.pick(draw.pick(copy[resources]!)[scopes]!);
    const items = scope[list]!;
    for (let n = draw.below(3); n > 0; n--) {
      const at = draw.below(items.length);
      items[at] = asItem(spoiled(items[at], draw));
    }
    if (signal.path === METRIC_SIGNAL.path) return post(path, JSON_TYPE, write(copy), [], draw);
    items.splice(draw.below(items.length + 1), 0, goodOtlp(signal, `${name}-0`));
    return post(path, JSON_TYPE, write(copy), [`${name}-0`], draw);
  };
}

/** Which fields of a message are messages. */
interface Shape {
  [field: number]: Shape;
}
const VALUE: Shape = { 5: { 1: {} } };
const ATTRIBUTE: Shape = { 2: VALUE };
const NUMBERS: Shape = { 1: { 7: ATTRIBUTE } };
const ITEMS = {
  [SPAN_SIGNAL.path]: { 9: ATTRIBUTE, 15: {} },
  [LOG_SIGNAL.path]: { 5: VALUE, 6: ATTRIBUTE },
  [METRIC_SIGNAL.path]: { 5: NUMBERS, 7: NUMBERS, 9: { 1: { 9: ATTRIBUTE } }, 10: { 1: { 1: ATTRIBUTE } } },
} as const;

function fieldsOf(body: Uint8Array, shape: Shape): Field[] {
  const reader = new BinaryReader(body);
  const fields: Field[] = [];
  while (reader.pos < body.length) {
    const [number, wire] = reader.tag();
    const inner = shape[number];
    if (wire === 0) fields.push(varint(number, BigInt.asUintN(64, BigInt(reader.int64()))));
    else if (wire === 1) fields.push(fixed64(number, BigInt(reader.fixed64())));
    else if (wire === 5) fields.push({ number, wire, value: BigInt(reader.fixed32()) });
    else {
      const value = reader.bytes();
      fields.push(inner === undefined ? bytes(number, value) : message(number, fieldsOf(value, inner)));
    }
  }
  return fields;
}

function ofCapturedProtobuf(captured: readonly Body[]): Make {
  return (draw, name) => {
    const { path, bytes: body } = draw.pick(captured);
    const signal = signalOf(path);
    const fields = fieldsOf(body, { 1: { 1: { 1: ATTRIBUTE }, 2: { 2: ITEMS[signal.path] } } });
    if (draw.chance(0.3)) return post(path, PROTOBUF_TYPE, encode(spoiledFields(fields, draw)), [], draw);
    const scopes = (draw.pick(fields).value as Field[]).filter(({ number }) => number === 2);
    const scope = draw.pick(scopes).value as Field[];
    const items = scope.filter(({ number }) => number === 2);
    for (let n = draw.below(3); n > 0; n--) {
      const item = draw.pick(items);
      item.value = spoiledFields(item.value as Field[], draw);
    }
    if (signal.path === METRIC_SIGNAL.path) return post(path, PROTOBUF_TYPE, encode(fields), [], draw);
    scope.push(message(2, itemFields(signal, goodOtlp(signal, `${name}-0`))));
    return post(path, PROTOBUF_TYPE, encode(fields), [`${name}-0`], draw);
  };
}
