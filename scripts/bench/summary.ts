/**
 * Summaries over 90 days of many calls: by the database's own clock, against the same with a hundredth of the calls;
 * through the driver, against `SELECT 1`, and again while calls are ingested; and how far off the percentiles are.
 */
import { busySummary } from "./busy.ts";
import type { Bench } from "./context.ts";
import { benchQuantiles } from "./quantiles.ts";
import { BY_MODEL, inDatabase, QUESTIONS } from "./questions.ts";
import type { Measured } from "./report.ts";
import { p95, timed } from "./timing.ts";

export async function benchSummary(bench: Bench): Promise<Measured[]> {
  const { pool, db, say, traces } = bench;
  const short = await bench.history(traces / 100);
  const long = await bench.history(traces);

  const results: Measured[] = [];
  const ping = await p95(() => timed(() => db.ping()));
  results.push({ id: "summary.select_1", name: "SELECT 1 through the driver", value: ping, unit: "ms" });
  for (const question of QUESTIONS) {
    const { id, name } = question;
    say(name);
    const value = await p95(() => inDatabase(pool, question, long));
    const less = await p95(() => inDatabase(pool, question, short));
    const driven = await p95(() => timed(() => question.ask(db, long)));
    results.push({
      id: question === BY_MODEL ? "summary.database_ms" : `summary.${id}`,
      name: `${name}, in the database`,
      value,
      unit: "ms",
      ratio: value / less,
      to: "a hundredth of the calls",
    });
    results.push({
      id: `summary.${id}_driven`,
      name: "  through the driver",
      value: driven,
      unit: "ms",
      ratio: driven / ping,
      to: "SELECT 1",
    });
  }
  return [...results, ...(await busySummary(bench, long)), ...(await benchQuantiles(bench, long))];
}
