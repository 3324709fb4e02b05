/** The overview in Chromium: every figure leads on, it keeps itself up to date, and it says so where it cannot. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { HAS_CHROMIUM, shiftOf } from "./browser.ts";
import { usePageStack } from "./page-stack.ts";

/** Longer than the view waits between two questions. */
const NEXT_MS = 16_000;

describe.skipIf(!HAS_CHROMIUM)("the overview", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;

  const send = async (calls: object[]): Promise<void> => {
    const response = await fetch(`${stack.dev.url}/v1/traces`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.dev.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(calls),
    });
    expect(await response.json()).toMatchObject({ inserted: calls.length, rejected: 0 });
  };
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(stack.dev.url + path, { headers: { authorization: `Bearer ${stack.dev.apiKey}` } });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  const totalOfMonth = async (): Promise<string> => {
    const from = new Date().toISOString().slice(0, 7);
    return (await ask<{ totals: { cost_usd: string } }>(`/v1/summary?from=${from}-01`)).totals.cost_usd;
  };

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const now = new Date();
    const lastMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1));
    await send([
      callAt(now, "now-1", { tags: { team: "search" } }),
      callAt(now, "now-2", { model: "gpt-4o", cost_usd: "0.01", status: "error" }),
      callAt(now, "unpriced", { provider: "nobody", model: "nobody-knows" }),
      callAt(lastMonth, "before", {}),
    ]);
  });

  it("says why it changed in a sentence that adds up, and leads to the reason", async () => {
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" });
    const spend = page.locator(".spend", { hasText: "This month" });
    await spend.locator(".sentence").waitFor();
    const difference = await spend.locator(".change [data-usd]").getAttribute("data-usd");
    expect(await spend.locator(".sentence").getAttribute("data-usd")).toBe(difference);
    expect(sum(await usdOfAll(spend.locator(".sentence > span [data-usd]")))).toBe(difference);
    const bars = page.locator(".waterfall li:not([data-key=before]):not([data-key=after]) [data-usd]");
    expect(sum(await usdOfAll(bars))).toBe(difference);

    await spend
      .getByRole("link", { name: /\$.*%|\$/ })
      .nth(1)
      .click();
    await page.getByRole("heading", { name: "Why it changed" }).waitFor();
    await page.locator(".why-rows").waitFor();
    expect(await page.locator(".sentence").getAttribute("data-usd")).toBe(difference);
    await page.goBack();
    await page.getByRole("link", { name: "Number of calls" }).click();
    await page.locator(".why-rows h2", { hasText: "Behind Number of calls" }).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("leads from each figure to what is behind it", async () => {
    const { page } = await openSignedIn({ timezoneId: "UTC" });
    await page.locator("#total-cost").waitFor();
    const href = async (name: string): Promise<URL> => {
      const figure = page.locator(".figures div", { has: page.getByText(name, { exact: true }) });
      return new URL((await figure.locator("a").first().getAttribute("href"))!, page.url());
    };
    expect((await href("Errors")).pathname + (await href("Errors")).search).toMatch(/^\/calls\?status=error&from=/);
    expect((await href("Requests")).pathname).toBe("/calls");
    expect((await href("Cache hits")).searchParams.get("metric")).toBe("cache_hit_rate");
    expect((await href("Latency, p95")).searchParams.get("metric")).toBe("p95");
    const row = page.getByRole("table", { name: "Models of this month" }).locator('tr[data-key="gpt-4o"]');
    await row.waitFor();
    const links = await row.locator("a").evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
    expect(links.map((link) => link.split("?")[0])).toEqual(["/explore", "/calls", "/explore", "/why", "/calls"]);
    const [share] = links.splice(2, 1);
    expect(new URL(share!, page.url()).searchParams.get("group_by")).toBe("model");
    for (const link of links) expect(new URL(link, page.url()).searchParams.get("model")).toBe("gpt-4o");
    const { traces } = await ask<{ traces: { cost_usd: string }[] }>(links[1]!.replace("/calls", "/v1/traces"));
    expect(sum(traces.map((call) => call.cost_usd))).toBe(
      await row.locator("[data-usd]").first().getAttribute("data-usd"),
    );
    await page.getByRole("link", { name: "Set a price" }).waitFor();
  });

  it("draws nothing anew while the answers hold, and shows a new call by itself", async () => {
    const { page, wrong } = await openLive();
    const unchanged = await countUnchanged(page);
    await page.evaluate(WATCH);
    const time = page.locator("[data-as-of]");
    const before = await time.textContent();
    await page.clock.runFor(NEXT_MS);
    await expect.poll(async () => await time.textContent()).not.toBe(before);
    // All that the view asks: the month, two reasons, the chart, and four tables.
    await expect.poll(unchanged).toBeGreaterThanOrEqual(8);
    expect(await page.evaluate("watched")).toEqual([]);

    await send([callAt(new Date(), "live", {})]);
    const total = await totalOfMonth();
    // An answer about the current hour is kept for a second, so the first question after the call may be too early.
    const shown = async (): Promise<string | null> => {
      await page.clock.runFor(NEXT_MS);
      return await page.locator("#total-cost").getAttribute("data-usd");
    };
    await expect.poll(shown, { timeout: 8_000, interval: 300 }).toBe(total);
    expect(wrong()).toEqual([]);
  });

  it("asks nothing while it is hidden, and at once when it is seen again", async () => {
    const { page } = await openLive();
    let asked = 0;
    page.on("request", () => asked++);
    await page.evaluate(HIDE);
    await page.clock.runFor(4 * NEXT_MS);
    expect(asked).toBe(0);
    await page.evaluate(SHOW);
    await expect.poll(() => asked).toBeGreaterThan(5);
  });

  it.each([503, 500])("keeps what is there when the ledger answers %s, says it once, and goes on", async (status) => {
    const { page } = await openLive();
    const total = await page.locator("#total-cost").getAttribute("data-usd");
    const shifts = await shiftOf(page);
    await page.route("**/v1/*", async (route) => {
      await route.fulfill({ status, contentType: "application/problem+json", body: '{"code":"unavailable"}' });
    });
    await page.clock.runFor(NEXT_MS);
    await page.locator(".troubles .message").waitFor();
    expect(await page.locator(".message", { hasText: "Try again" }).count()).toBe(1);
    await page.getByText("not up to date").waitFor();
    expect(await page.locator("#total-cost").getAttribute("data-usd")).toBe(total);
    expect((await shiftOf(page)) - shifts).toBeLessThan(0.02);
    await page.unroute("**/v1/*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".troubles .message").waitFor({ state: "detached" });
    await page.getByText("not up to date").waitFor({ state: "detached" });
  });

  it("says when it is offline, and goes on by itself", async () => {
    const { page, context } = await openLive();
    await context.setOffline(true);
    await page.locator(".troubles", { hasText: "The ledger cannot be reached." }).waitFor();
    await page.locator("#total-cost").waitFor();
    await context.setOffline(false);
    await page.locator(".troubles .message").waitFor({ state: "detached" });
  });

  it("keeps the view under a session that ends, with all that was chosen there", async () => {
    const { page } = await openLive("/?tz=UTC");
    await page.getByRole("button", { name: "by application" }).click();
    await page.evaluate(`fetch("/v1/session", { method: "DELETE" })`);
    await page.clock.runFor(NEXT_MS);
    await page.getByText("Your session has ended.").waitFor();
    expect(await page.locator("#total-cost").isVisible()).toBe(false);
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.locator("#total-cost").waitFor();
    expect(new URL(page.url()).search).toBe("?tz=UTC");
    expect(await page.getByRole("button", { name: "by application" }).getAttribute("aria-pressed")).toBe("true");
  });

  it("reserves room for what is late, and prints without controls", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 1280, height: 900 } });
    await page.getByRole("table", { name: "Users of this month" }).waitFor();
    await page.locator(".waterfall").waitFor();
    expect(await shiftOf(page)).toBeLessThan(0.02);
    await page.emulateMedia({ media: "print" });
    for (const hidden of ["nav", ".who button", ".choice"])
      expect(await page.locator(hidden).first().isVisible()).toBe(false);
    await page.locator("#total-cost").waitFor();
    expect(wrong()).toEqual([]);
  });

  /** Opens a view whose time the test moves. */
  async function openLive(path = "/") {
    const visit = await stack.open({ timezoneId: "UTC" });
    await visit.page.clock.install();
    await visit.page.goto(`${path}#key=${stack.pageKey}`);
    await visit.page.locator("#total-cost").waitFor();
    await visit.page.getByRole("table", { name: "Tags of this month" }).waitFor();
    await visit.page.locator(".waterfall").waitFor();
    return visit;
  }
});

function callAt(at: Date, id: string, more: object) {
  return {
    id,
    timestamp: at.toISOString(),
    provider: "openai",
    model: "gpt-4o-mini",
    application: "assistant",
    input_tokens: 1_000,
    output_tokens: 200,
    cache_read_tokens: 300,
    duration_ms: 812,
    ...more,
  };
}

/** What is drawn anew, but for the time of the answer. */
const WATCH = `var watched = []; new MutationObserver((changes) => {
  for (const { target } of changes) {
    const element = target instanceof Element ? target : target.parentElement;
    if (!element.closest(".as-of")) watched.push(element.outerHTML.slice(0, 200));
  }
}).observe(document.getElementById("view"), { subtree: true, childList: true, attributes: true, characterData: true }); 0`;
const HIDE = `Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange")); 0`;
const SHOW = `delete document.hidden; document.dispatchEvent(new Event("visibilitychange")); 0`;

/** How many answers came as 304 since. The page itself sees the browser's copy. */
async function countUnchanged(page: Page): Promise<() => number> {
  const wire = await page.context().newCDPSession(page);
  let count = 0;
  wire.on("Network.responseReceivedExtraInfo", ({ statusCode }) => (count += Number(statusCode === 304)));
  await wire.send("Network.enable");
  return () => count;
}

async function usdOfAll(all: ReturnType<Page["locator"]>): Promise<string[]> {
  return await all.evaluateAll((found) => found.map((one) => one.getAttribute("data-usd") ?? ""));
}

function sum(all: readonly string[]): string {
  return usdOf(all.reduce((total, usd) => total + picoOf(usd), 0n));
}
