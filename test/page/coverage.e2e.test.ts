/** `/coverage` and `/doubles` in Chromium: what agents say against the ledger, and pairs that somebody decides. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { formatCount } from "../../src/page/figures.ts";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { countersAt, pairsAt } from "./coverage-traffic.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

interface Double {
  id: string;
  calls: { id: string; cost_usd: string | null }[];
}
interface Compared {
  emitter: string;
  application: string | null;
  day?: string;
  claimed: { total_tokens: number | null; cost_usd: string | null };
  ledger: { requests: number; cost_usd: string | null };
  missing: { total_tokens: number | null };
  share_percent: number | null;
  notes: string[];
}
interface Coverage {
  totals: Compared[];
  rows: Compared[];
  silent: object[];
}

const NOW_MS = Date.now();
/** As long as the API takes names. */
const NAMES = HOSTILE.map((name) => name.slice(0, 200));
const REFUSED = /Failed to load resource.* status of \d\d\d/;
const UNAVAILABLE = { status: 503, json: { status: 503, code: "unavailable", detail: "no database" } };

describe.skipIf(!HAS_CHROMIUM)("the page's views of agents", () => {
  const stack = usePageStack();
  const { open, openSignedIn, openShared } = stack;

  const api = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(stack.dev.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${stack.pageKey}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  const listed = async (query = ""): Promise<Double[]> =>
    (await api<{ doubles: Double[] }>(`/v1/doubles${query}`)).doubles;
  const totalPico = async (): Promise<bigint> =>
    picoOf((await api<{ totals: { cost_usd: string } }>("/v1/summary")).totals.cost_usd);

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const pairs = pairsAt(NOW_MS, NAMES);
    expect(await api("/v1/traces", pairs)).toMatchObject({ inserted: pairs.length, rejected: 0 });
    await api("/v1/metrics", countersAt(NOW_MS - 60_000, NAMES));
  });

  it("compares what agents say with the ledger, to the last digit", async () => {
    const { page, wrong } = await openShared("/coverage?tz=UTC");
    await page.getByRole("table", { name: "Coverage by day" }).waitFor();
    const { totals, rows: days } = await api<Coverage>("/v1/coverage");
    expect(totals.length).toBe(1 + NAMES.length);
    const cards = page.locator(".agents-card");
    expect(await cards.count()).toBe(totals.length);
    for (const [i, one] of totals.entries()) {
      const card = cards.nth(i);
      expect(await card.getByRole("heading").locator("bdi").textContent()).toBe(one.application ?? one.emitter);
      expect(await card.locator(".big").textContent()).toBe(`${one.share_percent}%`);
      expect(await usdIn(card)).toEqual([one.ledger.cost_usd ?? "", one.claimed.cost_usd ?? ""]);
      expect(await card.locator("li").allTextContents()).toEqual(one.notes);
      const [claimed, missing] = [one.claimed.total_tokens!, one.missing.total_tokens!];
      const sentence =
        missing > 0
          ? `${formatCount(missing)} of the ${formatCount(claimed)} tokens that the agent counted are missing`
          : `The ledger has ${formatCount(-missing)} more than the ${formatCount(claimed)} tokens`;
      await card.getByText(sentence).waitFor();
      expect(await card.getByRole("link", { name: "Look for calls that count twice" }).count()).toBe(
        missing < 0 ? 1 : 0,
      );
    }
    // 40,000 + 80,000 + 8,001 counted, and 8 calls of 12,000 + 840 in the ledger.
    await page.getByText("25,281 of the 128,001 tokens that the agent counted are missing in the ledger.").waitFor();
    const rows = page.getByRole("table", { name: "Coverage by day" }).locator("tr[data-key]");
    const keys = await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-key")));
    expect(keys).toEqual(days.map(({ day, emitter, application }) => JSON.stringify([day, emitter, application])));
    expect(await usdIn(rows.first())).toEqual([days[0]!.claimed.cost_usd ?? "", days[0]!.ledger.cost_usd ?? ""]);

    await page
      .locator('[data-agent="claude-code"]')
      .getByRole("link", { name: String(totals[0]!.ledger.requests) })
      .click();
    await page.locator(".of-calls").waitFor();
    expect(await page.locator(".of-calls tr[data-key]").count()).toBe(totals[0]!.ledger.requests);
    expect(wrong()).toEqual([]);
  });

  it("lists the ledger's pairs beside each other, and takes one out of the total and back by clicks", async () => {
    const { page, wrong } = await openSignedIn({}, "/doubles?tz=UTC");
    const pairs = await listed();
    const cards = page.locator(".agents-pair");
    await cards.first().waitFor();
    expect(await cards.evaluateAll((all) => all.map((card) => card.getAttribute("data-key")))).toEqual(
      pairs.map(({ id }) => id),
    );
    for (const [i, { calls }] of pairs.entries()) {
      const table = cards.nth(i).getByRole("table", { name: "The two calls" });
      expect(await usdIn(table)).toEqual(calls.map(({ cost_usd: usd }) => usd ?? ""));
      const receipts = await table.getByRole("link").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
      expect(receipts).toEqual(calls.map(({ id }) => `/calls/${id}?tz=UTC`));
    }

    const [alike, unlike] = pairs;
    const before = await totalPico();
    const card = cardOf(page, alike!);
    await card.getByText("Both count. What leaves every total if they are one call: $0.0243.").waitFor();
    await card.getByRole("button", { name: "Same …" }).click();
    await card.getByRole("button", { name: "Cancel" }).click();
    expect(await totalPico()).toBe(before);
    await card.getByRole("button", { name: "Same …" }).click();
    await card.getByRole("button", { name: "They are one call" }).click();
    await card.getByText("They are one call. What has left every total").waitFor();
    expect(usdOf(before - (await totalPico()))).toBe("0.0243");
    expect(await usdIn(card.getByRole("status"))).toEqual(["0.0243"]);
    expect(await card.getByText(", does not count").count()).toBe(1);
    expect((await listed()).map(({ id }) => id)).not.toContain(alike!.id);

    // It can be taken back also after the page was loaded anew.
    await page.reload();
    await cards.first().waitFor();
    expect(await card.count()).toBe(0);
    await page.getByRole("link", { name: "Same", exact: true }).click();
    await card.getByText("They are one call. What has left every total").waitFor();
    expect(await usdIn(card.getByRole("status"))).toEqual(["0.0243"]);
    await card.getByRole("button", { name: "Different" }).click();
    await card.getByText("They are different calls.").waitFor();
    expect(await totalPico()).toBe(before);
    await page.getByRole("link", { name: "Different", exact: true }).click();
    expect((await listed("?verdict=different")).map(({ id }) => id)).toEqual([alike!.id]);
    await card.getByRole("button", { name: "Same …" }).click();
    await card.getByRole("button", { name: "They are one call" }).click();
    await card.getByText("They are one call.").waitFor();
    expect(usdOf(before - (await totalPico()))).toBe("0.0243");
    await card.getByRole("button", { name: "Different" }).click();
    await card.getByText("They are different calls.").waitFor();

    // Two costs: one of them leaves, and the page says which.
    await page.getByRole("link", { name: "Undecided" }).click();
    const other = cardOf(page, unlike!);
    await other.getByText("if they are one call: $0.0243 or $0.0486.").waitFor();
    await other.getByRole("button", { name: "Same …" }).click();
    await other.getByRole("button", { name: "They are one call" }).click();
    await other.getByText("They are one call.").waitFor();
    const [gone] = await usdIn(other.getByRole("status"));
    expect(["0.0243", "0.0486"]).toContain(gone);
    expect(usdOf(before - (await totalPico()))).toBe(gone);
    await other.getByRole("button", { name: "Different" }).click();
    await other.getByText("They are different calls.").waitFor();
    expect(await totalPico()).toBe(before);
    expect(wrong()).toEqual([]);
  });

  it("is decided by keyboard, and a refusal is told where it was asked", async () => {
    const { page, wrong } = await openSignedIn({}, "/doubles");
    const card = page.locator(".agents-pair", { hasText: "nobody-knows" });
    const pattern = "**/v1/doubles/*";
    await page.route(pattern, (route) => route.fulfill(UNAVAILABLE));
    await card.getByRole("button", { name: "Same …" }).focus();
    await page.keyboard.press("Enter");
    const sure = card.getByRole("button", { name: "They are one call" });
    await sure.waitFor();
    expect(await focused(page)).toBe("They are one call");
    await page.keyboard.press("Enter");
    await card.getByText("The database does not answer right now. What you entered is still here").waitFor();
    await page.unroute(pattern);
    await sure.focus();
    await page.keyboard.press("Enter");
    const told = card.getByText("They are one call. What has left every total: unknown.");
    await told.waitFor();
    expect(await focused(page)).toBe(await told.textContent());
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await card.getByText("They are different calls.").waitFor();
    expect(wrong().filter((line) => !REFUSED.test(line))).toEqual([]);
  });

  it("shows a key that only reads what is there, and lets it decide nothing", async () => {
    const { page, wrong } = await open();
    await page.goto("/doubles");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("Your key may not say what they are").waitFor();
    expect(await page.getByRole("button", { name: /Same|Different/ }).count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("goes on to later pairs, also where a page of the ledger has none", async () => {
    const { page, wrong } = await openSignedIn({}, "/doubles");
    const pairs = await listed();
    const [first, second] = pairs.map(({ id }) => id);
    await page.locator(".agents-pair").first().waitFor();
    const asked: (string | null)[] = [];
    await page.route("**/v1/doubles?*", async (route) => {
      const cursor = new URL(route.request().url()).searchParams.get("cursor");
      asked.push(cursor);
      const next = { null: first, [first!]: second }[String(cursor)] ?? null;
      await route.fulfill({ json: { doubles: next === null ? pairs.slice(0, 1) : [], next_cursor: next } });
    });
    await page.reload();
    await page.locator(".agents-pair").waitFor();
    expect(asked).toEqual([null, first, second]);
    await page.unroute("**/v1/doubles?*");
    await page.goto(`/doubles?cursor=${first}`);
    await page.locator(".agents-pair").first().waitFor();
    await page.getByRole("link", { name: "The oldest" }).click();
    await cardOf(page, pairs[0]!).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("says what is wrong, what is not there, and what goes on by itself", async () => {
    const { page } = await openSignedIn({}, "/doubles?from=2025-01-01&to=2025-01-02");
    await page.getByText("No pairs that may be one call in this range").waitFor();
    await page.getByRole("link", { name: "Show the last 90 days" }).click();
    await page.locator(".agents-pair").first().waitFor();
    await page.goto("/coverage?from=2025-01-01&to=2025-01-02");
    await page.getByText("No agent sent counters or calls in this range").waitFor();
    await page.goto("/doubles?cursor=nothing");
    await page.getByText("The address has a wrong cursor").waitFor();
    await page.getByRole("link", { name: "Start anew" }).click();
    await page.locator(".agents-pair").first().waitFor();
    await page.goto("/doubles?verdict=perhaps");
    await page.getByText("The address has a wrong verdict").waitFor();
    await page.goto("/coverage?from=2025-01-01&to=2026-01-01");
    await page.getByText("The address has a wrong from (").waitFor();
    await page.goto("/coverage?range=never");
    await page.getByText("There is no range “never”.").waitFor();
    await page.getByRole("link", { name: "Leave that out" }).click();
    await page.getByRole("table", { name: "Coverage by day" }).waitFor();
    for (const path of ["coverage", "doubles"]) {
      await page.route(`**/v1/${path}?*`, (route) => route.fulfill(UNAVAILABLE));
      await page.goto(`/${path}?range=24h`);
      await page.getByText("The database does not answer right now. It is asked again by itself").first().waitFor();
      await page.unroute(`**/v1/${path}?*`);
      await page.getByRole("button", { name: "Try again" }).first().click();
      await page.locator(".card").first().waitFor();
    }
  });

  it("tells which agents and machines fell silent", async () => {
    const { page, wrong } = await openSignedIn({}, "/coverage?tz=UTC");
    const silent = [
      { emitter: "codex", application: null, installation: null, last_at: "2026-11-28T10:00:00.000Z" },
      {
        emitter: "otel",
        application: NAMES[0],
        installation: "01234567-89ab-4cde-8f01-23456789abcd",
        last_at: "2026-11-27T09:00:00.000Z",
      },
    ];
    await page.route("**/v1/coverage?*", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...((await answer.json()) as Coverage), silent } });
    });
    await page.reload();
    await page.getByText("codex: last seen 2026-11-28 10:00:00").waitFor();
    await page.getByText(`${NAMES[0]}, machine 01234567: last seen 2026-11-27 09:00:00`).waitFor();
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("fits into 360 pixels, with names as text and no finding, %s", async (scheme) => {
    const { page, wrong } = await openSignedIn(
      { colorScheme: scheme, viewport: { width: 360, height: 740 } },
      "/coverage",
    );
    await page.getByRole("table", { name: "Coverage by day" }).waitFor();
    for (const name of NAMES) expect(await page.getByText(name, { exact: true }).count()).toBe(2);
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.getByRole("link", { name: "Doubles" }).click();
    await page.locator(".agents-pair").first().waitFor();
    // As model, as session, and as the application of both.
    for (const name of NAMES) expect(await page.getByText(name, { exact: true }).count()).toBe(4);
    await page.getByRole("button", { name: "Same …" }).first().click();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(await page.locator("img").count()).toBe(0);
    expect(wrong()).toEqual([]);
  });
});

function cardOf(page: Page, pair: Double): Locator {
  return page.locator(`.agents-pair[data-key="${pair.id}"]`);
}

async function usdIn(place: Locator): Promise<(string | null)[]> {
  return await place.locator("[data-usd]").evaluateAll((all) => all.map((one) => one.getAttribute("data-usd")));
}

async function focused(page: Page): Promise<unknown> {
  return await page.evaluate("document.activeElement.textContent");
}
