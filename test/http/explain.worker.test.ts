/** Why the cost changed: what `GET /v1/explain` says of calls that were sent, and what it cannot be asked. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Explanation } from "../../src/explain/explain.ts";
import type { RedisClient } from "../../src/redis.ts";
import { merge } from "../../src/rollup/merge.ts";
import { createSummaryCache } from "../../src/summary/cache.ts";
import {
  appWith,
  call,
  DAY,
  db,
  HOUR,
  type Item,
  json,
  type Ledger,
  ledgerOf,
  MONDAY,
  newKey,
  openLedger,
  problem,
  redis,
  WEEK,
} from "./ledger.ts";

const many = (n: number, fields: Item): Item[] => Array.from({ length: n }, () => call(fields));
const explain = async (ledger: Ledger, query = WEEK): Promise<Explanation> =>
  await json<Explanation>(await ledger.fetch(`/v1/explain?${query}`));

const NOTHING = {
  volume_usd: "0",
  model_mix_usd: "0",
  unpriced_usd: "0",
  input_length_usd: "0",
  cache_use_usd: "0",
  output_length_usd: "0",
  modality_usd: "0",
  web_search_usd: "0",
  tier_usd: "0",
  price_usd: "0",
};

/** In the week before `WEEK`. */
const BEFORE = MONDAY - 3 * DAY;

describe("100 calls in a week, and 150 in the next, longer ones and some on a cheaper model", () => {
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await openLedger();
    await ledger.write(many(100, { application: "shop", user_id: "ann", timestamp: BEFORE })); // $0.35
    await ledger.write([
      ...many(100, { application: "shop", user_id: "ann", input_tokens: 1_200 }), // $0.40
      ...many(50, { application: "shop", user_id: "bob", model: "gpt-4o-mini" }), // $0.0105
    ]);
  });

  // 50 more calls x $0.0035 = $0.175; 50 of 150 move from gpt-4o ($0.0035) to gpt-4o-mini ($0.00021);
  // 100 x 200 more input tokens x $2.50/MTok = $0.05.
  const expected = {
    from: "2025-03-10T00:00:00.000Z",
    to: "2025-03-17T00:00:00.000Z",
    compare_from: "2025-03-03T00:00:00.000Z",
    compare_to: "2025-03-10T00:00:00.000Z",
    tz: "UTC",
    as_of: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    before: expect.objectContaining({ requests: 100, input_tokens: 100_000, cost_usd: "0.35", unpriced_requests: 0 }),
    after: expect.objectContaining({ requests: 150, input_tokens: 170_000, cost_usd: "0.4105" }),
    difference_usd: "0.0605",
    parts: { ...NOTHING, volume_usd: "0.175", model_mix_usd: "-0.1645", input_length_usd: "0.05" },
    rows: [
      {
        application: "shop",
        provider: "openai",
        model: "gpt-4o",
        before_requests: 100,
        after_requests: 100,
        before_unpriced_requests: 0,
        after_unpriced_requests: 0,
        before_usd: "0.35",
        after_usd: "0.4",
        difference_usd: "0.05",
        parts: { ...NOTHING, volume_usd: "0.175", model_mix_usd: "-0.175", input_length_usd: "0.05" },
      },
      {
        application: "shop",
        provider: "openai",
        model: "gpt-4o-mini",
        before_requests: 0,
        after_requests: 50,
        before_unpriced_requests: 0,
        after_unpriced_requests: 0,
        before_usd: "0",
        after_usd: "0.0105",
        difference_usd: "0.0105",
        parts: { ...NOTHING, model_mix_usd: "0.0105" },
      },
    ],
  };

  it("are explained by volume, model mix and input length, to the last digit", async () => {
    expect(await explain(ledger)).toEqual(expected);
  });

  it("are explained alike with the periods spelt out, with ragged edges, and once partial rows are merged", async () => {
    const spelt = `${WEEK}&compare_from=2025-03-03&compare_to=2025-03-10`;
    expect(await explain(ledger, spelt)).toEqual(expected);
    const { rows } = await explain(
      ledger,
      `from=${MONDAY - 1}&to=${MONDAY + 1}&compare_from=${BEFORE}&compare_to=${BEFORE + 1}`,
    );
    expect(rows).toEqual(expected.rows);
    await merge(db, Date.now, Number.POSITIVE_INFINITY);
    expect(await explain(ledger, `${spelt}&environment=unknown`)).toEqual(expected);
  });

  it("the other way round, the difference is the opposite", async () => {
    const { difference_usd, parts } = await explain(
      ledger,
      "from=2025-03-03&to=2025-03-10&compare_from=2025-03-10&compare_to=2025-03-17",
    );
    expect(difference_usd).toBe("-0.0605");
    // -50 of 150 calls: a third of $0.4105.
    expect(parts.volume_usd).toBe("-0.136833333333");
  });

  it.each([
    ["model=gpt-4o-mini", { volume_usd: "0.0105" }, "0.0105"],
    ["user=bob", { volume_usd: "0.0105" }, "0.0105"],
    ["user=ann", { input_length_usd: "0.05" }, "0.05"],
    ["application=shop&application=desk&operation=chat", expected.parts, "0.0605"],
    ["application=desk", {}, "0"],
    ["tag.team=red", {}, "0"],
  ])("filtered by %s, what is left is explained", async (filter, parts, difference) => {
    const explained = await explain(ledger, `${WEEK}&${filter}`);
    expect(explained.parts).toEqual({ ...NOTHING, ...parts });
    expect(explained.difference_usd).toBe(difference);
  });
});

it("explains a calendar month against the one before, in the zone", async () => {
  const ledger = await openLedger();
  // 28 February 23:30 UTC is March in Berlin.
  await ledger.write([
    call({ timestamp: "2025-02-28T22:30:00Z" }),
    call({ timestamp: "2025-02-28T23:30:00Z" }),
    call({ timestamp: "2025-03-31T21:59:59Z" }),
  ]);
  const explained = await explain(ledger, "from=2025-03-01&to=2025-04-01&tz=Europe/Berlin");
  expect(explained).toMatchObject({
    compare_from: "2025-01-31T23:00:00.000Z",
    compare_to: "2025-02-28T23:00:00.000Z",
    before: { requests: 1 },
    after: { requests: 2 },
    difference_usd: "0.0035",
    parts: { ...NOTHING, volume_usd: "0.0035" },
  });
});

it.each<[string, Item[], Item[], Record<string, string>]>([
  [
    "cache use: 600 of 1,000 tokens at half of $2.50/MTok = -$0.00075",
    [{}],
    [{ cache_read_tokens: 600 }],
    { cache_use_usd: "-0.00075" },
  ],
  ["tier: flex costs half of $0.0035", [{}], [{ service_tier: "flex" }], { tier_usd: "-0.00175" }],
  ["no tier: default is the standard one", [{}], [{ service_tier: "default" }], {}],
  ["output length: 50 more tokens x $10/MTok", [{}], [{ output_tokens: 150 }], { output_length_usd: "0.0005" }],
  [
    "unpriced: a call at a tier without price, instead of one of $0.0035",
    [{}, {}],
    [{}, { service_tier: "scale" }],
    { unpriced_usd: "-0.0035" },
  ],
  ["unpriced: a call whose usage is unknown", [{}, {}], [{}, { output_tokens: null }], { unpriced_usd: "-0.0035" }],
  ["volume: an application that is new", [], [{}], { volume_usd: "0.0035" }],
])("%s", async (_, before, after, parts) => {
  const ledger = await openLedger();
  await ledger.write([...before.map((fields) => call({ ...fields, timestamp: BEFORE })), ...after.map(call)]);
  expect((await explain(ledger)).parts).toEqual({ ...NOTHING, ...parts });
});

it("price: twice the price from the later week on, $0.0024 more a call; other names of the standard tier are no tier", async () => {
  const ledger = await openLedger();
  const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]), appWith({}));
  // $2/MTok x 1,000 + $4/MTok x 100 = $0.0024 a call
  const price = { model: "acme-1", provider: "us", starts_at: "2020-01-01", ends_at: MONDAY };
  await json(
    await admin.post({ ...price, usd_per_million_tokens: { input: "2", output: "4" } }, {}, "/v1/prices"),
    201,
  );
  const dearer = { ...price, starts_at: MONDAY, ends_at: undefined };
  await json(
    await admin.post({ ...dearer, usd_per_million_tokens: { input: "4", output: "8" } }, {}, "/v1/prices"),
    201,
  );
  const acme = { model: "acme-1", provider: "us" };
  await admin.write([call({ ...acme, timestamp: BEFORE }), call({ ...acme, service_tier: "default" })]);
  expect((await explain(ledger)).parts).toEqual({ ...NOTHING, price_usd: "0.0024" });
});

it("says what is not priced, null where nothing is, and calls it no price change", async () => {
  const ledger = await openLedger();
  await ledger.write([
    call({ provider: "us", model: "home-made", timestamp: BEFORE }),
    call({ provider: "us", model: "home-made" }),
    call({ provider: "us", model: "home-made" }),
  ]);
  const unpriced = await explain(ledger);
  expect(unpriced).toMatchObject({
    before: { cost_usd: null, unpriced_requests: 1 },
    after: { cost_usd: null, unpriced_requests: 2 },
    difference_usd: "0",
    rows: [{ before_usd: null, after_usd: null, before_unpriced_requests: 1, parts: NOTHING }],
  });

  // A price from the later week on heals its two calls: 2 x (1,000 x $2/MTok + 100 x $4/MTok) = $0.0048.
  const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
  const price = { model: "home-made", starts_at: MONDAY, usd_per_million_tokens: { input: "2", output: "4" } };
  await json(await admin.post(price, {}, "/v1/prices"), 201);
  await expect
    .poll(() => explain(ledger), { timeout: 5_000 })
    .toMatchObject({
      before: { cost_usd: null },
      after: { cost_usd: "0.0048" },
      difference_usd: "0.0048",
      parts: { ...NOTHING, unpriced_usd: "0.0048" },
    });
});

it("explains nothing by nothing where there are no calls", async () => {
  const ledger = await openLedger();
  expect(await explain(ledger)).toMatchObject({
    before: { requests: 0, cost_usd: "0" },
    after: { requests: 0, cost_usd: "0" },
    difference_usd: "0",
    parts: NOTHING,
    rows: [],
  });
});

it("puts the largest difference first, whichever way it goes", async () => {
  const ledger = await openLedger();
  await ledger.write([
    ...many(3, { application: "falls", timestamp: BEFORE }),
    ...many(2, { application: "rises" }),
    ...many(1, { application: "b" }),
    ...many(1, { application: "a" }),
  ]);
  const { rows } = await explain(ledger);
  expect(rows.map(({ application, difference_usd }) => [application, difference_usd])).toEqual([
    ["falls", "-0.0105"],
    ["rises", "0.007"],
    ["a", "0.0035"],
    ["b", "0.0035"],
  ]);
});

describe("is cached as a summary is", () => {
  it("miss, hit, 304, and seen at once after a write to the earlier period", async () => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({}));
    await ledger.write([call()]);
    const get = (headers: Record<string, string> = {}) => ledger.fetch(`/v1/explain?${WEEK}`, { headers });
    let response = await get();
    for (let i = 0; i < 2 && response.headers.get("x-cache") !== "hit"; i++) response = await get();
    expect(response.headers.get("x-cache")).toBe("hit");
    const etag = response.headers.get("etag")!;
    expect((await get({ "if-none-match": etag })).status).toBe(304);
    expect((await get({ "cache-control": "no-cache" })).headers.get("x-cache")).toBe("bypass");

    await ledger.write([call({ timestamp: BEFORE })]);
    const after = await get({ "if-none-match": etag });
    expect(after.headers.get("x-cache")).toBe("miss");
    expect(await json<Explanation>(after)).toMatchObject({ before: { requests: 1 }, difference_usd: "0" });
  });

  it("for a second only, where the period compared with reaches into the current hour", async () => {
    const { projectId, key } = await openLedger();
    const now = MONDAY + HOUR / 2;
    let ttlMs = 0;
    const watched: RedisClient = {
      ...redis,
      set: async (name, value, ttl) => {
        if (name.startsWith("summary:")) ttlMs = ttl ?? 0;
        return await redis.set(name, value, ttl);
      },
    };
    const ledger = ledgerOf(
      projectId,
      key,
      appWith({ now: () => now, cache: createSummaryCache(watched, { renew: async () => true }, () => now) }),
    );
    await ledger.write([call({ timestamp: BEFORE })]);
    for (let i = 0; i < 2; i++)
      await explain(ledger, `from=2025-03-03&to=2025-03-04&compare_from=2025-03-10&compare_to=2025-03-11`);
    expect(ttlMs).toBe(1_000);
  });
});

describe("cannot be asked", () => {
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await openLedger();
  });

  it.each([
    ["group_by=model", "group_by"],
    ["interval=day", "interval"],
    ["include=latency", "include"],
    ["service_tier=flex", "service_tier"],
    ["from=2025-03-11&to=2025-03-10", "from"],
    ["from=yesterday", "from"],
    ["tz=Mars/Olympus", "tz"],
    ["compare=", "compare"],
    ["compare=year", "compare"],
    ["compare=previous&compare_from=2025-03-01&compare_to=2025-03-02", "compare"],
    ["compare_from=2025-03-01", "compare_to"],
    ["compare_to=2025-03-01", "compare_from"],
    ["compare_from=2025-03-02&compare_to=2025-03-01", "compare_from"],
    ["compare_from=x&compare_to=2025-03-01", "compare_from"],
    ["compare_from=2025-03-01&compare_to=2025-03-02&compare_to=2025-03-03", "compare_to"],
    ["from=2000-01-01&to=2099-12-31", "compare"],
    ["user=ann&tag.team=a", "tag.team"],
    ["model=", "model"],
  ])("%s is refused by name", async (query, parameter) => {
    const body = await problem(await ledger.fetch(`/v1/explain?${query}`), 400, "invalid_parameter");
    expect(body["parameter"]).toBe(parameter);
    expect(body.detail).toContain(parameter);
  });

  it("without a key that may read", async () => {
    await problem(await ledger.fetch("/v1/explain", { headers: { authorization: "" } }), 401, "unauthorized");
    const writer = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["ingest"]));
    await problem(await writer.fetch("/v1/explain"), 403, "forbidden");
  });

  it("never shows one project's cost to another", async () => {
    const other = await openLedger();
    await other.write([call()]);
    expect((await explain(ledger)).rows).toEqual([]);
  });
});
