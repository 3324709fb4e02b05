/** What a summary says: its fields, groups, filters and order. Ranges and zones have their own file. */
import { beforeAll, describe, expect, it } from "vitest";
import { call, DAY, HOUR, iso, MONDAY, openLedger, WEEK, type Item, type Ledger } from "./ledger.ts";

const ZEROS = {
  requests: 0,
  errors: 0,
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: "0",
  recorded_cost_usd: "0",
  reported_cost_usd: "0",
  reported_requests: 0,
  unpriced_requests: 0,
  unpriced_tokens: 0,
  inexact_requests: 0,
  inexact_cost_usd: "0",
  plan_cost_usd: "0",
};

describe("without calls", () => {
  it.each(["", "&group_by=model,user", "&interval=day", "&group_by=tag.team&interval=hour"])(
    "answers zeros and no rows%s",
    async (rest) => {
      const ledger = await openLedger();
      expect(await ledger.summary(WEEK + rest)).toEqual({
        from: "2025-03-10T00:00:00.000Z",
        to: "2025-03-17T00:00:00.000Z",
        tz: "UTC",
        interval: /interval=(\w+)/.exec(rest)?.[1] ?? "none",
        as_of: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        totals: ZEROS,
        rows: [],
      });
    },
  );

  it("knows no latency", async () => {
    const ledger = await openLedger();
    expect((await ledger.summary(`${WEEK}&include=latency`)).totals).toEqual({ ...ZEROS, latency_ms: null });
  });
});

describe("over a week of calls", () => {
  let ledger: Ledger;

  // Costs at $2.50 in, $10 out (gpt-4o) and $0.15 in, $0.60 out (gpt-4o-mini) per million tokens.
  const calls: Item[] = [
    call({ application: "shop", user_id: "ann", tags: { team: "a" } }), // 0.0035
    call({ application: "shop", user_id: "bob", tags: { team: "a" }, timestamp: MONDAY + HOUR }), // 0.0035
    call({ application: "shop", model: "gpt-4o-mini", user_id: "ann", timestamp: MONDAY + DAY }), // 0.00021
    call({ application: "desk", timestamp: MONDAY + DAY, environment: "prod" }), // 0.0035
    call({ application: "desk", model: "home-made", provider: "us", user_id: "ann", timestamp: MONDAY + 2 * DAY }),
    call({ application: "desk", status: "error", input_tokens: null, output_tokens: null, tags: { team: "b" } }),
  ];

  beforeAll(async () => {
    ledger = await openLedger();
    expect(await ledger.write(calls)).toMatchObject({ inserted: 6, errors: [] });
  });

  it("answers one row equal to the totals, without group and interval", async () => {
    const { totals, rows } = await ledger.summary(WEEK);
    expect(totals).toEqual({
      ...ZEROS,
      requests: 6,
      errors: 1,
      input_tokens: 5_000,
      output_tokens: 500,
      total_tokens: 5_500,
      cost_usd: "0.01071",
      recorded_cost_usd: "0.01071",
      reported_cost_usd: null,
      unpriced_requests: 1,
      unpriced_tokens: 1_100,
      inexact_requests: 0,
      inexact_cost_usd: "0",
      plan_cost_usd: "0",
    });
    expect(rows).toEqual([totals]);
  });

  it("puts group keys at top level; null is the cost where nothing is priced, 0 where it was free", async () => {
    const { rows } = await ledger.summary(`${WEEK}&group_by=model`);
    expect(
      rows.map(({ model, requests, cost_usd, unpriced_requests }) => [model, requests, cost_usd, unpriced_requests]),
    ).toEqual([
      ["gpt-4o", 4, "0.0105", 0],
      ["gpt-4o-mini", 1, "0.00021", 0],
      ["home-made", 1, null, 1],
    ]);
    for (const row of rows) expect(Object.keys(row)).toEqual(["model", ...Object.keys(ZEROS)]);
  });

  it("sums what is priced where a group is mixed", async () => {
    const { rows } = await ledger.summary(`${WEEK}&group_by=application`);
    expect(rows).toMatchObject([
      { application: "shop", requests: 3, cost_usd: "0.00721", unpriced_requests: 0 },
      { application: "desk", requests: 3, errors: 1, cost_usd: "0.0035", unpriced_requests: 1 },
    ]);
  });

  it("orders by bucket, then cost descending, then keys", async () => {
    const { rows } = await ledger.summary(`${WEEK}&group_by=application,model&interval=day`);
    expect(rows.map(({ bucket, application, model, cost_usd }) => [bucket, application, model, cost_usd])).toEqual([
      ["2025-03-10T00:00:00Z", "shop", "gpt-4o", "0.007"],
      ["2025-03-10T00:00:00Z", "desk", "gpt-4o", "0"],
      ["2025-03-11T00:00:00Z", "desk", "gpt-4o", "0.0035"],
      ["2025-03-11T00:00:00Z", "shop", "gpt-4o-mini", "0.00021"],
      ["2025-03-12T00:00:00Z", "desk", "home-made", null],
    ]);
  });

  it("groups by several keys in the order asked", async () => {
    const { rows } = await ledger.summary(`${WEEK}&group_by=operation,environment,provider`);
    expect(Object.keys(rows[0]!).slice(0, 3)).toEqual(["operation", "environment", "provider"]);
    expect(rows.map(({ operation, environment, provider }) => [operation, environment, provider])).toEqual([
      ["chat", "unknown", "openai"],
      ["chat", "prod", "openai"],
      ["chat", "unknown", "us"],
    ]);
  });

  it("groups by user, calls without one under null", async () => {
    const { rows, totals } = await ledger.summary(`${WEEK}&group_by=user`);
    expect(rows.map(({ user, requests, cost_usd }) => [user, requests, cost_usd])).toEqual([
      ["ann", 3, "0.00371"],
      ["bob", 1, "0.0035"],
      [null, 2, "0.0035"],
    ]);
    expect(totals.requests).toBe(6);
  });

  it("groups by a tag and a dimension at once, null beside values", async () => {
    const { rows, totals } = await ledger.summary(`${WEEK}&group_by=tag.team,application`);
    expect(rows.map((row) => [row["tag.team"], row["application"], row.requests, row.cost_usd])).toEqual([
      ["a", "shop", 2, "0.007"],
      [null, "desk", 2, "0.0035"],
      [null, "shop", 1, "0.00021"],
      ["b", "desk", 1, "0"],
    ]);
    expect(totals).toMatchObject({ requests: 6, cost_usd: "0.01071" });
  });

  it("puts all calls under null for a tag that none has", async () => {
    const { rows, totals } = await ledger.summary(`${WEEK}&group_by=tag.nobody-has-it`);
    expect(rows).toEqual([{ "tag.nobody-has-it": null, ...totals }]);
  });

  it.each([
    ["application=shop", 3],
    ["application=shop&application=desk", 6],
    ["application=shop&model=gpt-4o", 2],
    ["model=gpt-4o&model=gpt-4o-mini&application=shop", 3],
    ["environment=prod", 1],
    ["provider=us", 1],
    ["operation=chat", 6],
    ["operation=embeddings", 0],
    ["user=ann", 3],
    ["user=ann&user=bob", 4],
    ["user=ann&model=gpt-4o", 1],
    ["tag.team=a", 2],
    ["tag.team=a&tag.team=b", 3],
    ["tag.team=a&tag.team=b&application=desk", 1],
    ["application=SHOP", 0],
    ["application=s%25", 0],
    [`application=${encodeURIComponent(`x' or 1=1 --`)}`, 0],
    [`tag.${encodeURIComponent(`x";drop`)}=a`, 0],
  ])("filters: several of one name are or, names together are and: %s", async (filter, requests) => {
    const { totals, rows } = await ledger.summary(`${WEEK}&${filter}`);
    expect(totals.requests).toBe(requests);
    expect(rows).toEqual(requests === 0 ? [] : [totals]);
  });

  it("covers in totals all that the filters match, however it is grouped", async () => {
    const { totals } = await ledger.summary(`${WEEK}&application=shop`);
    for (const rest of [
      "&group_by=user",
      "&group_by=tag.team,model&interval=hour",
      "&interval=week",
      "&group_by=model",
    ]) {
      const answer = await ledger.summary(`${WEEK}&application=shop${rest}`);
      expect(answer.totals, rest).toEqual(totals);
      expect(answer.rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(totals.requests);
    }
  });

  it("shows a filtered label as a group without null", async () => {
    const { rows } = await ledger.summary(`${WEEK}&group_by=user&user=ann&user=cyd`);
    expect(rows).toMatchObject([{ user: "ann", requests: 3 }]);
  });
});

describe("latency", () => {
  it("is within 1% of the durations, over groups, hours and raw edges alike", async () => {
    const ledger = await openLedger();
    const durations = Array.from({ length: 200 }, (_, i) => Math.round(1_000 * 1.05 ** i) / 1_000 + 3);
    await ledger.write([
      ...durations.map((duration_ms, i) =>
        call({ duration_ms, timestamp: MONDAY + i * 25 * 60_000, user_id: `u${i % 2}` }),
      ),
      call({ timestamp: MONDAY + 1 }),
    ]);
    const range = `from=${iso(MONDAY)}&to=${iso(MONDAY + 199 * 25 * 60_000 + 1)}`;
    const { totals } = await ledger.summary(`${range}&include=latency`);
    const at = (quantile: number): number => durations[Math.floor(quantile * 199)]!;
    const expected = { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
    for (const [name, value] of Object.entries(expected)) {
      const shown = totals.latency_ms![name as "p50"];
      expect(Math.abs(shown - value) / value, `${name}: ${shown} for ${value}`).toBeLessThanOrEqual(0.0101);
    }
    const mean = durations.reduce((sum, duration) => sum + duration, 0) / 200;
    expect(totals.latency_ms!.mean).toBeCloseTo(mean, 2);

    const grouped = await ledger.summary(`${range}&include=latency&group_by=user`);
    expect(grouped.totals.latency_ms).toEqual(totals.latency_ms);
    expect(grouped.rows.map(({ user }) => user).sort()).toEqual([null, "u0", "u1"].sort());
    expect(grouped.rows.find(({ user }) => user === null)!.latency_ms).toBeNull();
  });

  it("is left out unless asked for", async () => {
    const ledger = await openLedger();
    await ledger.write([call({ duration_ms: 5 })]);
    expect((await ledger.summary(WEEK)).totals).not.toHaveProperty("latency_ms");
  });
});

it("keeps counts and money exact past what a float holds", async () => {
  const ledger = await openLedger();
  // 300 x 2,147,483,647 tokens and one more, at 2,500,000 pico-USD each: 1.6e18 pico-USD, past 2^53.
  const big = Array.from({ length: 300 }, () => call({ input_tokens: 2_147_483_647, output_tokens: 0 }));
  await ledger.write([...big, call({ input_tokens: 1, output_tokens: 0 })]);
  const tokens = 300n * 2_147_483_647n + 1n;
  const pico = tokens * 2_500_000n;
  const usd = `${pico / 10n ** 12n}.${(pico % 10n ** 12n).toString().padStart(12, "0").replace(/0+$/, "")}`;
  expect((await ledger.summary(WEEK)).totals).toMatchObject({ input_tokens: Number(tokens), cost_usd: usd });
});
