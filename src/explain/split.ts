/**
 * Splits the difference of two periods' costs by cause. A chain of costs leads from `before` to `after`; each step
 * changes one factor and keeps the others. Every cost of the chain is rounded to whole pico-USD. Each part is the
 * difference of two neighbours, so the parts add up to the difference without a remainder.
 *
 * A workload is an application in one environment and operation. The models of a workload can replace one another. The
 * cost of a model in its workload is
 *
 *   calls of the workload x the model's share of them x the priced share of its calls
 *     x sum over price buckets (quantity per priced call x unit price, averaged over the tiers that hold it)
 *
 * and the factors change in the order of `PARTS`. Two rules make the split unique:
 *
 * - A factor may be unknown in one period, as the length of calls is for a model without calls. It is then taken from
 *   the other period and causes nothing. So the whole cost of a new model is model mix, that of a new workload is
 *   volume, and that of calls without a price before is unpriced.
 * - In each step, the factors that have changed already are those of the period after, and the others are those of
 *   before.
 *
 * Rollups know averages only. If a price depends on a call's length or time, its average counts as the price. A failed
 * call without usage counts as a call of length 0, and pays no fee even if its model has one.
 */
import { BUCKETS, CONTENTS } from "../ledger/buckets.ts";
import { fraction, isZero, over, plus, type Ratio, rounded, times, ZERO } from "./fraction.ts";
import { type CallSums, type Priced, pricedOf } from "./priced.ts";

/** The causes, in the order in which the chain changes them. */
export const PARTS = [
  /** Calls of the workload. */
  "volume",
  /** The model's share of the workload's calls. */
  "model_mix",
  /** The share of the model's calls that have a price. The others add nothing to the cost. */
  "unpriced",
  /** Input tokens per priced call, cached included. */
  "input_length",
  /** Input tokens per priced call that are read from or written to a cache. */
  "cache_use",
  /** Output tokens per priced call, reasoning included. */
  "output_length",
  /** The kinds of tokens: text, audio, images, reasoning. */
  "modality",
  /** Web searches per priced call, and everything else beside input and output. */
  "web_search",
  /** The share of each service tier in each bucket. */
  "tier",
  /** Unit prices, fees included. */
  "price",
] as const;
export type Part = (typeof PARTS)[number];
export type Parts = Record<Part, bigint>;

/** The finest group: one model, in one workload, at one tier. */
export interface Cell {
  application: string;
  environment: string;
  operation: string;
  provider: string;
  model: string;
  tier: string;
  before: CallSums | null;
  after: CallSums | null;
}

/** One model of one application. The parts are in pico-USD and add up to the cost after less the cost before. */
export interface Split {
  application: string;
  provider: string;
  model: string;
  parts: Parts;
}

/** The places of the buckets of these kinds. */
const ofKind = (...kinds: string[]): number[] =>
  BUCKETS.flatMap((bucket, i) => (kinds.includes(CONTENTS[bucket].kind) ? [i] : []));
const UNCACHED = ofKind("input");
const CACHED = ofKind("cached");
const INPUT = [...UNCACHED, ...CACHED];
const OUTPUT = ofKind("output");
const BESIDE = ofKind("beside");
const REQUEST = BUCKETS.indexOf("request");

/** Gives a split for each application and model of the cells, in the order of their first cells. */
export function split(cells: readonly Cell[]): Split[] {
  const splits = new Map<string, Split>();
  for (const workload of grouped(cells, ({ application, environment, operation }) => [
    application,
    environment,
    operation,
  ])) {
    const calls = { before: callsOf(workload, "before"), after: callsOf(workload, "after") };
    for (const tiers of grouped(workload, ({ provider, model }) => [provider, model])) {
      const { application, provider, model } = tiers[0]!;
      const key = JSON.stringify([application, provider, model]);
      const row = splits.get(key) ?? { application, provider, model, parts: noParts() };
      splits.set(key, row);
      const chain = chainOf(tiers, calls);
      for (const [i, part] of PARTS.entries()) row.parts[part] += chain[i + 1]! - chain[i]!;
    }
  }
  return [...splits.values()];
}

export function noParts(): Parts {
  return Object.fromEntries(PARTS.map((part) => [part, 0n])) as Parts;
}

export function grouped<T>(all: readonly T[], keyOf: (one: T) => string[]): T[][] {
  return [...Map.groupBy(all, (one) => JSON.stringify(keyOf(one))).values()];
}

function callsOf(cells: readonly Cell[], side: "before" | "after"): bigint {
  return cells.reduce((sum, cell) => sum + (cell[side]?.requests ?? 0n), 0n);
}

type Pair<T> = Record<"before" | "after", T>;

/**
 * Costs of one model of a workload in pico-USD: before, then once each of `PARTS` has changed. The last is the cost
 * after.
 *
 * @throws Error if an end of the chain is not the cost in the ledger, because no split would be honest then.
 */
function chainOf(tiers: readonly Cell[], ofWorkload: Pair<bigint>): bigint[] {
  const priced = {
    before: tiers.map(({ before, after }) => before && pricedOf(before, after)),
    after: tiers.map(({ before, after }) => after && pricedOf(after, before)),
  };
  const calls = { before: callsOf(tiers, "before"), after: callsOf(tiers, "after") };
  const before = together(priced.before);
  const after = together(priced.after);
  const counts = countChain(ofWorkload, calls, { before: before.calls, after: after.calls });
  const contents = contentChain(before, after);
  const prices = priceChain(before, after, priced);

  const last = { content: contents.at(-1)!, price: prices[0]! };
  const steps = [
    ...counts.map((count) => costOf(count, contents[0]!, prices[0]!)),
    ...contents.slice(1).map((content) => costOf(counts.at(-1)!, content, last.price)),
    ...prices.slice(1).map((price) => costOf(counts.at(-1)!, last.content, price)),
  ];
  const chain = steps.map(rounded);
  if (chain[0] !== total(before.costPico) || chain.at(-1) !== total(after.costPico))
    throw new Error(`the chain of costs does not end at the ledger's: ${JSON.stringify(chain.map(String))}`);
  return chain;
}

/** Adds up all tiers. */
function together(tiers: readonly (Priced | null)[]): Priced {
  const present = tiers.filter((tier) => tier !== null);
  return {
    calls: present.reduce((sum, { calls }) => sum + calls, 0n),
    held: BUCKETS.map((_, i) => present.reduce((sum, { held }) => plus(sum, held[i]!), ZERO)),
    costPico: BUCKETS.map((_, i) => present.reduce((sum, { costPico }) => sum + costPico[i]!, 0n)),
  };
}

/** Priced calls: before, then once the volume, the model's share and the priced share have changed. */
function countChain(ofWorkload: Pair<bigint>, ofModel: Pair<bigint>, priced: Pair<bigint>): Ratio[] {
  const after = fraction(priced.after);
  if (ofWorkload.before === 0n) return [ZERO, after, after, after];
  if (ofModel.before === 0n) return [ZERO, ZERO, after, after];
  return [
    fraction(priced.before),
    fraction(priced.before * ofWorkload.after, ofWorkload.before),
    fraction(priced.before * ofModel.after, ofModel.before),
    after,
  ];
}

/**
 * Quantities per priced call: before, then once input length, cache use, output length, modality and searches have
 * changed.
 */
function contentChain(before: Priced, after: Priced): Ratio[][] {
  const own = { before: perCall(before), after: perCall(after) };
  const from = own.before ?? own.after ?? BUCKETS.map(() => ZERO);
  const to = own.after ?? from;
  const inputLength = withBuckets(from, INPUT, scaled(from, to, INPUT));
  const cacheUse = withBuckets(withBuckets(inputLength, CACHED, to), UNCACHED, scaled(from, to, UNCACHED));
  const outputLength = withBuckets(cacheUse, OUTPUT, scaled(from, to, OUTPUT));
  const modality = withBuckets(outputLength, [...INPUT, ...OUTPUT], to);
  const searches = withBuckets(modality, BESIDE, to);
  return [from, inputLength, cacheUse, outputLength, modality, searches];
}

function perCall({ calls, held }: Priced): Ratio[] | null {
  if (calls === 0n) return null;
  return held.map((quantity, i) => (i === REQUEST ? fraction(1n) : over(quantity, fraction(calls))));
}

/** Keeps the proportions of `from`, and scales these buckets to the total that they have in `to`. */
function scaled(from: readonly Ratio[], to: readonly Ratio[], buckets: readonly number[]): readonly Ratio[] {
  const sum = (quantities: readonly Ratio[]): Ratio => buckets.reduce((sum, i) => plus(sum, quantities[i]!), ZERO);
  const held = sum(from);
  if (isZero(held)) return to;
  const factor = over(sum(to), held);
  return from.map((quantity) => times(quantity, factor));
}

function withBuckets(all: readonly Ratio[], buckets: readonly number[], values: readonly Ratio[]): Ratio[] {
  return all.map((quantity, i) => (buckets.includes(i) ? values[i]! : quantity));
}

/** Average unit prices: before, then once the tiers have changed, then after. */
function priceChain(before: Priced, after: Priced, tiers: Pair<(Priced | null)[]>): Ratio[][] {
  const known = BUCKETS.map((_, i) => ({ before: unitPrice(before, i), after: unitPrice(after, i) }));
  return [
    known.map(({ before, after }) => before ?? after ?? ZERO),
    known.map((own, i) => {
      if (own.before === null || own.after === null) return own.before ?? own.after ?? ZERO;
      // The cost of the quantities of after, each at its tier's price of before.
      const cost = tiers.after.reduce((sum, tier, t) => {
        const price = unitPrice(tiers.before[t]!, i) ?? unitPrice(tier, i);
        return price === null ? sum : plus(sum, times(tier?.held[i] ?? ZERO, price));
      }, ZERO);
      return over(cost, after.held[i]!);
    }),
    known.map(({ before, after }) => after ?? before ?? ZERO),
  ];
}

function unitPrice(priced: Priced | null, i: number): Ratio | null {
  if (priced === null || isZero(priced.held[i]!)) return null;
  return over(fraction(priced.costPico[i]!), priced.held[i]!);
}

function costOf(calls: Ratio, perCall: readonly Ratio[], prices: readonly Ratio[]): Ratio {
  if (isZero(calls)) return ZERO;
  return times(
    calls,
    perCall.reduce((sum, quantity, i) => plus(sum, times(quantity, prices[i]!)), ZERO),
  );
}

function total(costPico: readonly bigint[]): bigint {
  return costPico.reduce((sum, cost) => sum + cost, 0n);
}
