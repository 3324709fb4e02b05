/** What spans the views: one way from a total to its proof, keys that end, two projects, hostile names, odd addresses. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

const TRACE = "5".repeat(32);
const SHORT = HOSTILE.map((name) => name.slice(0, 100));
const NARROW = { viewport: { width: 360, height: 740 } };

describe.skipIf(!HAS_CHROMIUM)("across the views", () => {
  const stack = usePageStack();
  const { open, openSignedIn } = stack;
  /** Of the first project: a call with a price, and a saved view. */
  let callId: string;
  let viewId: string;
  /** Another project, with one call. */
  let otherId: string;
  let otherKey: string;
  /** A project without calls. */
  let emptyKey: string;

  const api = async (path: string, key = stack.dev.apiKey, body?: unknown, method?: string): Promise<Response> =>
    await fetch(stack.dev.url + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const answerOf = async <T>(path: string, key?: string, body?: unknown): Promise<T> => {
    const response = await api(path, key, body);
    expect(response.ok, await response.clone().text()).toBe(true);
    return (await response.json()) as T;
  };
  const makeKey = async (projectId: string, name: string): Promise<{ id: string; key: string }> =>
    await answerOf("/v1/keys", stack.dev.adminKey, { project_id: projectId, name, scopes: ["ingest", "read"] });
  const makeProject = async (name: string): Promise<string> =>
    (await answerOf<{ id: string }>("/v1/projects", stack.dev.adminKey, { name })).id;
  const ownProject = async (): Promise<string> => {
    const { projects } = await answerOf<{ projects: { id: string; name: string }[] }>(
      "/v1/projects",
      stack.dev.adminKey,
    );
    return projects.find(({ name }) => name === "default")!.id;
  };
  const addresses = (): [title: string, path: string][] => [
    ["Overview", "/"],
    ["Explore", "/explore"],
    ["Why", "/why"],
    ["Calls", "/calls"],
    ["Call", `/calls/${callId}`],
    ["Sessions", "/sessions"],
    ["Session", "/sessions/ours-session"],
    ["Prices", "/prices"],
  ];

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const call = (id: string, more: object) => ({
      id,
      timestamp: new Date().toISOString(),
      provider: "openai",
      model: "gpt-4o-mini",
      application: "ours-application",
      input_tokens: 1_000,
      output_tokens: 200,
      cache_read_tokens: 300,
      user_id: "ours-user",
      session_id: "ours-session",
      ...more,
    });
    const calls = [
      ...["gpt-4o", "gpt-4o-mini", "o3"].map((model, i) => call(model, { model, input_tokens: 1_001 + i })),
      call("of-a-trace", { trace_id: TRACE, span_id: "6".repeat(16), tags: { "ours-tag": "ours-value" } }),
      call("unpriced", { provider: "nobody", model: "nobody-knows" }),
      ...HOSTILE.map((name, i) =>
        call(`hostile-${i}`, {
          provider: name,
          model: name,
          application: name,
          environment: name,
          operation: name,
          user_id: name,
          session_id: name,
          trace_id: name,
          span_id: name,
          status: "error",
          error_type: name,
          tags: { [SHORT[i]!]: name.slice(0, 200) },
        }),
      ),
    ];
    expect(await answerOf("/v1/traces", undefined, calls)).toMatchObject({ inserted: calls.length, rejected: 0 });
    const { traces } = await answerOf<{ traces: { id: string; client_id: string }[] }>("/v1/traces?model=gpt-4o");
    callId = traces[0]!.id;
    for (const name of ["ours-view", ...SHORT])
      ({ id: viewId } = await answerOf<{ id: string }>("/v1/views", stack.pageKey, {
        name,
        path: "/calls?status=error",
      }));
    otherId = await makeProject(SHORT[0]!);
    ({ key: otherKey } = await makeKey(otherId, SHORT[1]!));
    await answerOf("/v1/traces", otherKey, [
      call("theirs", { application: "theirs", user_id: "theirs", session_id: null }),
    ]);
    ({ key: emptyKey } = await makeKey(await makeProject("empty"), "empty"));
  });

  it("leads from the total to a receipt by clicks alone, adds up all the way, and goes back and forward", async () => {
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" });
    const month = `from=${new Date().toISOString().slice(0, 7)}-01&tz=UTC`;
    const { totals } = await answerOf<{ totals: { cost_usd: string; requests: number } }>(`/v1/summary?${month}`);
    const total = page.locator(`#total-cost[data-usd="${totals.cost_usd}"]`);
    await total.waitFor();
    expect(await page.title()).toBe("Overview · LLM Cost Tracker");

    await total.click();
    const explored = page.locator(`tfoot [data-usd="${totals.cost_usd}"]`).first();
    await explored.waitFor();
    expect(new URL(page.url()).pathname).toBe("/explore");
    expect(sumOf(await usdIn(page, "tbody tr[data-key] td:nth-child(2)"))).toBe(totals.cost_usd);

    await page.getByRole("link", { name: "All calls of the range" }).click();
    const listed = page.locator(`#calls-total[data-usd="${totals.cost_usd}"]`);
    await listed.waitFor();
    await page.locator(`tr[data-key="${callId}"]`).waitFor();
    const rows = await usdIn(page, "tbody tr[data-key]");
    expect(rows.length).toBe(totals.requests);
    expect(sumOf(rows)).toBe(totals.cost_usd);

    await page.locator(`tr[data-key="${callId}"] a`).first().click();
    const receipt = page.locator("[data-receipt-total]");
    await receipt.waitFor();
    const { cost_usd: cost } = await answerOf<{ cost_usd: string }>(`/v1/traces/${callId}`);
    expect(await receipt.getAttribute("data-usd")).toBe(cost);
    const lines = await page
      .locator("[data-receipt-line]")
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-usd")));
    expect(sumOf(lines)).toBe(cost);

    for (const there of [listed, explored, total]) {
      await page.goBack();
      await there.waitFor();
    }
    for (const there of [explored, listed, receipt]) {
      await page.goForward();
      await there.waitFor();
    }
    expect(new URL(page.url()).pathname).toBe(`/calls/${callId}`);
    expect(wrong()).toEqual([]);
  });

  it("signs in over the view when its key is revoked, goes on with another, and shows another project nothing", async () => {
    const projectId = await ownProject();
    const [first, second] = [await makeKey(projectId, "first"), await makeKey(projectId, "second")];
    const { page } = await open({ timezoneId: "UTC" });
    const enter = async (key: string): Promise<void> => {
      await page.getByLabel("API key").fill(key);
      await page.keyboard.press("Enter");
    };
    await page.goto("/calls?application=ours-application&tz=UTC");
    await enter(`lct_${"0".repeat(48)}`);
    await page.getByText("This key is unknown, expired or revoked.").waitFor();
    await enter(first.key);
    const row = page.locator(`tr[data-key="${callId}"]`);
    await row.waitFor();

    await api(`/v1/keys/${first.id}`, stack.dev.adminKey, undefined, "DELETE");
    await page.getByRole("button", { name: "Without a price" }).click();
    await page.getByText("Your session has ended.").waitFor();
    expect(await row.isVisible()).toBe(false);
    await enter(first.key);
    await page.getByText("This key is unknown, expired or revoked.").waitFor();
    await enter(second.key);
    await page.locator("tr[data-key]", { hasText: "nobody-knows" }).waitFor();
    expect(new URL(page.url()).search).toBe("?application=ours-application&tz=UTC&unpriced=true");
    await page.goBack();
    await row.waitFor();

    // What was seen is remembered, and must not be shown to who signs in next, not for a moment.
    await api(`/v1/keys/${second.id}`, stack.dev.adminKey, undefined, "DELETE");
    await page.goForward();
    await page.getByText("Your session has ended.").waitFor();
    await page.route("**/v1/traces?*", () => {});
    await enter(otherKey);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await page.locator(".skeleton").first().waitFor();
    expect(await page.locator("main tr[data-key]").count()).toBe(0);
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has("unpriced"));
    expect(await page.locator("main tr[data-key]").count()).toBe(0);
    expect(await page.locator("main").textContent()).not.toContain("ours-user");
  });

  it("shows a project nothing of another at addresses that are copied over", async () => {
    const { page, wrong } = await open({ timezoneId: "UTC" });
    await page.goto(`/#key=${otherKey}`);
    await page.locator("#total-cost").waitFor();
    for (const [, path] of addresses()) {
      await page.goto(path);
      await settled(page);
      const text = (await page.locator("main").innerText()).replaceAll("Session ours-session", "");
      expect(text, path).not.toContain("ours-");
    }
    for (const path of ["/explore", "/why", "/calls"]) {
      await page.goto(`${path}?application=ours-application&tz=UTC`);
      await settled(page);
      expect((await usdIn(page, "main")).filter((usd) => usd !== null && picoOf(usd) !== 0n)).toEqual([]);
    }
    await page.goto("/calls");
    await page.getByRole("button", { name: "Saved views" }).click();
    await page.getByText("None yet.").waitFor();
    const own = wrong().filter((line) => !line.includes("404"));
    expect(own).toEqual([]);

    for (const path of [`/v1/traces/${callId}`, `/v1/trace-trees/${TRACE}`]) {
      expect((await api(path)).status).toBe(200);
      expect((await page.request.get(path)).status()).toBe(404);
    }
    for (const field of ["application", "user", "tag", "tag.ours-tag"])
      expect(await (await page.request.get(`/v1/values?field=${field}`)).text()).not.toContain("ours-");
    const headers = { "sec-fetch-site": "same-origin", origin: new URL(stack.dev.url).origin };
    expect((await page.request.delete(`/v1/views/${viewId}`, { headers })).status()).toBe(404);
  });

  it("shows hostile names as text in every view, in 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ ...NARROW, timezoneId: "UTC" });
    page.on("dialog", () => expect.unreachable("a dialog"));
    const [name] = HOSTILE;
    const tag = new URLSearchParams({ group_by: `tag.${SHORT[0]!}`, tz: "UTC" }).toString();
    const named = new URLSearchParams({ provider: name!, operation: name!, tz: "UTC" }).toString();
    for (const path of [
      "/",
      "/explore?group_by=provider",
      `/explore?${tag}`,
      `/explore?${named}`,
      "/why",
      `/calls?${named}`,
      "/calls?status=error",
      `/sessions?${named}`,
      `/sessions/${encodeURIComponent(name!)}`,
      "/prices",
    ]) {
      await page.goto(path);
      await settled(page);
      await page.locator("main").getByText(name!, { exact: true }).first().waitFor();
      expect(await page.locator("img").count(), path).toBe(0);
      expect(await overflowOf(page), path).toBeLessThanOrEqual(0);
    }
    await page.goto("/calls");
    await page.getByRole("button", { name: "Saved views" }).click();
    const saved = page.getByRole("list", { name: "Saved views" });
    for (const shown of SHORT) await saved.getByRole("link", { name: shown, exact: true }).waitFor();
    await saved.getByRole("link", { name: SHORT[0]!, exact: true }).click();
    await page.waitForURL("**/calls?status=error");
    expect(wrong()).toEqual([]);

    const admin = await open(NARROW);
    await admin.page.addInitScript(`localStorage.setItem("project", "${otherId}")`);
    await admin.page.goto(`/settings#key=${stack.dev.adminKey}`);
    await admin.page.locator("main").getByText(SHORT[1]!, { exact: true }).first().waitFor();
    await admin.page.locator("main").getByText(SHORT[0]!, { exact: true }).first().waitFor();
    expect(await admin.page.locator("img").count()).toBe(0);
    expect(await overflowOf(admin.page)).toBeLessThanOrEqual(0);
    expect(admin.wrong()).toEqual([]);
  });

  it("goes by the keyboard alone, and says where one is", async () => {
    const { page, wrong } = await open({ timezoneId: "UTC" });
    await page.goto("/");
    await page.getByLabel("API key").waitFor();
    await page.keyboard.type(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.locator("#total-cost").waitFor();
    for (const role of ["banner", "navigation", "main"] as const) expect(await page.getByRole(role).count()).toBe(1);
    expect(await page.getByRole("status").count()).toBeGreaterThan(0);

    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Go to a view" }).waitFor();
    await page.keyboard.type("calls view");
    await page.keyboard.press("Enter");
    await expectView(page, "Calls");
    await tabTo(page, "Status");
    for (const key of ["ArrowDown", "ArrowDown"]) await page.keyboard.press(key);
    await page.waitForURL((url) => url.searchParams.get("status") === "error");
    await page.keyboard.press("Shift+Tab");
    await page.getByText("in 15 calls").waitFor({ state: "detached" });
    await tabTo(page, "UTC", "tbody a");
    await page.keyboard.press("Enter");
    await expectView(page, "Call");
    await page.locator("[data-receipt-total]").waitFor();
    await page.goBack();
    await expectView(page, "Calls");
    expect(new URL(page.url()).searchParams.get("status")).toBe("error");
    expect(wrong()).toEqual([]);
  });

  it("says so where the ledger fails or refuses, and has no serious finding of axe then", async () => {
    const { page } = await openSignedIn({ colorScheme: "dark", timezoneId: "UTC" });
    const failing = async (status: number, body: object): Promise<void> => {
      await page.unroute("**/v1/**");
      await page.route(/\/v1\/(?!session$)/, (route) =>
        route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ status, ...body }) }),
      );
    };
    for (const [title, path] of [...addresses(), ["Settings", "/settings"] as const]) {
      await failing(503, { code: "database_unavailable" });
      await page.goto(path);
      await page.locator("main .message", { hasText: "The database does not answer right now" }).first().waitFor();
      expect(await seriousFindings(page), title).toEqual([]);
      await failing(400, { code: "invalid_parameter", parameter: "from", detail: "is odd" });
      await page.locator("main").getByRole("button", { name: "Try again" }).first().click();
      await page.locator("main .message", { hasText: "The address has a wrong from (is odd)" }).first().waitFor();
    }
  });

  it("has something to say in a project without calls, without a serious finding of axe", async () => {
    const { page, wrong } = await open({ timezoneId: "UTC" });
    await page.goto(`/#key=${emptyKey}`);
    await page.getByText("Waiting for the first call").waitFor();
    for (const [title, path] of addresses()) {
      await page.goto(path);
      await settled(page);
      expect(await page.locator("main").locator("a, button").count(), title).toBeGreaterThan(0);
      expect(await seriousFindings(page), title).toEqual([]);
    }
    expect(wrong().filter((line) => !line.includes("404"))).toEqual([]);
  });

  it("answers an address in which all is wrong by sentences with a way on", async () => {
    const { page, wrong } = await openSignedIn(NARROW);
    const names =
      "range from to tz cursor limit metric group_by interval order sort chart cumulative compare compare_from " +
      "compare_to cause status unpriced billable live part section price starts_at tag.";
    const query = new URLSearchParams(names.split(" ").map((name) => [name, "\u0000%zz<b>\u202e"])).toString();
    for (const [title, path] of [...addresses(), ["Settings", "/settings"] as const]) {
      await page.goto(`${path}?${query}`);
      await settled(page);
      expect(await page.title(), title).toBe(`${title} · LLM Cost Tracker`);
      const said = page.locator("main .message");
      await said.first().waitFor();
      expect(await said.locator("a, button").count(), title).toBeGreaterThan(0);
      expect(await page.locator("main b").count(), title).toBe(0);
      expect(await overflowOf(page), title).toBeLessThanOrEqual(0);
    }
    for (const path of ["/calls/%00", "/calls/not-an-id", "/sessions/nobody", "/explore/nothing"]) {
      if ((await page.goto(path))!.status() === 404) continue;
      await page.locator("main .message a, main .message button").first().waitFor();
    }
    expect(wrong().filter((line) => !/\b40[04]\b/.test(line))).toEqual([]);
  });

  it("says so where it is offline in each view, and goes on by itself", async () => {
    const { page, context } = await openSignedIn({ timezoneId: "UTC" });
    await page.locator("#total-cost").waitFor();
    await page.getByRole("link", { name: "Explore", exact: true }).click();
    await page.locator("tfoot").waitFor();
    await page.goBack();
    await context.setOffline(true);
    for (const title of ["Why", "Calls", "Prices"]) {
      await page.getByRole("navigation").getByRole("link", { name: title, exact: true }).click();
      await page.locator(".message", { hasText: "The ledger cannot be reached" }).first().waitFor();
    }
    // What was there before is there still.
    await page.getByRole("navigation").getByRole("link", { name: "Explore", exact: true }).click();
    await page.locator("tfoot").waitFor();
    await page.getByRole("navigation").getByRole("link", { name: "Calls", exact: true }).click();
    await context.setOffline(false);
    await page.locator(`tr[data-key="${callId}"]`).waitFor();
  });
});

function sumOf(all: readonly (string | null)[]): string {
  return usdOf(all.reduce((pico, usd) => pico + (usd ? picoOf(usd) : 0n), 0n));
}

/** The first exact amount in each of the elements; `main` has all of its own. */
async function usdIn(page: Page, selector: string): Promise<(string | null)[]> {
  const found = page.locator(selector === "main" ? "main [data-usd]" : selector);
  return await found.evaluateAll((all) =>
    all.map((one) => (one.closest("[data-usd]") ?? one.querySelector("[data-usd]"))?.getAttribute("data-usd") || null),
  );
}

/** The view has its heading, and no room is held for an answer. */
async function settled(page: Page): Promise<void> {
  await page.locator("main h1, main .message").first().waitFor();
  await expect.poll(async () => await page.locator("main .skeleton").count(), { timeout: 8_000 }).toBe(0);
}

/** The view's title is read out, and Tab goes on in it. */
async function expectView(page: Page, title: string): Promise<void> {
  await page.getByRole("heading", { name: title, level: 1, exact: true }).waitFor();
  await expect.poll(async () => await page.evaluate("document.activeElement.id")).toBe("view");
  expect(await page.title()).toBe(`${title} · LLM Cost Tracker`);
  expect(await page.locator("#view").getAttribute("aria-label")).toBe(title);
}

/** Presses Tab until an element of this name, or that fits the selector, has the focus, which must be seen. */
async function tabTo(page: Page, label: string, selector = `[aria-label="${label}"]`): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).not.toBe("none");
    if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
  }
  expect.unreachable(`${label} is not reached by Tab`);
}
