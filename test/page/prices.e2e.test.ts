/** `/prices` in Chromium: a model is priced as the dry run foretold, once, and nothing that was typed is lost. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

interface DryRun {
  restated: number;
  difference_usd: string;
  changes: { day: string; model: string; before_usd: string; after_usd: string; difference_usd: string }[];
}
interface Priced {
  prices: { id: string; model: string; starts_at: string; usd_per_million_tokens: object | null }[];
}

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const REFUSED = /Failed to load resource.* status of 4\d\d/;

describe.skipIf(!HAS_CHROMIUM)("the page's prices", () => {
  const stack = usePageStack();
  const { open, openSignedIn } = stack;

  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(new URL(path, stack.dev.url), {
      headers: { authorization: `Bearer ${stack.pageKey}`, "content-type": "application/json" },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
    return (await response.json()) as T;
  };
  const call = (id: string, model: string, more: object = {}) => ({
    id,
    timestamp: new Date(NOW_MS - 60_000).toISOString(),
    provider: "acme",
    model,
    input_tokens: 1_001,
    output_tokens: 203,
    cache_read_tokens: 300,
    ...more,
  });
  const pricesOf = async (model: string): Promise<Priced["prices"]> =>
    (await ask<Priced>("/v1/prices")).prices.filter((price) => price.model === model);

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const days = (model: string): object[] =>
      [0, 1, 2].map((day) =>
        call(`${model}-${day}`, model, {
          timestamp: new Date(NOW_MS - day * DAY_MS - 60_000).toISOString(),
          input_tokens: 1_001 + day,
        }),
      );
    const sent = await ask<{ inserted: number }>("/v1/traces", [
      ...["form", "lost", "typed", "wrong"].flatMap((name) => days(`model-${name}`)),
      ...HOSTILE.map((name, i) => call(`hostile-${i}`, name, { provider: "nobody" })),
      call("reported", "gpt-4o-mini", { provider: "openai", cost_usd: "0.25" }),
      // A usage object is read only where no counts are given.
      {
        id: "member",
        timestamp: new Date(NOW_MS - 60_000).toISOString(),
        provider: "openai",
        model: "gpt-4o-mini",
        usage: { prompt_tokens: 1, completion_tokens: 1, riddle_tokens: 7 },
      },
    ]);
    expect(sent.inserted).toBe(14 + HOSTILE.length);
  });

  const openForm = async (page: Page, model: string): Promise<void> => {
    await page.getByRole("link", { name: `Set price: ${model}` }).click();
    await page.getByRole("heading", { name: "Set a price" }).waitFor();
  };
  const fillPrices = async (page: Page, input: string, output: string): Promise<void> => {
    await page.getByLabel("Input", { exact: true }).fill(input);
    await page.getByLabel("Output", { exact: true }).fill(output);
  };
  const preview = async (page: Page): Promise<void> =>
    await page.getByRole("button", { name: "Preview what it changes" }).click();
  const usdIn = async (page: Page, selector: string): Promise<(string | null)[]> =>
    await page
      .locator(selector)
      .locator("[data-usd]")
      .evaluateAll((found) => found.map((one) => one.getAttribute("data-usd")));

  it("prices a model as the dry run foretold to the last digit, and once however often it is pressed", async () => {
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" }, "/prices");
    const row = page.locator("tr", { has: page.getByText("model-form", { exact: true }) });
    await row.waitFor();
    expect(await row.locator("td.figure").allTextContents()).toEqual(expect.arrayContaining(["3"]));
    await openForm(page, "model-form");
    await fillPrices(page, ".15", "0.600001");
    const asking = page.waitForRequest(
      (request) => request.url().endsWith("/v1/reprice") && request.method() === "POST",
    );
    await preview(page);
    await page.getByRole("button", { name: "Save, and price 3 calls" }).waitFor();
    const asked = (await asking).postDataJSON() as { dry_run: boolean; price: object };
    expect(asked).toMatchObject({ dry_run: true, price: { usd_per_million_tokens: { input: "0.15" } } });
    const foretold = await ask<DryRun>("/v1/reprice", asked);
    expect(foretold.restated).toBe(3);
    expect(await usdIn(page, "#preview-difference")).toEqual([foretold.difference_usd]);
    await page.getByText("By day", { exact: true }).click();
    const shown = await page
      .getByRole("table", { name: "What the price changes, by day and model" })
      .locator("tbody tr")
      .evaluateAll((rows) =>
        rows.map((one) => [...one.querySelectorAll("[data-usd]")].map((cell) => cell.getAttribute("data-usd"))),
      );
    expect(shown).toEqual(foretold.changes.map(({ after_usd: after, difference_usd: by }) => ["", after, by]));
    expect(await pricesOf("model-form")).toEqual([]);

    let posts = 0;
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/v1/prices")) posts++;
    });
    await page.getByRole("button", { name: "Save, and price 3 calls" }).dblclick();
    await page.locator(".prices-saved [data-status=done]").waitFor();
    expect(posts).toBe(1);
    expect(await pricesOf("model-form")).toHaveLength(1);
    expect(await usdIn(page, ".prices-saved")).toEqual([foretold.difference_usd]);
    await page.getByRole("link", { name: "Set price: model-form" }).waitFor({ state: "detached" });

    await page.getByRole("link", { name: "Overview" }).click();
    await page.locator("#total-cost").waitFor();
    const from = new Date().toISOString().slice(0, 7);
    const { totals } = await ask<{ totals: { cost_usd: string } }>(`/v1/summary?from=${from}-01`);
    await page.locator(`#total-cost[data-usd="${totals.cost_usd}"]`).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("says at the field what is wrong, in the API's words where it knows them", async () => {
    const { page, wrong } = await openSignedIn(undefined, "/prices?provider=acme&model=model-wrong");
    await fillPrices(page, "1,5", "");
    await preview(page);
    await expectAt(page, "Input", "Write 1.5, with a point");
    await fillPrices(page, "0.1234567", "1");
    await preview(page);
    await expectAt(
      page,
      "Input",
      "Input must be a decimal of USD, not negative, with at most 9 digits and 6 decimals.",
    );
    await page.getByLabel("Input", { exact: true }).fill("1");
    await page.getByLabel("Model", { exact: true }).fill("a*b");
    await preview(page);
    await expectAt(page, "Model", "Model may have one *, at its start or at its end.");
    await page.getByLabel("Model", { exact: true }).fill("model-wrong");
    await page.getByLabel("From", { exact: true }).fill("yesterday");
    await preview(page);
    await expectAt(page, "From", "From must be RFC 3339");
    expect(wrong().filter((line) => !REFUSED.test(line))).toEqual([]);
  });

  it("warns where calls would still have no cost", async () => {
    const { page } = await openSignedIn(undefined, "/prices?provider=acme&model=model-wrong");
    await fillPrices(page, "1", "");
    await preview(page);
    await page.getByText("Some calls would still have no cost").waitFor();
    expect(await page.locator("#preview-after").getAttribute("data-usd")).toBe("");
    await page.getByRole("button", { name: "Save the price" }).waitFor();
  });

  it("keeps what was typed when an answer is lost, and adds the price once", async () => {
    const { page } = await openSignedIn(undefined, "/prices?provider=acme&model=model-lost");
    await fillPrices(page, "1", "2");
    await page.route("**/v1/reprice", (route) => void route.fulfill({ status: 503, json: { status: 503 } }), {
      times: 1,
    });
    await preview(page);
    await page.getByText("Nothing was saved. Ask again in a moment.").waitFor();
    await preview(page);
    const save = page.getByRole("button", { name: "Save, and price 3 calls" });
    await save.waitFor();
    // The ledger does it, and its answer does not arrive.
    await page.route(
      "**/v1/prices",
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    await save.click();
    await page.getByText("it is not known whether the price is saved").waitFor();
    expect(await page.getByLabel("Input", { exact: true }).inputValue()).toBe("1");
    await save.click();
    await page.getByRole("heading", { name: "The price is saved" }).waitFor();
    expect(await pricesOf("model-lost")).toHaveLength(1);
  });

  it("keeps what was typed when the session ends", async () => {
    const { page, context } = await openSignedIn(undefined, "/prices?provider=acme&model=model-typed");
    await fillPrices(page, "0.07", "3");
    await context.clearCookies();
    // Whichever question comes first finds out; another one may have hidden the form by now.
    await page.getByRole("button", { name: "Preview what it changes", includeHidden: true }).dispatchEvent("click");
    await page.getByLabel("API key").fill(stack.pageKey);
    await page.keyboard.press("Enter");
    await page.getByLabel("API key").waitFor({ state: "detached" });
    expect(await page.getByLabel("Input", { exact: true }).inputValue()).toBe("0.07");
    await preview(page);
    await page.getByRole("button", { name: "Save, and price 3 calls" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").fill(stack.pageKey);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Set a price" }).waitFor();
    expect(await page.getByLabel("Input", { exact: true }).inputValue()).toBe("");
  });

  it("replaces a price from a date on, restates what it priced, and refuses two at once with a way on", async () => {
    const yesterday = new Date(NOW_MS - DAY_MS).toISOString().slice(0, 10);
    const model = "model-replaced";
    const prices = { input: "1", output: "1" };
    await ask("/v1/prices", { model, starts_at: "2026-01-01", usd_per_million_tokens: prices });
    await ask("/v1/traces", [call("replaced", model)]);
    const { page, wrong } = await openSignedIn(undefined, "/prices");
    await page.getByRole("link", { name: `Replace the price of ${model}` }).click();
    expect(await page.getByLabel("Output", { exact: true }).inputValue()).toBe("1");
    await page.getByLabel("Output", { exact: true }).fill("2.000001");
    await page.getByLabel("From", { exact: true }).fill("2026-01-01");
    await preview(page);
    await expectAt(page, "From", "Another price for the same provider");
    await page.getByRole("link", { name: "The other price is in the list below." }).waitFor();
    await page.getByLabel("From", { exact: true }).fill(yesterday);
    await preview(page);
    await page.getByRole("button", { name: "Save, and restate 1 call" }).click();
    // 203 x (2.000001 - 1) / 1,000,000 USD
    await page.locator('.prices-saved [data-status=done] [data-usd="0.000203000203"]').waitFor();
    await page.getByRole("button", { name: "Show 1 earlier price" }).click();
    await page.getByText(`held from 2026-01-01 until ${yesterday}`).waitFor();
    expect(wrong().filter((line) => !REFUSED.test(line))).toEqual([]);
  });

  it("shows a job's progress, and cancels it", async () => {
    const job = {
      id: "00000000-0000-4000-8000-000000000001",
      status: "running",
      from: "2026-11-01T00:00:00.000Z",
      to: "2026-12-01T00:00:00.000Z",
      providers: [],
      models: ["<b>m</b>"],
      unpriced_only: false,
      looked: 40,
      restated: 30,
      difference_usd: "-0.000001",
      out_of_range: 0,
      error: null,
      retry_at: null,
      created_at: "2026-11-01T00:00:00.000Z",
      cancelled_at: null,
      done_at: null,
    };
    const { page, wrong } = await open();
    await page.route("**/v1/reprice", (route) => void route.fulfill({ json: { jobs: [job], next_cursor: null } }));
    await page.route(`**/v1/reprice/${job.id}`, (route) => {
      expect(route.request().method()).toBe("DELETE");
      Object.assign(job, { status: "cancelled", cancelled_at: job.created_at });
      return route.fulfill({ json: job });
    });
    await page.goto(`/prices#key=${stack.pageKey}`);
    await page.getByRole("progressbar", { name: "Progress: Calls of <b>m</b>" }).waitFor();
    expect(await usdIn(page, ".prices-jobs")).toEqual(["-0.000001"]);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("[data-status=cancelled]").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("shows no form to a key that may only read", async () => {
    const { page, wrong } = await open();
    await page.goto("/prices?model=model-wrong");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("Your key may not add prices").waitFor();
    await page.getByText("model-wrong", { exact: true }).waitFor();
    expect(await page.locator("main form").count()).toBe(0);
    expect(await page.getByRole("link", { name: /Set price|Replace|Add a price/ }).count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("shows where others report another cost, and usage that no rule reads", async () => {
    const { page } = await openSignedIn(undefined, "/prices");
    const { differences } = await ask<{ differences: Record<string, string>[] }>("/v1/prices/differences");
    expect(differences).toHaveLength(1);
    await page.getByRole("table", { name: /^Costs that others report/ }).waitFor();
    const [{ cost_usd: ours, reported_cost_usd: reported, difference_usd: difference, example }] = differences as [
      Record<string, string>,
    ];
    expect(await usdIn(page, ".prices-differences")).toEqual([ours, reported, difference]);
    expect(await page.locator(".prices-differences .difference").textContent()).toMatch(/^\u25bc \u2212\$/);
    const receipt = page.locator(".prices-differences").getByRole("link", { name: "Receipt" });
    expect(await receipt.getAttribute("href")).toBe(`/calls/${example}`);
    await page.getByText("Usage that no rule reads").click();
    await page.getByText("riddle_tokens").waitFor();
  });

  it.each(["light", "dark"] as const)(
    "shows hostile names as text, at 360 pixels and to axe, %s",
    async (colorScheme) => {
      const query = new URLSearchParams({ provider: "nobody", model: HOSTILE[0]! }).toString();
      const size = { viewport: { width: 360, height: 740 }, colorScheme };
      const { page, wrong } = await openSignedIn(size, `/prices?${query}`);
      await fillPrices(page, "1", "1");
      await preview(page);
      await page.getByRole("button", { name: "Save, and price 1 call" }).waitFor();
      await page.getByText("Other kinds, fees, tier and end").click();
      const table = page.getByRole("table", { name: "Models without a price" });
      await table.waitFor();
      for (const name of HOSTILE) expect(await table.getByText(name, { exact: true }).count()).toBe(1);
      expect(await page.getByLabel("Model", { exact: true }).inputValue()).toBe(HOSTILE[0]);
      expect(await page.locator("main img").count()).toBe(0);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      expect(await seriousFindings(page)).toEqual([]);
      expect(wrong()).toEqual([]);
    },
  );
});

/** A sentence at the field, for who sees it and for who hears it. */
async function expectAt(page: Page, label: string, sentence: string): Promise<void> {
  const field = page.getByLabel(label, { exact: true });
  await page.locator(".prices-field [role=alert]", { hasText: sentence }).waitFor();
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  const said = await field.getAttribute("aria-describedby");
  expect(await page.locator(`[id="${said}"]`).textContent()).toContain(sentence);
}
