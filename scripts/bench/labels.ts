/** Summaries by user and by tag over many calls, by the database's own clock, against a hundredth of the calls. */
import type { Bench } from "./context.ts";
import { inDatabase, LABEL_QUESTIONS } from "./questions.ts";
import type { Measured } from "./report.ts";
import { p95Each } from "./timing.ts";

export async function benchLabels({ pool, say, traces, history }: Bench): Promise<Measured[]> {
  const short = await history(traces / 100, true);
  const long = await history(traces, true);
  const results: Measured[] = [];
  for (const question of LABEL_QUESTIONS) {
    say(question.name);
    const ms = await p95Each({
      long: () => inDatabase(pool, question, long),
      short: () => inDatabase(pool, question, short),
    });
    results.push({
      id: `labels.${question.id}`,
      name: `${question.name}, in the database`,
      value: ms.long,
      unit: "ms",
      ratio: ms.long / ms.short,
      to: "a hundredth of the calls",
    });
  }
  return results;
}
