/** `POST /v1/reprice` with a price that is not there yet: what it would change, and that it changes nothing. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import {
  appWith,
  call,
  db,
  json,
  type Item,
  type Ledger,
  ledgerOf,
  newKey,
  openLedger,
  problem,
  WEEK,
} from "./ledger.ts";

const RANGE = { from: "2025-03-10", to: "2025-03-17" };
/** A model of this file's own: others leave global prices. */
const MODEL = `preview-${crypto.randomUUID().slice(0, 8)}`;
const PRICE = { model: MODEL, starts_at: "2020-01-01", usd_per_million_tokens: { input: "2", output: "8" } };

interface Foretold {
  looked: number;
  restated: number;
  difference_usd: string;
  changes: Item[];
}

async function open(): Promise<Ledger> {
  const { projectId } = await openLedger();
  return ledgerOf(projectId, await newKey(projectId, ["admin"]), appWith({}));
}

const send = async (ledger: Ledger, path: string, body: unknown): Promise<Response> =>
  await ledger.post(body, {}, path);
const preview = async (ledger: Ledger, price: unknown, more: Item = {}): Promise<Response> =>
  await send(ledger, "/v1/reprice", { ...RANGE, dry_run: true, price, ...more });

/** All that is stored of a project, but how its rollups are cut into rows. */
async function stateOf({ projectId }: Ledger): Promise<unknown> {
  const rows = await db.query(sql`
    select (select jsonb_agg(t order by t.id) from traces t where t.project_id = ${projectId}::uuid) as traces,
      (select sum(cost_pico) from rollup where project_id = ${projectId}::uuid) as rollup,
      (select count(*) from prices where project_id = ${projectId}::uuid) as prices,
      (select count(*) from custom_prices where project_id = ${projectId}::uuid) as custom_prices,
      (select count(*) from reprice_jobs where project_id = ${projectId}::uuid) as jobs,
      (select count(*) from corrections where project_id = ${projectId}::uuid) as corrections,
      (select count(*) from admin_log where project_id = ${projectId}::uuid) as log`);
  return rows[0];
}

describe("a preview", () => {
  it("tells what the price restates: 2 x (1,000 x $2 + 100 x $8 a million) = $0.0056, and what it then does", async () => {
    const ledger = await open();
    await ledger.write([call({ model: MODEL, provider: "us" }), call({ model: MODEL, provider: "us" }), call()]);
    const before = await stateOf(ledger);
    const foretold = await json<Foretold>(await preview(ledger, PRICE, { unpriced_only: true }));
    expect(foretold).toMatchObject({ dry_run: true, complete: true, looked: 2, restated: 2, difference_usd: "0.0056" });
    expect(foretold.changes).toMatchObject([
      { provider: "us", model: MODEL, requests: 2, before_usd: "0", after_usd: "0.0056" },
    ]);
    expect(await stateOf(ledger)).toEqual(before);
    expect((await ledger.summary(`${WEEK}&model=${MODEL}`)).totals).toMatchObject({
      cost_usd: null,
      unpriced_requests: 2,
    });
    // Nor does it price what comes next.
    await ledger.write([call({ model: MODEL, provider: "us" })]);
    expect((await ledger.summary(`${WEEK}&model=${MODEL}`)).totals).toMatchObject({
      cost_usd: null,
      unpriced_requests: 3,
    });

    await json(await send(ledger, "/v1/prices", PRICE), 201);
    // Three of them by now.
    expect((await ledger.summary(`${WEEK}&model=${MODEL}`)).totals).toMatchObject({ cost_usd: "0.0084" });
  });

  it("of a factor restates what has a price: 0.5 x $0.0035 less", async () => {
    const ledger = await open();
    await ledger.write([call()]);
    const half = { provider: "openai", model: "gpt-4o", starts_at: "2020-01-01", factor: "0.5" };
    expect(await json(await preview(ledger, half))).toMatchObject({ restated: 1, difference_usd: "-0.00175" });
    expect(await json(await preview(ledger, { ...half, factor: "1" }))).toMatchObject({ restated: 0 });
    expect(await json(await preview(ledger, half, { model: "another" }))).toMatchObject({ looked: 0 });
  });

  it("stands beside the prices that are there: one that starts later succeeds one without an end", async () => {
    const ledger = await open();
    await json(await send(ledger, "/v1/prices", PRICE), 201);
    const days = ["2025-03-11", "2025-03-13"];
    await ledger.write(days.map((day) => call({ model: MODEL, provider: "us", timestamp: `${day}T12:00:00Z` })));
    const dearer = { ...PRICE, starts_at: "2025-03-12", usd_per_million_tokens: { input: "3", output: "8" } };
    // 1,000 x $1 a million more, on one of two days.
    expect(await json(await preview(ledger, dearer))).toMatchObject({
      looked: 2,
      restated: 1,
      difference_usd: "0.001",
    });
    expect(
      await json(await preview(ledger, { ...dearer, aliases: [`${MODEL}-x`], service_tier: "batch" })),
    ).toMatchObject({ restated: 0 });
  });
});

describe("is refused as the price is", () => {
  it.each<[string, Item, number, string]>([
    ["without any price", { model: "a", starts_at: "2020-01-01" }, 400, "invalid_body"],
    ["with a start that is none", { ...PRICE, starts_at: "soon" }, 400, "invalid_body"],
    ["with an unknown member", { ...PRICE, colour: "red" }, 400, "invalid_body"],
    [
      "same_as a model that nobody knows",
      { model: MODEL, starts_at: "2020-01-01", same_as: { provider: "x", model: "y" } },
      400,
      "invalid_body",
    ],
    ["for every project", { ...PRICE, project_id: null }, 403, "forbidden"],
    ["for another project", { ...PRICE, project_id: crypto.randomUUID() }, 403, "forbidden"],
  ])("%s", async (_, price, status, code) => {
    const ledger = await open();
    const asked = await problem(await preview(ledger, price), status, code);
    const added = await problem(await send(ledger, "/v1/prices", price), status, code);
    expect(asked.detail.replace(/^price\.?/, "")).toBe(added.detail.replace(/^body/, ""));
  });

  it("over another price, which it names", async () => {
    const ledger = await open();
    const { id } = await json<{ id: string }>(await send(ledger, "/v1/prices", PRICE), 201);
    for (const path of ["/v1/reprice", "/v1/prices"]) {
      const body = path === "/v1/prices" ? PRICE : { ...RANGE, price: PRICE };
      expect((await problem(await send(ledger, path, body), 409, "price_overlap"))["price_id"]).toBe(id);
    }
  });

  it("without a dry run, and without the scope", async () => {
    const ledger = await open();
    await problem(await preview(ledger, PRICE, { dry_run: false }), 400, "invalid_body");
    const reader = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["read"]));
    await problem(await preview(reader, PRICE), 403, "forbidden");
  });
});
