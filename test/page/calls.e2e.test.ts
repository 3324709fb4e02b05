/** `/calls` and `/sessions` in Chromium: rows, pages, filters, sums, the live tail, and nobody else's calls. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

interface Call {
  id: string;
  timestamp: string;
  cost_usd: string | null;
  session_id: string | null;
}

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
/** More than two pages. */
const MANY = 120;

describe.skipIf(!HAS_CHROMIUM)("calls", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;

  const api = async (path: string, key = stack.dev.apiKey, body?: unknown): Promise<Response> =>
    await fetch(stack.dev.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const listed = async (query: string): Promise<Call[]> =>
    ((await (await api(`/v1/traces?${query}`)).json()) as { traces: Call[] }).traces;
  const send = async (calls: object[], key?: string): Promise<void> => {
    expect(await (await api("/v1/traces", key, calls)).json()).toMatchObject({ inserted: calls.length, rejected: 0 });
  };
  /** Calls of one test, among which no other test's are. */
  const sendOne = async (id: string, more: object = {}, key?: string): Promise<void> =>
    await send([call(id, { timestamp: new Date().toISOString(), ...more })], key);

  beforeAll(async () => {
    await send([
      ...Array.from({ length: MANY }, (_, i) =>
        call(`many-${i}`, {
          application: "many",
          timestamp: new Date(NOW_MS - DAY_MS - i * 61_000).toISOString(),
          input_tokens: 1_000 + i * 7,
          session_id: `session-${i % 60}`,
        }),
      ),
      ...HOSTILE.map((name, i) =>
        call(`hostile-${i}`, {
          timestamp: new Date(NOW_MS - 2 * DAY_MS).toISOString(),
          application: name,
          model: name,
          user_id: name,
          session_id: name,
          trace_id: name,
          status: "error",
          error_type: name,
          tags: { [name.slice(0, 100)]: name.slice(0, 200) },
        }),
      ),
      call("unpriced", { application: "odd", provider: "nobody", model: "nobody-knows" }),
      call("failed", { application: "odd", status: "error", error_type: "rate_limit" }),
      call("of-a-trace", { application: "odd", trace_id: "trace-1", span_id: "1", session_id: ".." }),
    ]);
  });

  it("shows the API's calls, page by page, and goes back", async () => {
    const { page, wrong } = await openSignedIn({}, "/calls?application=many&tz=UTC");
    const all = await listed("application=many&limit=1000");
    expect(all.length).toBe(MANY);
    const shown: [string, string][] = [];
    for (const [from, to] of [
      [0, 50],
      [50, 100],
      [100, MANY],
    ] as const) {
      await expectRows(page, all.slice(from, to));
      shown.push(...(await rowsOf(page)));
      if (to < MANY) await page.getByRole("link", { name: "Older" }).click();
    }
    await page.getByText("These are the oldest of the range").waitFor();
    expect(await page.getByRole("link", { name: "Older" }).count()).toBe(0);

    // The pages add up to the sum above them, which is the summary's.
    const sum = usdOf(shown.reduce((pico, [, usd]) => pico + picoOf(usd), 0n));
    const { totals } = (await (await api("/v1/summary?application=many")).json()) as { totals: { cost_usd: string } };
    expect(sum).toBe(totals.cost_usd);
    expect(await page.locator("#calls-total").getAttribute("data-usd")).toBe(totals.cost_usd);
    expect(await page.locator("#calls-count").textContent()).toBe(String(MANY));

    await page.goBack();
    await expectRows(page, all.slice(50, 100));
    await page.reload();
    await expectRows(page, all.slice(50, 100));
    await page.goBack();
    await expectRows(page, all.slice(0, 50));
    await page.goForward();
    await expectRows(page, all.slice(50, 100));
    await page.getByRole("link", { name: "Newest" }).click();
    await expectRows(page, all.slice(0, 50));
    expect(await rowLinks(page)).toEqual(all.slice(0, 50).map(({ id }) => `/calls/${id}`));
    expect(wrong()).toEqual([]);
  });

  it("filters by what only calls have, and says no sum then", async () => {
    const { page, wrong } = await openSignedIn({}, "/calls?application=odd&tz=UTC");
    await page.locator("#calls-total").waitFor();
    await page.getByRole("button", { name: "Without a price" }).click();
    await expectRows(page, await listed("application=odd&unpriced=true"));
    expect(await page.locator("#calls-total").count()).toBe(0);
    const row = page.locator("tr[data-key]");
    expect(await row.locator("[data-usd]").getAttribute("data-usd")).toBe("");
    expect(await row.textContent()).toContain("model unknown");
    await page.getByRole("button", { name: "Without a price" }).click();

    await page.getByLabel("Status").selectOption("error");
    await expectRows(page, await listed("application=odd&status=error"));
    expect(await page.locator("tr[data-key]").textContent()).toContain("rate_limit");
    await page.getByLabel("Status").selectOption("");

    await page.getByLabel("Find by").selectOption("trace_id");
    await page.getByLabel("Trace to find").fill("trace-1");
    await page.keyboard.press("Enter");
    await expectRows(page, await listed("trace_id=trace-1"));
    expect(new URL(page.url()).search).toContain("trace_id=trace-1");
    // A path cannot end with `..`, so this session is a list.
    await page.getByRole("link", { name: "..", exact: true }).click();
    await expectRows(page, await listed("session_id=.."));
    expect(new URL(page.url()).pathname).toBe("/calls");
    await page.getByRole("button", { name: "Remove the filter Session .." }).click();
    await page.waitForURL((url) => !url.searchParams.has("session_id"));
    expect(wrong()).toEqual([]);
  });

  it("shows hostile names as text, follows them, and fits into 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 360, height: 740 } }, "/calls?status=error&tz=UTC");
    await expectRows(page, await listed("status=error"));
    for (const name of HOSTILE) {
      expect(await page.locator("tbody bdi").getByText(name, { exact: true }).count()).toBeGreaterThanOrEqual(5);
    }
    expect(await page.locator("img").count()).toBe(0);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    for (const name of HOSTILE) {
      await page.goto(`/calls?${new URLSearchParams({ application: name, session_id: name, tz: "UTC" }).toString()}`);
      await expectRows(page, await listed(new URLSearchParams({ application: name }).toString()));
      await page.getByTitle("Only this user").click();
      await page.waitForURL((url) => url.searchParams.get("user") === name);
      await expectRows(page, await listed(new URLSearchParams({ user: name }).toString()));
    }
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(wrong()).toEqual([]);
  });

  it("follows what comes, and leaves the place of the focus alone", async () => {
    await sendOne("live-0", { application: "live" });
    const { page, wrong } = await openSignedIn({}, "/calls?application=live&tz=UTC");
    const rows = page.locator("tr[data-key]");
    await rows.first().waitFor();
    // What the first look finds has not come since.
    const looked = page.waitForResponse((response) => new URL(response.url()).pathname === "/v1/traces");
    await page.getByRole("switch", { name: "Live" }).click();
    await looked;
    await sendOne("live-1", { application: "live" });
    await expectRows(page, await listed("application=live"));
    expect((await rowsOf(page)).length).toBe(2);
    await page.getByText("1 new call came").waitFor();

    const first = rows.first().getByRole("link").first();
    await first.focus();
    const held = await first.getAttribute("href");
    await sendOne("live-2", { application: "live" });
    await sendOne("live-3", { application: "live" });
    await page.getByRole("button", { name: "Show 2 new calls" }).waitFor();
    expect((await rowsOf(page)).length).toBe(2);
    expect(await page.evaluate(`document.activeElement.getAttribute("href")`)).toBe(held);
    await page.getByRole("button", { name: "Show 2 new calls" }).click();
    await expectRows(page, await listed("application=live"));
    expect((await rowsOf(page)).length).toBe(4);
    // The sum follows, too.
    const { totals } = (await (await api("/v1/summary?application=live")).json()) as { totals: { cost_usd: string } };
    await page.locator(`#calls-total[data-usd="${totals.cost_usd}"]`).waitFor();

    await page.getByRole("switch", { name: "Live" }).click();
    await page.waitForURL((url) => !url.searchParams.has("live"));
    expect(wrong()).toEqual([]);
  });

  it("lists sessions as the API does", async () => {
    const { page, wrong } = await openSignedIn({}, "/sessions?range=7d&application=many&tz=UTC");
    const { sessions } = (await (await api("/v1/sessions?application=many&limit=1000")).json()) as {
      sessions: { session_id: string; cost_usd: string }[];
    };
    expect(sessions.length).toBe(60);
    const rows = sessions.map(({ session_id: id, cost_usd }) => ({ id, cost_usd }));
    await expectRows(page, rows.slice(0, 50));
    expect((await rowLinks(page))[0]).toMatch(/^\/sessions\/session-0\?from=/);
    await page.getByRole("link", { name: "Older" }).click();
    await expectRows(page, rows.slice(50));
    await page.getByRole("link", { name: "Calls", exact: true }).last().click();
    await expectRows(page, await listed("application=many&limit=50"));
    await page.goto(`/sessions?range=7d&status=error&tz=UTC`);
    for (const name of HOSTILE) await page.locator(`td:first-child`).getByText(name, { exact: true }).waitFor();
    expect(await page.locator("img").count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("says what is wrong with an address, and leads on", async () => {
    const { page, wrong } = await openSignedIn({}, "/calls?application=odd&status=odd&cursor=x&limit=0&tz=UTC");
    await expectRows(page, await listed("application=odd"));
    for (const parameter of ["cursor", "status", "limit"]) {
      await page.getByRole("link", { name: `Leave the ${parameter} out` }).click();
      await page.waitForURL((url) => !url.searchParams.has(parameter));
    }
    expect(await page.locator(".message").count()).toBe(0);

    const [oldest] = (await listed("application=odd")).slice(-1);
    await page.goto(`/calls?application=odd&tz=UTC&cursor=${oldest!.id}`);
    await page.getByText("No older calls in this range").waitFor();
    await page.getByRole("link", { name: "Show the newest" }).click();
    await expectRows(page, await listed("application=odd"));

    await page.goto("/calls?application=many&from=2025-01-01&to=2025-01-02&tz=UTC");
    await page.getByText("No calls in this range that the filters let through").waitFor();
    expect(await page.getByRole("switch", { name: "Live" }).isDisabled()).toBe(true);
    await page.getByRole("link", { name: "show the last 90 days" }).click();
    await expectRows(page, await listed("application=many&limit=50"));
    await page.goto("/calls?application=nobody&status=ok&tz=UTC");
    await page.getByRole("link", { name: "Leave the filters out" }).click();
    await expectRows(page, await listed("limit=50"));
    expect(wrong()).toEqual([]);
  });

  it("keeps what is there when the ledger fails, and leads to what is kept", async () => {
    const { page } = await openSignedIn({}, "/calls?application=odd&tz=UTC");
    const odd = await listed("application=odd");
    await expectRows(page, odd);
    const answer = async (status: number, body: object): Promise<void> => {
      await page.unroute("**/v1/traces?*");
      await page.route("**/v1/traces?*", (route) =>
        route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ status, ...body }) }),
      );
    };
    await answer(503, { code: "database_unavailable" });
    await page.getByLabel("Status").selectOption("ok");
    await page.getByText("The database does not answer right now").waitFor();
    await expectRows(page, odd);
    await page.getByText("(not up to date)").waitFor();
    await page.unroute("**/v1/traces?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await expectRows(page, await listed("application=odd&status=ok"));

    await answer(400, { code: "invalid_parameter", parameter: "model", detail: "must be 1 to 512 characters" });
    await page.getByLabel("Status").selectOption("error");
    await page.getByText("The address has a wrong model").waitFor();
    expect(await page.getByRole("link", { name: "Start anew, without filters" }).getAttribute("href")).toBe("/calls");

    const since = new Date(NOW_MS - 3 * DAY_MS).toISOString();
    await answer(422, { code: "raw_expired", since });
    await page.goto("/calls?range=90d&tz=UTC");
    await page.getByText("Older data has been deleted").waitFor();
    await page.unroute("**/v1/traces?*");
    await page.getByRole("link", { name: "Show what is kept" }).click();
    await expectRows(page, await listed("limit=50"));
  });

  it("shows a project's key nobody else's calls", async () => {
    const admin = stack.dev.adminKey;
    const { id } = (await (await api("/v1/projects", admin, { name: "other" })).json()) as { id: string };
    const made = { project_id: id, name: "page", scopes: ["ingest", "read"] };
    const { key } = (await (await api("/v1/keys", admin, made)).json()) as { key: string };
    await sendOne("theirs", { application: "theirs" }, key);
    const { page, wrong } = await stack.open();
    await page.goto("/calls?tz=UTC");
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    const theirs = ((await (await api("/v1/traces", key)).json()) as { traces: Call[] }).traces;
    expect(theirs.length).toBe(1);
    await expectRows(page, theirs);
    const [ours] = await listed("application=many&limit=1");
    await page.goto(`/calls?application=many&cursor=${ours!.id}&tz=UTC`);
    await page.getByText("No older calls in this range").waitFor();
    await page.goto("/calls?session_id=session-0&tz=UTC");
    await page.getByText("No calls in this range that the filters let through").waitFor();
    await page.goto("/sessions?range=90d&tz=UTC");
    await page.getByText("No sessions in this range").waitFor();
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openSignedIn({ colorScheme }, "/calls?billable=all&live=1&tz=UTC");
    await page.locator("tr[data-key]").first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto("/sessions?range=7d&status=odd&tz=UTC");
    await page.locator("tr[data-key]").first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto("/calls?application=nobody&tz=UTC");
    await page.getByText("No calls in this range").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(wrong()).toEqual([]);
  });
});

function call(id: string, more: object): object {
  return {
    id,
    timestamp: new Date(NOW_MS).toISOString(),
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

function rows(page: Page): Locator {
  return page.locator("tr[data-key]");
}

/** Each row's key and exact cost. */
async function rowsOf(page: Page): Promise<[string, string][]> {
  return await rows(page).evaluateAll((found) =>
    found.map((row) => [row.getAttribute("data-key")!, row.querySelector("[data-usd]")!.getAttribute("data-usd")!]),
  );
}

async function rowLinks(page: Page): Promise<(string | null)[]> {
  return await rows(page)
    .evaluateAll((found) => found.map((row) => row.querySelector("a")!.getAttribute("href")))
    .then((hrefs) => hrefs.map((href) => href && href.replace(/\?tz=UTC$/, "")));
}

/** Waits for these rows, and no others, in this order. */
async function expectRows(page: Page, wanted: readonly { id: string; cost_usd: string | null }[]): Promise<void> {
  await expect
    .poll(() => rowsOf(page), { timeout: 8_000 })
    .toEqual(wanted.map(({ id, cost_usd: usd }) => [id, usd ?? ""]));
}
