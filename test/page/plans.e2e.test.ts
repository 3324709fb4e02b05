/** `/plans` in Chromium: a plan is added, set against what its people used, and deleted. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

interface Plan {
  id: string;
  name: string;
  users: string[];
}
interface Use {
  totals: { cost_usd: string | null; price_usd: string; worth: string | null; unused_usd: string };
  periods: { from: string; people: { user: string; cost_usd: string | null; price_usd: string; worth: string }[] }[];
}

const NOW_MS = Date.now();
/** Periods are of UTC days, and each test's plan has one. */
const TODAY = new Date(NOW_MS).toISOString().slice(0, 10);
const NAMES = HOSTILE.map((name) => name.slice(0, 100));
const REFUSED = /Failed to load resource.* status of \d\d\d/;
const UNAVAILABLE = { status: 503, json: { status: 503, code: "unavailable", detail: "no database" } };

describe.skipIf(!HAS_CHROMIUM)("the page's plans", () => {
  const stack = usePageStack();
  const { open, openSignedIn } = stack;

  const api = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(stack.dev.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${stack.pageKey}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
    return (await response.json()) as T;
  };
  const listed = async (): Promise<Plan[]> => (await api<{ plans: Plan[] }>("/v1/plans")).plans;
  const useOf = async (id: string): Promise<Use> => await api<Use>(`/v1/plans/${id}/use`);
  const addPlan = async (name: string, users: readonly string[], more: object = {}): Promise<Plan> =>
    await api<Plan>("/v1/plans", { name, seat_usd: "0.05", period: "month", from: TODAY, users, ...more });

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const call = (user_id: string, i: number, more: object = {}): object => ({
      id: `of ${user_id} ${i}`,
      timestamp: new Date(NOW_MS - 1_000 - i).toISOString(),
      provider: "openai",
      model: "gpt-4o-mini",
      input_tokens: 100_001,
      output_tokens: 7,
      covered_by: "plan",
      user_id,
      ...more,
    });
    const calls = [
      ...[1, 2, 3, 4, 5].map((i) => call("ada", i)),
      call("grace", 1),
      // An API's call is no use of a plan.
      call("grace", 2, { covered_by: "api" }),
      ...NAMES.map((name, i) => call(name, i)),
    ];
    expect(await api("/v1/traces", calls)).toMatchObject({ inserted: calls.length, rejected: 0 });
  });

  it("adds a plan once, shows what each seat was worth to the last digit, and deletes it when it is asked twice", async () => {
    const { page, wrong } = await openSignedIn({}, "/plans?tz=UTC");
    await page.getByText("Add one above, with the people who have its seats.").waitFor();
    await page.getByText("Add a plan").click();
    await page.getByLabel("Name", { exact: true }).fill("Team seats");
    await page.getByLabel("USD for a seat").fill("0,05");
    await page.getByText("Write 0.05, with a point").waitFor();
    await page.getByLabel("USD for a seat").fill("$ .05");
    await page.getByLabel("First day (UTC)").fill(TODAY);
    await page.getByLabel("People, as calls name").fill("ada\n\n grace \nidle\nada");
    const keys: (string | undefined)[] = [];
    await page.route("**/v1/plans", async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      keys.push(route.request().headers()["idempotency-key"]);
      // The first one arrives, and its answer does not.
      if (keys.length > 1) return route.continue();
      await route.fetch();
      await route.abort();
    });
    const add = page.getByRole("button", { name: "Add the plan" });
    await add.click();
    await page.getByText("What you entered is still here; try again.").waitFor();
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("Team seats");
    await add.click();
    const card = page.locator(".agents-plan", { hasText: "Team seats" });
    await card.getByRole("table").waitFor();
    expect(new Set(keys).size).toBe(1);
    const plans = await listed();
    expect(plans).toMatchObject([{ name: "Team seats", seat_usd: "0.05", users: ["ada", "grace", "idle"] }]);

    // 5 x (100,001 x $0.15/MTok + 7 x $0.60/MTok) = $0.07502175 for $0.05.
    const { totals, periods } = await useOf(plans[0]!.id);
    const people = periods.flatMap(({ from, people }) => people.map((person) => ({ from, ...person })));
    expect(people).toMatchObject([
      { user: "ada", cost_usd: "0.07502175", worth: "1.5004" },
      { user: "grace", cost_usd: "0.01500435" },
      { user: "idle", cost_usd: "0" },
    ]);
    expect(await keysOf(card)).toEqual(people.map(({ user }) => JSON.stringify([TODAY, user])));
    const rows = card.locator("tr[data-key]");
    for (const [i, { cost_usd: used, price_usd: paid, worth }] of people.entries()) {
      expect(await usdIn(rows.nth(i))).toEqual([used, paid]);
      await rows
        .nth(i)
        .getByText(i === 2 ? "not used" : `${worth}×`)
        .waitFor();
    }
    expect(await card.locator(".big").textContent()).toBe(`${totals.worth}×`);
    expect(await usdIn(card.locator("p", { hasText: "used of" }))).toEqual([
      totals.cost_usd,
      totals.price_usd,
      totals.unused_usd,
    ]);
    await card.getByText("1 seat without a call").waitFor();

    // The calls behind a person's figure are those that a plan covers.
    await card.getByRole("link", { name: "grace" }).click();
    await page.locator(".of-calls tr[data-key]").first().waitFor();
    expect(await page.locator(".of-calls tr[data-key]").count()).toBe(1);
    await page.goBack();
    await card.getByRole("button", { name: "Delete the plan Team seats" }).click();
    await page.getByRole("button", { name: "Leave it as it is" }).click();
    expect(await listed()).toHaveLength(1);
    await card.getByRole("button", { name: "Delete the plan Team seats" }).click();
    await page.getByRole("button", { name: "Delete the plan", exact: true }).click();
    await page.getByText("There are no plans").waitFor();
    expect(await listed()).toEqual([]);
    expect(wrong().filter((line) => !/ERR_FAILED/.test(line))).toEqual([]);
  });

  it("says what the ledger refuses, and keeps what was typed", async () => {
    const { page, wrong } = await openSignedIn({}, "/plans");
    await page.getByText("Add a plan").focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Name", { exact: true }).fill("Too dear");
    await page.getByLabel("USD for a seat").fill("1000001");
    await page.getByLabel("First day (UTC)").fill(TODAY);
    await page.getByLabel("People, as calls name").fill("ada");
    await page.getByLabel("USD for a seat").press("Enter");
    await page.getByText("must be a decimal of USD from 0 to 1,000,000").waitFor();
    expect(await page.getByLabel("USD for a seat").inputValue()).toBe("1000001");
    expect(wrong().filter((line) => !REFUSED.test(line))).toEqual([]);
  });

  it("shows a key that only reads the plans, and lets it change none", async () => {
    await addPlan("to be read", ["ada"]);
    const { page, wrong } = await open();
    await page.goto("/plans");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("to be read").waitFor();
    await page.getByRole("table", { name: "What each seat was worth" }).first().waitFor();
    expect(await page.getByText("Add a plan").count()).toBe(0);
    expect(await page.getByRole("button", { name: /Delete/ }).count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("says so where a plan has not begun, and where the ledger does not answer", async () => {
    await addPlan("in a while", ["ada"], { from: "2099-01-01" });
    const { page } = await openSignedIn({}, "/plans");
    const card = page.locator(".agents-plan", { hasText: "in a while" });
    await card.getByText("No period of it has begun in this range.").waitFor();
    await page.route("**/v1/plans/*/use?*", (route) => route.fulfill(UNAVAILABLE));
    await page.goto("/plans?range=today");
    await card.getByText("The database does not answer right now").waitFor();
    await page.unroute("**/v1/plans/*/use?*");
    await card.getByRole("button", { name: "Try again" }).click();
    await card.getByText("No period of it has begun in this range.").waitFor();
    await page.route("**/v1/plans?*", (route) => route.fulfill(UNAVAILABLE));
    await page.route("**/v1/plans", (route) => route.fulfill(UNAVAILABLE));
    await page.reload();
    await page.getByText("The database does not answer right now").waitFor();
  });

  it("goes to earlier plans page by page, and back", async () => {
    const { page, wrong } = await openSignedIn({}, "/plans");
    await page.route("**/v1/plans?*", async (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set("limit", "1");
      await route.fulfill({ response: await route.fetch({ url: url.href }) });
    });
    await page.reload();
    const all = await listed();
    expect(all.length).toBeGreaterThan(1);
    await page.locator(`.agents-plan[data-key="${all[0]!.id}"]`).waitFor();
    await page.getByRole("link", { name: "Earlier ones" }).click();
    await page.locator(`.agents-plan[data-key="${all[1]!.id}"]`).waitFor();
    expect(await page.locator(".agents-plan").count()).toBe(1);
    await page.getByRole("link", { name: "The latest" }).click();
    await page.locator(`.agents-plan[data-key="${all[0]!.id}"]`).waitFor();
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("fits into 360 pixels, with names as text and no finding, %s", async (scheme) => {
    for (const name of NAMES) await addPlan(name, [name, `${name} idle`]);
    const { page, wrong } = await openSignedIn(
      { colorScheme: scheme, viewport: { width: 360, height: 740 } },
      "/plans",
    );
    await page.getByText("Add a plan").click();
    for (const { id, users } of await listed()) {
      const card = page.locator(`.agents-plan[data-key="${id}"]`);
      await card.getByText(/without a call|No period|used of/).waitFor();
      for (const user of users)
        expect(await card.getByRole("link", { name: user, exact: true }).count()).toBeLessThanOrEqual(1);
    }
    for (const name of NAMES) await page.getByRole("heading", { name, exact: true }).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page
      .getByRole("button", { name: /^Delete the plan/ })
      .first()
      .click();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(await page.locator("img").count()).toBe(0);
    expect(wrong()).toEqual([]);
  });
});

async function usdIn(place: Locator): Promise<(string | null)[]> {
  return await place.locator("[data-usd]").evaluateAll((all) => all.map((one) => one.getAttribute("data-usd")));
}

async function keysOf(place: Locator | Page): Promise<(string | null)[]> {
  return await place.locator("tr[data-key]").evaluateAll((all) => all.map((row) => row.getAttribute("data-key")));
}
