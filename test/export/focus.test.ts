import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Charge, chargesOf, focusColumns } from "../../src/export/focus.ts";
import { COUNT_NAMES } from "../../src/ledger/call.ts";
import { BUCKETS, quantities, unitOf } from "../../src/ledger/buckets.ts";
import { priced, traces } from "../calls.ts";

/** The sums of some calls as rollup rows and the split of a mixed group have them. */
function sumsOf(calls: readonly ReturnType<typeof priced>[]): (name: string) => bigint {
  const sums = new Map<string, bigint>();
  const add = (name: string, amount: bigint | number | null): void =>
    void sums.set(name, (sums.get(name) ?? 0n) + BigInt(amount ?? 0));
  for (const { call, cost } of calls) {
    add("requests", 1);
    add("unpriced_requests", cost.costPico === null ? 1 : 0);
    for (const [field, name] of Object.entries(COUNT_NAMES)) add(name, call[field as keyof typeof COUNT_NAMES]);
    for (const [i, held] of quantities(call).entries()) {
      add(`cost_${BUCKETS[i]}_pico`, BigInt(held) * (cost.price?.unitPico[i] ?? 0n));
      add(`unpriced_${BUCKETS[i]}`, cost.costPico === null ? held : 0);
    }
  }
  return (name) => sums.get(name) ?? 0n;
}

const total = (charges: readonly Charge[], of: (charge: Charge) => bigint): bigint =>
  charges.reduce((sum, charge) => sum + of(charge), 0n);

describe("the charges of a group", () => {
  it("cost what its calls cost, and hold what they hold, priced and unpriced apart", () => {
    const calls = fc.array(traces(Date.UTC(2025, 2, 10)).map(priced), { maxLength: 20 });
    fc.assert(
      fc.property(calls, (calls) => {
        const charges = chargesOf(sumsOf(calls));
        const costs = calls.reduce((sum, { cost }) => sum + (cost.costPico ?? 0n), 0n);
        expect(total(charges, ({ costPico }) => costPico ?? 0n)).toBe(costs);
        const tokens = (of: (call: (typeof calls)[number]) => boolean): bigint =>
          calls
            .filter(of)
            .reduce((sum, { call }) => sum + BigInt(call.inputTokens ?? 0) + BigInt(call.outputTokens ?? 0), 0n);
        const ofTokens = charges.filter(({ bucket }) => unitOf(bucket) === "token");
        const known = ofTokens.filter(({ costPico }) => costPico !== null);
        expect(total(known, ({ quantity }) => quantity)).toBe(tokens(({ cost }) => cost.costPico !== null));
        const unpriced = calls.filter(({ cost }) => cost.costPico === null).length;
        const lost = charges.filter(({ bucket, costPico }) => bucket === "request" && costPico === null);
        expect(total(lost, ({ quantity }) => quantity)).toBe(BigInt(unpriced));
      }),
    );
  });

  it("are none for calls that used nothing", () => {
    expect(chargesOf((name) => (name === "requests" ? 3n : 0n))).toEqual([]);
  });
});

describe("the unit price", () => {
  const column = focusColumns(["provider", "model"]).find(({ name }) => name === "ListUnitPrice")!;
  const group = {
    projectId: "p",
    period: { fromMs: 0, toMs: 0, monthFromMs: 0, monthToMs: 0 },
    keys: new Map(),
    reported: null,
  };

  it.each([
    // $0.0025 / 1,000
    [1_000n, 2_500_000_000n, "0.0000025"],
    [3n, 0n, "0"],
    [3n, 10n, null],
    [0n, 10n, null],
    [3n, null, null],
  ])("of %d for %d pico-USD is %j", (quantity, costPico, expected) => {
    expect(column.of({ bucket: "input", quantity, costPico }, group)).toBe(expected);
  });
});

describe("the columns", () => {
  it("have one for the label grouped by", () => {
    const names = (groupBy: Parameters<typeof focusColumns>[0]): string[] =>
      focusColumns(groupBy).map(({ name }) => name);
    expect(names(["provider", "model", "user"])).toContain("x_User");
    expect(names(["provider", "model", "tag.team"])).toContain("x_Tag_team");
    expect(names(["provider", "model"]).filter((name) => /^x_(User|Tag)/.test(name))).toEqual([]);
    expect(new Set(names(["provider", "model"])).size).toBe(names(["provider", "model"]).length);
  });
});
