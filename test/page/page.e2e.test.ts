/** The page in Chromium: signing in, the overview, and what holds for every view. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { DevStack } from "../e2e/dev-stack.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { AGENTS } from "../../src/page/first-run/agents.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

describe.skipIf(!HAS_CHROMIUM)("the page", () => {
  const stack = usePageStack();
  const { open, openSignedIn } = stack;

  beforeAll(async () => await sendCalls(stack.dev));

  const summary = async (query: string): Promise<{ totals: { cost_usd: string }; rows: Record<string, string>[] }> => {
    const response = await fetch(`${stack.dev.url}/v1/summary?${query}`, {
      headers: { authorization: `Bearer ${stack.dev.apiKey}` },
    });
    expect(response.status).toBe(200);
    return (await response.json()) as never;
  };

  it("lets in by the link that the stack prints, and takes the key out of the address", async () => {
    expect(stack.dev.output()).toContain(`/#key=${stack.pageKey}`);
    const { page, context, wrong } = await openSignedIn();
    expect(page.url()).toBe(`${new URL(stack.dev.url).origin}/`);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    expect(cookie!.value).not.toContain(stack.pageKey);
    expect(await page.evaluate("JSON.stringify({ ...localStorage }) + document.cookie")).not.toContain("lct_");
    await page.reload();
    await page.locator("#total-cost").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("lets in by the form, keeps the address, and lets out", async () => {
    const { page, wrong } = await open();
    await page.goto("/?tz=Asia/Kathmandu");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.locator("#total-cost").waitFor();
    expect(page.url()).toContain("/?tz=Asia/Kathmandu");
    await expectText(page, "in Asia/Kathmandu");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("refuses a wrong key in a sentence", async () => {
    const { page } = await open();
    await page.goto("/");
    await page.getByLabel("API key").fill(`lct_${"0".repeat(48)}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expectText(page, "This key is unknown, expired or revoked.");
    expect(await page.locator("#total-cost").count()).toBe(0);
  });

  it("shows what the API says, to the last digit", async () => {
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" });
    const from = new Date().toISOString().slice(0, 7);
    const { totals } = await summary(`from=${from}-01`);
    expect(totals.cost_usd).toMatch(/^0\.\d+$/);
    expect(await page.locator("#total-cost").getAttribute("data-usd")).toBe(totals.cost_usd);
    expect(await page.locator("#total-cost").textContent()).not.toMatch(/^\$0(\.0+)?$/);

    for (const by of ["application", "model", "user"]) {
      const { rows } = await summary(`from=${from}-01&group_by=${by}&limit=8`);
      const table = page.getByRole("table", { name: `${by}s of this month` });
      await table.waitFor();
      const shown = await table
        .locator("tr[data-key]")
        .evaluateAll((found) =>
          found.map((row) => [row.getAttribute("data-key"), row.querySelector("[data-usd]")?.getAttribute("data-usd")]),
        );
      expect(shown).toEqual(rows.map((row) => [row[by] ?? "", row["cost_usd"] ?? ""]));
    }
    expect(wrong()).toEqual([]);
  });

  it("tells calls without a price, and never as costing nothing", async () => {
    const { page } = await openSignedIn();
    await expectText(page, "1 call of this month has no price");
    const unpriced = page.getByRole("table", { name: "models of this month" }).locator('tr[data-key="nobody-knows"]');
    await unpriced.waitFor();
    expect(
      await unpriced.locator("[data-usd]").evaluateAll((all) => all.map((one) => one.getAttribute("data-usd"))),
    ).toEqual(["", ""]);
    expect(await unpriced.textContent()).toContain("unknown");
  });

  it("shows hostile names as text, and fits into 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 360, height: 740 } });
    const users = page.getByRole("table", { name: "users of this month" });
    await users.waitFor();
    for (const name of HOSTILE) expect(await users.getByText(name, { exact: true }).count()).toBe(1);
    expect(await page.locator("img").count()).toBe(0);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(wrong()).toEqual([]);
  });

  it("says so where a zone or an address does not exist, with a way on", async () => {
    const { page, wrong } = await openSignedIn(undefined, "/?tz=Mars/Olympus");
    await expectText(page, "There is no time zone “Mars/Olympus”");
    await page.getByRole("link", { name: "Leave the zone out" }).click();
    await page.getByText("Mars/Olympus").waitFor({ state: "detached" });
    await page.goBack();
    await expectText(page, "Mars/Olympus");
    expect(wrong()).toEqual([]);
    expect((await page.request.get("/nothing")).status()).toBe(404);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openSignedIn({ colorScheme });
    await page.getByRole("table", { name: "users of this month" }).waitFor();
    await page.locator(".waterfall").waitFor();
    await page.locator(".chart canvas").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(wrong()).toEqual([]);
  });

  it("describes the API, and the settings of each coding agent, without asking anybody else", async () => {
    const { page, wrong } = await open();
    const document = await (await page.request.get("/docs")).text();
    await page.goto("/docs");
    await page.getByRole("heading", { name: "Coding agents" }).waitFor();
    const shown = await page.locator("#docs pre").allTextContents();
    for (const { title, steps } of AGENTS) {
      await page.getByRole("heading", { name: title, exact: true }).waitFor();
      // It is there before any script has run.
      expect(document).toContain(`<h3>${title}</h3>`);
      for (const { text } of steps) expect(shown.map((one) => one.trim())).toContain(text({ url: "URL", key: "KEY" }));
    }
    await page.getByRole("button", { name: "Authorize", exact: true }).click();
    await expectText(page, "The token for a metrics scraper.");
    await page.getByRole("button", { name: "Close" }).first().click();
    await page.locator('[id="operations-Costs-summarize"]').click();
    await expectText(page, "The IANA time zone in which days begin");
    expect(wrong()).toEqual([]);
  });
});

async function expectText(page: Page, text: string): Promise<void> {
  await page.getByText(text).first().waitFor();
}

/** A call for each name, one without a price, and one on the last day of the month before. */
async function sendCalls({ url, apiKey }: DevStack): Promise<void> {
  const now = new Date();
  const lastMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 2));
  const call = (id: string, more: object) => ({
    id,
    timestamp: now.toISOString(),
    provider: "openai",
    model: "gpt-4o-mini",
    application: "assistant",
    input_tokens: 1_000,
    output_tokens: 200,
    cache_read_tokens: 300,
    duration_ms: 812,
    ...more,
  });
  const calls = [
    ...HOSTILE.map((name, i) => call(`hostile-${i}`, { user_id: name, application: name, input_tokens: 1_000 + i })),
    call("unpriced", { provider: "nobody", model: "nobody-knows" }),
    call("before", { timestamp: lastMonth.toISOString() }),
  ];
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(calls),
  });
  expect(await response.json()).toMatchObject({ inserted: calls.length, rejected: 0 });
}
