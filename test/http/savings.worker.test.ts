/** `cache_savings_estimate_usd` of a summary's rates: gpt-4o at $2.50/MTok in and $1.25 cached. */
import { describe, expect, it } from "vitest";
import { call, DAY, type Item, iso, json, MONDAY, openLedger, WEEK, type Ledger } from "./ledger.ts";

const cached = (read: number, changes: Item = {}): Item =>
  call({ input_tokens: 10_000, cache_read_tokens: read, ...changes });
/** $3/MTok in, $0.30 read, $3.75 written, $6 written for an hour. */
const claude = { provider: "anthropic", model: "claude-sonnet-4-5" };

async function savings(ledger: Ledger, query = ""): Promise<[total: unknown, rows: unknown]> {
  const { totals, rows } = await ledger.summary(`${WEEK}&include=rates${query}`);
  return [totals["cache_savings_estimate_usd"], rows.map((row) => row["cache_savings_estimate_usd"])];
}

async function opened(...calls: Item[]): Promise<Ledger> {
  const ledger = await openLedger();
  expect(await ledger.write(calls)).toMatchObject({ inserted: calls.length });
  return ledger;
}

describe("is what caches saved", () => {
  it("8,000 read at $1.25 instead of $2.50 a million: $0.01", async () => {
    expect(await savings(await opened(cached(8_000)))).toEqual(["0.01", ["0.01"]]);
  });

  it("less what writes cost more: 6,000 x ($3 - $0.30) - 2,000 x ($3.75 - $3) - 1,000 x ($6 - $3) = $0.0117", async () => {
    const writes = { cache_write_tokens: 3_000, cache_write_1h_tokens: 1_000 };
    expect(await savings(await opened(cached(6_000, { ...claude, ...writes })))).toEqual(["0.0117", ["0.0117"]]);
  });

  it("below 0 where nothing is read: -4,000 x ($3.75 - $3) = -$0.003", async () => {
    expect((await savings(await opened(cached(0, { ...claude, cache_write_tokens: 4_000 }))))[0]).toBe("-0.003");
  });

  it("by model, whatever the groups: $0.01 of gpt-4o and 5,000 x $2.70 = $0.0135 of Claude are $0.0235", async () => {
    const ledger = await opened(
      cached(8_000, { application: "shop", user_id: "ann" }),
      cached(5_000, { ...claude, application: "desk", timestamp: iso(MONDAY + DAY) }),
      cached(0, { ...claude, application: "idle" }),
    );
    expect(await savings(ledger)).toEqual(["0.0235", ["0.0235"]]);
    expect(await savings(ledger, "&group_by=model&order=model")).toEqual(["0.0235", ["0.0135", "0.01"]]);
    expect(await savings(ledger, "&group_by=application&order=application")).toEqual([
      "0.0235",
      ["0.0135", "0", "0.01"],
    ]);
    expect(await savings(ledger, "&group_by=application&order=application&limit=1")).toEqual([
      "0.0235",
      ["0.0135", "0.01"],
    ]);
    expect(await savings(ledger, "&group_by=user&order=user")).toEqual(["0.0235", ["0.01", "0.0135"]]);
    expect(await savings(ledger, "&interval=day")).toEqual(["0.0235", ["0.01", "0.0135"]]);
    expect(await savings(ledger, "&user=ann")).toEqual(["0.01", ["0.01"]]);
    const { totals } = await ledger.summary(
      `from=${iso(MONDAY + DAY)}&to=${iso(MONDAY + 2 * DAY)}&compare=previous&include=rates`,
    );
    expect(totals["cache_savings_estimate_usd"]).toBe("0.0135");
    expect(totals.previous!["cache_savings_estimate_usd"]).toBe("0.01");
  });
});

describe("is at the average of plain input", () => {
  it("of the whole period: a call that was read from the cache alone costs what another one's input did", async () => {
    // 10,000 x ($2.50 - $1.25)
    const ledger = await opened(cached(10_000), cached(0, { timestamp: iso(MONDAY + DAY) }));
    expect(await savings(ledger, "&interval=day")).toEqual(["0.0125", ["0.0125", "0"]]);
  });
});

describe("is null", () => {
  it("without any plain input", async () => {
    expect(await savings(await opened(cached(10_000)))).toEqual([null, [null]]);
  });

  it("for models without a price; others are not, and the total has what is known", async () => {
    const ledger = await opened(cached(8_000), cached(8_000, { provider: "us", model: "home-made" }));
    expect(await savings(ledger, "&group_by=model&order=model")).toEqual(["0.01", ["0.01", null]]);
  });

  it("but 0 without cached tokens, and without calls", async () => {
    expect(await savings(await opened(call()))).toEqual(["0", ["0"]]);
    expect((await savings(await openLedger()))[0]).toBe("0");
  });
});

it("is not there unless rates are asked for, nor in an export", async () => {
  const ledger = await opened(cached(8_000));
  expect((await ledger.summary(WEEK)).totals).not.toHaveProperty("cache_savings_estimate_usd");
  const line = await json<object>(await ledger.fetch(`/v1/export?${WEEK}&type=summary&group_by=model&include=rates`));
  expect(line).toHaveProperty("cache_hit_rate");
  expect(line).not.toHaveProperty("cache_savings_estimate_usd");
});
