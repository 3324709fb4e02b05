/**
 * How long an interaction takes: another group, range or filter, and the way back. An answer that nobody has asked for
 * before is not cached; going back, and asking again, is.
 */
import { DAY_MS } from "../../../src/time.ts";
import { addressOf } from "../../../src/page/route.ts";
import type { Measured } from "../report.ts";
import { BOUNDS, bounded } from "./figures.ts";
import { follow, goBack, isBuilt, PATIENCE_MS, settled, type Told } from "./probe.ts";
import type { Site } from "./site.ts";

const WINDOWS = 5;

interface Step {
  id: string;
  name: string;
  from: string;
  to: string;
}

/** Settings has none: what can be chosen there is a list, or an audit, which reads all calls of a week. */
function stepsOf(site: Site): Step[] {
  const [explore, why, calls, sessions, prices] = (["explore", "why", "calls", "sessions", "prices"] as const).map(
    (view) => ({ from: addressOf(view), to: (query: Record<string, string>) => addressOf(view, query) }),
  );
  const step = (
    id: string,
    name: string,
    { from, to }: NonNullable<typeof explore>,
    query: Record<string, string>,
  ) => ({
    id,
    name,
    from,
    to: to(query),
  });
  return [
    step("group", "Explore, another group", explore!, { group_by: "application" }),
    step("range", "Explore, 90 days", explore!, { range: "90d" }),
    step("filter", "Explore, a filter", explore!, { application: "search" }),
    step("user", "Explore, by user", explore!, { group_by: "user" }),
    step("why", "Why, another range", why!, { range: "7d" }),
    step("calls", "Calls, a filter", calls!, { application: "search" }),
    { id: "call", name: "Session, a call of it", from: site.session, to: addressOf("call", {}, site.call) },
    step("sessions", "Sessions, a filter", sessions!, { application: "search" }),
    { id: "session", name: "Session, another zone", from: site.session, to: `${site.session}&tz=Asia%2FTokyo` },
    step("prices", "Prices, another range", prices!, { range: "7d" }),
  ];
}

export async function measureInteractions(site: Site, say: (line: string) => void): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const { id, name, from, to } of stepsOf(site)) {
    const uncached: number[] = [];
    const back: number[] = [];
    const again: number[] = [];
    for (let i = 0; i <= WINDOWS; i++) {
      const { page, context } = await site.open();
      await page.goto(from);
      await settled(page);
      if (!(await isBuilt(page))) {
        say(`${from} is not built: without "${name}"`);
        await context.close();
        break;
      }
      await site.forget();
      const first = await follow(page, to);
      if (first.requests === 0) {
        say(`${to} asks for nothing: without "${name}"`);
        await context.close();
        break;
      }
      const steps: Told[] = [first, await goBack(page), await follow(page, to)];
      await context.close();
      // The first window warms up the Worker and the browser.
      if (i === 0) continue;
      uncached.push(steps[0]!.settledMs);
      back.push(steps[1]!.shownMs);
      again.push(steps[2]!.shownMs);
    }
    if (uncached.length === 0) continue;
    rows.push(
      bounded(`${id}.uncached`, `${name}, not cached`, uncached, "ms", BOUNDS.uncached),
      bounded(`${id}.back`, `  going back`, back, "ms", BOUNDS.cached),
      bounded(`${id}.cached`, `  the same again`, again, "ms", BOUNDS.cached),
    );
  }
  return [...rows, ...(await measureOverview(site))];
}

/** Stacked by application in place of by model, and back. */
async function measureOverview(site: Site): Promise<Measured[]> {
  const uncached: number[] = [];
  const cached: number[] = [];
  for (let i = 0; i <= WINDOWS; i++) {
    const { page, context } = await site.open();
    await page.goto("/");
    await settled(page);
    await site.forget();
    const press = async (name: string): Promise<Told> => {
      const button = await page.getByRole("button", { name, exact: true }).elementHandle();
      await page.evaluate(([button]) => (globalThis as never as { probe: Probe }).probe.press(button), [button]);
      return await settled(page);
    };
    const [first, second] = [await press("by application"), await press("by model")];
    await context.close();
    if (i === 0) continue;
    uncached.push(first.settledMs);
    cached.push(second.shownMs);
  }
  return [
    bounded("stacked.uncached", "Overview, stacked by application, not cached", uncached, "ms", BOUNDS.uncached),
    bounded("stacked.cached", "  and by model again", cached, "ms", BOUNDS.cached),
  ];
}

interface Probe {
  press(button: unknown): void;
}

/** The longest task while 200 series, and 10,000 rows, are shown and used. */
export async function measureStalls(site: Site, say: (line: string) => void): Promise<Measured[]> {
  const days = (count: number) => ({
    from: new Date(site.endMs - count * DAY_MS).toISOString(),
    to: new Date(site.endMs).toISOString(),
    tz: "UTC",
  });
  const many = { group_by: "user", interval: "day" };
  const series = addressOf("explore", { ...many, ...days(30), limit: "200", chart: "area" });
  const table = addressOf("explore", { ...many, ...days(20), limit: "all", chart: "table" });
  const stalls: Record<"series" | "rows", number[]> = { series: [], rows: [] };
  for (let i = 0; i <= WINDOWS; i++) {
    const { page, context } = await site.open();
    await page.goto(addressOf("explore"));
    await settled(page);
    if (!(await isBuilt(page))) {
      say("/explore is not built: without 200 series and 10,000 rows");
      await context.close();
      return [];
    }
    const longest = async (address: string, use: () => Promise<boolean>): Promise<number> => {
      await follow(page, address);
      if (!(await use())) {
        say(`${address} does not show what it should`);
        return PATIENCE_MS;
      }
      await page.waitForTimeout(300);
      return ((await page.evaluate("probe.tell()")) as Told).longestTaskMs;
    };
    const ofSeries = await longest(series, async () => {
      const box = await page.locator(".chart canvas").first().boundingBox();
      if (box === null) return false;
      for (let x = 0.1; x < 0.9; x += 0.05) await page.mouse.move(box.x + box.width * x, box.y + box.height / 2);
      return (await page.locator(".legend li").count()) >= 200;
    });
    const ofRows = await longest(table, async () => {
      const box = page.locator(".table.long").first();
      if ((await box.count()) === 0) return false;
      await box.hover();
      for (let times = 0; times < 3; times++) await page.mouse.wheel(0, 2_000);
      return Number(await box.locator("table").getAttribute("aria-rowcount")) >= 10_000;
    });
    await context.close();
    if (i === 0) continue;
    stalls.series.push(ofSeries);
    stalls.rows.push(ofRows);
  }
  return [
    bounded("series.task", "200 series, longest task over 50 ms", stalls.series, "ms", BOUNDS.task),
    bounded("rows.task", "10,000 rows, longest task over 50 ms", stalls.rows, "ms", BOUNDS.task),
  ];
}
