/**
 * What a page tells of its own speed. The script runs in each document before the page's own, and holds what has
 * happened since its mark: frames, requests, long tasks, and layout that moved.
 *
 * The page is settled if no request is pending, no room is held for an answer, and nothing changed for `QUIET_MS`. One
 * that does not settle has taken all of `PATIENCE_MS`.
 */
import type { Page } from "playwright-core";

const QUIET_MS = 200;
export const PATIENCE_MS = 30_000;

export interface Told {
  /** From the mark to the first frame that shows something new, and no empty room. */
  shownMs: number;
  /** From the mark to the frame that shows the last change, or to the end of a long task that began before. */
  settledMs: number;
  requests: number;
  /** The longest task over 50 ms since the mark; 0 if there was none. */
  longestTaskMs: number;
  /** Of the document, since it began. */
  firstPaintMs: number;
  shift: number;
}

export const PROBE = `(() => {
  let mark = 0, pending = 0, requests = 0, due = false, shown = 0, painted = 0, shift = 0;
  const tasks = [];
  const ask = window.fetch;
  window.fetch = async (...given) => {
    pending++; requests++;
    try { return await ask(...given); } finally { pending--; }
  };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });
  // The page says that it is busy until an answer is read; fetch() is done with the first bytes of it.
  const hasRoom = () => document.querySelector('.work:not([hidden]), [aria-busy="true"]') !== null || [...document.querySelectorAll(".skeleton")].some((room) => room.offsetParent !== null);
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        due = false;
        painted = performance.now();
        if (shown === 0 && !hasRoom()) shown = painted;
      };
      after.port2.postMessage(null);
    });
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const start = () => { requests = 0; shown = 0; painted = 0; tasks.length = 0; mark = performance.now(); };
  window.probe = {
    go(href) {
      const link = document.createElement("a");
      link.href = href;
      document.body.append(link);
      start();
      link.click();
      link.remove();
    },
    press(button) { start(); button.click(); },
    back() { start(); history.back(); },
    start,
    async settled() {
      const isSettled = () => !due && pending === 0 && document.querySelector("main") !== null && !hasRoom() &&
        painted > 0 && performance.now() - painted > ${QUIET_MS};
      const beganMs = performance.now();
      while (!isSettled()) {
        if (performance.now() - beganMs > ${PATIENCE_MS})
          return { ...probe.tell(), shownMs: ${PATIENCE_MS}, settledMs: ${PATIENCE_MS} };
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      return probe.tell();
    },
    tell() {
      const ends = tasks.filter((task) => task.startTime < painted).map((task) => task.startTime + task.duration);
      return {
        shownMs: shown - mark, settledMs: Math.max(painted, ...ends) - mark, requests, shift,
        longestTaskMs: Math.max(0, ...tasks.filter((task) => task.startTime >= mark).map((task) => task.duration)),
        firstPaintMs: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
      };
    },
  };
})();`;

/** Waits until the page is settled. */
export async function settled(page: Page): Promise<Told> {
  return (await page.evaluate("probe.settled()")) as Told;
}

/** Follows a link to another address of the page, as a click on a chip, a series or a choice does. */
export async function follow(page: Page, href: string): Promise<Told> {
  await page.evaluate(`probe.go(${JSON.stringify(href)})`);
  return await settled(page);
}

export async function goBack(page: Page): Promise<Told> {
  await page.evaluate("probe.back()");
  return await settled(page);
}

/** Whether the view at the page's address is built. */
export async function isBuilt(page: Page): Promise<boolean> {
  return (await page.getByText("There is no such view").count()) === 0;
}
