/**
 * What agents report, in Chromium: the reports of a call, costs that are not exact, and sessions by the tags of their
 * calls. It is what the API says, to the last digit.
 */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { components, operations } from "../../src/page/api.d.ts";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { agentCalls, INEXACT, inexactSpans, ODD_SESSION, SESSION } from "./agent-traffic.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { post } from "./call-traffic.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

type Call = operations["getTrace"]["responses"][200]["content"]["application/json"];
type Session = components["schemas"]["Session"];
type Sums = components["schemas"]["Sums"];

describe.skipIf(!HAS_CHROMIUM)("agents", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;
  let ids: Map<string, string>;

  beforeAll(async () => {
    const { dev } = stack;
    const nowMs = Date.now();
    expect(await post(dev, dev.apiKey, "/v1/traces", agentCalls(nowMs))).toMatchObject({ rejected: 0 });
    await post(dev, dev.apiKey, "/v1/traces", inexactSpans(nowMs));
    const { traces } = await get<{ traces: Call[] }>("/v1/traces?billable=all&limit=1000");
    ids = new Map(traces.map(({ client_id: name, id }) => [name, id]));
  });

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(stack.dev.url + path, { headers: { authorization: `Bearer ${stack.dev.apiKey}` } });
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  };
  const callOf = (name: string): Promise<Call> => get<Call>(`/v1/traces/${ids.get(name)}`);
  const totals = async (query: string): Promise<Sums> => (await get<{ totals: Sums }>(`/v1/summary?${query}`)).totals;
  const sessionsOf = async (query: string): Promise<Session[]> =>
    (await get<{ sessions: Session[] }>(`/v1/sessions?${query}`)).sessions;

  it("lists the reports of a call: which counts and why, what joined them, and what was filled from which", async () => {
    const call = await callOf("told");
    expect(call.reports.map(({ counts, decided_by }) => [counts, decided_by])).toEqual([
      [true, null],
      [false, "priced_counts"],
    ]);
    expect(call.filled).toEqual({ user_id: ids.get("told-again"), "tags.team": ids.get("told-again") });
    const { page, wrong } = await openSignedIn(undefined, `/calls/${call.id}`);
    await page.getByRole("heading", { name: "2 reports of this call" }).waitFor();
    const shown = await page.locator("[data-report]").evaluateAll((found) =>
      found.map((one) => ({
        id: one.getAttribute("data-report"),
        counts: one.getAttribute("data-counts") === "true",
        joined_by: [...one.querySelectorAll("code")].map((id) => id.textContent),
      })),
    );
    expect(shown).toEqual(call.reports.map(({ id, counts, joined_by }) => ({ id, counts, joined_by })));
    await page.locator("[data-report]").last().getByText("The one that counts tells more of what is priced.").waitFor();
    await page.locator('[data-filled="user_id"]').getByText("the user").waitFor();
    await page.locator('[data-filled="tags.team"]').getByText("the tag team").waitFor();
    // The other report leads back.
    await page.locator('[data-filled="user_id"]').getByRole("link", { name: "report 2" }).click();
    await page.waitForURL(`**/calls/${ids.get("told-again")}`);
    await page.getByText("Not counted: a second report of one response").first().waitFor();
    await page.locator("[data-report]").first().getByRole("link", { name: "Its receipt" }).click();
    await page.waitForURL(`**/calls/${call.id}`);
    await page.goto(`/calls/${ids.get("lead-1")}`);
    await page.locator("[data-receipt-total]").waitFor();
    expect(await page.locator("[data-report]").count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it.each([
    ["lower_bound", "\u2265", "A lower bound", "The true cost is this or more."],
    ["upper_bound", "\u2264", "An upper bound", "The true cost is this or less."],
    ["estimate", "\u2248", "An estimate", "The true cost may be more or less."],
  ] as const)("says by a sign and in words that a cost is %s", async (costIs, sign, title, sentence) => {
    const { traces } = await get<{ traces: Call[] }>(`/v1/traces?trace_id=${INEXACT[costIs].trace}`);
    expect(traces.map(({ cost_is: is }) => is)).toEqual([costIs]);
    const { page, wrong } = await openSignedIn(undefined, `/calls/${traces[0]!.id}`);
    const top = page.locator(".call-cost");
    await top.getByText(title).waitFor();
    expect((await top.locator(".big").textContent())!.startsWith(sign)).toBe(true);
    expect(await top.locator("[data-usd]").getAttribute("data-usd")).toBe(traces[0]!.cost_usd);
    await page.locator(".call-origin").getByText(sentence).waitFor();
    await page.goto(`/calls?trace_id=${INEXACT[costIs].trace}`);
    const row = page.locator(`tr[data-key="${traces[0]!.id}"]`);
    await row.getByText(title.toLowerCase()).waitFor();
    expect(await row.textContent()).toContain(sign);
    expect(wrong()).toEqual([]);
  });

  it("says of sums how much of them is not exact, and leads to what sends it", async () => {
    const month = new Date().toISOString().slice(0, 7);
    const { inexact_requests: some, inexact_cost_usd: cost, requests: all } = await totals(`from=${month}-01`);
    expect(some).toBe(3);
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" });
    for (const path of ["/", "/explore?group_by=model&tz=UTC"]) {
      await page.goto(path);
      const note = page.locator(".inexact");
      await note.waitFor();
      expect(await note.locator("[data-usd]").getAttribute("data-usd")).toBe(cost);
      await note.getByRole("link", { name: `3 of ${all} calls` }).click();
      await page.waitForURL((url) => url.searchParams.get("metric") === "inexact_cost_usd");
      const row = page.locator('tr[data-key="bounds"]');
      await row.waitFor();
      expect(await row.locator("[data-usd]").first().getAttribute("data-usd")).toBe(cost);
    }
    await page.goto("/explore?application=coding&tz=UTC");
    await page.locator("tr[data-key]").first().waitFor();
    expect(await page.locator(".inexact").count()).toBe(0);
    await page.goto("/sessions/bounds?tz=UTC");
    await page.locator(".inexact").getByRole("link", { name: "3 of 3 calls" }).click();
    await page.getByText("A lower bound".toLowerCase()).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("lists sessions with agent, repository, branch and team, which filter", async () => {
    const { page, wrong } = await openSignedIn(undefined, "/sessions?tz=UTC");
    const row = page.locator(`tr[data-key="${SESSION}"]`);
    await row.waitFor();
    const [session] = await sessionsOf(`session_id=${SESSION}`);
    for (const [tag, name] of [
      ["agent", "Agent"],
      ["repository", "Repository"],
      ["branch", "Branch"],
      ["team", "Team"],
    ] as const) {
      expect(session!.tags[tag]!.length).toBeGreaterThan(0);
      await row.getByText(`${name}: ${session!.tags[tag]!.join(", ")}`).waitFor();
    }
    await row.getByRole("link", { name: "fix/prices" }).click();
    await page.waitForURL((url) => url.searchParams.get("tag.branch") === "fix/prices");
    const found = await sessionsOf("tag.branch=fix/prices");
    await page.locator(`tr[data-key="${SESSION}"] [data-usd="${found[0]!.cost_usd}"]`).waitFor();
    await page.locator("tr[data-key]").nth(1).waitFor({ state: "detached" });
    expect(wrong()).toEqual([]);
  });

  it("tells a session apart by sub-agent, skill and agent, and what adds up to its cost", async () => {
    const { page, wrong } = await openSignedIn(undefined, `/sessions/${SESSION}?tz=UTC`);
    const [whole] = await sessionsOf(`session_id=${SESSION}`);
    await page.locator(`#session-cost[data-usd="${whole!.cost_usd}"]`).waitFor();
    for (const name of ["Sub-agent", "Skill", "Agent", "Branch"]) {
      const tag = name === "Sub-agent" ? "subagent" : name.toLowerCase();
      await page.getByRole("button", { name, exact: true }).click();
      const table = page.getByRole("table", { name: `Cost by ${name.toLowerCase()}` });
      await table.waitFor();
      const shown = await table.locator("tr[data-key]").evaluateAll((rows) =>
        rows.map((row) => ({
          value: row.getAttribute("data-key")!,
          usd: row.querySelector("[data-usd]")!.getAttribute("data-usd")!,
          calls: Number(row.children[2]!.textContent),
        })),
      );
      for (const { value, usd, calls } of shown.filter((part) => part.value !== "")) {
        const [part] = await sessionsOf(`session_id=${SESSION}&tag.${tag}=${encodeURIComponent(value)}`);
        expect([usd, calls]).toEqual([part!.cost_usd ?? "", part!.requests]);
      }
      expect(
        shown
          .map(({ value }) => value)
          .filter((value) => value !== "")
          .sort(),
      ).toEqual(whole!.tags[tag]!.toSorted());
      expect(shown.reduce((sum, { calls }) => sum + calls, 0)).toBe(whole!.requests);
      expect(usdOf(shown.reduce((sum, { usd }) => sum + picoOf(usd || "0"), 0n))).toBe(whole!.cost_usd);
      expect(new URL(page.url()).searchParams.get("group_by")).toBe(`tag.${tag}`);
    }
    // The address has the choice.
    await page.goto(`/sessions/${SESSION}?tz=UTC&group_by=tag.subagent`);
    const table = page.getByRole("table", { name: "Cost by sub-agent" });
    // 8,000 and 16,000 in, 100 out each: $0.02 + $0.04 + $0.002
    await table.locator('tr[data-key="tester"] [data-usd="0.062"]').waitFor();
    await table.locator('tr[data-key="unpriced"] [data-usd=""]').waitFor();
    await table.getByText("(none)").waitFor();
    await table.getByRole("link", { name: "tester" }).click();
    await page.waitForURL((url) => url.pathname === "/calls" && url.searchParams.get("tag.subagent") === "tester");
    await page.locator("tr[data-key]").nth(1).waitFor();
    expect(await page.locator("tr[data-key]").count()).toBe(2);
    expect(wrong()).toEqual([]);
  });

  it("keeps the session when its sums by a tag fail, and asks again", async () => {
    const { page } = await openSignedIn(undefined, "/");
    let isAway = true;
    await page.route("**/v1/sessions?*", async (route) => {
      if (!isAway) return await route.continue();
      await route.fulfill({ status: 503, json: { code: "database_unavailable" } });
    });
    await page.goto(`/sessions/${SESSION}?tz=UTC&group_by=tag.subagent`);
    await page.locator("#session-cost").waitFor();
    await page.getByText("The database does not answer right now").first().waitFor();
    isAway = false;
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByRole("table", { name: "Cost by sub-agent" }).waitFor();
  });

  it("shows hostile names as text, and fits into 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 360, height: 740 } });
    for (const [i, name] of HOSTILE.entries()) {
      await page.goto(`/calls/${ids.get(`odd-${i}`)}`);
      await page.getByRole("heading", { name: "2 reports of this call" }).waitFor();
      const reports = page.locator(".call-reports");
      expect(await reports.getByText(`odd ${name}`, { exact: true }).count()).toBe(2);
      expect(await page.locator("img").count()).toBe(0);
      expect(await overflowOf(page), name.slice(0, 20)).toBeLessThanOrEqual(0);
    }
    await page.goto("/sessions?tz=UTC");
    const row = page.locator(`tr[data-key="${ODD_SESSION}"]`);
    await row.waitFor();
    for (const name of HOSTILE) expect(await row.getByText(name, { exact: true }).count()).toBe(3);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.goto(`/sessions/${ODD_SESSION}?tz=UTC&group_by=tag.agent`);
    const table = page.getByRole("table", { name: "Cost by agent" });
    await table.waitFor();
    for (const name of HOSTILE) expect(await table.getByText(name, { exact: true }).count()).toBe(1);
    expect(await page.locator("img").count()).toBe(0);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openSignedIn({ colorScheme }, `/calls/${ids.get("told")}`);
    await checked(page, "[data-report]");
    await page.goto(`/sessions/${SESSION}?tz=UTC`);
    await checked(page, "#session-by-tag + * tr[data-key], .table tr[data-key]");
    await page.goto("/sessions?tz=UTC");
    await checked(page, "tr[data-key]");
    await page.goto("/explore?tz=UTC");
    await checked(page, ".inexact");
    expect(wrong()).toEqual([]);
  });
});

async function checked(page: Page, there: string): Promise<void> {
  await page.locator(there).first().waitFor();
  expect(await seriousFindings(page)).toEqual([]);
}
