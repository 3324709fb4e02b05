/** What becomes of agents' own counters, in both encodings. */
import { describe, expect, it } from "vitest";
import type { Point } from "../../../src/coverage/point.ts";
import { ApiError } from "../../../src/errors.ts";
import { decodeMetricsJson, decodeMetricsProtobuf } from "../../../src/ingest/decode/otlp/metrics.ts";
import type { Attributes } from "./otlp/request.ts";
import {
  CUMULATIVE,
  decodeBoth,
  DELTA,
  metricsRequest,
  metricsToProtobuf,
  NOW,
  type MetricInput,
  type PointInput,
} from "./otlp/metrics-request.ts";

const TOKENS = "claude_code.token.usage";

/** The measures and amounts of a metric's points. */
function read(
  metric: MetricInput,
  from: Parameters<typeof metricsRequest>[1] = {},
): [string, Point["emitter"], bigint][] {
  const { points, errors } = decodeBoth(metricsRequest([metric], from));
  expect(errors).toEqual([]);
  return points.map(({ measures, emitter, amount }) => [measures.join("+"), emitter, amount]);
}

const kinds = (attribute: string, names: string[], value = (i: number): Partial<PointInput> => ({ asInt: i + 1 })) =>
  names.map((name, i) => ({ ...value(i), attributes: { [attribute]: name, model: "m" } }));

describe("each counter counts in the ledger's sense", () => {
  it("Claude Code's cached tokens are beside its input", () => {
    const points = kinds("type", ["input", "output", "cacheRead", "cacheCreation", "other"]);
    expect(read({ name: TOKENS, points })).toEqual([
      ["input", "claude-code", 1n],
      ["output", "claude-code", 2n],
      ["input+cache_read", "claude-code", 3n],
      ["input+cache_write", "claude-code", 4n],
    ]);
    const cost = { name: "claude_code.cost.usage", points: [{ asDouble: 0.015917999999999998 }] };
    expect(read(cost)).toEqual([["cost", "claude-code", 15_918_000_000n]]);
  });

  it("Codex's total is no kind", () => {
    const points = kinds("token_type", ["input", "total", "reasoning_output", "cached_input"], (i) => ({ sum: i + 1 }));
    expect(read({ name: "codex.turn.token_usage", kind: "histogram", points })).toEqual([
      ["input", "codex", 1n],
      ["reasoning", "codex", 3n],
      ["cache_read", "codex", 4n],
    ]);
  });

  it("Gemini CLI's thoughts are beside its output and tool tokens beside its input; its standard counter repeats", () => {
    const points = kinds("type", ["input", "tool", "output", "thought", "cache"]);
    expect(read({ name: "gemini_cli.token.usage", temporality: CUMULATIVE, points })).toEqual([
      ["input", "gemini-cli", 1n],
      ["input", "gemini-cli", 2n],
      ["output", "gemini-cli", 3n],
      ["output+reasoning", "gemini-cli", 4n],
      ["cache_read", "gemini-cli", 5n],
    ]);
    const twin = kinds("gen_ai.token.type", ["input"], () => ({ sum: 9 }));
    expect(
      read({ name: "gen_ai.client.token.usage", kind: "histogram", points: twin }, { scope: "gemini-cli" }),
    ).toEqual([]);
  });

  it("Qwen Code's thoughts are beside its output for models of Gemini alone", () => {
    const of = (model: string) => [{ asInt: 1, attributes: { type: "thought", model } }];
    expect(read({ name: "qwen-code.token.usage", points: of("qwen3-coder-plus") })[0]![0]).toBe("reasoning");
    expect(read({ name: "qwen-code.token.usage", points: of("gemini-2.5-pro") })[0]![0]).toBe("output+reasoning");
  });

  it("standard counters are of their scope's agent, or of the program", () => {
    const metric = { name: "gen_ai.client.inference.usage.cache_read.input_tokens", points: [{ asInt: 7 }] };
    expect(read(metric, { scope: "github.copilot" })).toEqual([["cache_read", "copilot", 7n]]);
    expect(read(metric, { scope: "x", resource: { "service.name": "shop" } })).toEqual([["cache_read", "otel", 7n]]);
    const older = { name: "gen_ai.client.token.usage", kind: "exponentialHistogram" as const };
    const points = kinds("gen_ai.token.type", ["input", "output"], (i) => ({ sum: i + 1 }));
    expect(read({ ...older, points }, { scope: "x" })).toEqual([
      ["input", "otel-token-usage", 1n],
      ["output", "otel-token-usage", 2n],
    ]);
  });
});

describe("what is not read", () => {
  it("is accepted: other metrics of any kind, kinds without a row, points without a value", () => {
    const metrics: MetricInput[] = [
      { name: "process.cpu.time", points: [{ asInt: -1 }] },
      { name: "x", kind: "gauge", points: [{ asDouble: Number.NaN }] },
      { name: "gen_ai.client.inference.usage.new", points: [{ asInt: 1 }] },
      { name: TOKENS, points: [{ flags: 1, attributes: { type: "input" } }] },
    ];
    expect(decodeBoth(metricsRequest(metrics))).toEqual({ items: 4, points: [], errors: [] });
  });

  const wrong: [string, Partial<MetricInput>, PointInput][] = [
    ["a fraction of a token", {}, { asDouble: 1.5 }],
    ["no number", {}, { asDouble: Number.NaN }],
    ["an endless number", {}, { asDouble: Number.POSITIVE_INFINITY }],
    ["more than can be counted exactly", {}, { asDouble: 2 ** 60 }],
    ["no value", {}, {}],
    ["a gauge", { kind: "gauge" }, { asInt: 1 }],
    ["no temporality", { temporality: 0 }, { asInt: 1 }],
    ["a time before the ledger's", {}, { asInt: 1, timeMs: Date.UTC(2019, 0) }],
    ["a time to come", {}, { asInt: 1, timeMs: NOW + 3_600_000 }],
  ];
  it.each(wrong)("is rejected by itself: %s", (_, metric, point) => {
    const attributes = { type: "input" };
    const good = { asInt: 5, attributes };
    const { points, errors, items } = decodeBoth(
      metricsRequest([
        { name: TOKENS, points: [{ ...point, attributes }], ...metric },
        { name: TOKENS, points: [good] },
      ]),
    );
    expect(items).toBe(2);
    expect(errors).toEqual([{ index: 0, code: expect.any(String), message: expect.any(String) }]);
    expect(points).toMatchObject([{ amount: 5n }]);
  });

  it("keeps a negative one, to be told", () => {
    expect(read({ name: TOKENS, points: [{ asInt: -5, attributes: { type: "input" } }] })).toEqual([
      ["input", "claude-code", -1n],
    ]);
  });
});

describe("an installation", () => {
  const instanceOf = (name: string, attributes: Attributes, resource: Attributes = {}): string | null =>
    decodeBoth(
      metricsRequest([{ name, points: [{ asInt: 1, attributes: { type: "input", ...attributes } }] }], { resource }),
    ).points[0]!.instance;

  it("is the host's, or the program's own; of Claude Code the user id is one, of others a person", () => {
    expect(instanceOf(TOKENS, { "user.id": "an install" })).toBe("an install");
    expect(instanceOf(TOKENS, { "user.id": "an install" }, { "host.name": "h" })).toBe("h");
    expect(instanceOf("gemini_cli.token.usage", { "user.id": "ada", "installation.id": "i" })).toBe("i");
    expect(instanceOf("gemini_cli.token.usage", { "user.id": "ada" })).toBe(null);
  });

  it("without a service is of the emitter, and of an unknown application", () => {
    const { points } = decodeBoth(
      metricsRequest([{ name: TOKENS, points: [{ asInt: 1, startMs: 0, attributes: { type: "input" } }] }], {
        resource: {},
      }),
    );
    expect(points).toMatchObject([{ emitter: "claude-code", application: "unknown", startNs: 0n }]);
  });
});

describe("the identity of a series", () => {
  const one = (attributes: Record<string, unknown>, resource: Record<string, unknown> = {}): string =>
    decodeBoth(
      metricsRequest([{ name: TOKENS, points: [{ asInt: 1, attributes: { type: "input", ...attributes } }] }], {
        resource,
      }),
    ).points[0]!.series;

  it("is the same in any order of attributes, and another with any other attribute", () => {
    const ids = [
      one({ a: 1, b: "x" }),
      one({ b: "x", a: 1 }),
      one({ a: 1, b: "y" }),
      one({ a: 1 }),
      one({}, { "host.name": "h" }),
    ];
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(4);
  });
});

describe("limits", () => {
  const points = Array.from({ length: 3 }, () => ({ asInt: 1, attributes: { type: "input" } }));

  it("are of the points that are read, and of metrics", () => {
    expect(decodeBoth(metricsRequest([{ name: TOKENS, points }]), 3).items).toBe(3);
    for (const metrics of [[{ name: TOKENS, points }], Array.from({ length: 3 }, () => ({ name: "x", points: [] }))]) {
      const request = metricsRequest(metrics);
      expect(() => decodeMetricsJson(request, NOW, 2)).toThrow(ApiError);
      expect(() => decodeMetricsProtobuf(metricsToProtobuf(request), NOW, 2)).toThrow(/2/);
    }
  });

  it("has a wrong frame refused whole, and a wrong metric alone", () => {
    for (const body of [null, [], { resourceMetrics: 1 }, { resourceMetrics: [{ scopeMetrics: [1] }] }])
      expect(() => decodeMetricsJson(body, NOW)).toThrow(ApiError);
    const request = metricsRequest([{ name: TOKENS, points }]) as unknown as {
      resourceMetrics: [{ scopeMetrics: [{ metrics: unknown[] }] }];
    };
    request.resourceMetrics[0].scopeMetrics[0].metrics.push({ name: TOKENS, sum: { dataPoints: 5 } }, 7);
    expect(decodeMetricsJson(request, NOW)).toMatchObject({ items: 5, errors: [{ index: 3 }, { index: 4 }] });
    const bytes = metricsToProtobuf(metricsRequest([{ name: TOKENS, temporality: DELTA, points }]));
    for (let end = 1; end < bytes.length; end++)
      expect(() => decodeMetricsProtobuf(bytes.subarray(0, end), NOW)).toThrow(ApiError);
  });
});
