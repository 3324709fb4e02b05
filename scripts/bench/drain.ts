/** Fires the Worker's cron until nothing is left to merge. */
import { LEVEL } from "../../src/rollup/measures.ts";
import type { Bench } from "./context.ts";

const MOST_RUNS = 100;

/** @throws when there is no end to it. */
export async function drain({ pool, url }: Bench): Promise<void> {
  for (let runs = 0; runs < MOST_RUNS; runs++) {
    const response = await fetch(`${url}/bench/cron`);
    if (!response.ok) throw new Error(`cron: ${response.status}: ${await response.text()}`);
    const { rows } = await pool.query<{ left: boolean }>(
      "select exists (select from rollup where level = $1) as left",
      [LEVEL.partial],
    );
    if (!rows[0]!.left) return;
  }
  throw new Error(`cron merged for ${MOST_RUNS} runs, and partial rows are left`);
}
