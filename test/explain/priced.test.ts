import { describe, expect, it } from "vitest";
import { type CallSums, pricedOf } from "../../src/explain/priced.ts";
import { type Bucket, BUCKETS } from "../../src/ledger/buckets.ts";
import { at, calls, DEAR, mixed } from "./sums.ts";

const CALL = { input: 1_000, output: 100 };

/** How much of a bucket the priced calls hold. */
function held(sums: CallSums, bucket: Bucket, other: CallSums | null = null): number {
  const { numerator, denominator } = pricedOf(sums, other).held[BUCKETS.indexOf(bucket)]!;
  return Number(numerator) / Number(denominator);
}

describe("pricedOf: the quantities of the priced calls are", () => {
  it("everything, where all calls are priced", () => {
    const sums = calls(10, CALL, DEAR);
    expect([held(sums, "input"), held(sums, "output"), held(sums, "request")]).toEqual([10_000, 1_000, 10]);
  });

  it("nothing, where none is", () => {
    const sums = calls(10, CALL, null);
    expect([held(sums, "input"), held(sums, "output"), held(sums, "request")]).toEqual([0, 0, 0]);
  });

  it("everything, where the unpriced calls have no tokens", () => {
    const sums = mixed(calls(10, CALL, DEAR), calls(5, {}, null));
    expect([held(sums, "input"), held(sums, "output"), held(sums, "request")]).toEqual([10_000, 1_000, 10]);
  });

  it("what the other period's prices make of the costs, where the unpriced tokens agree", () => {
    // 5,000 input tokens without output are unpriced: by share it would be 11,000 / 16,000 of each bucket.
    const sums = mixed(calls(10, CALL, DEAR), calls(5, { input: 1_000 }, null));
    const other = calls(1, { input: 7, output: 3 }, DEAR);
    expect([held(sums, "input", other), held(sums, "output", other)]).toEqual([10_000, 1_000]);
    expect([held(sums, "input"), held(sums, "output")]).toEqual([10_312.5, 687.5]);
  });

  it("the same share of each bucket, where other prices do not account for the unpriced tokens", () => {
    const sums = mixed(calls(10, CALL, DEAR), calls(10, CALL, null));
    for (const other of [calls(1, CALL, at(2, DEAR)), calls(1, CALL, null), calls(1, { input: 7 }, DEAR)])
      expect([held(sums, "input", other), held(sums, "output", other)]).toEqual([10_000, 1_000]);
  });

  it("never nothing where there is a cost, even if cached tokens of an unknown input hide it", () => {
    const sums = mixed(calls(1, { input: 100 }, DEAR), calls(1, { input: -100, cache_read: 100 }, null));
    expect(held(sums, "input", calls(1, CALL, DEAR))).toBe(100);
    expect(held(sums, "input")).toBe(1);
  });
});
