/** The page in Chromium before the longest history, each figure against its bound. */
import type { Bench } from "./context.ts";
import { summed } from "./page/figures.ts";
import { measureInteractions, measureStalls } from "./page/interactions.ts";
import { measureHeap } from "./page/live.ts";
import { startSite } from "./page/site.ts";
import { measureViews } from "./page/views.ts";
import type { Measured } from "./report.ts";

export async function benchPage(bench: Bench): Promise<Measured[]> {
  const { say, minutes } = bench;
  await using site = await startSite(bench);
  say("loading each view");
  const views = await measureViews(site, say);
  say("interactions");
  const interactions = await measureInteractions(site, say);
  const stalls = await measureStalls(site, say);
  const rows = [...views, ...interactions, ...stalls, ...(await measureHeap(site, minutes, say))];
  say(`for src/page/README.md:\n\n${summed(rows)}\n`);
  return rows;
}
