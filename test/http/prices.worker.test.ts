/** Custom prices: made, listed, refused, applied to calls; and the models that have no price. */
import { sql } from "drizzle-orm";
import { describe, expect, it, vi } from "vitest";
import { DatabaseUnavailable, type Database } from "../../src/db/client.ts";
import { MAX_CUSTOM_PRICES } from "../../src/pricing/custom-price-store.ts";
import { merge } from "../../src/rollup/merge.ts";
import {
  admin,
  appWith,
  call,
  DAY,
  db,
  iso,
  json,
  ledgerOf,
  MONDAY,
  newKey,
  openLedger,
  problem,
  WEEK,
  type Fetch,
  type Item,
  type Ledger,
} from "./ledger.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Shown = Record<string, unknown> & { id: string; project_id: string | null };
interface Unpriced {
  models: Record<string, unknown>[];
  next_cursor: null;
}

/** A project with a key of scope `admin`. */
async function open(fetch?: Fetch): Promise<Ledger> {
  const { projectId } = await openLedger();
  return ledgerOf(projectId, await newKey(projectId, ["admin"]), fetch);
}

/** $2/MTok in, $4 out of the model `acme-1`, from 2020 on, changed as told. */
function price(changes: Item = {}): Item {
  return {
    model: "acme-1",
    starts_at: "2020-01-01",
    usd_per_million_tokens: { input: "2", output: "4" },
    ...changes,
  };
}

const factor = (decimal: string, changes: Item = {}): Item =>
  price({ usd_per_million_tokens: undefined, factor: decimal, model: "gpt-4o", ...changes });

const post = async (ledger: Ledger, body: unknown): Promise<Response> => await ledger.post(body, {}, "/v1/prices");
/** The price, without what becomes of past calls. */
const made = async (ledger: Ledger, body: Item): Promise<Shown> => {
  const { healing: _, ...shown } = await json<Shown & { healing: unknown }>(await post(ledger, body), 201);
  return shown as Shown;
};
const list = async (ledger: Ledger): Promise<Shown[]> => {
  const body = await json<{ prices: Shown[]; next_cursor: null }>(await ledger.fetch("/v1/prices"));
  expect(body.next_cursor).toBeNull();
  return body.prices;
};

/** `cost_usd` of the week's calls. */
const cost = async (ledger: Ledger): Promise<unknown> => (await ledger.summary(WEEK)).totals["cost_usd"];

describe("a price is made", () => {
  it("with 201 and all that was said, and is listed", async () => {
    const ledger = await open();
    const shown = await made(ledger, {
      provider: "OpenAI.chat",
      model: "ft:gpt-4o:*",
      service_tier: " Priority",
      starts_at: "2025-03-01T00:00:00+01:00",
      ends_at: MONDAY,
      usd_per_million_tokens: { input: "2.50", cache_read: "0.000001", output_audio: "0" },
    });
    expect(shown).toEqual({
      id: expect.stringMatching(UUID),
      project_id: ledger.projectId,
      provider: "openai",
      model: "ft:gpt-4o:*",
      match: "prefix",
      aliases: [],
      service_tier: "priority",
      starts_at: "2025-02-28T23:00:00.000Z",
      ends_at: iso(MONDAY),
      usd_per_million_tokens: { input: "2.5", cache_read: "0.000001", output_audio: "0" },
      usd_per_thousand: null,
      steps: null,
      factor: null,
      multipliers: null,
      same_as: null,
      created_at: expect.stringMatching(INSTANT),
    });
    expect(await list(ledger)).toContainEqual(shown);
  });

  it("with fees for calls and searches, which are on the receipt", async () => {
    const ledger = await open();
    const fees = { request: "12.50", web_search: "0.000001" };
    const tokens = { input: "2", input_image: "3", output: "4", output_image: "30" };
    const shown = await made(ledger, price({ usd_per_million_tokens: tokens, usd_per_thousand: fees }));
    expect(shown).toMatchObject({
      usd_per_million_tokens: tokens,
      usd_per_thousand: { request: "12.5", web_search: "0.000001" },
    });
    expect(
      await made(ledger, price({ model: "acme-2", usd_per_million_tokens: undefined, usd_per_thousand: fees })),
    ).toMatchObject({
      usd_per_million_tokens: null,
    });
    const images = { input_tokens: 1_000, input_image_tokens: 400, output_tokens: 100, output_image_tokens: 90 };
    await ledger.write([call({ model: "acme-1", ...images, web_searches: 7 })]);
    // 600 x $2 + 400 x $3 + 10 x $4 + 90 x $30 per MTok + $12.50 / 1,000 + 7 x $0.000001 / 1,000
    // = $0.0012 + $0.0012 + $0.00004 + $0.0027 + $0.0125 + $0.000000007
    expect(await cost(ledger)).toBe("0.017640007");
    expect(await json(await ledger.fetch("/v1/audit?from=2025-03-10&to=2025-03-17"))).toMatchObject({ ok: true });
  });

  it("of a factor, and of an alias with one", async () => {
    const ledger = await open();
    expect(await made(ledger, factor("0.5"))).toMatchObject({
      factor: "0.5",
      usd_per_million_tokens: null,
      same_as: null,
      match: "exact",
      provider: null,
      service_tier: null,
      ends_at: null,
    });
    const alias = { model: "d1", starts_at: "2020-01-01", same_as: { provider: "openai", model: "gpt-4o" } };
    expect(await made(ledger, { ...alias, factor: "1.10" })).toMatchObject({
      factor: "1.10",
      same_as: { provider: "openai", model: "gpt-4o" },
    });
  });

  it("with all that it may say, and is applied so", async () => {
    const ledger = await open();
    const shown = await made(ledger, {
      model: "*:long",
      aliases: ["acme-9", "acme-1*"],
      starts_at: "2020-01-01",
      usd_per_million_tokens: {
        input: "2",
        output: "4",
        cache_read: "1",
        cache_read_audio: "3",
        cache_read_image: "2",
      },
      usd_per_thousand: { request: "1", image: "40", audio_second: "0.011111111", page: "0.000000001" },
      steps: [
        { above_input_tokens: 2_000, usd_per_million_tokens: { input: "6" } },
        { above_input_tokens: 1_000, usd_per_million_tokens: { input: "4", output: "8" } },
      ],
      multipliers: { service_tier: { ON_DEMAND_PRIORITY: "1.5" }, inference_geo: { EU: "1.10" } },
    });
    expect(shown).toMatchObject({
      model: "*:long",
      match: "suffix",
      aliases: ["acme-9", "acme-1*"],
      usd_per_thousand: { request: "1", image: "40", audio_second: "0.011111111", page: "0.000000001" },
      steps: [
        { above_input_tokens: 1_000, usd_per_million_tokens: { input: "4", output: "8" } },
        { above_input_tokens: 2_000, usd_per_million_tokens: { input: "6" } },
      ],
      multipliers: { service_tier: { priority: "1.5" }, inference_geo: { eu: "1.10" } },
    });
    expect(await list(ledger)).toContainEqual(shown);
    const tokens = { input_tokens: 3_000, cache_read_tokens: 500, output_tokens: 100 };
    await ledger.write([
      // 1,000 x $2 + 100 x $4 + $0.001
      call({ model: "any:long", input_tokens: 1_000, output_tokens: 100 }),
      // (2,500 x $6 + 500 x $1 + 100 x $8) x 1.5 x 1.1 + $0.001
      call({ model: "acme-9", ...tokens, service_tier: "priority+eu" }),
      // 2 x $0.04 + 3 s x 11,111,111 pico-USD + $0.001
      call({ model: "acme-12", output_images: 2, audio_seconds: 3, input_tokens: null, output_tokens: null }),
    ]);
    // $0.0034 + $0.027895 + $0.001 + $0.081033333333
    expect(await cost(ledger)).toBe("0.112328333333");
    expect(await json(await ledger.fetch("/v1/audit?from=2025-03-10&to=2025-03-17"))).toMatchObject({ ok: true });
  });

  it("for names that no other price has at that time, its aliases among them", async () => {
    const ledger = await open();
    await made(ledger, price({ model: "*:free", aliases: ["acme-2", "acme-3*"] }));
    const taken = ["*:free", "acme-2", "acme-3*"];
    for (const model of taken) {
      await problem(await post(ledger, price({ model })), 409, "price_overlap");
      await problem(await post(ledger, price({ model: "x", aliases: ["y", model] })), 409, "price_overlap");
    }
    await problem(await post(ledger, price({ model: ":free", match: "suffix" })), 409, "price_overlap");
    // Patterns may cover the same names: the longer one wins.
    for (const model of [":free", "acme-3", "acme-2*", "*-2"]) await made(ledger, price({ model }));
  });

  it("as a prefix in either spelling, for the standard tier by any of its names", async () => {
    const ledger = await open();
    expect(await made(ledger, price({ model: "a-", match: "prefix" }))).toMatchObject({
      model: "a-*",
      match: "prefix",
    });
    await problem(await post(ledger, price({ model: "a-*", match: "prefix" })), 409, "price_overlap");
    expect(await made(ledger, price({ service_tier: "default" }))).toMatchObject({ service_tier: null });
    await problem(await post(ledger, price({ service_tier: "" })), 409, "price_overlap");
  });

  it("by an API key for its own project only; by the admin key for any, or for all", async () => {
    const [ledger, other] = [await open(), await open()];
    const { projectId } = ledger;
    expect(await made(ledger, price({ project_id: projectId }))).toMatchObject({ project_id: projectId });
    await problem(await post(ledger, price({ project_id: other.projectId })), 403, "forbidden");
    await problem(await post(ledger, price({ project_id: null })), 403, "forbidden");
    const byAdmin = async (body: Item) => await admin("POST", "/v1/prices", body);
    const named = await json<Shown>(await byAdmin(price({ project_id: other.projectId })), 201);
    expect((await list(other)).map(({ id }) => id)).toContain(named.id);
    expect((await list(ledger)).map(({ id }) => id)).not.toContain(named.id);
    expect((await problem(await byAdmin(price()), 400, "invalid_body")).detail).toContain("project_id");
    for (const id of ["00000000-0000-4000-8000-0000000000ff", "00000000-0000-0000-0000-000000000000"])
      await problem(await byAdmin(price({ project_id: id })), 404, "not_found");

    const model = `global-${crypto.randomUUID()}`;
    const { healing, ...global } = await json<Shown & { healing: null }>(
      await byAdmin(price({ project_id: null, model })),
      201,
    );
    expect(healing).toBeNull();
    expect(global).toMatchObject({ project_id: null, model });
    for (const each of [ledger, other]) expect(await list(each)).toContainEqual(global);
  });

  it("with the scope admin only; lists need read", async () => {
    const { projectId } = await open();
    const reader = ledgerOf(projectId, await newKey(projectId, ["read"]));
    const writer = ledgerOf(projectId, await newKey(projectId, ["ingest"]));
    for (const ledger of [reader, writer]) await problem(await post(ledger, price()), 403, "forbidden");
    expect((await reader.fetch("/v1/prices")).status).toBe(200);
    expect((await reader.fetch("/v1/prices/unpriced")).status).toBe(200);
    await problem(await writer.fetch("/v1/prices"), 403, "forbidden");
    await problem(await writer.fetch("/v1/prices/unpriced"), 403, "forbidden");
    await problem(await ledgerOf(projectId, "lct_nonsense").fetch("/v1/prices"), 401, "unauthorized");
    await problem(await post(ledgerOf(projectId, "lct_nonsense"), price()), 401, "unauthorized");
  });

  it("once for one Idempotency-Key, however often and at once it is asked for", async () => {
    const ledger = await open(appWith({}));
    const key = crypto.randomUUID();
    const ask = async (body: Item): Promise<Response> =>
      await ledger.post(body, { "idempotency-key": key }, "/v1/prices");
    const body = price({ aliases: ["acme-2"], usd_per_thousand: { request: "1" }, service_tier: "batch" });
    const asked = await Promise.all([body, body, body].map(ask));
    const [first, ...others] = await Promise.all(asked.map((response) => json<Shown>(response, 201)));
    const again = await json<Shown>(await ask(body), 201);
    for (const other of [...others, again]) expect(other).toEqual(first);
    for (const wrong of [
      { starts_at: "2020-01-02" },
      { usd_per_million_tokens: { input: "2", output: "5" } },
      { aliases: [] },
    ])
      await problem(await ask({ ...body, ...wrong }), 422, "idempotency_mismatch");
    const { healing: _, ...shown } = first!;
    expect((await list(ledger)).filter(({ project_id }) => project_id !== null)).toEqual([shown]);
    await problem(await post(ledger, body), 409, "price_overlap");
  });

  it("also for a factor with multipliers, and by the admin key for each project", async () => {
    const key = crypto.randomUUID();
    const [a, b] = [await open(), await open()];
    const body = factor("0.90", { multipliers: { service_tier: { priority: "1.5" } } });
    const ask = async (project_id: string): Promise<string> => {
      const response = await admin("POST", "/v1/prices", { ...body, project_id }, undefined, {
        "idempotency-key": key,
      });
      return (await json<Shown>(response, 201)).id;
    };
    const ids = [await ask(a.projectId), await ask(b.projectId), await ask(a.projectId)];
    expect(ids).toEqual([ids[0], expect.not.stringMatching(ids[0]!), ids[0]]);
  });

  it("and stays: prices are not changed nor deleted", async () => {
    const ledger = await open();
    const { id } = await made(ledger, price());
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      await problem(await ledger.fetch("/v1/prices", { method }), 405, "method_not_allowed");
      await problem(await ledger.fetch(`/v1/prices/${id}`, { method }), 404, "not_found");
    }
  });
});

describe("a price is refused", () => {
  const units = (units: unknown): Item => ({ usd_per_million_tokens: units });
  const onlyFee = { usd_per_thousand: { request: "1" } };
  const step = (above: unknown, units: unknown = { input: "4" }): Item => ({
    above_input_tokens: above,
    usd_per_million_tokens: units,
  });
  it.each<[string, Item]>([
    ["usd_per_million_tokens.input", units({ input: "-1" })],
    ["usd_per_million_tokens.input", units({ input: "NaN" })],
    ["usd_per_million_tokens.input", units({ input: "Infinity" })],
    ["usd_per_million_tokens.input", units({ input: "" })],
    ["usd_per_million_tokens.input", units({ input: " 1" })],
    ["usd_per_million_tokens.input", units({ input: "1e3" })],
    ["usd_per_million_tokens.input", units({ input: "1." })],
    ["usd_per_million_tokens.input", units({ input: "0.0000001" })],
    ["usd_per_million_tokens.input", units({ input: "1234567890" })],
    ["usd_per_million_tokens.output", units({ input: "1", output: 2 })],
    ["usd_per_million_tokens.output", units({ input: "1", output: null })],
    ["usd_per_million_tokens", units({})],
    ["usd_per_million_tokens", units([])],
    ["usd_per_million_tokens", units("1")],
    ["usd_per_million_tokens", units(undefined)],
    ["usd_per_million_tokens", units({ image: "1" })],
    ["usd_per_million_tokens", units(JSON.parse('{"__proto__":"1"}'))],
    ["factor", { factor: "0.5" }],
    ["usd_per_thousand.request", { usd_per_thousand: { request: "-1" } }],
    ["usd_per_thousand.request", { usd_per_thousand: { request: "NaN" } }],
    ["usd_per_thousand.image", { usd_per_thousand: { image: 1 } }],
    ["usd_per_thousand.page", { usd_per_thousand: { page: "0.0000000001" } }],
    ["usd_per_thousand", { usd_per_thousand: { input: "1" } }],
    ["usd_per_thousand", { usd_per_thousand: { minute: "1" } }],
    ["usd_per_thousand", { usd_per_thousand: {} }],
    ["steps", { steps: [] }],
    ["steps", { steps: {} }],
    ["steps", { steps: [step(1_000), step(1_000, { output: "5" })] }],
    ["steps", { ...factor("2"), steps: [step(1_000)] }],
    ["steps.0.above_input_tokens", { steps: [step(0)] }],
    ["steps.0.above_input_tokens", { steps: [step(-5)] }],
    ["steps.0.above_input_tokens", { steps: [step(1.5)] }],
    ["steps.0.above_input_tokens", { steps: [step("200000")] }],
    ["steps.0.above_input_tokens", { steps: [step(2 ** 31)] }],
    ["steps.1.usd_per_million_tokens", { steps: [step(1), step(2, {})] }],
    ["steps.0.usd_per_million_tokens.input", { steps: [step(1, { input: "-1" })] }],
    ["steps.0.usd_per_million_tokens", { steps: [step(1, { request: "1" })] }],
    ["steps.0", { steps: [{ ...step(1), usd_per_thousand: { request: "1" } }] }],
    ["multipliers", { multipliers: {} }],
    ["multipliers", { multipliers: { region: { us: "1.1" } } }],
    ["multipliers.service_tier", { multipliers: { service_tier: {} } }],
    ["multipliers.service_tier", { multipliers: { service_tier: { standard: "1" } } }],
    ["multipliers.service_tier", { multipliers: { service_tier: { "batch+us": "1" } } }],
    ["multipliers.service_tier.batch", { multipliers: { service_tier: { batch: "0" } } }],
    ["multipliers.service_tier.batch", { multipliers: { service_tier: { batch: "-0.5" } } }],
    ["multipliers.service_tier.batch", { multipliers: { service_tier: { batch: 0.5 } } }],
    ["multipliers.inference_geo.us", { multipliers: { inference_geo: { us: "Infinity" } } }],
    ["multipliers", { multipliers: { service_tier: { us: "1" }, inference_geo: { US: "2" } } }],
    ["multipliers", { multipliers: { service_tier: { flex: "1", ON_DEMAND_FLEX: "2" } } }],
    ["multipliers", { service_tier: "batch", multipliers: { inference_geo: { us: "1.1" } } }],
    ["multipliers", { ...units(undefined), ...onlyFee, multipliers: { inference_geo: { us: "1.1" } } }],
    ["aliases", { aliases: "acme-2" }],
    ["aliases", { aliases: Array.from({ length: 21 }, (_, i) => `acme-${i}`) }],
    ["aliases.0", { aliases: ["a*b"] }],
    ["aliases.0", { aliases: [""] }],
    ["factor", factor("0")],
    ["factor", factor("0.000")],
    ["factor", factor("-1")],
    ["factor", factor("NaN")],
    ["factor", factor("0.0000000001")],
    ["factor", factor("1234567")],
    ["factor", { ...factor("1"), factor: 0.5 }],
    ["same_as", { same_as: { provider: "openai", model: "gpt-4o" } }],
    ["same_as.provider", { ...units(undefined), same_as: { model: "gpt-4o" } }],
    ["same_as.model", { ...units(undefined), same_as: { provider: "openai", model: "" } }],
    ["same_as", { ...units(undefined), same_as: { provider: "openai", model: "nobody-knows" } }],
    ["same_as", { ...units(undefined), same_as: { provider: "nobody", model: "gpt-4o" } }],
    ["model", { model: "" }],
    ["model", { model: undefined }],
    ["model", { model: 7 }],
    ["model", { model: "a*b" }],
    ["model", { model: "**" }],
    ["model", { model: "*a*" }],
    ["model", { model: "*a", match: "exact" }],
    ["match", { model: "*a", match: "prefix" }],
    ["match", { model: "a*", match: "suffix" }],
    ["model", { model: "a*", match: "exact" }],
    ["model", { model: "a\0b" }],
    ["model", { model: "a\ud800" }],
    ["model", { model: "x".repeat(513) }],
    ["match", { match: "glob" }],
    ["provider", { provider: "" }],
    ["provider", { provider: "a\0b" }],
    ["service_tier", { service_tier: 1 }],
    ["service_tier", { service_tier: "a\0" }],
    ["starts_at", { starts_at: undefined }],
    ["starts_at", { starts_at: "yesterday" }],
    ["starts_at", { starts_at: "infinity" }],
    ["starts_at", { starts_at: "2025-02-30" }],
    ["starts_at", { starts_at: "2025-01-01T00:00:00" }],
    ["starts_at", { starts_at: 1.5e12 + 0.5 }],
    ["starts_at", { starts_at: 1e300 }],
    ["ends_at", { ends_at: "2020-01-01" }],
    ["ends_at", { ends_at: "2019-12-31" }],
    ["project_id", { project_id: "1" }],
    ["pico", { pico: "1" }],
  ])("that is wrong in %s: %j", async (field, wrong) => {
    const { detail } = await problem(await post(await shared, price(wrong)), 400, "invalid_body");
    expect(detail).toContain(field);
  });
  const shared = open();

  it.each([[null], [[]], ["x"], [7], [[price()]]])("that is no object: %j", async (body) => {
    await problem(await post(await shared, JSON.stringify(body)), 400, "invalid_body");
  });

  it("when it holds at the same time as another of the same key, but not when it succeeds one without an end", async () => {
    const ledger = await open();
    const at = (starts_at: string, ends_at?: string, changes: Item = {}) =>
      post(ledger, price({ starts_at, ends_at, ...changes }));
    expect((await at("2025-01-01")).status).toBe(201);
    const first = (await list(ledger)).find(({ project_id: id }) => id !== null)!;
    const overlap = await problem(await at("2025-01-01"), 409, "price_overlap");
    expect(overlap["price_id"]).toBe(first.id);
    await problem(await at("2024-01-01"), 409, "price_overlap");
    await problem(await at("2024-01-01", "2025-01-02"), 409, "price_overlap");
    // Before it, up to its start; and later than it.
    expect((await at("2024-01-01", "2025-01-01")).status).toBe(201);
    expect((await at("2025-02-01", "2025-03-01")).status).toBe(201);
    // The one of February has an end, so nothing succeeds it.
    await problem(await at("2025-02-15"), 409, "price_overlap");
    await problem(await at("2025-02-15", "2025-02-16"), 409, "price_overlap");
    expect((await at("2025-03-01")).status).toBe(201);
    // Others keys are others' concern.
    for (const changes of [
      { provider: "acme" },
      { model: "acme-2" },
      { model: "acme-1*" },
      { service_tier: "priority" },
    ]) {
      expect((await at("2025-01-01", undefined, changes)).status).toBe(201);
      await problem(await at("2025-01-01", undefined, changes), 409, "price_overlap");
    }
    expect((await post(await open(), price({ starts_at: "2025-01-01" }))).status).toBe(201);
  });

  it("all but once, of five that come at once", async () => {
    // Each transaction stays open for a while, so that the others begin before it ends.
    const slow: Database = { ...db, batch: (queries) => db.batch([...queries, sql`select pg_sleep(0.05)`]) };
    const ledger = await open(appWith({ db: slow }));
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await post(ledger, price())).status));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
    expect((await list(ledger)).filter(({ project_id: id }) => id !== null)).toHaveLength(1);
  });

  it("when there are as many as there may be", async () => {
    const ledger = await open();
    await db.query(sql`
      insert into custom_prices (project_id, id, model, match, starts_at, input_pico)
      select ${ledger.projectId}::uuid, gen_random_uuid(), 'm' || n, 'exact', '2020-01-01', n
      from generate_series(1, ${MAX_CUSTOM_PRICES - 1}) n`);
    await made(ledger, price());
    await problem(await post(ledger, price({ model: "one-more" })), 400, "too_many_prices");
    expect(await ledger.write([call({ model: "m4000", output_tokens: 0 })])).toMatchObject({ inserted: 1 });
    // 1,000 tokens x 4,000 pico-USD
    expect(await cost(ledger)).toBe("0.000004");
  });
});

describe("calls", () => {
  it("cost what a price says from the moment that it is made, the project's own before a global one", async () => {
    // Another project, because cron prices what is unpriced as soon as there is a price.
    const [ledger, before] = [await open(), await open()];
    const model = `m-${crypto.randomUUID()}`;
    await before.write([call({ model })]);
    expect((await before.summary(WEEK)).totals).toMatchObject({ cost_usd: null, unpriced_requests: 1 });
    await json(await admin("POST", "/v1/prices", price({ model, project_id: null })), 201);
    // 1,000 x $2 + 100 x $4 per MTok
    await ledger.write([call({ model })]);
    expect(await cost(ledger)).toBe("0.0024");
    await made(ledger, price({ model: `${model}*`, usd_per_million_tokens: { input: "1", output: "0" } }));
    // + 1,000 x $1
    await ledger.write([call({ model })]);
    expect(await cost(ledger)).toBe("0.0034");
    const [row] = await db.query(sql`
      select p.source, p.version, p.model, t.unpriced_reason from traces t
      join prices p on p.project_id = t.project_id and p.id = t.price_id
      where t.project_id = ${ledger.projectId}::uuid order by t.received_at desc limit 1`);
    const own = (await list(ledger)).find(({ model: name }) => name === `${model}*`)!;
    expect(row).toEqual({ source: "custom", version: own.id, model: `${model}*`, unpriced_reason: null });
  });

  it("are not touched by another project's prices", async () => {
    const [ledger, other] = [await open(), await open()];
    await made(other, factor("100"));
    await ledger.write([call()]);
    expect(await cost(ledger)).toBe("0.0035");
  });

  it("take the price that holds at their end; a later one takes over, the earlier stays as it is", async () => {
    const ledger = await open();
    const first = await made(ledger, factor("2"));
    await made(ledger, factor("3", { starts_at: MONDAY + DAY }));
    await ledger.write([call(), call({ timestamp: iso(MONDAY + DAY - 1_000), duration_ms: 1_000 })]);
    // $0.0035 x 2 + $0.0035 x 3
    expect(await cost(ledger)).toBe("0.0175");
    expect(await list(ledger)).toContainEqual(first);
  });

  it("of a tier without common multiplier are unpriced until a price says what it costs", async () => {
    const ledger = await open();
    const scale = (): Item => call({ service_tier: "scale" });
    await ledger.write([call({ service_tier: "batch" }), scale()]);
    // $0.0035 x 0.5
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ cost_usd: "0.00175", unpriced_requests: 1 });
    const { models } = await json<Unpriced>(await ledger.fetch(`/v1/prices/unpriced?${WEEK}`));
    const { provider, model, service_tier } = models[0]!;
    const reasons = await db.query(sql`
      select unpriced_reason as reason from traces where project_id = ${ledger.projectId}::uuid and cost_pico is null`);
    expect(reasons).toEqual([{ reason: "tier_unknown" }]);
    await made(ledger, factor("1.7", { provider, model, service_tier }));
    await ledger.write([scale()]);
    // + 2 x $0.0035 x 1.7, one of them healed after the answer
    await expect.poll(() => cost(ledger), { timeout: 5_000 }).toBe("0.01365");
  });

  it("without tokens are priced by a fee, those that were stored before it, too", async () => {
    const ledger = await open();
    const rerank = (changes: Item = {}): Item =>
      call({ model: "acme-rank", operation: "rerank", input_tokens: null, output_tokens: null, ...changes });
    const images = rerank({ model: "acme-draw", operation: "image_generation", output_images: 2 });
    await ledger.write([rerank(), rerank({ usage: { billed_units: { search_units: 3 } } }), images]);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ cost_usd: null, unpriced_requests: 3 });
    const fees = (model: string, usd: Item): Item =>
      price({ model, usd_per_million_tokens: undefined, usd_per_thousand: usd });
    await made(ledger, fees("acme-rank", { request: "0", file_search: "2" }));
    // 3 x $2 / 1,000; the other one had no searches
    await expect.poll(() => cost(ledger), { timeout: 5_000 }).toBe("0.006");
    await made(ledger, fees("acme-draw", { image: "40" }));
    // + 2 x $40 / 1,000
    await expect.poll(() => cost(ledger), { timeout: 5_000 }).toBe("0.086");
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ unpriced_requests: 0 });
    expect(await json(await ledger.fetch("/v1/audit?from=2025-03-10&to=2025-03-17"))).toMatchObject({ ok: true });
  });

  it("of LiteLLM without tokens are priced by a fee for the call", async () => {
    const ledger = await open();
    await made(
      ledger,
      price({
        provider: "cohere",
        model: "rerank-*",
        usd_per_million_tokens: undefined,
        usd_per_thousand: { request: "3" },
      }),
    );
    const entry = {
      id: crypto.randomUUID(),
      call_type: "arerank",
      status: "success",
      startTime: MONDAY / 1_000,
      custom_llm_provider: "cohere_chat",
      model: "rerank-v4-fast",
      prompt_tokens: 0,
      completion_tokens: 0,
    };
    await json(await ledger.post([entry], {}, "/v1/litellm"));
    expect(await cost(ledger)).toBe("0.003");
  });

  it("are free where a price says 0", async () => {
    const ledger = await open();
    await made(ledger, price({ usd_per_million_tokens: { input: "0", output: "0" } }));
    await ledger.write([call({ model: "acme-1" })]);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ cost_usd: "0", unpriced_requests: 0 });
  });

  it("that would cost more than the ledger holds are item errors", async () => {
    const ledger = await open();
    await made(ledger, price({ usd_per_million_tokens: { input: "999999999" } }));
    const huge = call({ model: "acme-1", input_tokens: 2_000_000_000, output_tokens: 0 });
    const written = await ledger.write([huge, call()]);
    expect(written).toMatchObject({ inserted: 1, rejected: 1, errors: [{ index: 0, code: "invalid" }] });
  });

  it("make an exact audit, whatever they were priced with", async () => {
    const ledger = await open();
    await made(ledger, factor("0.333333333"));
    await made(ledger, price({ usd_per_million_tokens: { input: "0.000001", output: "123.456789" } }));
    await ledger.write([call(), call({ model: "acme-1" }), call({ model: "nobody-knows" })]);
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });
});

describe("the database", () => {
  /** A database that, while `broken`, cannot read prices. */
  function withoutPrices() {
    const shaky = { broken: false, failures: 0, db };
    shaky.db = {
      ...db,
      batch: async (queries) => {
        if (!shaky.broken || !JSON.stringify(queries).includes("custom_prices")) return await db.batch(queries);
        shaky.failures++;
        throw new DatabaseUnavailable("the database did not answer");
      },
    };
    return shaky;
  }

  it("may fail for a while: prices that were read before still hold", async () => {
    let now = MONDAY + DAY;
    const shaky = withoutPrices();
    const ledger = await open(appWith({ db: shaky.db, now: () => now }));
    await made(ledger, factor("2"));
    await ledger.write([call()]);
    now += 31_000;
    shaky.broken = true;
    await ledger.write([call()]);
    expect(shaky.failures).toBe(1);
    // $0.0035 x 2, twice
    expect(await cost(ledger)).toBe("0.014");
  });

  it("that fails before any were read is 503, and nothing is stored", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await open();
    const shaky = withoutPrices();
    shaky.broken = true;
    const ledger = ledgerOf(projectId, key, appWith({ db: shaky.db }));
    await problem(await ledger.post([call()]), 503, "database_unavailable");
    expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
    expect((await ledger.post([])).status).toBe(200);
    vi.restoreAllMocks();
  });
});

describe("models without price", () => {
  it("are listed by tokens, with their days, the same before and after a merge", async () => {
    const ledger = await open();
    const at = (day: number, fields: Item) => call({ timestamp: iso(MONDAY + day * DAY + 3_600_000), ...fields });
    await ledger.write([
      call(),
      at(1, { model: "small", provider: "acme", input_tokens: 10, output_tokens: 1 }),
      at(3, { model: "big", provider: "acme" }),
      at(5, { model: "big", provider: "acme" }),
      at(2, { service_tier: "scale", input_tokens: 500 }),
      at(6, { input_tokens: null, output_tokens: null }),
      at(8, { model: "next-week" }),
    ]);
    const day = (n: number) => iso(MONDAY + n * DAY).slice(0, 10);
    const row = (provider: string, model: string, tier: string | null, n: number, tokens: number, days: number[]) => ({
      provider,
      model,
      service_tier: tier,
      unpriced_requests: n,
      unpriced_tokens: tokens,
      first_day: day(days[0]!),
      last_day: day(days.at(-1)!),
    });
    const expected = {
      models: [
        row("acme", "big", null, 2, 2_200, [3, 5]),
        row("openai", "gpt-4o", "scale", 1, 600, [2]),
        row("acme", "small", null, 1, 11, [1]),
        row("openai", "gpt-4o", null, 1, 0, [6]),
      ],
      next_cursor: null,
    };
    const ask = async () => await json(await ledger.fetch(`/v1/prices/unpriced?${WEEK}`));
    expect(await ask()).toEqual(expected);
    await merge(db, Date.now, Date.now() + 20_000);
    expect(await ask()).toEqual(expected);
    await ledger.write([at(6, { model: "big", provider: "acme" })]);
    expect(await ask()).toMatchObject({
      models: [{ unpriced_requests: 3, first_day: day(3), last_day: day(6) }, {}, {}, {}],
    });
    expect(await json(await (await open()).fetch(`/v1/prices/unpriced?${WEEK}`))).toEqual({
      models: [],
      next_cursor: null,
    });
  });

  it.each([
    ["/v1/prices/unpriced?group_by=model", "group_by"],
    ["/v1/prices/unpriced?from=x", "from"],
    ["/v1/prices/unpriced?from=2025-02-01&to=2025-01-01", "from"],
    ["/v1/prices?limit=1", "limit"],
  ])("%s is refused", async (path, parameter) => {
    const ledger = await open();
    expect((await problem(await ledger.fetch(path), 400, "invalid_parameter"))["parameter"]).toBe(parameter);
  });
});
