/** The command palette in Chromium, by keyboard alone. */
import { describe, expect, it } from "vitest";
import { HAS_CHROMIUM, overflowOf, seriousFindings } from "./browser.ts";
import { usePageStack } from "./page-stack.ts";

describe.skipIf(!HAS_CHROMIUM)("the page's command palette", () => {
  const stack = usePageStack();
  const { open, openSignedIn } = stack;
  const size = { viewport: { width: 360, height: 740 } };

  it("goes to a view, and gives the focus back", async () => {
    const { page, wrong } = await openSignedIn(size);
    await page.getByRole("button", { name: "Go to" }).focus();
    await page.keyboard.press("Control+k");
    const field = page.getByRole("combobox", { name: "Go to a view, a call or a saved view" });
    await field.waitFor();
    await page.keyboard.press("ArrowDown");
    const chosen = page.getByRole("option", { selected: true });
    expect(await field.getAttribute("aria-activedescendant")).toBe(await chosen.getAttribute("id"));
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await field.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Go to");
    await page.keyboard.press("Enter");
    await field.waitFor();
    // Asked for again before the browser tells that it has closed it.
    await page.evaluate(
      `document.querySelector("dialog").close(); document.querySelector("[aria-keyshortcuts]").click()`,
    );
    await page.evaluate("new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)))");
    await field.waitFor();
    await field.focus();
    await page.keyboard.type("prices view");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Prices", level: 1 }).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("opens what was pasted, and saved views by name", async () => {
    const response = await fetch(new URL("/v1/views", stack.dev.url), {
      method: "POST",
      headers: { authorization: `Bearer ${stack.pageKey}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "<b>Ours</b>", path: "/prices?range=7d" }),
    });
    expect(response.status).toBe(201);
    const { page, wrong } = await openSignedIn();
    await page.keyboard.press("Control+k");
    await page.getByRole("option", { name: "<b>Ours</b> Saved view" }).waitFor();
    await page.keyboard.type("019ad1e2-aaaa-7bbb-8ccc-123456789abc");
    expect(await page.getByRole("option").first().textContent()).toContain("Call 019ad1e2");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("ours");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/prices?range=7d");
    expect(wrong()).toEqual([]);
  });

  it("lists shortcuts, switches the theme, and signs out", async () => {
    const { page, wrong } = await openSignedIn({ ...size, colorScheme: "light" });
    await page.keyboard.press("?");
    const list = page.getByRole("dialog", { name: "Shortcuts" });
    await list.getByText("This list").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await list.waitFor({ state: "hidden" });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("dark");
    await page.getByRole("option", { name: "Switch to dark" }).waitFor();
    await page.keyboard.press("Enter");
    await page.locator('html[data-theme="dark"]').waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.type("sign out");
    await page.keyboard.press("Enter");
    await page.getByLabel("API key").waitFor();
    await page.keyboard.press("Control+k");
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it("offers a key only what it may see", async () => {
    const { page } = await open();
    await page.goto("/");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Go to" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("option", { name: "Prices View" }).waitFor();
    expect(await page.getByRole("option", { name: /Settings View|Add a price/ }).count()).toBe(0);
  });
});
