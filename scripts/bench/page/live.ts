/** The heap of the overview while calls arrive: what is live after a collection of garbage, and how it grows. */
import { setTimeout as sleep } from "node:timers/promises";
import { take, calls } from "../calls.ts";
import type { Measured } from "../report.ts";
import { BOUNDS, bounded } from "./figures.ts";
import { settled } from "./probe.ts";
import type { Site } from "./site.ts";

const EVERY_MS = 1_000;
const CALLS = 20;
const MERGED_MS = 60_000;
/** So many samples, the first fifth of which is the page finding its shape. */
const SAMPLES = 40;

export async function measureHeap(site: Site, minutes: number, say: (line: string) => void): Promise<Measured[]> {
  say(`${minutes} minutes of live updates`);
  const { page, context } = await site.open();
  await page.goto("/");
  await settled(page);
  const devtools = await context.newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  const source = calls(Date.now(), `live-${Date.now()}`);
  const beganMs = performance.now();
  const endMs = beganMs + minutes * 60_000;
  const samples: [minute: number, kib: number][] = [];
  let mergedMs = beganMs;
  let requests = 0;
  page.on("request", () => requests++);
  while (performance.now() < endMs) {
    const nowMs = performance.now();
    // Its calls are of the five minutes before it.
    await site.post(take(source, CALLS).map((call) => ({ ...call, timestamp: new Date().toISOString() })));
    if (nowMs - mergedMs > MERGED_MS) {
      mergedMs = nowMs;
      await site.merge();
    }
    if (nowMs - beganMs >= (samples.length * (endMs - beganMs)) / SAMPLES) {
      await devtools.send("HeapProfiler.collectGarbage");
      const { usedSize } = await devtools.send("Runtime.getHeapUsage");
      samples.push([(nowMs - beganMs) / 60_000, usedSize / 1_024]);
    }
    await sleep(Math.max(0, EVERY_MS - (performance.now() - nowMs)));
  }
  await context.close();
  if (requests === 0) throw new Error("the overview did not update itself");
  const calm = samples.slice(Math.floor(samples.length / 5));
  const kib = calm.map(([, kib]) => kib);
  return [
    {
      id: "page.heap",
      name: `heap of the overview, most of ${minutes} minutes`,
      value: Math.max(...kib) / 1_024,
      unit: "MiB",
      spread: [Math.min(...kib) / 1_024, Math.max(...kib) / 1_024],
    },
    bounded("heap.slope", "  its slope", [slopeOf(calm)], "KiB/min", BOUNDS.heapSlope),
  ];
}

/** By least squares. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  return mean((point) => (point[0] - x) * (point[1] - y)) / mean((point) => (point[0] - x) ** 2);
}
