import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS, tokensByBucket } from "../../src/pricing/buckets.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { trace } from "../traces.ts";

const NOON = Date.UTC(2026, 0, 15, 12);
const pricer = createPricer();
const call = (changes: Partial<Parameters<typeof trace>[0]>) => trace({ startedAtMs: NOON, clientId: "x", ...changes });
const usd = (changes: Parameters<typeof call>[0]): string | null => {
  const { costPico } = pricer.costOf(call(changes));
  return costPico === null ? null : picoToUsd(costPico);
};

describe("the cost of a call", () => {
  it("bills a cached token once, at the cache-read rate", () => {
    // 600 x $3/MTok + 400 x $0.30/MTok = $0.00192
    const sonnet = { provider: "anthropic", model: "claude-sonnet-4-5", outputTokens: 0 };
    expect(usd({ ...sonnet, inputTokens: 1_000, cacheReadTokens: 400 })).toBe("0.00192");
  });

  it("bills 5-minute and 1-hour cache writes at their own rates", () => {
    // 100 x $3 + 400 x $3.75 + 500 x $6 per MTok = $0.0003 + $0.0015 + $0.003
    const sonnet = { provider: "anthropic", model: "claude-sonnet-4-5", outputTokens: 0 };
    expect(
      usd({ ...sonnet, inputTokens: 1_000, cacheWriteTokens: 900, cacheWrite5mTokens: 400, cacheWrite1hTokens: 500 }),
    ).toBe("0.0048");
  });

  it("bills reasoning as output where it has no price of its own", () => {
    // 1,000 x $0.25 + 500 x $2 per MTok = $0.00125
    expect(usd({ model: "gpt-5-mini", inputTokens: 1_000, outputTokens: 500, reasoningTokens: 400 })).toBe("0.00125");
  });

  it("bills the whole call at the higher rate past the size threshold, not a token before", () => {
    const gemini = { provider: "google", model: "gemini-2.5-pro", outputTokens: 0 };
    // 200,000 x $1.25/MTok = $0.25; 200,001 x $2.50/MTok = $0.5000025
    expect(usd({ ...gemini, inputTokens: 200_000 })).toBe("0.25");
    expect(usd({ ...gemini, inputTokens: 200_001 })).toBe("0.5000025");
  });

  it("takes the price that held at the call's end", () => {
    const o3 = { model: "o3", inputTokens: 1_000_000, outputTokens: 0 };
    const midnight = Date.UTC(2025, 5, 10);
    // $10/MTok until 2025-06-10, $2/MTok from then on
    expect(usd({ ...o3, startedAtMs: midnight - 10 })).toBe("10");
    expect(usd({ ...o3, startedAtMs: midnight - 10, durationUs: 10_000 })).toBe("2");
  });

  it("reads a missing output of an embedding as none", () => {
    // 1,000 x $0.02/MTok
    const embedding = { model: "text-embedding-3-small", operation: "embeddings", inputTokens: 1_000 };
    expect(usd({ ...embedding, outputTokens: null })).toBe("0.00002");
  });

  it("is 0 for a failed call without tokens, even of an unknown model", () => {
    expect(usd({ model: "nobody-knows", status: "error", inputTokens: 0, outputTokens: 0 })).toBe("0");
  });
});

describe("a cost is never invented", () => {
  it.each([
    ["usage_unknown", { inputTokens: null }],
    ["usage_unknown", { outputTokens: null }],
    ["model_unknown", { model: "nobody-knows" }],
    ["model_unknown", { provider: "nobody", model: "gpt-4o" }],
    ["model_unknown", { provider: "unknown", model: "my-gpt-4o-finetune" }],
    ["price_unknown", { model: "gpt-4o", inputAudioTokens: 10 }],
    ["price_unknown", { model: "text-embedding-3-small", outputTokens: 5 }],
  ])("%s: %o", (reason, changes) => {
    expect(pricer.costOf(call(changes))).toMatchObject({ costPico: null, unpricedReason: reason, price: null });
  });

  it("infers a provider only from a model that the catalogue names", () => {
    expect(pricer.costOf(call({ provider: "unknown", model: "gpt-4o" })).provider).toBe("openai");
    expect(pricer.costOf(call({ provider: "unknown", model: "claude-sonnet-4-5-20250929" })).provider).toBe(
      "anthropic",
    );
    expect(pricer.costOf(call({ provider: "unknown", model: "claude-sonnet-4-5-of-acme" })).provider).toBe("unknown");
  });

  it("of the dearest model at the highest counts fits into the ledger", () => {
    // 2^31 x $150/MTok + 2^31 x $600/MTok = $1.6M, of $9.2M that a bigint of pico-USD holds
    const huge = call({ model: "o1-pro", inputTokens: 2 ** 31 - 1, outputTokens: 2 ** 31 - 1 });
    expect(pricer.costOf(huge).costPico).toBeLessThan(2n ** 63n);
  });
});

describe("buckets", () => {
  const usage = fc
    .tuple(...Array.from({ length: 8 }, () => fc.integer({ min: 0, max: 100_000 })))
    .map(([input, read, write5m, write1h, audioIn, output, reasoning, audioOut]) => ({
      inputTokens: input! + read! + write5m! + write1h! + audioIn!,
      outputTokens: output! + reasoning! + audioOut!,
      cacheReadTokens: read!,
      cacheWriteTokens: write5m! + write1h!,
      cacheWrite5mTokens: write5m!,
      cacheWrite1hTokens: write1h!,
      reasoningTokens: reasoning!,
      inputAudioTokens: audioIn!,
      outputAudioTokens: audioOut!,
    }));

  it("hold every token exactly once", () => {
    fc.assert(
      fc.property(usage, (counts) => {
        const tokens = tokensByBucket(counts);
        expect(tokens).toHaveLength(BUCKETS.length);
        expect(tokens.every((n) => n >= 0)).toBe(true);
        expect(tokens.reduce((sum, n) => sum + n)).toBe(counts.inputTokens + counts.outputTokens);
      }),
    );
  });

  it("cost what the catalogue's own arithmetic says, to float precision", () => {
    const models = [
      ["openai", "gpt-4o"],
      ["openai", "gpt-5-mini"],
      ["anthropic", "claude-sonnet-4-5"],
      ["anthropic", "claude-haiku-4-5"],
      ["google", "gemini-2.5-pro"],
    ] as const;
    fc.assert(
      fc.property(usage, fc.constantFrom(...models), (counts, [provider, model]) => {
        const plain = { ...counts, inputAudioTokens: 0, outputAudioTokens: 0 };
        plain.inputTokens -= counts.inputAudioTokens;
        plain.outputTokens -= counts.outputAudioTokens;
        if (provider !== "anthropic") plain.cacheWrite1hTokens = 0;
        const expected = calcPrice(
          {
            input_tokens: plain.inputTokens,
            output_tokens: plain.outputTokens,
            cache_read_tokens: plain.cacheReadTokens,
            cache_write_tokens: plain.cacheWriteTokens,
            cache_write_1h_tokens: plain.cacheWrite1hTokens,
          },
          model,
          { providerId: provider, timestamp: new Date(NOON) },
        );
        const { costPico } = pricer.costOf(call({ provider, model, ...plain }));
        expect(Number(costPico ?? 0n) / 1e12).toBeCloseTo(expected!.total_price, 9);
      }),
    );
  });
});
