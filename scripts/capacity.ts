/** `npm run capacity`: what so many traces a day take and cost, by a simulation that the benchmark calibrates. */
import { writeFile } from "node:fs/promises";
import { readCalibration } from "./capacity/calibration.ts";
import { estimate } from "./capacity/estimate.ts";
import { CAPACITY_HELP, parseCapacityArgs } from "./capacity/options.ts";
import { caveats, reportOf, tableOf } from "./capacity/report.ts";
import { CommandError } from "./command.ts";

try {
  const options = parseCapacityArgs(process.argv.slice(2));
  if (!options) console.log(CAPACITY_HELP);
  else {
    const calibration = await readCalibration(options.calibration);
    const estimates = options.scenarios.map(({ name, scenario }) => ({
      name,
      estimate: estimate(scenario, calibration, options.prices, options.cores),
    }));
    console.log(options.tiers ? tableOf(estimates) : reportOf(estimates[0]!.estimate));
    console.log(`\n${caveats(calibration)}`);
    if (options.json !== undefined) {
      await writeFile(options.json, JSON.stringify({ calibration, prices: options.prices, estimates }, null, 2));
    }
  }
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
