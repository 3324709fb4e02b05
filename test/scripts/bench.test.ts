import { describe, expect, it } from "vitest";
import { calls, take } from "../../scripts/bench/calls.ts";
import { otlpBody } from "../../scripts/bench/otlp.ts";
import { splitCost } from "../../scripts/bench/timing.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";

const NOW = Date.UTC(2026, 10, 30);

describe("the benchmarks' calls", () => {
  it("say the same in OTLP as in the native form", () => {
    const sent = take(calls(NOW, "a"), 200);
    const [native, otlp] = [decodeNative(sent, NOW), decodeOtlpProtobuf(otlpBody(sent), NOW)];
    expect(otlp.errors).toEqual([]);
    const said = ({ calls }: typeof native) =>
      calls
        .map(({ id: _id, clientId: _c, spanId: _s, rule: _r, usageSemantics: _u, requestModel: _m, ...rest }) => rest)
        .sort((a, b) => (String(a.traceId) < String(b.traceId) ? -1 : 1));
    expect(said(otlp)).toEqual(said(native));
  });

  it("have ids and trace ids of their own in each source, and are the same calls otherwise", () => {
    const [a, b] = ["a", "b"].map((prefix) => take(calls(NOW, prefix), 100));
    const ids = [...a!, ...b!].flatMap(({ id, trace_id }) => [id, trace_id]);
    expect(new Set(ids).size).toBe(ids.length);
    const rest = (all: typeof a) => all!.map(({ id: _id, trace_id: _t, ...call }) => call);
    expect(rest(a)).toEqual(rest(b));
  });
});

it("a request's cost is told apart from what each call adds", () => {
  const cost = (n: number) => ({ calls: n, cost: 600 + 34 * n });
  expect(splitCost(cost(1), cost(1_000))).toEqual({ perRequest: 600, perCall: 34 });
});
