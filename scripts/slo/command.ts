/** `npm run slo`, from its flags to its report. */
import { writeFile } from "node:fs/promises";
import { levelsOfLoadTest } from "./from-load-test.ts";
import { levelsOfPrometheus } from "./from-prometheus.ts";
import { parseSloArgs } from "./options.ts";
import { reportOf } from "./report.ts";

export async function main(args: readonly string[]): Promise<number> {
  const { prometheus, loadTest, window, job, json } = parseSloArgs(args);
  const [levels, source] =
    prometheus === undefined
      ? [await levelsOfLoadTest(loadTest!), `by ${loadTest}`]
      : [await levelsOfPrometheus(prometheus, window, job), `last ${window} by ${new URL(prometheus).host}`];
  console.log(reportOf(levels, source));
  if (json !== undefined) await writeFile(json, JSON.stringify({ source, levels }, null, 2));
  return levels.some(({ kept }) => kept === false) ? 1 : 0;
}
