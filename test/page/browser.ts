/** Debian's Chromium, headless. What a page logs, asks of others or may not do is collected, and fails the test. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where a browser must be there, tests without one fail in place of being skipped. */
export const HAS_CHROMIUM = existsSync(EXECUTABLE) || process.env["REQUIRE_CHROMIUM"] === "1";
export const WITHOUT_CHROMIUM = `${EXECUTABLE} is not installed, so the page is not tested in a browser`;

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What went wrong so far: errors in the console, exceptions, refusals of the policy, requests to others. */
  wrong: () => string[];
}

/** Opens a window of its own, without anything of earlier ones. */
export async function visit(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: origin, timezoneId: "Europe/Berlin", ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrong.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) wrong.push(`a request to ${url.origin}`);
  });
  // Refusals are in the console, too; this also tells those that are only reported.
  await page.addInitScript(
    `addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective + " " + event.blockedURI));`,
  );
  return { page, context, wrong: () => [...wrong] };
}

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

/** Findings of axe-core that are serious or worse, each in a line. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const script = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // Evaluated by the debugger, which the page's policy does not hold.
  await page.evaluate(`${script}; 0`);
  const { violations } = (await page.evaluate(`axe.run(document)`)) as { violations: Violation[] };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}

/** How far the page reaches past the right edge of the window, in pixels. */
export async function overflowOf(page: Page): Promise<number> {
  return Number(await page.evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`));
}

/** How much moved since the page began, as browsers measure it. */
export async function shiftOf(page: Page): Promise<number> {
  return Number(
    await page.evaluate(`new Promise((resolve) => {
      let sum = 0;
      const observer = new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (!one.hadRecentInput) sum += one.value; }));
      observer.observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
    })`),
  );
}
