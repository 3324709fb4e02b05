/** `npm run capacity`, from its flags to its report. */
import { writeFile } from "node:fs/promises";
import { readCalibration } from "./calibration.ts";
import { estimate } from "./estimate.ts";
import { parseCapacityArgs } from "./options.ts";
import { caveats, reportOf, tableOf } from "./report.ts";

export async function main(args: readonly string[]): Promise<void> {
  const options = parseCapacityArgs(args);
  const calibration = await readCalibration(options.calibration);
  const estimates = options.scenarios.map(({ name, scenario }) => ({
    name,
    estimate: estimate(scenario, calibration, options.prices, options.cores),
  }));
  console.log(options.tiers ? tableOf(estimates) : reportOf(estimates[0]!.estimate));
  console.log(
    `\n${caveats(
      calibration,
      options.scenarios.some(({ scenario }) => scenario.citusWorkers > 0),
    )}`,
  );
  if (options.json !== undefined) {
    await writeFile(options.json, JSON.stringify({ calibration, prices: options.prices, estimates }, null, 2));
  }
}
