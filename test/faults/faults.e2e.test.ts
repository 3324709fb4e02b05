/** The short form: all kinds of faults once or twice. `npm run test:faults` has the long one. */
import { expect, it } from "vitest";
import { run } from "./harness.ts";
import { canRun } from "./stack.ts";

const SEED = 1;

// Without a redis-server on this machine nothing real can be broken.
it.skipIf(!canRun())(
  "no fault loses or doubles a call, or shows a reader a wrong sum",
  { timeout: 240_000 },
  async () => {
    const found = await run({ mode: "neon", seed: SEED, seconds: 60, callsPerSecond: 600 });
    expect(found.broken).toEqual([]);
    expect(found.rejected).toBe(0);
    // The harness did something.
    expect(found.kinds).toBeGreaterThanOrEqual(8);
    expect(found.acked).toBeGreaterThan(3_000);
    expect(found.answers).toBeGreaterThan(20);
    expect(found.resent).toBeGreaterThan(0);
  },
);
