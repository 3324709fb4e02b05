/** One call, its trace and its session in Chromium: what they show is what the API says, to the last digit. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { components, operations } from "../../src/page/api.d.ts";
import { picoOf, usdOf } from "../../src/page/money.ts";
import { sessionAddress } from "../../src/page/session/session.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { agentTrace, callsAt, ODD_SESSIONS, post, TRACE } from "./call-traffic.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

type Call = operations["getTrace"]["responses"][200]["content"]["application/json"];
type Tree = components["schemas"]["TraceTree"];
type Session = operations["getSession"]["responses"][200]["content"]["application/json"];

describe.skipIf(!HAS_CHROMIUM)("a call", () => {
  const stack = usePageStack();
  const { openSignedIn } = stack;
  let ids: Map<string, string>;

  beforeAll(async () => {
    const { dev, pageKey } = stack;
    const nowMs = Date.now();
    await post(dev, pageKey, "/v1/prices", {
      provider: "acme",
      model: "acme-one",
      starts_at: "2026-01-01T00:00:00Z",
      usd_per_million_tokens: { input: "1", cache_read: "0.5", output: "4.2", reasoning: "4.2" },
    });
    expect(await post(dev, dev.apiKey, "/v1/traces", callsAt(nowMs))).toMatchObject({ rejected: 0 });
    await post(dev, dev.apiKey, "/v1/traces", agentTrace(nowMs));
    const { traces } = await get<{ traces: Call[] }>("/v1/traces?billable=all&limit=1000");
    ids = new Map(traces.map(({ client_id: name, id }) => [name, id]));
  });

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(stack.dev.url + path, { headers: { authorization: `Bearer ${stack.dev.apiKey}` } });
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  };
  const pathOf = (name: string): string => `/calls/${ids.get(name)}`;
  const callOf = (name: string): Promise<Call> => get<Call>(`/v1/traces/${ids.get(name)}`);
  const spanPath = (id: number): string => pathOf(`${TRACE}:${String(id).padStart(16, "0")}`);

  it("has a receipt whose lines add up to its total, as the API says", async () => {
    const { page, context, wrong } = await openSignedIn(undefined, pathOf("plain"));
    await page.locator("[data-receipt-total]").waitFor();
    const { receipt, reported_cost_usd: reported } = await callOf("plain");
    const shown = await page
      .locator("[data-receipt-line]")
      .evaluateAll((found) =>
        found.map((row) => [row.getAttribute("data-receipt-line"), row.getAttribute("data-usd")]),
      );
    expect(shown).toEqual(receipt.lines.map(({ bucket, cost_usd: cost }) => [bucket, cost]));
    // 9,000 x $2.50 + 3,000 x $1.25 + 1,345 x $10 + 1,000 x $10, per million, and 2 searches x $10 per 1,000
    expect(receipt.total_usd).toBe("0.0697");
    expect(usdOf(shown.reduce((sum, [, usd]) => sum + picoOf(usd!), 0n))).toBe("0.0697");
    expect(await page.locator("[data-receipt-total]").getAttribute("data-usd")).toBe("0.0697");
    const prices = page.locator(".call-bill td");
    await prices.getByText("$2.50 per million tokens").waitFor();
    await prices.getByText("$10.00 per 1,000 searches").waitFor();
    await page.getByText(`Catalogue ${receipt.price_version}`).waitFor();
    // Reported $0.05, ours $0.0697.
    expect(await usdIn(page, "[data-reported]")).toEqual([reported]);
    expect(await usdIn(page, "[data-reported-difference]")).toEqual(["-0.0197"]);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy Id in the ledger" }).click();
    await page.getByText("Copied.").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(ids.get("plain"));
    expect(wrong()).toEqual([]);
  });

  it("says why there is no amount, and leads to the price", async () => {
    const { page, wrong } = await openSignedIn(undefined, pathOf("unpriced"));
    await page.getByText("No price covers the model.").waitFor();
    expect(await page.locator("[data-receipt-total]").getAttribute("data-usd")).toBe("");
    expect(await usdIn(page, "[data-receipt-line]")).not.toContain("0");
    const link = page.getByRole("link", { name: "Price this model" });
    expect(await link.getAttribute("href")).toBe("/prices?price=new&provider=nobody&model=nobody-knows");
    await page.goto(pathOf("ambiguous"));
    await page.getByText("No price can help here").waitFor();
    expect(await page.getByRole("link", { name: "Price this model" }).count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("names its custom price, and since when that holds", async () => {
    const { page, wrong } = await openSignedIn({ timezoneId: "UTC" }, pathOf("custom"));
    await page.getByText("It holds from 2026-01-01 00:00:00 on").waitFor();
    await page.getByText("A custom price").first().waitFor();
    const { receipt } = await callOf("custom");
    // 9,000 x $1 + 3,000 x $0.50 + 2,345 x $4.20, per million
    expect(receipt.total_usd).toBe("0.020349");
    expect(await page.locator("[data-receipt-total]").getAttribute("data-usd")).toBe("0.020349");
    expect(wrong()).toEqual([]);
  });

  it("stands in the tree of its trace, which tells what counted and adds up", async () => {
    const { page, wrong } = await openSignedIn(undefined, spanPath(4));
    const tree = await get<Tree>(`/v1/trace-trees/${TRACE}`);
    await page.getByRole("treegrid").waitFor();
    const rows = await page.locator(".call-span").evaluateAll((found) =>
      found.map((row) => ({
        level: row.getAttribute("aria-level"),
        usd: [...row.querySelectorAll("[data-usd]")].map((one) => one.getAttribute("data-usd")),
        counts: row.textContent?.includes("\u2713 Counts."),
        isHere: row.getAttribute("aria-current"),
      })),
    );
    expect(rows).toEqual(
      tree.spans.map((span) => ({
        level: String(span.depth + 1),
        usd: span.kind === "link" ? [span.subtree_cost_usd] : [span.own_cost_usd, span.subtree_cost_usd],
        counts: span.counts,
        isHere: span.span_id?.endsWith("4") ? "true" : null,
      })),
    );
    expect(rows.map(({ counts }) => counts)).toEqual([false, true, false, true, false]);
    const counted = tree.spans.filter(({ counts }) => counts);
    // $0.0045 + $0.008
    expect(usdOf(counted.reduce((sum, { own_cost_usd: usd }) => sum + picoOf(usd!), 0n))).toBe("0.0125");
    expect(await usdIn(page, "[data-trace-cost]")).toEqual(["0.0125"]);
    await page.getByText("The own costs of what counts add up to it exactly.").waitFor();

    // Left closes what is open or goes up, right opens, Enter leads to the receipt.
    await page.locator('.call-span[aria-current="true"]').focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.locator('.call-span[aria-expanded="false"]').waitFor();
    expect(await page.locator(".call-span").count()).toBe(4);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("End");
    expect(await page.evaluate("document.activeElement.getAttribute('aria-rowindex')")).toBe("6");
    await page.keyboard.press("Enter");
    await page.waitForURL(`**${spanPath(5)}`);
    await page.getByText("Not counted: a second report of one response").first().waitFor();
    await page.getByRole("link", { name: "The call that counts instead" }).click();
    await page.waitForURL(`**${spanPath(4)}`);
    await page.goto(spanPath(1));
    await page.getByText("Not counted: a span around calls").first().waitFor();
    expect(wrong()).toEqual([]);
  });

  it("does not stall on 10,000 spans below one another", async () => {
    const { page, wrong } = await openSignedIn(undefined, "/");
    const { spans, ...rest } = await get<Tree>(`/v1/trace-trees/${TRACE}`);
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      ...spans[1]!,
      id: i === 0 ? spans[1]!.id : null,
      depth: i,
    }));
    await page.route("**/v1/trace-trees/*", (route) => route.fulfill({ json: { ...rest, spans: many } }));
    await page.goto(spanPath(2));
    await page.locator(".call-span").first().waitFor();
    expect(await page.locator(".call-span").count()).toBeLessThan(60);
    await page.locator('.call-span[aria-current="true"]').focus();
    await page.keyboard.press("End");
    await page.locator('.call-span[aria-level="10000"]').waitFor();
    expect(await page.evaluate("document.activeElement.getAttribute('aria-level')")).toBe("10000");
    expect(await page.locator(".call-span").count()).toBeLessThan(60);
    expect(wrong()).toEqual([]);
  });

  it("shows hostile names as text, and fits into 360 pixels", async () => {
    const { page, wrong } = await openSignedIn({ viewport: { width: 360, height: 740 } });
    for (const [i, name] of HOSTILE.entries()) {
      await page.goto(pathOf(`hostile-${i}`));
      await page.getByRole("treegrid").waitFor();
      const facts = page.locator(".call-facts").first();
      expect(await facts.getByText(name, { exact: true }).count()).toBeGreaterThanOrEqual(5);
      expect(await page.locator("img").count()).toBe(0);
      expect(await overflowOf(page), name.slice(0, 20)).toBeLessThanOrEqual(0);
    }
    expect(wrong()).toEqual([]);
  });

  it("is deleted by who may, after a question that names what happens", async () => {
    const { page, wrong } = await openSignedIn(undefined, pathOf("wrong"));
    await page.getByRole("button", { name: "Delete this call" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete this call?" });
    await dialog.getByText("to-be-deleted").waitFor();
    await dialog.getByText(/Its \$0\.\d+ leave every sum/).waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await callOf("wrong");
    await page.getByRole("button", { name: "Delete this call" }).click();
    await dialog.getByRole("button", { name: "Delete the call" }).click();
    await page.getByText("The call is deleted").waitFor();
    const { traces } = await get<{ traces: Call[] }>("/v1/traces?application=to-be-deleted");
    expect(traces).toEqual([]);
    expect(wrong()).toEqual([]);
    // What was remembered of it is not shown again.
    await page.getByRole("link", { name: "LLM costs" }).click();
    await page.locator("#total-cost").waitFor();
    await page.goBack();
    await page.getByText("This is not there").waitFor();
    expect(await page.locator("[data-receipt-total]").count()).toBe(0);

    const reader = await stack.open();
    await reader.page.goto(`${pathOf("plain")}#key=${stack.dev.apiKey}`);
    await reader.page.locator("[data-receipt-total]").waitFor();
    expect(await reader.page.getByRole("button", { name: "Delete this call" }).count()).toBe(0);
  });

  it("that is unknown, or another project's, is the same sentence; a 503 goes away", async () => {
    const { page } = await openSignedIn(undefined, "/calls/01a00000-0000-8000-8000-000000000000");
    const gone = "This is not there, or it belongs to another project.";
    await page.getByText(gone).waitFor();
    await page.goto("/calls/nonsense");
    await page.getByText(gone).waitFor();
    const { dev } = stack;
    const { id } = await post(dev, dev.adminKey, "/v1/projects", { name: "another" });
    const { key } = await post(dev, dev.adminKey, "/v1/keys", {
      project_id: id,
      name: "k",
      scopes: ["ingest", "read"],
    });
    await post(dev, key!, "/v1/traces", {
      id: "theirs",
      timestamp: Date.now(),
      model: "gpt-4o",
      application: "secret",
    });
    const response = await fetch(`${dev.url}/v1/traces`, { headers: { authorization: `Bearer ${key}` } });
    const { traces } = (await response.json()) as { traces: Call[] };
    await page.goto(`/calls/${traces[0]!.id}`);
    await page.getByText(gone).waitFor();
    expect(await page.getByText("secret").count()).toBe(0);

    await page.route("**/v1/traces/*", (route) =>
      route.fulfill({ status: 503, json: { code: "database_unavailable" } }),
    );
    await page.goto(`${pathOf("plain")}?tz=Mars/Olympus`);
    await page.getByText("The database does not answer right now").waitFor();
    await page.getByText("There is no time zone “Mars/Olympus”").waitFor();
    await page.unroute("**/v1/traces/*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("[data-receipt-total]").waitFor();
  });

  describe("of a session", () => {
    it("leads from the session's calls, page by page, whose costs add up", async () => {
      const { page, wrong } = await openSignedIn(undefined, "/sessions/long");
      const session = await get<Session>("/v1/sessions/long?limit=1000");
      await page.locator("#session-cost").waitFor();
      expect(await page.locator("#session-cost").getAttribute("data-usd")).toBe(session.cost_usd);
      expect(session.requests).toBe(60);
      await page.getByText("The latest 50 of 60 calls").waitFor();
      const rows = page.locator("tr[data-key]");
      expect(await rows.count()).toBe(50);
      await page.getByRole("button", { name: "Show older calls" }).click();
      await page.getByText("60 calls", { exact: true }).waitFor();
      expect(await rows.evaluateAll((found) => found.map((row) => row.getAttribute("data-key")))).toEqual(
        session.traces.map(({ id }) => id),
      );
      const soFar = await usdIn(page, "[data-so-far]");
      expect(soFar[0]).toBe(session.cost_usd);
      expect(soFar.at(-1)).toBe(session.traces.at(-1)!.cost_usd);
      await rows.first().getByRole("link", { name: "Tree" }).click();
      await page.getByRole("treegrid").waitFor();
      await page.goBack();
      // What was loaded of it is still there.
      await page.getByText("60 calls", { exact: true }).waitFor();
      expect(await rows.count()).toBe(60);
      await rows.first().getByRole("link").first().click();
      await page.locator("[data-receipt-total]").waitFor();
      expect(page.url()).toContain(session.traces[0]!.id);
      expect(wrong()).toEqual([]);
    });

    it("is found by any id: with slashes, percent, another direction, 500 characters, and two dots", async () => {
      const { page, wrong } = await openSignedIn();
      for (const [i, id] of ODD_SESSIONS.entries()) {
        await page.goto(pathOf(`odd-${i}`));
        const link = page.locator(".call-facts a").filter({ has: page.getByText(id, { exact: true }) });
        // By the page alone, and as an address that somebody sent.
        if (i % 2 === 0) await link.click();
        else await page.goto((await link.getAttribute("href"))!);
        await page.getByText("1 call", { exact: true }).waitFor();
        expect(await page.locator("h1 bdi").textContent()).toBe(id);
        expect(await page.locator("#session-cost").getAttribute("data-usd")).toBe("0.0497");
      }
      await page.goto(sessionAddress(".."));
      await page.getByText("1 call", { exact: true }).waitFor();
      expect(wrong()).toEqual([]);
    });

    it("says so where there is none, and where the address is wrong", async () => {
      const { page } = await openSignedIn(undefined, "/sessions/nobody");
      await page.getByText("There is no such session in this range").waitFor();
      await page.getByRole("link", { name: "Look at the last year" }).click();
      await page.getByText("It may have been at another time").waitFor();
      await page.goto("/sessions/long?from=yesterday");
      await page.getByText("The address has a wrong from").waitFor();
    });
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openSignedIn({ colorScheme }, spanPath(4));
    await page.getByRole("treegrid").waitFor();
    await page.getByText("As the API answers").click();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto("/sessions/long");
    await page.locator("#session-cost").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(wrong()).toEqual([]);
  });
});

/** What elements say by themselves, or what figures in them do. */
async function usdIn(page: Page, selector: string): Promise<(string | null)[]> {
  return await page
    .locator(selector)
    .evaluateAll((found) =>
      found.map(
        (one) => (one.matches("[data-usd]") ? one : one.querySelector("[data-usd]"))?.getAttribute("data-usd") ?? null,
      ),
    );
}
