/**
 * Each kind of usage object in each form that emitters send it in: the cost is what the provider charges, or there is
 * none and a reason.
 */
import { describe, expect, it } from "vitest";
import { picoToUsd } from "../../../../src/money.ts";
import { FORMS, onlyCall, priceOf } from "./emitted.ts";
import { KINDS, type PricedKind } from "./kinds.ts";

function expectedOf({ lines = [], fees = [], unpriced }: PricedKind): string {
  if (unpriced !== undefined) return unpriced;
  const pico = (usd: number, per: number): bigint => BigInt(Math.round((usd * 1e12) / per));
  const tokens = lines.reduce((sum, [count, usd]) => sum + BigInt(count) * pico(usd, 1e6), 0n);
  return picoToUsd(fees.reduce((sum, [count, usd]) => sum + BigInt(count) * pico(usd, 1e3), tokens));
}

function arithmeticOf({ lines = [], fees = [], unpriced }: PricedKind): string {
  if (unpriced !== undefined) return unpriced;
  const shown = (per: string) => (line: readonly [number, number]) => `${line[0]} x $${line[1]}/${per}`;
  return [...lines.map(shown("M")), ...fees.map(shown("k"))].join(" + ");
}

const ROWS = KINDS.flatMap((kind) =>
  Object.entries(FORMS).flatMap(([form, send]) => {
    const decoded = send(kind);
    return decoded === null ? [] : [{ kind, form, decoded }];
  }),
);

describe("a usage object", () => {
  it.each(ROWS.map(({ kind, form, decoded }) => [kind.name, form, arithmeticOf(kind), kind, decoded] as const))(
    "%s, as %s: %s",
    (_name, _form, _arithmetic, kind, decoded) => {
      const call = onlyCall(decoded);
      expect(typeof call === "string" ? call : `${priceOf(call)} (${call.usageSemantics})`).toMatch(
        new RegExp(`^${expectedOf(kind).replaceAll(".", "[.]")} `),
      );
    },
  );

  it("is swept in breadth", () => {
    expect(KINDS.length).toBeGreaterThan(100);
    expect(ROWS.length).toBeGreaterThan(600);
  });
});
