import { expect, it } from "vitest";
import { MEASURES } from "../../src/ledger/measures.ts";
import { type Group, paired, totalOf } from "../../src/summary/group.ts";

const measures = MEASURES.filter(({ name }) => name === "requests");
const group = (intervalMs: number, model: string, requests: bigint, calls: number): Group => ({
  intervalMs,
  keys: [model],
  sums: { requests },
  latency: new Map([[7, calls]]),
});

it("pairs buckets in their order; what a longer period before has more belongs to the last, and no row is there twice", () => {
  const own = { intervalStartsMs: [100, 200], groups: [group(100, "a", 1n, 1), group(200, "a", 2n, 2)] };
  const before = {
    intervalStartsMs: [10, 20, 30, 40],
    groups: [group(10, "b", 3n, 3), ...[20, 30, 40].flatMap((ms) => [group(ms, "a", 4n, 4), group(ms, "b", 5n, 5)])],
  };
  const pairs = paired(own, before, measures);
  const shown = pairs.map(({ intervalMs, keys, sums, previous }) => [
    intervalMs,
    keys[0],
    sums["requests"],
    previous!.sums["requests"],
    previous!.latency?.get(7),
  ]);
  expect(shown).toEqual([
    [100, "a", 1n, 0n, undefined],
    [200, "a", 2n, 12n, 12],
    [100, "b", 0n, 3n, 3],
    [200, "b", 0n, 15n, 15],
  ]);
  expect(totalOf(pairs, measures)).toMatchObject({ sums: { requests: 3n }, previous: { sums: { requests: 30n } } });
});
