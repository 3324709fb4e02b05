/** What a summary can carry and leave out: order, limit, comparison, buckets and rates. */
import { beforeAll, describe, expect, it } from "vitest";
import { call, DAY, HOUR, iso, json, MONDAY, openLedger, problem, WEEK, type Item, type Ledger } from "./ledger.ts";

describe("over two weeks of calls", () => {
  let ledger: Ledger;

  // $0.0035 each with 1,000 input and 100 output tokens.
  const calls: Item[] = [
    ...Array.from({ length: 4 }, () => call({ application: "shop", user_id: "ann", timestamp: MONDAY })),
    ...Array.from({ length: 2 }, () => call({ application: "desk", user_id: "bob", timestamp: MONDAY + DAY })),
    call({ application: "bots", user_id: "cat", timestamp: MONDAY + DAY, cache_read_tokens: 800, status: "error" }),
    call({ application: "none", model: "home-made", provider: "us", timestamp: MONDAY + DAY }),
    call({ application: "shop", timestamp: MONDAY - 7 * DAY }),
    call({ application: "gone", timestamp: MONDAY - 6 * DAY }),
  ];

  beforeAll(async () => {
    ledger = await openLedger();
    expect(await ledger.write(calls)).toMatchObject({ inserted: calls.length, errors: [] });
  });

  const names = async (query: string): Promise<unknown[]> =>
    (await ledger.summary(`${WEEK}&group_by=application${query}`)).rows.map((row) => row["application"]);

  it("orders by cost, or by what is asked for, either way", async () => {
    expect(await names("")).toEqual(["shop", "desk", "bots", "none"]);
    expect(await names("&order=requests")).toEqual(["bots", "none", "desk", "shop"]);
    expect(await names("&order=-unpriced_tokens")).toEqual(["none", "shop", "desk", "bots"]);
    expect(await names("&order=application")).toEqual(["bots", "desk", "none", "shop"]);
    expect(await names("&order=-application")).toEqual(["shop", "none", "desk", "bots"]);
  });

  it("puts all groups past the limit into one, and keeps the totals", async () => {
    const { rows, totals } = await ledger.summary(`${WEEK}&group_by=application,user&limit=1`);
    expect(rows).toMatchObject([
      { application: "shop", user: "ann", requests: 4, cost_usd: "0.014" },
      { application: "(other)", user: "(other)", requests: 4, unpriced_requests: 1 },
    ]);
    expect(totals.requests).toBe(8);
    expect(await names("&limit=4")).not.toContain("(other)");
    // Whatever the bucket: the first over the whole range is told apart in each.
    const daily = await ledger.summary(`${WEEK}&group_by=application&interval=day&limit=2&order=-requests`);
    expect(daily.rows.map((row) => [row["bucket"], row["application"], row.requests])).toEqual([
      ["2025-03-10T00:00:00Z", "shop", 4],
      ["2025-03-11T00:00:00Z", "desk", 2],
      ["2025-03-11T00:00:00Z", "(other)", 2],
    ]);
  });

  it("sets the period before beside each row", async () => {
    const { rows, totals, ...rest } = await ledger.summary(`${WEEK}&group_by=application&compare=previous`);
    expect(rest).toMatchObject({ compare: { from: "2025-03-03T00:00:00.000Z", to: "2025-03-10T00:00:00.000Z" } });
    const shown = rows.map((row) => [row["application"], row.requests, row.previous?.requests, row.difference_usd]);
    expect(shown).toEqual([
      ["shop", 4, 1, "0.0105"],
      ["desk", 2, 0, "0.007"],
      ["bots", 1, 0, "0.0025"], // 200 x $2.50 + 800 x $1.25 + 100 x $10 per million
      ["gone", 0, 1, "-0.0035"],
      ["none", 1, 0, "0"],
    ]);
    expect(totals).toMatchObject({ requests: 8, previous: { requests: 2 }, difference_usd: "0.0165" });
    const days = `from=${iso(MONDAY)}&to=${iso(MONDAY + DAY)}&interval=day`;
    const two = await ledger.summary(`${days}&compare_from=2025-03-03&compare_to=2025-03-04`);
    expect(two.rows).toMatchObject([{ bucket: "2025-03-10T00:00:00Z", requests: 4, previous: { requests: 1 } }]);
  });

  it("carries what each bucket holds and costs: together all tokens, and the cost", async () => {
    const { totals } = await ledger.summary(`${WEEK}&application=bots&include=buckets`);
    expect(totals.buckets).toEqual({
      input: { quantity: 200, unit: "token", cost_usd: "0.0005" },
      cache_read: { quantity: 800, unit: "token", cost_usd: "0.001" },
      output: { quantity: 100, unit: "token", cost_usd: "0.001" },
      request: { quantity: 1, unit: "request", cost_usd: "0" },
    });
    expect(totals.cost_usd).toBe("0.0025");
  });

  it("carries rates of what is priced", async () => {
    const { totals, rows } = await ledger.summary(`${WEEK}&group_by=application&include=rates,latency`);
    expect(totals).toMatchObject({
      cache_hit_rate: 0.1, // 800 of 8,000
      error_rate: 0.125, // 1 of 8
      cost_per_request_usd: "0.003357142857", // 0.0235 / 7
      cost_per_1k_tokens_usd: "0.003051948052", // 0.0235 / 7.7
      latency_ms: null,
    });
    const none = rows.find((row) => row["application"] === "none");
    expect(none).toMatchObject({ cost_per_request_usd: null, cost_per_1k_tokens_usd: null, error_rate: 0 });
  });

  it.each([
    ["limit", "limit=0"],
    ["limit", "limit=1e3"],
    ["limit", "limit=10001"],
    ["order", "order=price"],
    ["order", "order=model"],
    ["include", "include=latency,costs"],
    ["compare", "compare=next"],
    ["compare", "compare=previous&compare_from=2025-01-01&compare_to=2025-01-02"],
    ["compare_to", "compare_from=2025-01-01"],
    ["compare_from", "compare_from=2025-01-02&compare_to=2025-01-02"],
  ])("names %s when it refuses %s", async (parameter, query) => {
    const { parameter: named } = await problem(await ledger.fetch(`/v1/summary?${query}`), 400, "invalid_parameter");
    expect(named).toBe(parameter);
  });
});

describe("a label with very many values", () => {
  it("tells the dearest 5,000 apart, and puts the others into one; totals stay exact", async () => {
    const ledger = await openLedger();
    for (const page of [0, 1, 2]) {
      const items = Array.from({ length: 4_000 }, (_, i) =>
        call({ user_id: `u${page * 4_000 + i}`, output_tokens: page * 4_000 + i, timestamp: MONDAY + (i % 3) * HOUR }),
      );
      expect(await ledger.write([...items, call()])).toMatchObject({ inserted: 4_001 });
    }
    const ask = async (query = ""): Promise<{ capped?: true; rows: Record<string, unknown>[]; totals: unknown }> =>
      json(await ledger.fetch(`/v1/summary?${WEEK}&group_by=user${query}`));
    const { rows, totals, capped } = await ask();
    expect(capped).toBe(true);
    expect(totals).toMatchObject({ requests: 12_003 });
    expect(rows).toHaveLength(5_002);
    // u0 to u6999 had the fewest tokens; three calls had no user.
    expect(rows.find(({ user }) => user === "(other)")).toMatchObject({ requests: 7_000 });
    expect(rows.find(({ user }) => user === null)).toMatchObject({ requests: 3 });
    expect(rows.find(({ user }) => user === "u6999")).toBeUndefined();
    expect(rows.find(({ user }) => user === "u7000")).toMatchObject({ requests: 1, output_tokens: 7_000 });
    const { rows: first } = await ask("&limit=2");
    expect(first.map(({ user, requests }) => [user, requests])).toEqual([
      ["u11999", 1],
      ["u11998", 1],
      ["(other)", 12_001],
    ]);
  });
});
