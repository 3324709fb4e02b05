/**
 * When each request is due, in ms from the start. The times do not depend on how fast answers come: what a slow server
 * holds up is late against them, and counts as such.
 */

/** One user: a request each `1 / ratePerSecond`, from a place of its own within the first interval. */
export function* userSchedule(
  user: number,
  users: number,
  ratePerSecond: number,
  durationMs: number,
): Generator<number, void> {
  const everyMs = 1_000 / ratePerSecond;
  for (let n = 0; ; n++) {
    const dueMs = (n + user / users) * everyMs;
    if (dueMs >= durationMs) return;
    yield dueMs;
  }
}

/** A recorded pattern: the times between the first and the others, `speed` times as fast. */
export function replaySchedule(recordedMs: readonly number[], speed: number): number[] {
  const sorted = recordedMs.toSorted((a, b) => a - b);
  const [first = 0] = sorted;
  return sorted.map((ms) => (ms - first) / speed);
}

/** How many are due in each second. */
export function dueBySecond(dueMs: Iterable<number>): number[] {
  const seconds: number[] = [];
  for (const due of dueMs) {
    const second = Math.floor(due / 1_000);
    while (seconds.length <= second) seconds.push(0);
    seconds[second]!++;
  }
  return seconds;
}
