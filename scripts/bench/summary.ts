/**
 * Summaries over 90 days of many calls: by the database's own clock, against the same with a hundredth of the calls;
 * through the driver, against `SELECT 1`, and again while calls are ingested; and how far off the percentiles are.
 */
import { busySummary } from "./busy.ts";
import type { Bench } from "./context.ts";
import { benchQuantiles } from "./quantiles.ts";
import { BY_MODEL, inDatabase, QUESTIONS } from "./questions.ts";
import type { Measured } from "./report.ts";
import { p95Each, timed } from "./timing.ts";

export async function benchSummary(bench: Bench): Promise<Measured[]> {
  const { pool, db, say, traces } = bench;
  const short = await bench.history(traces / 100);
  const long = await bench.history(traces);

  const results: Measured[] = [];
  const ping = (): Promise<number> => timed(() => db.ping());
  for (const question of QUESTIONS) {
    const { id, name } = question;
    say(name);
    const ms = await p95Each({
      long: () => inDatabase(pool, question, long),
      short: () => inDatabase(pool, question, short),
      driven: () => timed(() => question.ask(db, long)),
      ping,
    });
    results.push({
      id: question === BY_MODEL ? "summary.database_ms" : `summary.${id}`,
      name: `${name}, in the database`,
      value: ms.long,
      unit: "ms",
      ratio: ms.long / ms.short,
      to: "a hundredth of the calls",
    });
    results.push({
      id: `summary.${id}_driven`,
      name: "  through the driver",
      value: ms.driven,
      unit: "ms",
      ratio: ms.driven / ms.ping,
      to: "SELECT 1",
    });
  }
  return [...results, ...(await busySummary(bench, long)), ...(await benchQuantiles(bench, long))];
}
