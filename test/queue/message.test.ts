/** Messages: what is packed is read again, to the last digit, and none is larger than a queue takes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_MESSAGE_BYTES, packMessages, readMessage } from "../../src/queue/message.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import type { PricedCall } from "../../src/write/columns.ts";
import { priced, trace, traces } from "../calls.ts";

const PROJECT = "00000000-0000-4000-8000-000000000001";
const MONDAY = Date.UTC(2025, 2, 10);
const bytes = (text: string): number => Buffer.byteLength(text);

/** A price of the catalogue lists more than is stored. */
function asStored({ call, cost }: PricedCall): PricedCall {
  if (cost.price === null) return { call, cost };
  const { id, source, version, provider, model, unitPico, confidence } = cost.price;
  return {
    call,
    cost: { ...cost, price: { id, source, version, provider, model, unitPico, ...(confidence && { confidence }) } },
  };
}

function unpack(messages: string[]) {
  const batches = messages.map((message) => readMessage(message).batch);
  return { calls: batches.flatMap(({ calls }) => calls), links: batches.flatMap(({ links }) => links) };
}

describe("messages", () => {
  it("give back what was packed, in order, whatever it is and wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(traces(MONDAY), { maxLength: 60 }), fc.integer({ min: 6_000, max: 30_000 }), (all, max) => {
        const sent = all.map(priced);
        const { messages, rest } = packMessages(PROJECT, { calls: sent, links: [] }, max);
        for (const message of messages) {
          expect(bytes(message)).toBeLessThanOrEqual(max);
          expect(readMessage(message).projectId).toBe(PROJECT);
        }
        expect(rest).toEqual({ calls: [], links: [] });
        expect(unpack(messages).calls).toEqual(sent.map(asStored));
      }),
      { numRuns: 100 },
    );
  });

  it("keep costs that a float would round", () => {
    const one = priced(trace({ startedAtMs: MONDAY, clientId: "a", reportedCostPico: 2n ** 62n + 1n }));
    const sent = { ...one, cost: { ...one.cost, costPico: 2n ** 60n + 3n } };
    const [read] = unpack(packMessages(PROJECT, { calls: [sent], links: [] }).messages).calls;
    expect(read!.call.reportedCostPico).toBe(4_611_686_018_427_387_905n);
    expect(read!.cost.costPico).toBe(1_152_921_504_606_846_979n);
  });

  it("of a version with fewer fields and price buckets are read as they were meant", () => {
    const { cost, call } = asStored(priced(trace({ startedAtMs: MONDAY, clientId: "a" })));
    const { cacheReadAudioTokens, pages, requestProvider, unknownUsageMembers, doubt, ...older } = call;
    const since = { cacheReadAudioTokens, pages, requestProvider, unknownUsageMembers, doubt };
    const { unitPico, ...price } = cost.price!;
    const known = ["input", "cache_read", "cache_write", "cache_write_1h", "input_audio", "input_image", "output"];
    const message = {
      project: PROJECT,
      traceFields: Object.keys(older),
      costFields: ["costPico", "price"],
      linkFields: [],
      prices: [{ ...price, unitPico: known.map((name, i) => (name === "output" ? String(unitPico[i + 2]) : null)) }],
      traces: [[...Object.values(older), String(cost.costPico), price.id]],
      links: [],
    };
    const [read] = readMessage(JSON.stringify(message)).batch.calls;
    expect(read!.call).toEqual({ ...older, ...since });
    // $10 a million
    expect(read!.cost.price!.unitPico[BUCKETS.indexOf("output")]).toBe(10_000_000n);
    expect(read!.cost.price!.unitPico.filter((pico) => pico !== null)).toHaveLength(1);
  });

  it("carry links", () => {
    const link = {
      traceId: "t",
      spanId: "s",
      parentId: null,
      startedAtMs: MONDAY,
      wrapper: true,
      userId: "ada",
      sessionId: null,
      tags: { team: "é\ud83d\ude80" },
      ofInterest: true,
    };
    const { messages } = packMessages(PROJECT, { calls: [], links: [link, { ...link, spanId: "u" }] });
    expect(unpack(messages)).toEqual({ calls: [], links: [link, { ...link, spanId: "u" }] });
  });

  it("fill up to the limit, and count bytes, not characters", () => {
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "語".repeat(512)]));
    // About 50 x 512 x 3 B = 77 KB each: one a message. The others are a few hundred bytes.
    const large = Array.from({ length: 3 }, (_, i) => priced(trace({ startedAtMs: MONDAY, clientId: `l${i}`, tags })));
    const small = Array.from({ length: 1_000 }, (_, i) => priced(trace({ startedAtMs: MONDAY, clientId: `s${i}` })));
    const { messages, rest } = packMessages(PROJECT, { calls: [...large, ...small], links: [] });
    expect(rest.calls).toEqual([]);
    const sizes = messages.map(bytes);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    // A full message lacks less than one small trace.
    expect(Math.max(...sizes)).toBeGreaterThan(MAX_MESSAGE_BYTES - 1_000);
    expect(unpack(messages).calls).toHaveLength(1_003);
  });

  it("leave out what is too large for any", () => {
    // "\u0001" takes 6 bytes in JSON: 50 x 512 x 6 B = 154 KB.
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "\u0001".repeat(512)]));
    const huge = priced(trace({ startedAtMs: MONDAY, clientId: "huge", tags }));
    const one = priced(trace({ startedAtMs: MONDAY, clientId: "one" }));
    const { messages, rest } = packMessages(PROJECT, { calls: [huge, one], links: [] });
    expect(rest.calls).toEqual([huge]);
    expect(unpack(messages).calls).toEqual([asStored(one)]);
  });

  it.each([[null], [7], ["{"], ["{}"], ["[]"], ['{"prices":[],"traces":[[]],"traceFields":[],"costFields":[]}']])(
    "are refused when they are %j",
    (body) => {
      expect(() => readMessage(body)).toThrow();
    },
  );
});
