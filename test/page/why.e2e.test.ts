/** `/why` in Chromium: what it shows adds up, and leads to the calls behind it. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

/** Two whole months, and the address that compares them. */
const PERIODS = "from=2026-06-01&to=2026-07-01&compare_from=2026-05-01&compare_to=2026-06-01&tz=UTC";

interface Explained {
  difference_usd: string;
  parts: Record<string, string>;
  rows: {
    application: string;
    model: string;
    provider: string;
    difference_usd: string;
    parts: Record<string, string>;
  }[];
}

describe.skipIf(!HAS_CHROMIUM)("why", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;

  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(stack.dev.url + path, { headers: { authorization: `Bearer ${stack.dev.apiKey}` } });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const call = (id: string, month: string, more: object) => ({
      id,
      timestamp: `2026-${month}-10T10:00:00Z`,
      provider: "openai",
      model: "gpt-4o",
      application: "assistant",
      input_tokens: 1_000,
      output_tokens: 200,
      ...more,
    });
    const traces = [
      call("may-1", "05", {}),
      call("may-2", "05", { model: "gpt-4o-mini", application: "search" }),
      call("june-1", "06", { input_tokens: 3_000 }),
      call("june-2", "06", { input_tokens: 3_000, cache_read_tokens: 1_000 }),
      call("june-3", "06", { model: "gpt-4o-mini" }),
      call("june-4", "06", { model: "nobody-knows", provider: "nobody", user_id: "somebody" }),
      ...HOSTILE.map((name, i) => call(`hostile-${i}`, "06", { application: name, output_tokens: 300 + i })),
    ];
    const response = await fetch(`${stack.dev.url}/v1/traces`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.dev.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ traces }),
    });
    expect(await response.json()).toMatchObject({ inserted: traces.length, rejected: 0 });
  });

  it("splits the difference by cause, application and model, each to the last digit", async () => {
    const answer = await ask<Explained>(`/v1/explain?${PERIODS}`);
    const { page, wrong } = await openSignedIn({}, `/why?${PERIODS}`);
    const bars = await barsOf(page, "by cause");
    for (const [cause, usd] of Object.entries(answer.parts)) expect(bars.get(cause) ?? "0").toBe(usd);
    for (const by of ["cause", "application", "model"]) {
      expect(sum([...(await barsOf(page, `by ${by}`)).values()])).toBe(answer.difference_usd);
    }
    expect(await page.locator(".sentence").getAttribute("data-usd")).toBe(answer.difference_usd);
    expect(sum(await usdOfAll(page, ".sentence > span [data-usd]"))).toBe(answer.difference_usd);
    expect(await usdOfAll(page, ".why-rows tr[data-key] td:last-child [data-usd]")).toEqual(
      answer.rows.map((row) => row.difference_usd),
    );
    expect(wrong()).toEqual([]);
  });

  it("opens the rows behind a bar, and the calls of both periods behind a row", async () => {
    const { page, wrong } = await openSignedIn({}, `/why?${PERIODS}`);
    await waterfall(page, "by cause").getByRole("link", { name: "Length of prompts" }).click();
    await page.locator(".why-rows h2", { hasText: "Behind Length of prompts" }).waitFor();
    const part = (await barsOf(page, "by cause")).get("input_length_usd")!;
    expect(await usdOfAll(page, ".why-rows h2 [data-usd]")).toEqual([part]);
    expect(sum(await usdOfAll(page, ".why-rows tr[data-key] td:last-child [data-usd]"))).toBe(part);

    await waterfall(page, "by application").getByRole("link", { name: "assistant" }).click();
    await page.locator(".why-rows h2", { hasText: "Behind assistant" }).waitFor();
    const links = page.locator('.why-rows tr[data-key*="gpt-4o\\""] a[href^="/calls"]');
    expect(await links.count()).toBe(2);
    for (const place of [0, 1]) {
      const link = links.nth(place);
      const query = new URL((await link.getAttribute("href"))!, page.url()).search;
      const { traces } = await ask<{ traces: { cost_usd: string }[] }>(`/v1/traces${query}`);
      expect(traces).toHaveLength(place + 1);
      expect(sum(traces.map((call) => call.cost_usd))).toBe(await link.locator("[data-usd]").getAttribute("data-usd"));
    }
    await page.goBack();
    await page.locator(".why-rows h2", { hasText: "Behind Length of prompts" }).waitFor();
    await page.getByRole("link", { name: "All rows" }).click();
    await page.locator(".why-rows h2", { hasText: "All rows" }).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("compares with the period before, the same days of last month, or own dates", async () => {
    const { page, wrong } = await openSignedIn({}, `/why?${PERIODS}`);
    const choice = page.getByRole("combobox", { name: "Compared with" });
    expect(await choice.inputValue()).toBe("dates");
    await page.getByLabel("from", { exact: true }).fill("2026-05-11");
    await page.getByText("2026-05-11 00:00 to 2026-06-01 00:00").waitFor();
    expect(new URL(page.url()).searchParams.get("compare_from")).toBe("2026-05-11T00:00:00.000Z");
    await choice.selectOption("previous");
    await page.getByText("2026-05-01 00:00 to 2026-06-01 00:00").waitFor();
    expect(new URL(page.url()).searchParams.has("compare_from")).toBe(false);
    await page.goBack();
    await page.getByText("2026-05-11 00:00 to 2026-06-01 00:00").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("tells filters, calls without a price, and periods without calls", async () => {
    const { page, wrong } = await openSignedIn({}, `/why?${PERIODS}&model=nobody-knows`);
    await page.getByText("1 call of both periods has no price").waitFor();
    await page.getByRole("button", { name: /Remove.*nobody-knows/ }).click();
    await waterfall(page, "by application").getByRole("link", { name: "assistant" }).waitFor();
    await page.goto(`/why?${PERIODS}&model=never-called`);
    await page.getByText("There are no calls in either period").waitFor();
    await page.getByRole("link", { name: "Start anew" }).click();
    await page.waitForURL((url) => url.search === "");
    expect(wrong()).toEqual([]);
  });

  it("says so where an address is wrong or the ledger refuses, with a way on", async () => {
    const { page } = await openSignedIn(
      {},
      `/why?${PERIODS}&compare_from=soon`.replace("compare_from=2026-05-01&", ""),
    );
    await page.getByText("The start of the period to compare with, “soon”, is not a date.").waitFor();
    await page.goto(`/why?${PERIODS}&user=somebody&tag.team=search`);
    await page.getByText("a query may filter by one label").waitFor();
    let asked = 0;
    await page.route("**/v1/explain*", async (route) => {
      asked++;
      await route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"code":"unavailable"}' });
    });
    await page.goto(`/why?${PERIODS}&model=gpt-4o`);
    await page.getByText("The database does not answer right now.").waitFor();
    // Nothing was there before, so the reason stays in the place of the answer.
    await page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => asked).toBeGreaterThan(1);
    await page.getByText("The database does not answer right now.").waitFor();
    expect(await page.locator(".troubles .message").count()).toBe(0);
    await page.unroute("**/v1/explain*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".sentence").waitFor();
  });

  it("shows hostile names as text, and fits into 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 360, height: 740 } }, `/why?${PERIODS}`);
    const rows = page.locator(".why-rows tr[data-key] td:first-child");
    await rows.first().waitFor();
    const shown = await rows.allTextContents();
    for (const name of HOSTILE) expect(shown).toContain(name);
    expect(await page.locator("img").count()).toBe(0);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openSignedIn({ colorScheme }, `/why?${PERIODS}&cause=volume_usd`);
    await page.locator(".why-rows table").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(wrong()).toEqual([]);
  });
});

function waterfall(page: Page, by: string) {
  return page.getByRole("list", { name: `From the cost before to the cost now, ${by}` });
}

/** What each bar between the ends says. */
async function barsOf(page: Page, by: string): Promise<Map<string, string>> {
  const list = waterfall(page, by);
  await list.waitFor();
  const bars = await list
    .locator("li")
    .evaluateAll((all) =>
      all.map((bar): [string, string] => [
        bar.getAttribute("data-key") ?? "",
        bar.querySelector("[data-usd]")?.getAttribute("data-usd") ?? "",
      ]),
    );
  return new Map(bars.filter(([key]) => key !== "before" && key !== "after"));
}

async function usdOfAll(page: Page, selector: string): Promise<string[]> {
  return await page.locator(selector).evaluateAll((all) => all.map((one) => one.getAttribute("data-usd") ?? ""));
}

function sum(all: readonly string[]): string {
  return usdOf(all.reduce((total, usd) => total + picoOf(usd), 0n));
}
