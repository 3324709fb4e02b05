/** The controls that views share, in Chromium, on `/explore`: range, zone, filters, exports, saved views. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { DevStack } from "../e2e/dev-stack.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

const RANGE = "from=2026-10-01T00:00:00.000Z&to=2026-10-11T00:00:00.000Z&tz=UTC";

describe.skipIf(!HAS_CHROMIUM)("the controls of a view", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;

  beforeAll(async () => await sendCalls(stack.dev));

  const api = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { authorization: `Bearer ${stack.dev.apiKey}`, "content-type": "application/json" };
    const response = await fetch(`${stack.dev.url}${path}`, { ...init, headers });
    expect(response.ok).toBe(true);
    return (await response.json()) as T;
  };
  const openAt = async (query: string, options = {}) => {
    const visit = await openSignedIn(options, `/explore?${query}`);
    await menu(visit.page, "Range").waitFor();
    return visit;
  };

  it("takes a range that moves on, by the keyboard alone", async () => {
    const { page, wrong } = await openAt(`${RANGE}&model=gpt-4o-mini`);
    await menu(page, "Range").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Today" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Last 7 days");
    await page.keyboard.press("Enter");
    await expectQuery(page, "tz=UTC&model=gpt-4o-mini&range=7d");
    // The focus is back on the button, and Escape closes what it opens.
    expect(await focused(page)).toContain("Last 7 days since");
    await page.keyboard.press("Enter");
    await page.getByLabel("From").waitFor();
    await page.keyboard.press("Escape");
    await page.getByLabel("From").waitFor({ state: "detached" });
    expect(await focused(page)).toContain("Last 7 days since");
    await page.goBack();
    await expectQuery(page, `${RANGE}&model=gpt-4o-mini`);
    expect(wrong()).toEqual([]);
  });

  it("takes own dates in the zone, across a change of the clocks, and says what is wrong with them", async () => {
    const { page, wrong } = await openAt("range=7d&tz=Europe/Berlin");
    await menu(page, "Range").click();
    await page.getByLabel("From").fill("2026-10-26T00:00");
    await page.getByLabel("Until").fill("2026-10-25T00:00");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("The end must be after the start.").waitFor();
    await page.getByLabel("From").fill("2026-10-25T00:00");
    await page.getByLabel("Until").fill("2026-10-26T00:00");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    // A day of 25 hours.
    await expectQuery(page, "from=2026-10-24T22:00:00.000Z&to=2026-10-25T23:00:00.000Z&tz=Europe/Berlin");
    await page.getByText("2026-10-25, Europe/Berlin").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("takes any zone by typing, also one that the browser lists by another name", async () => {
    const { page, wrong } = await openAt("range=7d");
    await menu(page, "Range").click();
    const zone = page.getByRole("combobox", { name: "Another zone" });
    await zone.fill("Mars/Olympus");
    await page.keyboard.press("Enter");
    await page.getByText("There is no time zone “Mars/Olympus”. Type a city, such as Berlin.").waitFor();
    await zone.fill("new y");
    await page.getByRole("option", { name: "America/New_York" }).waitFor();
    await page.keyboard.press("ArrowDown");
    expect(await zone.getAttribute("aria-activedescendant")).not.toBeNull();
    await page.keyboard.press("Enter");
    await expectQuery(page, "range=7d&tz=America/New_York");
    await zone.fill("Asia/Kathmandu");
    await page.getByRole("option", { name: "Asia/Kathmandu UTC+05:45" }).click();
    await expectQuery(page, "range=7d&tz=Asia/Kathmandu");
    await page.getByRole("button", { name: "Your zone (Europe/Berlin)" }).click();
    await expectQuery(page, "range=7d");
    expect(wrong()).toEqual([]);
  });

  it("completes values with what they came to, as the API says", async () => {
    const { page, wrong } = await openAt(RANGE);
    const { values } = await api<{ values: { value: string; cost_usd: string | null }[] }>(
      `/v1/values?field=model&${RANGE}`,
    );
    await openFilter(page, "model");
    await page.getByRole("option", { name: "gpt-4o-mini" }).waitFor();
    const usd = await options(page)
      .locator("[data-usd]")
      .evaluateAll((found) => found.map((one) => one.getAttribute("data-usd")));
    expect(usd).toEqual(values.map((value) => value.cost_usd ?? ""));
    expect(usd).toContain("");
    await value(page).fill("MINI");
    await page.getByRole("option", { name: "nobody-knows" }).waitFor({ state: "detached" });
    await page.keyboard.press("ArrowUp");
    expect(await options(page).last().getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expectQuery(page, `${RANGE}&model=gpt-4o-mini`);
    // A second value of the field: calls with any of them. It need not be in the list.
    await openFilter(page, "model");
    await value(page).fill("not yet seen");
    await page.keyboard.press("Enter");
    await expectQuery(page, `${RANGE}&model=gpt-4o-mini&model=not+yet+seen`);
    await page.getByRole("button", { name: "Remove the filter Model: gpt-4o-mini" }).click();
    await expectQuery(page, `${RANGE}&model=not+yet+seen`);
    expect(await focused(page)).toContain("Add filter");
    expect(wrong()).toEqual([]);
  });

  it("cancels a question when typing goes on", async () => {
    const { page, wrong } = await openAt(RANGE);
    await openFilter(page, "model");
    await options(page).first().waitFor();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const cancelled = page.waitForEvent("requestfailed", (request) => request.url().endsWith("prefix=g"));
    await page.route(/prefix=g$/, () => ask());
    await value(page).fill("g");
    await asked;
    await value(page).fill("gpt");
    await cancelled;
    await page.getByText("Values of these days").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("refuses a value that the API has no filter for, and says why it does not answer", async () => {
    const { page } = await openAt(RANGE);
    await openFilter(page, "user");
    await options(page).first().waitFor();
    await value(page).press("Enter");
    await page.getByText("The ledger has no filter for calls without a value.").waitFor();
    await page.route(/\/v1\/values/, (route) => route.fulfill({ status: 503, body: "{}" }));
    await value(page).fill("x");
    await page.getByText("The database does not answer right now.").waitFor();
    await page.unroute(/\/v1\/values/);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The database does not answer right now.").waitFor({ state: "detached" });
  });

  it("filters by hostile values, as text, and by one label at a time", async () => {
    const { page, wrong } = await openAt(RANGE, { viewport: { width: 360, height: 740 } });
    for (const [place, name] of HOSTILE.entries()) {
      await openFilter(page, place === 0 ? "tag.team" : "user");
      if (place === 1) await page.getByText("this replaces the filter by").waitFor();
      await value(page).fill(name.slice(0, 20));
      await options(page).filter({ hasText: name }).first().click();
      await page
        .getByRole("button", { name: `Remove the filter ${place === 0 ? "team" : "User"}:` })
        .nth(Math.max(place - 1, 0))
        .waitFor();
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    }
    expect(new URL(page.url()).searchParams.getAll("user")).toEqual(HOSTILE.slice(1));
    expect(new URL(page.url()).searchParams.has("tag.team")).toBe(false);
    expect(await page.locator("img").count()).toBe(0);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await expectQuery(page, RANGE);
    expect(wrong()).toEqual([]);
  });

  it("downloads what is seen, and says what a download lacks", async () => {
    const { page, wrong } = await openAt(
      `${RANGE}&group_by=model&user=${encodeURIComponent(HOSTILE[0]!)}&compare=previous`,
    );
    await menu(page, "Export").click();
    await page.getByText("It leaves out the period that is compared with.").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download NDJSON" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("llm-costs_summary_2026-10-01_2026-10-11.ndjson");
    const rows = (await readFile(await download.path(), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const expected = await api<{ rows: { cost_usd: string }[] }>(
      `/v1/summary?${RANGE}&group_by=model&user=${encodeURIComponent(HOSTILE[0]!)}`,
    );
    expect(rows.map(({ model, cost_usd }) => ({ model, cost_usd }))).toMatchObject(
      expected.rows.map((row) => ({ cost_usd: row.cost_usd })),
    );
    const focus = await page.request.get(
      (await page.getByRole("link", { name: "Download FOCUS" }).getAttribute("href"))!,
    );
    expect([focus.status(), (await focus.text()).startsWith("BilledCost")]).toEqual([200, true]);
    expect(wrong()).toEqual([]);
  });

  it("copies the question as a call that answers the same in a shell, without the key", async () => {
    const name = "it's $HOME `x`";
    const { page, context, wrong } = await openAt(`${RANGE}&group_by=model&user=${encodeURIComponent(name)}`);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await menu(page, "Export").click();
    await page.getByRole("button", { name: "Copy as API call" }).click();
    await page.getByText("Copied.").waitFor();
    const line = String(await page.evaluate("navigator.clipboard.readText()"));
    expect(line).not.toContain("lct_");
    const script = `curl() { printf '%s\\0' "$@"; }\n${line}\n`;
    const env = { PATH: process.env["PATH"], LLM_COST_API_KEY: "of-the-shell" };
    const given = execFileSync("bash", ["--noprofile", "--norc", "-c", script], { env, encoding: "utf8" }).split("\0");
    expect(given[3]).toBe("Authorization: Bearer of-the-shell");
    const url = new URL(given[4]!);
    expect(url.searchParams.getAll("user")).toEqual([name]);
    const { totals } = await api<{ totals: { requests: number } }>(url.pathname + url.search);
    expect(totals.requests).toBe(1);
    expect(wrong()).toEqual([]);
  });

  it("fetches a download for the admin key's session, which names its project in a header", async () => {
    const { page, wrong } = await stack.open();
    await page.goto(`/explore?${RANGE}#key=${stack.dev.adminKey}`);
    await menu(page, "Export").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("llm-costs_summary_2026-10-01_2026-10-11.csv");
    expect(await readFile(await download.path(), "utf8")).toContain("gpt-4o-mini,");
    await page.route(/\/v1\/export/, (route) => route.fulfill({ status: 503, body: "{}" }));
    await page.getByRole("button", { name: "Download CSV" }).click();
    await page.getByText("The database does not answer right now.").waitFor();
    expect(wrong().filter((line) => !line.includes("503"))).toEqual([]);
  });

  it("saves a view, opens it from elsewhere, renames, replaces, shares and deletes it", async () => {
    const { page, context, wrong } = await openAt("range=7d&group_by=user");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await menu(page, "Saved views").click();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Give the view a name.").waitFor();
    await page.getByLabel("Save this view as").fill(HOSTILE[0]!);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: HOSTILE[0]! }).waitFor();
    expect(await views()).toMatchObject([{ name: HOSTILE[0], path: "/explore?range=7d&group_by=user" }]);

    await page.keyboard.press("Escape");
    await page.goto("/explore?range=90d");
    await menu(page, "Saved views").click();
    await page.getByRole("link", { name: HOSTILE[0]! }).click();
    await expectQuery(page, "range=7d&group_by=user");
    expect(await page.getByText("another version").count()).toBe(0);

    await menu(page, "Saved views").click();
    await page.getByRole("button", { name: /^Share “/ }).click();
    await page.getByText("Copied.").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(page.url());
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("New name").fill("By user");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "By user" }).waitFor();
    await page.keyboard.press("Escape");

    await page.goto("/explore?range=30d");
    await menu(page, "Saved views").click();
    await page.getByRole("link", { name: "By user" }).waitFor();
    await page.getByLabel("Save this view as").fill("By user");
    await page.getByText("It gets this address in place of its own.").waitFor();
    await page.getByRole("button", { name: "Replace" }).click();
    await page.locator('a[aria-current="page"]', { hasText: "By user" }).waitFor();
    expect(await views()).toMatchObject([{ name: "By user", path: "/explore?range=30d" }]);

    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Keep" }).click();
    expect(await views()).toHaveLength(1);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("group", { name: "Delete it?" }).getByRole("button", { name: "Delete" }).click();
    await page.getByText("None yet.").waitFor();
    expect(await views()).toEqual([]);
    expect(wrong()).toEqual([]);
  });

  it("says in sentences which name is taken, which view is gone, and what another version saved", async () => {
    const add = async (name: string, path: string) =>
      await api("/v1/views", { method: "POST", body: JSON.stringify({ name, path }) });
    await add("Old", "/explore?colour=red&range=7d");
    const { page, wrong } = await openAt("range=30d");
    await menu(page, "Saved views").click();
    await page.getByText("which is left out: colour=red").waitFor();
    // Somebody else saves one while the list is open.
    await add("Taken", "/why");
    await page.getByLabel("Save this view as").fill("Taken");
    await page.keyboard.press("Enter");
    await page.getByText("Another view has this name.").waitFor();
    await page.getByRole("link", { name: "Old" }).click();
    await expectQuery(page, "range=7d");
    await page.getByText("“Old” was saved by another version of this page").waitFor();
    expect((await views()).map(({ path }) => path)).toEqual(["/explore?colour=red&range=7d", "/why"]);
    expect(wrong().filter((line) => !line.includes("409"))).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe in its panels, %s", async (colorScheme) => {
    const { page, wrong } = await openAt(`${RANGE}&model=gpt-4o-mini`, { colorScheme });
    await menu(page, "Range").click();
    await page.getByRole("combobox", { name: "Another zone" }).fill("new");
    await options(page).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole("combobox", { name: "Another zone" }).press("Escape");
    await page.keyboard.press("Escape");
    await openFilter(page, "model");
    await options(page).first().waitFor();
    await page.keyboard.press("ArrowDown");
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    for (const name of ["Export", "Saved views"]) {
      await menu(page, name).click();
      await page.getByRole("group", { name, exact: true }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    }
    expect(wrong()).toEqual([]);
  });

  it.each(["Range", "Export", "Saved views"])("fits into 360 pixels: %s", async (name) => {
    const { page } = await openAt(RANGE, { viewport: { width: 360, height: 740 } });
    await menu(page, name).click();
    const panel = page.locator(".control-panel");
    await panel.waitFor();
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(await panel.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    const box = (await panel.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(360);
  });

  const views = async () => (await api<{ views: { name: string; path: string }[] }>("/v1/views")).views;
});

function menu(page: Page, name: string) {
  const panels: Record<string, string> = { Range: ".control-range button", Filter: ".control-filters .control-button" };
  const selector = panels[name];
  return selector === undefined
    ? page.getByRole("button", { name, exact: false }).first()
    : page.locator(selector).first();
}

async function openFilter(page: Page, field: string): Promise<void> {
  await menu(page, "Filter").click();
  await page.locator(`option[value="${field}"]`).first().waitFor({ state: "attached" });
  await page.getByLabel("Field").selectOption(field);
}

function value(page: Page) {
  return page.getByRole("combobox", { name: "Value" });
}

function options(page: Page) {
  return page.locator('li[role="option"]');
}

async function focused(page: Page): Promise<string> {
  return String(await page.evaluate("document.activeElement.textContent"));
}

async function expectQuery(page: Page, query: string): Promise<void> {
  const wanted = new URLSearchParams(query).toString();
  await page.waitForURL((url) => url.searchParams.toString() === wanted);
}

async function sendCalls({ url, apiKey }: DevStack): Promise<void> {
  const call = (id: string, more: object) => ({
    id,
    timestamp: "2026-10-05T12:00:00.000Z",
    provider: "openai",
    model: "gpt-4o-mini",
    application: "assistant",
    input_tokens: 1_000,
    output_tokens: 200,
    ...more,
  });
  const calls = [
    ...HOSTILE.map((name, i) => call(`hostile-${i}`, { user_id: name, tags: { team: name }, input_tokens: 1_000 + i })),
    call("quoted", { user_id: "it's $HOME `x`", model: "gpt-4o" }),
    call("unpriced", { provider: "nobody", model: "nobody-knows" }),
  ];
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(calls),
  });
  expect(await response.json()).toMatchObject({ inserted: calls.length, rejected: 0 });
}
