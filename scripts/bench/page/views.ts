/** How each view is loaded: its first paint, when it can be used, what moves, and what comes over the wire. */
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { PATHS } from "../../../src/page/route.ts";
import type { Measured } from "../report.ts";
import { BOUNDS, bounded } from "./figures.ts";
import { isBuilt, settled } from "./probe.ts";
import type { Site } from "./site.ts";

/** Beside the first, which warms up the Worker and the browser. */
const WINDOWS = 5;
/** Layout that moves late moves under the reader's pointer. */
const LATE_MS = 2_000;

/** @param say hears of views that are not built. */
export async function measureViews(site: Site, say: (line: string) => void): Promise<Measured[]> {
  const files = new Map<string, number>();
  const rows: Measured[] = [];
  for (const [view, path] of Object.entries(PATHS)) {
    const address = view === "session" ? site.session : path.replace(":id", site.call);
    const loads: { firstPaintMs: number; settledMs: number; shift: number }[] = [];
    for (let i = 0; i <= WINDOWS; i++) {
      const { page, context } = await site.open();
      const weighed = weigh(page, files);
      await site.forget();
      await page.goto(address);
      const told = await settled(page);
      if (!(await isBuilt(page))) {
        say(`${path} is not built`);
        await context.close();
        break;
      }
      await page.waitForTimeout(LATE_MS);
      const { shift } = (await page.evaluate("probe.tell()")) as { shift: number };
      if (i > 0) loads.push({ ...told, shift });
      await weighed();
      await context.close();
    }
    if (loads.length === 0) continue;
    const of = (name: keyof (typeof loads)[number]): number[] => loads.map((load) => load[name]);
    rows.push(
      bounded(`${view}.first_paint`, `${path}: first contentful paint`, of("firstPaintMs"), "ms", BOUNDS.firstPaint),
      bounded(`${view}.interactive`, `${path}: interactive`, of("settledMs"), "ms", BOUNDS.interactive),
      bounded(`${view}.shift`, `${path}: layout shift`, of("shift"), "", BOUNDS.shift),
    );
  }
  const weight = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  return [...rows, bounded("weight", `${files.size} files of all views, gzip`, [weight], "bytes", BOUNDS.weight)];
}

/** Notes the compressed size of each file that the page loads. @returns waits until all are noted. */
function weigh(page: Page, files: Map<string, number>): () => Promise<unknown> {
  const noted: Promise<void>[] = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    const isDocument = response.request().resourceType() === "document";
    const name = isDocument ? "the document" : pathname;
    if (files.has(name) || !(isDocument || pathname.startsWith("/assets/"))) return;
    files.set(name, 0);
    noted.push(response.body().then((body) => void files.set(name, gzipSync(body).length)));
  });
  return () => Promise.all(noted);
}
