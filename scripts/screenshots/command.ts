/**
 * Starts the stack of `npm run dev` with data of its own, loads the demo, and takes the pictures. They are WebP, twice
 * as wide as shown, in the best quality with which a picture stays under `MOST_BYTES`.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { connect } from "../client/ledger.ts";
import type { Main } from "../command.ts";
import { main as loadDemo } from "../demo/command.ts";
import { demoLoader } from "../dev/load-demo.ts";
import { startDevServer } from "../local/dev-server.ts";
import { freePort } from "../local/listen.ts";
import { buildPage, isFresh } from "../page/build.ts";
import { writeApiTypes } from "../page/types.ts";
import { addressOfShot, type Shot, SHOTS } from "./shots.ts";

const OUT = resolve(import.meta.dirname, "../../.github/images");
const EXECUTABLE = "/usr/bin/chromium";
const WINDOW = { width: 1280, height: 800 };
const MOST_BYTES = 120_000;
const QUALITIES = [90, 80, 70, 60, 50, 40, 30];
/** Believable, and the same each time up to the day. */
const DEMO = ["--traces", "60000", "--seed", "1"];
/** Charts and figures are drawn once nothing was asked for so long. */
const QUIET_MS = 800;

interface Dev {
  url: string;
  pageKey: string;
}

export const main: Main = async (_args, lifetime) => {
  const { ends } = lifetime;
  await writeApiTypes();
  if (!(await isFresh())) await buildPage();
  const dataDir = await mkdtemp(join(tmpdir(), "llm-cost-screenshots-"));
  ends.defer(() => rm(dataDir, { recursive: true, force: true }));
  const { url, stop } = await startDevServer(
    { ...process.env, DATA_DIR: dataDir, PORT: String(await freePort()) },
    demoLoader,
    say,
  );
  ends.defer(stop);
  const { pageKey } = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8")) as Dev;
  await loadDemo([...DEMO, "--url", url, "--key", pageKey], lifetime);
  const id = await aCall({ url, pageKey });

  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ["--headless", "--no-sandbox"] });
  ends.defer(() => browser.close());
  await mkdir(OUT, { recursive: true });
  for (const shot of SHOTS) {
    const picture = await take(browser, { url, pageKey }, shot, id);
    if (picture === null) {
      say(`${shot.name}: the view is not built`);
      continue;
    }
    await writeFile(join(OUT, `${shot.name}.webp`), picture.bytes);
    say(`${shot.name}: ${(picture.bytes.length / 1_000).toFixed(0)} kB at quality ${picture.quality}`);
  }
};

function say(line: string): void {
  console.log(line);
}

/** The latest call that has a price. */
async function aCall({ url, pageKey }: Dev): Promise<string> {
  using ledger = connect({ url, key: pageKey });
  const { body } = await ledger.send({ path: "/v1/traces?limit=100" });
  const { traces } = JSON.parse(String(body)) as { traces: { id: string; cost_usd: string | null }[] };
  const priced = traces.find(({ cost_usd }) => cost_usd !== null && cost_usd !== "0");
  if (!priced) throw new Error("the demo has no call with a price");
  return priced.id;
}

/** Null if the view is not built. @throws Error if no quality makes it small enough. */
async function take(
  browser: Browser,
  { url, pageKey }: Dev,
  shot: Shot,
  id: string,
): Promise<{ bytes: Buffer; quality: number } | null> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: WINDOW,
    deviceScaleFactor: 2,
    colorScheme: shot.theme,
    reducedMotion: "reduce",
    timezoneId: "UTC",
  });
  try {
    const page = await context.newPage();
    await page.goto(`${addressOfShot(shot, id)}#key=${pageKey}`);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await quiet(page);
    if ((await page.getByText("There is no such view").count()) > 0) return null;
    const devtools = await context.newCDPSession(page);
    for (const quality of QUALITIES) {
      const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality });
      const bytes = Buffer.from(data, "base64");
      if (bytes.length <= MOST_BYTES) return { bytes, quality };
    }
    throw new Error(`${shot.name} is larger than ${MOST_BYTES} bytes in any quality`);
  } finally {
    await context.close();
  }
}

/** Waits until nothing was asked for a while, and no room is held for an answer. */
async function quiet(page: Page): Promise<void> {
  let lastMs = performance.now();
  page.on("request", () => (lastMs = performance.now()));
  page.on("requestfinished", () => (lastMs = performance.now()));
  const rooms = page.locator(".skeleton:visible");
  while (performance.now() - lastMs < QUIET_MS || (await rooms.count()) > 0) await page.waitForTimeout(100);
}
