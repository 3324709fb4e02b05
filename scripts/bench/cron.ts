/** The Worker's cron, fired by hand. */
import { LEVEL } from "../../src/ledger/levels.ts";
import type { Bench } from "./context.ts";

const MOST_RUNS = 100;

/** @param labels also merges labels that would wait for more. */
export async function fireCron({ url }: Pick<Bench, "url">, labels = false): Promise<void> {
  const response = await fetch(`${url}/bench/${labels ? "cron-of-labels" : "cron"}`);
  if (!response.ok) throw new Error(`cron: ${response.status}: ${await response.text()}`);
}

/**
 * Until nothing is left to merge.
 *
 * @throws when there is no end to it.
 */
export async function drain({ pool, url }: Bench): Promise<void> {
  for (let runs = 0; runs < MOST_RUNS; runs++) {
    await fireCron({ url }, true);
    const { rows } = await pool.query<{ left: boolean }>(
      "select exists (select from rollup where level = $1) as left",
      [LEVEL.partial],
    );
    if (!rows[0]!.left) return;
  }
  throw new Error(`cron merged for ${MOST_RUNS} runs, and partial rows are left`);
}
