import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CallSums } from "../../src/explain/priced.ts";
import { type Cell, type Part, PARTS, split, type Split } from "../../src/explain/split.ts";
import { picoToUsd } from "../../src/money.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { at, calls, cell, CHEAP, DEAR, mixed } from "./sums.ts";

/** The parts that are not 0, in USD. */
function shown({ parts }: Pick<Split, "parts">): Partial<Record<Part, string>> {
  return Object.fromEntries(PARTS.filter((part) => parts[part] !== 0n).map((part) => [part, picoToUsd(parts[part])]));
}

/** By model, the parts that are not 0. */
function causes(...cells: Cell[]): Record<string, Partial<Record<Part, string>>> {
  return Object.fromEntries(split(cells).map((one) => [one.model, shown(one)]));
}

const CALL = { input: 1_000, output: 100 }; // $0.0035 at the dear price, $0.00021 at the cheap one

describe("a single cause has all of the difference, the others nothing", () => {
  it("nothing changed: no parts", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, CALL, DEAR)))).toEqual({ dear: {} });
  });

  it("volume: 10 -> 25 calls of $0.0035 = $0.0525", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(25, CALL, DEAR)))).toEqual({ dear: { volume: "0.0525" } });
  });

  it("volume: 30 -> 60 calls with the same shares doubles each model: 20 x $0.0035, 10 x $0.00021", () => {
    expect(
      causes(
        cell(calls(20, CALL, DEAR), calls(40, CALL, DEAR)),
        cell(calls(10, CALL, CHEAP), calls(20, CALL, CHEAP), { model: "cheap" }),
      ),
    ).toEqual({ dear: { volume: "0.07" }, cheap: { volume: "0.0021" } });
  });

  it("model mix: 10 of 20 calls move to the cheap model: -10 x $0.0035, +10 x $0.00021", () => {
    expect(
      causes(
        cell(calls(20, CALL, DEAR), calls(10, CALL, DEAR)),
        cell(calls(5, CALL, CHEAP), calls(15, CALL, CHEAP), { model: "cheap" }),
      ),
    ).toEqual({ dear: { model_mix: "-0.035" }, cheap: { model_mix: "0.0021" } });
  });

  it("input length: 1,000 -> 1,200 tokens in 10 calls = 2,000 x $2.50/MTok = $0.005", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { ...CALL, input: 1_200 }, DEAR)))).toEqual({
      dear: { input_length: "0.005" },
    });
  });

  it("input length: half of it cached before and after, 1,000 -> 2,000 tokens = 5,000 x $2.50 + 5,000 x $1.25", () => {
    expect(
      causes(
        cell(
          calls(10, { input: 500, cache_read: 500, output: 100 }, DEAR),
          calls(10, { input: 1_000, cache_read: 1_000, output: 100 }, DEAR),
        ),
      ),
    ).toEqual({ dear: { input_length: "0.01875" } });
  });

  it("output length: 100 -> 50 tokens in 10 calls = -500 x $10/MTok = -$0.005", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { ...CALL, output: 50 }, DEAR)))).toEqual({
      dear: { output_length: "-0.005" },
    });
  });

  it("cache use: 600 of 1,000 tokens come from the cache now = 6,000 x ($1.25 - $2.50)/MTok = -$0.0075", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { input: 400, cache_read: 600, output: 100 }, DEAR)))).toEqual({
      dear: { cache_use: "-0.0075" },
    });
  });

  it("modality: 400 of 1,000 input tokens are images now = 4,000 x ($5 - $2.50)/MTok = $0.01", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { input: 600, input_image: 400, output: 100 }, DEAR)))).toEqual(
      { dear: { modality: "0.01" } },
    );
  });

  it("modality: reasoning at the price of output causes nothing", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { input: 1_000, output: 40, reasoning: 60 }, DEAR)))).toEqual({
      dear: {},
    });
  });

  it("web search: 2 searches a call now = 20 x $0.01", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, { ...CALL, web_search: 2 }, DEAR)))).toEqual({
      dear: { web_search: "0.2" },
    });
  });

  it("tier: 5 of 10 calls at half the price, a tier that was not there before = -5 x $0.00175", () => {
    expect(
      causes(
        cell(calls(10, CALL, DEAR), calls(5, CALL, DEAR)),
        cell(null, calls(5, CALL, at(0.5, DEAR)), { tier: "flex" }),
      ),
    ).toEqual({ dear: { tier: "-0.00875" } });
  });

  it("tier: 2 -> 8 of 10 calls at half the price = -6 x $0.00175", () => {
    expect(
      causes(
        cell(calls(8, CALL, DEAR), calls(2, CALL, DEAR)),
        cell(calls(2, CALL, at(0.5, DEAR)), calls(8, CALL, at(0.5, DEAR)), { tier: "flex" }),
      ),
    ).toEqual({ dear: { tier: "-0.0105" } });
  });

  it("price: twice the price for 10 calls of $0.0035 = $0.035", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, CALL, at(2, DEAR))))).toEqual({ dear: { price: "0.035" } });
  });

  it("price: a fee of $0.005 a call is new, 10 calls = $0.05", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(10, CALL, { ...DEAR, request: 5_000_000_000 })))).toEqual({
      dear: { price: "0.05" },
    });
  });

  it("price: a search costs twice as much, 20 x $0.01, and tokens what they did", () => {
    const each = { ...CALL, web_search: 2 };
    const dearer = { ...DEAR, web_search: 20_000_000_000 };
    expect(causes(cell(calls(10, each, DEAR), calls(10, each, dearer)))).toEqual({ dear: { price: "0.2" } });
  });

  it("price: twice the price of one tier of two = 5 x $0.00175, and no tier effect", () => {
    expect(
      causes(
        cell(calls(5, CALL, DEAR), calls(5, CALL, DEAR)),
        cell(calls(5, CALL, at(0.5, DEAR)), calls(5, CALL, DEAR), { tier: "flex" }),
      ),
    ).toEqual({ dear: { price: "0.00875" } });
  });
});

describe("models, workloads and prices that one period lacks", () => {
  it("a new model is model mix at what it cost: -10 x $0.0035, +10 x $0.00021", () => {
    expect(
      causes(
        cell(calls(20, CALL, DEAR), calls(10, CALL, DEAR)),
        cell(null, calls(10, CALL, CHEAP), { model: "cheap" }),
      ),
    ).toEqual({ dear: { model_mix: "-0.035" }, cheap: { model_mix: "0.0021" } });
  });

  it("a vanished model is volume, as far as all calls became fewer, and model mix: 20 calls -> 10", () => {
    // The workload went from 20 calls to 10: half of the cheap 10 are gone with it, the others moved.
    expect(
      causes(
        cell(calls(10, CALL, DEAR), calls(10, CALL, DEAR)),
        cell(calls(10, CALL, CHEAP), null, { model: "cheap" }),
      ),
    ).toEqual({
      dear: { volume: "-0.0175", model_mix: "0.0175" },
      cheap: { volume: "-0.00105", model_mix: "-0.00105" },
    });
  });

  it("a new workload is volume, and so is one that ended", () => {
    expect(causes(cell(null, calls(10, CALL, DEAR)))).toEqual({ dear: { volume: "0.035" } });
    expect(causes(cell(calls(10, CALL, DEAR), null))).toEqual({ dear: { volume: "-0.035" } });
  });

  it("models mix within an application, environment and operation only", () => {
    for (const other of [{ application: "desk" }, { environment: "staging" }, { operation: "embeddings" }]) {
      expect(
        causes(
          cell(calls(10, CALL, DEAR), calls(5, CALL, DEAR)),
          cell(calls(5, CALL, CHEAP), calls(10, CALL, CHEAP), { model: "cheap", ...other }),
        ),
      ).toEqual({ dear: { volume: "-0.0175" }, cheap: { volume: "0.00105" } });
    }
  });

  it("one row for an application and model, whatever environments and operations it has", () => {
    const rows = split([
      cell(calls(10, CALL, DEAR), calls(20, CALL, DEAR)),
      cell(calls(10, CALL, DEAR), calls(10, { ...CALL, output: 200 }, DEAR), { operation: "complete" }),
    ]);
    expect(rows.map(shown)).toEqual([{ volume: "0.035", output_length: "0.01" }]);
  });

  it("calls without price before: all of it is unpriced, whatever else changed", () => {
    expect(causes(cell(calls(10, CALL, null), calls(20, { ...CALL, input: 2_000 }, DEAR)))).toEqual({
      dear: { unpriced: "0.12" },
    });
  });

  it("calls without price after: 10 -> 20 calls would be +$0.035, but nothing is priced: -$0.07", () => {
    expect(causes(cell(calls(10, CALL, DEAR), calls(20, CALL, null)))).toEqual({
      dear: { volume: "0.035", unpriced: "-0.07" },
    });
  });

  it("calls without price on both sides cause nothing", () => {
    expect(causes(cell(calls(10, CALL, null), calls(20, CALL, null)), cell(null, calls(1, CALL, null)))).toEqual({
      dear: {},
    });
  });

  it("half of 10 calls come without usage: -5 x $0.0035 unpriced, and no shorter input", () => {
    expect(causes(cell(calls(10, CALL, DEAR), mixed(calls(5, CALL, DEAR), calls(5, {}, null))))).toEqual({
      dear: { unpriced: "-0.0175" },
    });
  });

  it("half of 10 calls come without output tokens: unpriced, and no other price", () => {
    expect(causes(cell(calls(10, CALL, DEAR), mixed(calls(5, CALL, DEAR), calls(5, { input: 1_000 }, null))))).toEqual({
      dear: { unpriced: "-0.0175" },
    });
  });

  it("half of 10 calls come without output tokens, and a search costs twice as much: unpriced, then price", () => {
    const each = { ...CALL, web_search: 2 };
    const after = mixed(
      calls(5, each, { ...DEAR, web_search: 20_000_000_000 }),
      calls(5, { input: 1_000, web_search: 2 }, null),
    );
    // -5 x ($0.0035 + 2 x $0.01), then 10 searches x $0.01
    expect(causes(cell(calls(10, each, DEAR), after))).toEqual({ dear: { unpriced: "-0.1175", price: "0.1" } });
  });

  it("calls move to a tier without price: unpriced, no tier effect", () => {
    expect(
      causes(cell(calls(10, CALL, DEAR), calls(6, CALL, DEAR)), cell(null, calls(4, CALL, null), { tier: "priority" })),
    ).toEqual({ dear: { unpriced: "-0.014" } });
  });
});

it("several causes come one after the other: volume, then mix, then lengths, each at what is left to change", () => {
  // 100 -> 150 calls of $0.0035: +$0.175; 50 of them move away: -$0.175; 100 x 200 more tokens: +$0.05.
  // The new model's 50 calls of $0.00021: +$0.0105.
  expect(
    causes(
      cell(calls(100, CALL, DEAR), calls(100, { ...CALL, input: 1_200 }, DEAR)),
      cell(null, calls(50, CALL, CHEAP), { model: "cheap" }),
    ),
  ).toEqual({
    dear: { volume: "0.175", model_mix: "-0.175", input_length: "0.05" },
    cheap: { model_mix: "0.0105" },
  });
});

it("refuses costs that lie with no call", () => {
  const impossible = { ...calls(0, {}, null), requests: 1n, unpricedRequests: 1n, costPico: BUCKETS.map(() => 1n) };
  expect(() => split([cell(null, impossible)])).toThrow("does not end at the ledger's");
});

const sums: fc.Arbitrary<CallSums | null> = fc.option(
  fc
    .record({
      priced: fc.nat(1_000),
      unpriced: fc.oneof(fc.constant(0), fc.nat(1_000)),
      // Negative ones too: cached tokens of a call whose input nobody knows.
      held: fc.array(fc.oneof(fc.constant(0n), fc.bigInt(-1_000n, 10n ** 15n)), {
        minLength: BUCKETS.length,
        maxLength: BUCKETS.length,
      }),
      cost: fc.array(fc.oneof(fc.constant(0n), fc.bigInt(0n, 10n ** 24n)), {
        minLength: BUCKETS.length,
        maxLength: BUCKETS.length,
      }),
      unpricedTokens: fc.oneof(fc.constant(0n), fc.bigInt(0n, 10n ** 15n)),
    })
    .filter(({ priced, unpriced }) => priced + unpriced > 0)
    .map(({ priced, unpriced, held, cost, unpricedTokens }) => ({
      requests: BigInt(priced + unpriced),
      unpricedRequests: BigInt(unpriced),
      unpricedTokens: unpriced === 0 ? 0n : unpricedTokens,
      held,
      costPico: priced === 0 ? cost.map(() => 0n) : cost,
    })),
);

const cells = fc.uniqueArray(
  fc.record({
    application: fc.constantFrom("a", "b"),
    environment: fc.constantFrom("p", "s"),
    operation: fc.constant("chat"),
    provider: fc.constant("x"),
    model: fc.constantFrom("m", "n", "o"),
    tier: fc.constantFrom("", "flex"),
    before: sums,
    after: sums,
  }),
  {
    maxLength: 12,
    selector: ({ application, environment, model, tier }) => [application, environment, model, tier].join(),
  },
);

it("adds up to the difference for any sums, by application and model", () => {
  fc.assert(
    fc.property(cells, (all) => {
      const cost = (one: CallSums | null): bigint => (one?.costPico ?? []).reduce((sum, pico) => sum + pico, 0n);
      for (const { application, model, parts } of split(all)) {
        const own = all.filter((one) => one.application === application && one.model === model);
        const difference = own.reduce((sum, { before, after }) => sum + cost(after) - cost(before), 0n);
        expect(PARTS.reduce((sum, part) => sum + parts[part], 0n)).toBe(difference);
      }
    }),
    { numRuns: 500 },
  );
});

it("finds no cause where both periods are alike, whatever they hold", () => {
  fc.assert(
    fc.property(cells, (all) => {
      for (const one of split(all.map((cell) => ({ ...cell, after: cell.before })))) expect(shown(one)).toEqual({});
    }),
  );
});
