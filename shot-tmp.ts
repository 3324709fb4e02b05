import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
const { url, pageKey } = JSON.parse(readFileSync("/tmp/dd-overview/dev.json", "utf8"));
const origin = new URL(url).origin;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const jobs = process.argv.slice(2).map((x) => x.split("|"));
for (const [name, path, width, scheme] of jobs) {
  const context = await browser.newContext({
    baseURL: origin,
    viewport: { width: Number(width), height: 1000 },
    colorScheme: scheme as "dark",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  page.on("console", (m) => (m.type() === "error" || m.type() === "warning") && console.log(name, m.text()));
  page.on("pageerror", (m) => console.log(name, m.message));
  await page.goto(`${path}#key=${pageKey}`);
  await page.locator(".waterfall").first().waitFor({ timeout: 30000 });
  await page.waitForTimeout(1500);
  const o = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  console.log(name, "overflow", o);
  await page.screenshot({ path: `/tmp/shots-o/${name}.png`, fullPage: true });
  await context.close();
}
await browser.close();
