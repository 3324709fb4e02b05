/** How fast a design takes new calls, and how many of them it counts twice when they are sent again. */
import { randomUUID } from "node:crypto";
import { inParallel } from "../baselines.ts";
import { type Call, calls, take } from "../calls.ts";
import type { Write } from "./peer.ts";

/** However slow a design is. */
const MOST_MS = 10_000;

/** Calls a second, in batches. */
export async function rateOf<Item>(write: Write<Item>, batches: readonly (readonly Item[])[]): Promise<number> {
  const began = performance.now();
  let written = 0;
  await inParallel(batches, async (batch) => {
    if (performance.now() - began > MOST_MS) return;
    await write(batch);
    written += batch.length;
  });
  return written / ((performance.now() - began) / 1_000);
}

export interface Again {
  /** Calls counted twice after a batch of `AGAIN` was sent again. */
  same: number;
  /** After its first half was sent again, before as many new calls. */
  overlapping: number;
}

export const AGAIN = 1_000;

/** @param counted how many calls it counts by now. */
export async function sentAgain<Item>(
  write: Write<Item>,
  counted: () => Promise<number>,
  items: readonly Item[],
): Promise<Again> {
  const batch = items.slice(0, AGAIN);
  await write(batch);
  const first = await counted();
  await write(batch);
  const second = await counted();
  await write([...batch.slice(0, AGAIN / 2), ...items.slice(AGAIN, AGAIN + AGAIN / 2)]);
  return { same: second - first, overlapping: (await counted()) - second - AGAIN / 2 };
}

/** Others in each run. */
export function newCalls(nowMs: number, count: number): Call[] {
  return take(calls(nowMs, randomUUID()), count);
}

export function inBatches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
