/** `/explore` in Chromium, against the answers of the API. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { DevStack } from "../e2e/dev-stack.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings, shiftOf } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

const RANGE = "from=2026-10-01T00:00:00.000Z&to=2026-10-11T00:00:00.000Z&tz=UTC";
const MANY = "from=2026-09-01T00:00:00.000Z&to=2026-09-02T00:00:00.000Z&tz=UTC";
const DAY_MS = 86_400_000;

interface Answer {
  totals: Record<string, unknown>;
  rows: Record<string, unknown>[];
}

describe.skipIf(!HAS_CHROMIUM)("explore", () => {
  const stack = usePageStack();
  const { openSignedIn, openShared } = stack;

  beforeAll(async () => await sendCalls(stack.dev));

  const summary = async (query: string): Promise<Answer> => {
    const response = await fetch(`${stack.dev.url}/v1/summary?${query}`, {
      headers: { authorization: `Bearer ${stack.dev.apiKey}` },
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Answer;
  };
  const openAt = async (query: string, options?: Parameters<typeof openSignedIn>[0]) => {
    const path = `/explore?${query}`;
    const visit = options ? await openSignedIn(options, path) : await openShared(path);
    await visit.page.getByRole("table").waitFor();
    return visit;
  };

  it.each([
    ["cost_usd", "model", ""],
    ["recorded_cost_usd", "application", ""],
    ["cost_usd", "model,user", ""],
    ["cost_usd", "tag.team", "&compare=previous"],
    ["cost_per_request_usd", "model", ""],
  ])("shows %s by %s%s as the API has it, to the last digit", async (metric, groupBy, more) => {
    const { page, wrong } = await openAt(`${RANGE}&metric=${metric}&group_by=${groupBy}${more}`);
    const order = metric === "cost_per_request_usd" ? "cost_usd" : metric;
    const { totals, rows } = await summary(
      `${RANGE}&group_by=${groupBy}&order=-${order}&limit=10&include=rates${more}`,
    );
    const keys = groupBy.split(",");
    const figuresOf = (sums: Answer["totals"]) => [
      sums[metric] ?? "",
      ...(more === "" ? [] : [(sums["previous"] as Answer["totals"])[metric] ?? "", sums["difference_usd"]]),
      ...(metric === "cost_usd" ? [] : [sums["cost_usd"] ?? ""]),
    ];
    expect(await shownRows(page)).toEqual(
      rows.map((row) => [
        keys.every((key) => row[key] === "(other)")
          ? "(other)"
          : keys.length === 1
            ? (row[keys[0]!] ?? "")
            : JSON.stringify(keys.map((key) => row[key])),
        ...figuresOf(row),
      ]),
    );
    expect(await usdOf(page, "tfoot tr")).toEqual(figuresOf(totals));
    expect(wrong()).toEqual([]);
  });

  it.each([
    ["requests", (sums: Answer["totals"]) => Number(sums["requests"]).toLocaleString("en-US")],
    ["total_tokens", (sums: Answer["totals"]) => Number(sums["total_tokens"]).toLocaleString("en-US")],
    ["p95", (sums: Answer["totals"]) => `${Number((sums["latency_ms"] as { p95: number }).p95.toPrecision(3))} ms`],
  ])("shows %s by model as the API has it", async (metric, textOf) => {
    const { page, wrong } = await openAt(`${RANGE}&metric=${metric}&limit=5`);
    const order = metric === "p95" ? "requests" : metric;
    const { totals, rows } = await summary(`${RANGE}&group_by=model&order=-${order}&limit=5&include=latency`);
    const texts = await page
      .locator("tbody tr[data-key], tfoot tr")
      .evaluateAll((found) => found.map((row) => row.querySelectorAll("td.figure")[0]!.textContent));
    expect(texts).toEqual([...rows, totals].map(textOf));
    expect(wrong()).toEqual([]);
  });

  it("combines the rest into (other), so that rows add up to the total", async () => {
    const { page } = await openAt(`${RANGE}&limit=5`);
    await page.locator(".legend [data-usd]").first().waitFor();
    expect(await shiftOf(page)).toBeLessThan(0.02);
    const rows = await shownRows(page);
    expect(rows.map(([key]) => key).at(-1)).toBe("(other)");
    expect(rows).toHaveLength(6);
    const [total] = await usdOf(page, "tfoot tr");
    expect(rows.reduce((sum, [, usd]) => sum + picoOf(usd!), 0n)).toBe(picoOf(total!));
    // The chart's legend has the same groups, with the same sums.
    const legend = await usdOf(page, ".legend");
    expect(legend.reduce((sum, usd) => sum + picoOf(usd!), 0n)).toBe(picoOf(total!));
    expect(await page.locator('tr[data-key="(other)"] a').count()).toBe(0);
  });

  it("tells the exact figures at the cursor, and zooms by the keyboard and by dragging", async () => {
    const { page, wrong } = await openAt(`${RANGE}&limit=5`);
    const { rows } = await summary(`${RANGE}&interval=day`);
    const plot = page.getByRole("group", { name: "Chart." });
    await plot.focus();
    await page.keyboard.press("Home");
    await page.getByText("2026-10-01:").waitFor();
    expect(await usdOf(page, ".readout")).toEqual([rows[0]!["cost_usd"]]);
    await page.keyboard.press("ArrowRight");
    await page.getByText("2026-10-02:").waitFor();
    expect(await usdOf(page, ".readout")).toEqual([rows[1]!["cost_usd"]]);

    const box = (await page.locator(".u-over").boundingBox())!;
    const y = box.y + box.height / 2;
    // Ten days from edge to edge: the third to the fifth are at 2/9 to 4/9.
    await page.mouse.move(box.x + (box.width * 2) / 9, y);
    await page.mouse.down();
    await page.mouse.move(box.x + (box.width * 4) / 9, y, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=2026-10-03T00/);
    const asked = new URL(page.url()).searchParams;
    expect([asked.get("from"), asked.get("to")]).toEqual(["2026-10-03T00:00:00.000Z", "2026-10-06T00:00:00.000Z"]);
    const { totals } = await summary(asked.toString().replace(/&?limit=5/, ""));
    await page.locator(`tfoot [data-usd="${String(totals["cost_usd"])}"]`).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("filters by a click on a cell or on a name, and restores all of it by going back", async () => {
    const { page, wrong } = await openAt(`${RANGE}&group_by=model,user&limit=20`);
    const first = await shownRows(page);
    await page.locator("tbody tr[data-key]").nth(1).getByRole("link").first().click();
    await page.waitForURL(/model=/);
    const model = new URL(page.url()).searchParams.get("model")!;
    await page
      .getByRole("button", { name: new RegExp(model) })
      .first()
      .waitFor();
    await expectRows(page, (rows) => rows.every(([key]) => key!.startsWith(`["${model}"`)));
    await page.getByRole("button", { name: "Table" }).click();
    await page.waitForURL(/chart=table/);
    await page.locator("table").getByRole("button", { name: "Requests" }).click();
    await page.waitForURL(/sort=-requests/);
    expect(await page.locator("canvas").count()).toBe(0);
    await page.goBack();
    await page.goBack();
    await page.locator("canvas").waitFor();
    await page.goBack();
    await expectRows(page, (rows) => JSON.stringify(rows) === JSON.stringify(first));
    await page.goForward();
    await expectRows(page, (rows) => rows.every(([key]) => key!.startsWith(`["${model}"`)));
    expect(wrong()).toEqual([]);
  });

  it("leads from a row to its calls, in its interval", async () => {
    const { page } = await openAt(`${RANGE}&chart=table&interval=day&group_by=model&limit=5`);
    const { rows } = await summary(`${RANGE}&interval=day&group_by=model&limit=5&order=-cost_usd`);
    expect(await page.locator("tbody tr[data-key]").count()).toBe(rows.length);
    const href = await page
      .locator("tbody tr[data-key]")
      .first()
      .getByRole("link", { name: /^Calls of/ })
      .getAttribute("href");
    const link = new URL(href!, "http://ledger");
    expect(link.pathname).toBe("/calls");
    expect(Object.fromEntries(link.searchParams)).toEqual({
      from: "2026-10-01T00:00:00.000Z",
      to: "2026-10-02T00:00:00.000Z",
      tz: "UTC",
      model: rows[0]!["model"],
    });
    const calls = await fetch(`${stack.dev.url}/v1/traces${link.search}&limit=1000`, {
      headers: { authorization: `Bearer ${stack.dev.apiKey}` },
    });
    expect(((await calls.json()) as { traces: unknown[] }).traces).toHaveLength(Number(rows[0]!["requests"]));
  });

  it("keeps few of many rows in the document, and reaches all of them by the keyboard", async () => {
    const { page, wrong } = await openAt(`${MANY}&group_by=user&limit=all&chart=table`);
    const table = page.getByRole("table");
    expect(await table.getAttribute("aria-rowcount")).toBe("1202");
    const rows = page.locator("tbody tr[data-key]");
    expect(await rows.count()).toBeLessThan(100);
    await rows.first().getByRole("link").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    const last = page.locator('tbody tr[aria-rowindex="1201"]');
    await last.waitFor();
    await page.waitForFunction(`document.activeElement.closest("tr")?.getAttribute("aria-rowindex") === "1201"`);
    expect(await rows.count()).toBeLessThan(100);
    const { totals } = await summary(MANY);
    expect(await usdOf(page, "tfoot tr")).toEqual([totals["cost_usd"]]);

    // All users at the same cost come by name; the other way, the last one is the first.
    await table.getByRole("button", { name: "User" }).click();
    await table.getByRole("button", { name: "User" }).click();
    await page.waitForURL(/sort=-user/);
    await page.locator('tr[aria-rowindex="2"][data-key="user-1199"]').waitFor();

    await page.evaluate(`dispatchEvent(new Event("beforeprint"))`);
    await page.getByText("Printed are the first 500 of 1,200 rows").waitFor({ state: "attached" });
    expect(await rows.count()).toBe(500);
    await page.evaluate(`dispatchEvent(new Event("afterprint"))`);
    expect(wrong()).toEqual([]);
  });

  it("says what is wrong with an address, shows the rest, and offers a way on", async () => {
    const { page, wrong } = await openAt(`${RANGE}&metric=joy&group_by=a,b,c&chart=pie&limit=-1&colour=red`);
    await expectText(page, "There is no metric “joy”.");
    await expectText(page, "There is no parameter “colour”");
    await page.getByRole("link", { name: "Leave it out" }).click();
    await page.getByText("There is no metric").waitFor({ state: "detached" });
    expect(new URL(page.url()).search).toBe(`?${new URLSearchParams(RANGE).toString()}`);
    expect(wrong()).toEqual([]);
  });

  it("says so where nothing matches, where two labels are asked for, and where the ledger does not answer", async () => {
    const { page } = await openSignedIn({}, `/explore?${RANGE}&model=none`);
    await expectText(page, "No calls match");
    await page.route("**/v1/summary?*", async (route) => {
      const body = JSON.stringify({ status: 503, code: "database_unavailable" });
      await route.fulfill({ status: 503, contentType: "application/problem+json", body });
    });
    await page.getByLabel("Metric").selectOption("requests");
    await expectText(page, "The database does not answer right now");
    await page.unroute("**/v1/summary?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The database does not answer").waitFor({ state: "detached" });
    await page.goto(`/explore?${RANGE}&user=a&tag.team=b`);
    await expectText(page, "may filter by one label");
    await page.getByRole("link", { name: "Start anew" }).click();
    await page.waitForURL(/\/explore$/);
  });

  it("shows the last answer by its own groups while another question fails", async () => {
    const { page } = await openAt(`${RANGE}&group_by=application`, {});
    const before = await shownRows(page);
    await page.route("**/v1/summary?*group_by=user*", async (route) => {
      const body = JSON.stringify({ status: 503, code: "database_unavailable" });
      await route.fulfill({ status: 503, contentType: "application/problem+json", body });
    });
    await page.getByLabel("Group by").selectOption("user");
    await expectText(page, "The database does not answer right now");
    await expectText(page, "(not up to date)");
    expect(await shownRows(page)).toEqual(before);
    // What is done now adds to the address as it is by now.
    await page.locator("table").getByRole("button", { name: "Requests" }).click();
    await page.waitForURL(/group_by=user.*sort=-requests/);
  });

  it("groups by a tag that is typed", async () => {
    const { page } = await openAt(RANGE);
    await page.getByLabel("Group by").selectOption({ label: "another tag…" });
    await page.getByLabel("Name of the tag").fill("team");
    await page.keyboard.press("Enter");
    await page.waitForURL(/group_by=tag\.team/);
    await page.locator('tr[data-key="search"]').waitFor();
  });

  it.each(["light", "dark"] as const)(
    "shows hostile names as text in 360 pixels, without serious findings, %s",
    async (colorScheme) => {
      const { page, wrong } = await openAt(`${RANGE}&group_by=user&limit=20`, {
        colorScheme,
        viewport: { width: 360, height: 740 },
      });
      for (const name of HOSTILE) expect(await page.locator("td").getByText(name, { exact: true }).count()).toBe(1);
      expect(await page.locator("img").count()).toBe(0);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      await page.locator(".chart canvas").waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      expect(wrong()).toEqual([]);
    },
  );
});

async function expectText(page: Page, text: string): Promise<void> {
  await page.getByText(text).first().waitFor();
}

/** Each row's key, and the exact values of its figures of money. */
async function shownRows(page: Page): Promise<(string | null)[][]> {
  return await page
    .locator("tbody tr[data-key]")
    .evaluateAll((rows) =>
      rows.map((row) => [
        row.getAttribute("data-key"),
        ...[...row.querySelectorAll("[data-usd]")].map((figure) => figure.getAttribute("data-usd")),
      ]),
    );
}

async function expectRows(page: Page, holds: (rows: (string | null)[][]) => boolean): Promise<void> {
  await expect.poll(async () => holds(await shownRows(page)), { timeout: 10_000 }).toBe(true);
}

async function usdOf(page: Page, selector: string): Promise<(string | null)[]> {
  return await page
    .locator(`${selector} [data-usd]`)
    .evaluateAll((figures) => figures.map((figure) => figure.getAttribute("data-usd")));
}

function picoOf(usd: string): bigint {
  const [whole, fraction = ""] = usd.split(".");
  return BigInt(whole! + fraction.padEnd(12, "0"));
}

const MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3", "o4-mini", "gpt-5-mini"];

/** Ten days of calls by eight models, and a day with 1,200 users. */
async function sendCalls({ url, apiKey }: DevStack): Promise<void> {
  const start = Date.parse("2026-10-01T00:00:00Z");
  const call = (id: string, ms: number, more: object) => ({
    id,
    timestamp: new Date(ms).toISOString(),
    provider: "openai",
    model: "gpt-4o",
    application: "assistant",
    input_tokens: 1_000,
    output_tokens: 200,
    duration_ms: 812,
    ...more,
  });
  const calls = Array.from({ length: 120 }, (_, i) =>
    call(`call-${i}`, start + (i % 10) * DAY_MS + i * 60_000, {
      model: MODELS[i % 8],
      application: `application-${i % 3}`,
      input_tokens: 1_000 + 37 * i,
      duration_ms: 100 + 7 * i,
      user_id: i % 4 === 0 ? undefined : i % 5 === 0 ? HOSTILE[(i / 5) % HOSTILE.length] : `user-${i % 2}`,
      tags: i % 3 === 0 ? { team: "search" } : {},
    }),
  );
  const hostile = HOSTILE.map((name, i) => call(`hostile-${i}`, start, { user_id: name, input_tokens: 9_000 + i }));
  const before = call("before", start - 3 * DAY_MS, { tags: { team: "search" } });
  const many = Array.from({ length: 1_200 }, (_, i) =>
    call(`many-${i}`, Date.parse("2026-09-01T00:00:00Z") + i * 1_000, {
      user_id: `user-${String(i).padStart(4, "0")}`,
    }),
  );
  const all = [...calls, ...hostile, before, ...many];
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(all),
  });
  expect(await response.json()).toMatchObject({ inserted: all.length, rejected: 0 });
}
