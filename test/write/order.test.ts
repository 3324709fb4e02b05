/**
 * The promise "all orders give the same ledger": which calls count, and so every sum, is a function of the set of calls
 * that were sent, not of their order or of how they were split into bodies.
 */
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { HOUR_MS } from "../../src/time.ts";
import { trace } from "../calls.ts";
import { ownDatabase } from "../own-database.ts";
import * as histories from "./histories.ts";
import { alone, counted, everyOrder, MINUTE_MS, orderOf, type Sent, START_MS } from "./histories.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const TRACES = ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"];

const ledgerOf = async (bodies: readonly (readonly Sent[])[], deleted: readonly Sent[] = []) =>
  await histories.ledgerOf(db, bodies, deleted);

it("counts A and A2 once and B, two hours later, once more: 24 orders and splits, one ledger", async () => {
  const sent = [alone("a", 0), alone("a2", 1_000), alone("b", 2 * HOUR_MS)];
  for (const bodies of everyOrder(sent)) expect(counted(await ledgerOf(bodies))).toEqual(["a", "b"]);
});

it("counts a chain of sightings once, whose ends lie more than an hour apart", async () => {
  const sent = [alone("a", 0), alone("b", 50 * MINUTE_MS), alone("c", 100 * MINUTE_MS)];
  for (const bodies of everyOrder(sent)) expect(counted(await ledgerOf(bodies))).toEqual(["a"]);
});

it("counts the earliest of sightings that tell equally much", async () => {
  const sent = [alone("a", 0, { model: "gpt-4o-mini" }), alone("b", 1_000), alone("c", 2_000, { provider: "azure" })];
  for (const bodies of everyOrder(sent)) expect(counted(await ledgerOf(bodies))).toEqual(["a"]);
});

it("is as if a deleted call had never come, also where it joined two chains", async () => {
  const [a, b, c] = [alone("a", 0), alone("b", 50 * MINUTE_MS), alone("c", 100 * MINUTE_MS)];
  for (const bodies of everyOrder([a, b, c])) expect(counted(await ledgerOf(bodies, [b]))).toEqual(["a", "c"]);
});

const minutes = fc.oneof(fc.constantFrom(0, 59, 60, 61, 120), fc.integer({ min: 0, max: 400 }));
const response = fc.constantFrom("resp_1", "resp_1", "resp_2", null);
const otherIds = fc.oneof(
  fc.constant<string[]>([]),
  fc.subarray(["req_1", "req_2", "resp_2"], { minLength: 1, maxLength: 2 }),
);
const usage = fc.constantFrom<Partial<Call>>(
  {},
  {},
  { outputTokens: 200 },
  { inputTokens: null, outputTokens: null },
  { cacheReadTokens: 10 },
  { serviceTier: "flex" },
  { serviceTier: "standard" },
  { model: "gpt-4o-mini" },
);
const place = fc.record({ traceId: fc.constantFrom(...TRACES), parent: fc.option(fc.nat(5)) });
const kind = fc.constantFrom("call", "call", "call", "call", "wrapper", "link");

/** Calls with and without a place in a tree, wrappers and links, of few responses, within some hours. */
const history = fc
  .array(
    fc.record({
      minutes,
      response,
      otherIds,
      usage,
      place: fc.option(place),
      kind,
      user: fc.constantFrom(null, null, "ada", "bob"),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((items) =>
    items.map((item, i): Sent => {
      const id = (n: number): string => (n + 1).toString(16).padStart(16, "0");
      const parentId = item.place === null || item.place.parent === null ? null : id(item.place.parent);
      const traceId = item.place?.traceId ?? TRACES[0]!;
      const own = item.place === null && item.kind === "call" ? {} : { traceId, spanId: id(i), parentId };
      const startedAtMs = START_MS + item.minutes * MINUTE_MS;
      if (item.kind === "link") {
        const context = { userId: item.user, sessionId: null, tags: {} };
        return {
          link: { traceId, spanId: id(i), parentId, startedAtMs, wrapper: false, ofInterest: true, ...context },
        };
      }
      const { otherIds, user: userId, response: responseId } = item;
      const changes = { ...item.usage, ...own, responseId, otherIds, userId };
      const wrapper = item.kind === "wrapper" ? { billable: false, wrapper: true, rule: "traceloop.span.kind" } : {};
      return { call: trace({ startedAtMs, clientId: String(i), ...changes, ...wrapper }) };
    }),
  );

it("gives one ledger for all orders and splits of any history", async () => {
  await fc.assert(
    fc.asyncProperty(
      history.chain((all) => fc.tuple(fc.constant(all), orderOf(all), orderOf(all))),
      async ([all, one, other]) => {
        const whole = await ledgerOf([all]);
        expect(await ledgerOf(one)).toEqual(whole);
        expect(await ledgerOf(other)).toEqual(whole);
      },
    ),
    { numRuns: 60 },
  );
});

it("counts every call of an id that more than 16 share within an hour of each other, and one of another time", async () => {
  const crowd = Array.from({ length: 18 }, (_, i) => alone(`c${i}`, i * 10 * MINUTE_MS));
  const others = [alone("x1", 6 * HOUR_MS), alone("x2", 6 * HOUR_MS + 1)];
  const wrapped = { traceId: TRACES[0]!, spanId: "00000000000000aa", billable: false, wrapper: true };
  const wrapper = alone("w", 15 * MINUTE_MS, { ...wrapped, rule: "traceloop.span.kind" });
  const all = [...crowd, ...others, wrapper];
  const names = [...crowd.map((_, i) => `c${i}`), "w", "x1"].toSorted();
  await fc.assert(
    fc.asyncProperty(orderOf(all), async (bodies) => {
      expect(counted(await ledgerOf(bodies)).toSorted()).toEqual(names);
    }),
    { numRuns: 12 },
  );
});
