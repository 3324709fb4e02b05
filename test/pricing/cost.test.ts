import { NO_USAGE } from "../../src/ledger/call.ts";
import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS, quantities, TOKEN_BUCKETS } from "../../src/ledger/buckets.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { trace } from "../calls.ts";

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

  it("bills images that a model makes at their own rate", () => {
    // 1,000 x $0.30 + 10 x $2.50 + 1,290 x $30 per MTok = $0.0003 + $0.000025 + $0.0387
    const image = { provider: "google", model: "gemini-2.5-flash-image", inputTokens: 1_000 };
    expect(usd({ ...image, outputTokens: 1_300, outputImageTokens: 1_290 })).toBe("0.039025");
  });

  it("bills images that a model is shown at their own rate, and as plain input where they have none", () => {
    // 100 x $5 + 900 x $10 per MTok = $0.0005 + $0.009
    const shown = { inputTokens: 1_000, inputImageTokens: 900, outputTokens: 0 };
    expect(usd({ ...shown, model: "gpt-image-1" })).toBe("0.0095");
    // 1,000 x $2.50/MTok; made: 1,000 x $10/MTok
    expect(usd({ ...shown, model: "gpt-4o" })).toBe("0.0025");
    expect(usd({ inputTokens: 0, outputTokens: 1_000, outputImageTokens: 600 })).toBe("0.01");
  });

  it("bills a fee for each call of a model that has one", () => {
    // 1,000 x $1 + 100 x $1 per MTok + $12 / 1,000 = $0.0011 + $0.012
    const sonar = { provider: "perplexity", model: "sonar" };
    expect(usd(sonar)).toBe("0.0131");
    expect(usd({ ...sonar, inputTokens: 0, outputTokens: 0 })).toBe("0.012");
  });

  it("bills searches by the piece", () => {
    // 1,000 x $3 + 100 x $15 per MTok + 3 x $10 / 1,000 = $0.0045 + $0.03
    const sonnet = { provider: "anthropic", model: "claude-sonnet-4-5" };
    expect(usd({ ...sonnet, webSearches: 3 })).toBe("0.0345");
    expect(usd({ ...sonnet, webSearches: 0 })).toBe("0.0045");
    // 1,000 x $2 + 60 x $8 + 40 x $3 per MTok + 18 x $5 / 1,000 = $0.002 + $0.00048 + $0.00012 + $0.09
    const research = { provider: "perplexity", model: "sonar-deep-research", reasoningTokens: 40, webSearches: 18 };
    expect(usd(research)).toBe("0.0926");
  });

  it("has no fee for a failed call that used nothing; one that searched is billed", () => {
    const failed = { status: "error", inputTokens: 0, outputTokens: 0 } as const;
    expect(usd({ ...failed, provider: "perplexity", model: "sonar" })).toBe("0");
    // 2 x $10 / 1,000
    expect(usd({ ...failed, provider: "anthropic", model: "claude-sonnet-4-5", webSearches: 2 })).toBe("0.02");
  });

  it("has no fee for what a gateway's cache answered", () => {
    const cached = { billable: false, inputTokens: 0, outputTokens: 0 };
    expect(usd({ ...cached, provider: "perplexity", model: "sonar" })).toBe("0");
    // A wrapper may turn out to be the call itself: $12 / 1,000
    expect(usd({ ...cached, provider: "perplexity", model: "sonar", wrapper: true })).toBe("0.012");
  });

  it("is 0 for a failed call without tokens, even of an unknown model", () => {
    expect(usd({ model: "nobody-knows", status: "error", inputTokens: 0, outputTokens: 0 })).toBe("0");
  });
});

describe("a free model", () => {
  it.each([
    ["openrouter", "deepseek/deepseek-chat-v3-0324:free"],
    ["unknown", "openrouter/moonshotai/kimi-k2:free"],
    ["google", "gemma-3-27b-it"],
    ["github-copilot", "gpt-4o"],
    ["openai", "omni-moderation-latest"],
  ])("%s %s costs 0, and that is meant", (provider, model) => {
    expect(pricer.costOf(call({ provider, model }))).toMatchObject({ costPico: 0n, unpricedReason: null });
  });

  it("may still have a fee, whose price is unknown", () => {
    const searched = { provider: "openrouter", model: "moonshotai/kimi-k2:free", webSearches: 1 };
    expect(pricer.costOf(call(searched))).toMatchObject({ costPico: null, unpricedReason: "price_unknown" });
  });
});

describe("the provider of a call", () => {
  it.each([
    ["openai", "google/gemini-2.5-pro", "google"],
    ["anthropic", "eu.anthropic.claude-opus-4-7", "aws"],
    ["unknown", "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "aws"],
    ["openai", "accounts/fireworks/models/gpt-oss-120b", "fireworks"],
    ["google", "claude-sonnet-4-5@20250929", "google"],
    ["openai-compatible", "gpt-oss-20b", "openai-compatible"],
  ])("%s %s is %s", (sent, model, provider) => {
    expect(pricer.costOf(call({ provider: sent, model })).provider).toBe(provider);
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
    ["price_unknown", { model: "o1", webSearches: 1 }],
    ["price_unknown", { provider: "google", model: "gemini-2.5-flash", webSearches: 1 }],
  ])("%s: %o", (reason, changes) => {
    expect(pricer.costOf(call(changes))).toMatchObject({ costPico: null, unpricedReason: reason, price: null });
  });

  it("has no cost by its fee alone where its tokens have a price of 0", () => {
    const unitPico = BUCKETS.map((bucket) => (bucket === "request" ? 1_000n : 0n));
    const listed = { id: "1", source: "s", version: "1", provider: "p", model: "m", unitPico, listedUsd: [] };
    const { costOf } = createPricer(null, {
      lookUp: () => ({ provider: "p", model: "m", confidence: "exact", priceAt: () => listed }),
    });
    expect(costOf(call({}))).toMatchObject({ costPico: null, unpricedReason: "price_zero" });
    expect(costOf(call({ inputTokens: 0, outputTokens: 0 })).costPico).toBe(1_000n);
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
    .tuple(...Array.from({ length: 13 }, () => fc.integer({ min: 0, max: 100_000 })))
    .map(
      ([
        input,
        read,
        write5m,
        write1h,
        audioIn,
        imageIn,
        output,
        reasoning,
        audioOut,
        imageOut,
        searches,
        readAudio,
        readImage,
      ]) => ({
        ...NO_USAGE,
        cacheReadAudioTokens: readAudio!,
        cacheReadImageTokens: readImage!,
        inputTokens: input! + read! + readAudio! + readImage! + write5m! + write1h! + audioIn! + imageIn!,
        outputTokens: output! + reasoning! + audioOut! + imageOut!,
        cacheReadTokens: read! + readAudio! + readImage!,
        cacheWriteTokens: write5m! + write1h!,
        cacheWrite5mTokens: write5m!,
        cacheWrite1hTokens: write1h!,
        reasoningTokens: reasoning!,
        inputAudioTokens: audioIn!,
        outputAudioTokens: audioOut!,
        inputImageTokens: imageIn!,
        outputImageTokens: imageOut!,
        webSearches: searches!,
      }),
    );

  it("hold every token exactly once", () => {
    fc.assert(
      fc.property(usage, (counts) => {
        const held = quantities(counts);
        expect(held).toHaveLength(BUCKETS.length);
        expect(held.every((n) => n >= 0)).toBe(true);
        const tokens = held.slice(0, TOKEN_BUCKETS.length);
        expect(held.slice(tokens.length, tokens.length + 2)).toEqual([1, counts.webSearches]);
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
      ["google", "gemini-2.5-flash-image"],
      ["google", "gemini-3.1-flash-live-preview"],
      ["openai", "gpt-image-1.5"],
      ["perplexity", "sonar"],
      ["perplexity", "sonar-deep-research"],
    ] as const;
    const unsearched = new Set([
      "gemini-2.5-pro",
      "gemini-2.5-flash-image",
      "gemini-3.1-flash-live-preview",
      "gpt-image-1.5",
      "sonar",
    ]);
    fc.assert(
      fc.property(usage, fc.constantFrom(...models), (counts, [provider, model]) => {
        const plain = { ...counts, inputAudioTokens: 0, outputAudioTokens: 0 };
        plain.inputTokens -= counts.inputAudioTokens;
        plain.outputTokens -= counts.outputAudioTokens;
        plain.cacheReadTokens -= counts.cacheReadAudioTokens;
        plain.inputTokens -= counts.cacheReadAudioTokens;
        plain.cacheReadAudioTokens = 0;
        if (provider !== "anthropic") plain.cacheWrite1hTokens = 0;
        if (unsearched.has(model)) plain.webSearches = 0;
        const expected = calcPrice(
          {
            input_tokens: plain.inputTokens,
            output_tokens: plain.outputTokens,
            cache_read_tokens: plain.cacheReadTokens,
            cache_write_tokens: plain.cacheWriteTokens,
            cache_write_1h_tokens: plain.cacheWrite1hTokens,
            output_reasoning_tokens: plain.reasoningTokens,
            web_searches: plain.webSearches,
            // The catalogue wants to know what would be images and cached, where images have a price.
            input_image_tokens: plain.inputImageTokens + plain.cacheReadImageTokens,
            output_image_tokens: plain.outputImageTokens,
            cache_image_read_tokens: plain.cacheReadImageTokens,
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
