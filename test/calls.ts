/** Traces made up for tests, from a seed or by fast-check. */
import { HOUR_MS } from "../src/time.ts";
import fc from "fast-check";
import { callKey } from "../src/ledger/key.ts";
import { type Call, NO_USAGE } from "../src/ledger/call.ts";
import type { PricedCall } from "../src/write/columns.ts";
import { createPricer } from "../src/pricing/cost.ts";

/** A call of gpt-4o with 1,000 input and 100 output tokens ($0.0035), changed as told. */
export function trace(changes: Partial<Call> & { startedAtMs: number; clientId: string }): Call {
  return {
    id: callKey(changes.startedAtMs, changes.clientId),
    traceId: null,
    spanId: null,
    parentId: null,
    responseId: null,
    otherIds: [],
    durationUs: null,
    application: "app",
    environment: "production",
    provider: "openai",
    model: "gpt-4o",
    requestModel: null,
    requestProvider: null,
    doubt: null,
    unknownUsageMembers: [],
    operation: "chat",
    serviceTier: null,
    userId: null,
    sessionId: null,
    tags: {},
    status: "ok",
    errorType: null,
    ...NO_USAGE,
    inputTokens: 1_000,
    outputTokens: 100,
    reportedCostPico: null,
    billable: true,
    wrapper: false,
    rule: "native",
    usageSemantics: "inclusive",
    costIs: "exact",
    coveredBy: "api",
    ...changes,
  };
}

const pricer = createPricer();

export function priced(call: Call): PricedCall {
  return { call, cost: pricer.costOf(call) };
}

/** Calls in the three days from `startMs`, few dimensions, often on the edges of hours and days. */
export function traces(startMs: number): fc.Arbitrary<Call> {
  const instant = fc.oneof(
    fc.integer({ min: startMs, max: startMs + 72 * HOUR_MS - 1 }),
    fc
      .tuple(fc.integer({ min: 0, max: 71 }), fc.constantFrom(0, 1, 1_800_000, HOUR_MS - 1))
      .map(([hour, ms]) => startMs + hour * HOUR_MS + ms),
  );
  return fc
    .record({
      startedAtMs: instant,
      clientId: fc.uuid(),
      application: fc.constantFrom("assistant", "search", 'ünïcode "quoted" \\ {braces},'),
      environment: fc.constantFrom("production", "staging"),
      // The last two have a price of their own for images made, and a fee for each call.
      of: fc.constantFrom(
        { provider: "openai", model: "gpt-4o" },
        { provider: "openai", model: "gpt-4o-mini" },
        { provider: "openai", model: "a-model-nobody-knows" },
        { provider: "google", model: "gemini-2.5-flash-image" },
        { provider: "perplexity", model: "sonar" },
      ),
      operation: fc.constantFrom("chat", "embeddings"),
      serviceTier: fc.constantFrom(null, "flex"),
      userId: fc.constantFrom(null, "ada", "bob", ""),
      tags: fc.constantFrom<Record<string, string>>({}, { team: "red" }, { team: "blue", feature: "x" }),
      coveredBy: fc.constantFrom<Call["coveredBy"]>("api", "api", "plan", "unknown"),
      costIs: fc.constantFrom<Call["costIs"]>("exact", "exact", "lower_bound", "estimate"),
      status: fc.constantFrom<Call["status"]>("ok", "ok", "ok", "error"),
      durationUs: fc.option(fc.integer({ min: 0, max: 60_000_000 })),
      inputTokens: fc.option(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { freq: 10 }),
      outputTokens: fc.option(fc.integer({ min: 0, max: 50_000 }), { freq: 10 }),
      cached: fc.double({ min: 0, max: 1, noNaN: true }),
      /** Of the tokens that are left, how many are images. */
      images: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      webSearches: fc.option(fc.integer({ min: 0, max: 20 })),
      billable: fc.constantFrom(true, true, true, false),
    })
    .map(({ of, cached, images, ...changes }) => {
      const share = (tokens: number | null, part: number | null): number | null =>
        tokens === null || part === null ? null : Math.floor(tokens * part);
      const cacheReadTokens = share(changes.inputTokens, cached);
      return trace({
        ...of,
        ...changes,
        userId: changes.userId === "" ? null : changes.userId,
        cacheReadTokens,
        inputImageTokens: share((changes.inputTokens ?? 0) - (cacheReadTokens ?? 0), images),
        outputImageTokens: share(changes.outputTokens, images),
      });
    });
}
