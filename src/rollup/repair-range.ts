/** Repairing the days of a range, in bounded time. */
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { expectRaw } from "../retention/kept.ts";
import { DAY_MS } from "../time.ts";
import { type Change, repairDay } from "./repair.ts";

export interface Repair {
  /** False if time ran out. */
  complete: boolean;
  /** The first day that is left, `YYYY-MM-DD`. Null if none is. */
  next_from: string | null;
  changes: Change[];
}

/** How long one request may repair. */
const RUN_MS = 20_000;

/**
 * Repairs the whole UTC days that `[fromMs, toMs)` touches, the oldest first, until time runs out.
 *
 * @throws Expired if calls of the first day are no longer kept.
 */
export async function repairRange(
  deps: AnnounceDeps,
  projectId: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  keepAlive: KeepAlive,
): Promise<Repair> {
  await expectRaw(deps.db, Math.floor(fromMs / DAY_MS) * DAY_MS);
  const deadlineMs = deps.now() + RUN_MS;
  const changes: Change[] = [];
  let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  try {
    for (; dayMs < toMs && deps.now() < deadlineMs; dayMs += DAY_MS) {
      changes.push(...(await repairDay(deps.db, projectId, dayMs)));
    }
  } finally {
    if (changes.length > 0) await announceChange(deps, projectId, fromMs, keepAlive);
  }
  const complete = dayMs >= toMs;
  return { complete, next_from: complete ? null : new Date(dayMs).toISOString().slice(0, 10), changes };
}
