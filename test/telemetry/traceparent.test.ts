/** W3C Trace Context: what is joined, what is passed over, and who decides about sampling. */
import { describe, expect, it } from "vitest";
import { formatTraceparent, newSpanId, traceOf } from "../../src/telemetry/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const UUID = "0af76519-16cd-43dd-8448-eb211c80319c";
const OWN = "0af7651916cd43dd8448eb211c80319c";

const join = (traceparent?: string, tracestate?: string, rate = 0) => traceOf(traceparent, tracestate, UUID, rate);

describe("a traceparent that is joined", () => {
  it.each([
    ["sampled", `00-${TRACE}-${SPAN}-01`, true, "01"],
    ["not sampled", `00-${TRACE}-${SPAN}-00`, false, "00"],
    ["with the random flag", `00-${TRACE}-${SPAN}-03`, true, "03"],
    ["with flags that nobody knows, which are not passed on", `00-${TRACE}-${SPAN}-fd`, true, "01"],
    ["of a later version", `01-${TRACE}-${SPAN}-01`, true, "01"],
    ["of a later version with more parts", `cc-${TRACE}-${SPAN}-01-what-the-future-brings`, true, "01"],
    ["with blanks around", ` 00-${TRACE}-${SPAN}-01 `, true, "01"],
  ])("%s", (_, header, sampled, flags) => {
    const trace = join(header);
    expect(trace).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, sampled });
    expect(trace.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(trace.spanId).not.toBe(SPAN);
    expect(formatTraceparent(trace)).toBe(`00-${TRACE}-${trace.spanId}-${flags}`);
  });
});

describe("a traceparent that is passed over", () => {
  it.each([
    ["none", undefined],
    ["empty", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["more parts in version 00", `00-${TRACE}-${SPAN}-01-more`],
    ["a trailing dash in version 00", `00-${TRACE}-${SPAN}-01-`],
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a short trace id", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["a long span id", `00-${TRACE}-${SPAN}0-01`],
    ["no flags", `00-${TRACE}-${SPAN}`],
    ["short flags", `00-${TRACE}-${SPAN}-1`],
    ["flags that are no hex", `00-${TRACE}-${SPAN}-0g`],
    ["a version of one digit", `0-${TRACE}-${SPAN}-01`],
    ["two of them", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ["a line break", `00-${TRACE}-${SPAN}-01\n`.replace("-01", "-\n1")],
    ["later version, something else than a dash after the flags", `01-${TRACE}-${SPAN}-01.more`],
  ])("%s", (_, header) => {
    expect(join(header, "vendor=1")).toMatchObject({
      traceId: OWN,
      parentSpanId: null,
      sampled: false,
      traceState: null,
    });
  });
});

describe("tracestate", () => {
  const PARENT = `00-${TRACE}-${SPAN}-01`;
  it.each([
    ["of one vendor", "rojo=00f067aa0ba902b7"],
    ["of several, with blanks and empty members", "rojo=1 , congo=t61rcWkgMzE,,tenant@vendor=x y"],
  ])("%s is kept", (_, header) => {
    expect(join(PARENT, header).traceState).toBe(header);
  });

  it.each([
    ["without a value", "rojo"],
    ["with an empty value", "rojo="],
    ["with a key in upper case", "Rojo=1"],
    ["with characters beyond ASCII", "rojo=é"],
    ["with 33 members", Array.from({ length: 33 }, (_, i) => `k${i}=1`).join()],
    ["of more than 512 characters", `a=${"x".repeat(250)},b=${"x".repeat(250)},c=${"x".repeat(20)}`],
  ])("%s is dropped, and the trace is joined", (_, header) => {
    expect(join(PARENT, header)).toMatchObject({ traceId: TRACE, traceState: null });
  });
});

describe("a trace that begins here", () => {
  it("has the digits of the request's uuid as its id, and says that they are random", () => {
    const trace = join(undefined);
    expect(formatTraceparent(trace)).toBe(`00-${OWN}-${trace.spanId}-02`);
  });

  it.each([
    // Sampled from (1 - rate) x 2^52 on: half of that is 8000000000000 in hex.
    [0, "fffffffffffff", false],
    [0.5, "7ffffffffffff", false],
    [0.5, "8000000000000", true],
    [1, "0000000000000", true],
  ])("at rate %f is judged by its last 13 digits, %s: %s", (rate, digits, sampled) => {
    const uuid = `0af76519-16cd-43dd-844${digits.slice(0, 1)}-${digits.slice(1)}`;
    expect(traceOf(undefined, undefined, uuid, rate).sampled).toBe(sampled);
  });

  it("is sampled about as often as the rate says", () => {
    const sampled = Array.from(
      { length: 20_000 },
      () => traceOf(undefined, undefined, crypto.randomUUID(), 0.1).sampled,
    );
    // 2,000 of 20,000, and six standard deviations of 42.
    expect(Math.abs(sampled.filter(Boolean).length - 2_000)).toBeLessThan(255);
  });

  it("leaves the decision to the caller, whatever the rate", () => {
    expect(join(`00-${TRACE}-${SPAN}-00`, undefined, 1).sampled).toBe(false);
    expect(join(`00-${TRACE}-${SPAN}-01`, undefined, 0).sampled).toBe(true);
  });
});

it("makes span ids of 16 hex digits, each once", () => {
  const ids = new Set(Array.from({ length: 1_000 }, newSpanId));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
});
